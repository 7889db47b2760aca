/* SPDX-License-Identifier: MIT */
#ifndef WEIR_SIGFD_H
#define WEIR_SIGFD_H

/*
 * weir/sigfd.h - signals as events, on any reactor
 *
 * For reactors that stand alone; in a pool weir/signal.h does it for all.
 *
 * The signals are blocked on the calling thread and read from a signalfd.  The
 * kernel delivers a signal of the process to any thread that does not block
 * it, and it never reaches a signalfd then: open one before other threads are
 * made, which inherit the mask, or ask for the check.
 *
 * Blocked signals are counted, thread by thread, also across pools: a bit that
 * was set before the first owner came stays set, one that we have set is
 * cleared with the last owner.  What is pending then was meant for owners that
 * are gone: it is discarded.
 *
 * Standard signals coalesce: one record means "at least once".  After SIGCHLD
 * wait for children in a loop, until there is none; better, use
 * weir_child_add(), which needs no signal.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/types.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;
struct weir_sigfd;

/* @infos are @count records, at most 16, oldest first.  May close @s. */
typedef void weir_sigfd_fn(struct weir_reactor *r, struct weir_sigfd *s,
			   const struct signalfd_siginfo *infos,
			   unsigned count, void *data);

/* Look at each thread of the process, and refuse if one does not block. */
#define WEIR_SIGFD_EVERY_THREAD 0x1u

/**
 * weir_sigfd_open() - block signals, and have them as events
 * @r:         the reactor
 * @set:       which: not KILL or STOP, nor one that the CPU raises (SEGV, BUS,
 *             FPE, ILL, TRAP)
 * @flags:     0 or WEIR_SIGFD_EVERY_THREAD
 * @fn:        called with what has come; NULL: weir_reactor_wait() says when
 *             there is something, and weir_sigfd_read() has it (standalone
 *             reactors only)
 * @data:      passed to @fn, and the data of the event of
 *             weir_reactor_wait()
 * @ret_sigfd: receives it
 *
 * A reactor may have several.  A signal that two of them share is read by one.
 * On failure the mask is as it was.
 *
 * Threads: owner only; the calling thread's mask is changed.
 * Owns:    the caller closes it; what is left is closed with the reactor.
 * Return:  0, -EINVAL (@set is empty or has a signal that cannot be, an unknown
 *          flag, or @fn NULL in a pool), -EPERM (a thread does not block: see
 *          weir_sigfd_find_open_thread()), -EMFILE, -ENFILE, -ENOMEM, -ENOSPC
 *          (as weir_source_add()), -ENOENT or -EACCES (EVERY_THREAD, and no
 *          /proc to read), -ECANCELED (the reactor has stopped) or -ECHILD.
 */
int weir_sigfd_open(struct weir_reactor *r, const sigset_t *set, unsigned flags,
		    weir_sigfd_fn *fn, void *data,
		    struct weir_sigfd **ret_sigfd);

/**
 * weir_sigfd_close() - end it, and unblock what it has blocked
 * @s: it
 *
 * Threads: owner only; also from within its function.
 * Return:  0, -EPERM (another thread than the one that opened it: @s is gone,
 *          but only that thread could have unblocked its signals) or -ECHILD
 *          (nothing is done).
 */
int weir_sigfd_close(struct weir_sigfd *s);

/**
 * weir_sigfd_read() - take pending signals
 * @s:     one without a function of its own
 * @infos: room for @n records
 * @n:     1 .. 1000
 *
 * Threads: owner only.
 * Return:  how many records; 0 if there is none at this moment; -EINVAL (@n is
 *          out of range, or @s has a function), -EIO (the kernel's answer to a
 *          read) or -ECHILD.
 */
int weir_sigfd_read(struct weir_sigfd *s, struct signalfd_siginfo *infos,
		    size_t n);

/**
 * weir_sigfd_token() - the token under which the reactor watches it
 * @s: it
 *
 * Threads: owner only.
 * Return:  the token.
 */
weir_token weir_sigfd_token(const struct weir_sigfd *s);

/**
 * weir_sigfd_find_open_thread() - find a thread that does not block signals
 * @set:       the signals
 * @ret_tid:   receives the thread's id
 * @ret_signo: receives the lowest signal that it does not block
 * @name:      receives its name; 16 bytes, NUL-terminated
 *
 * Threads: any.
 * Return:  1 when there is one; 0 when every thread blocks all of @set; -ENOENT
 *          or -EACCES (no /proc to read), -EMFILE, -ENFILE or -ENOMEM.  The out
 *          parameters are written when it is 1.
 */
int weir_sigfd_find_open_thread(const sigset_t *set, pid_t *ret_tid,
				int *ret_signo, char name[16]);

WEIR_END_DECLS

#endif /* WEIR_SIGFD_H */
