/* SPDX-License-Identifier: MIT */
/*
 * sys/signals.h - signals as data, and the masks that make it so
 *
 * A signalfd yields the signals that are pending for the thread that reads it
 * and for its process, and only while every thread blocks them: one thread
 * that does not is where the kernel delivers instead.  Hence the last function.
 *
 * SIGKILL and SIGSTOP cannot be blocked.  They are left out everywhere here.
 */
#ifndef WEIR_SYS_SIGNALS_H
#define WEIR_SYS_SIGNALS_H

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <sys/types.h>

/**
 * weir__signalfd_new() - a descriptor to read @set from, non-blocking, cloexec
 *
 * Return: the fd, -EMFILE, -ENFILE, -ENODEV or -ENOMEM.
 */
int weir__signalfd_new(const sigset_t *set);

/**
 * weir__signalfd_set() - change what a signalfd yields to @set
 *
 * Return: 0, -EBADF or -EINVAL (not a signalfd).
 */
int weir__signalfd_set(int fd, const sigset_t *set);

/**
 * weir__signalfd_read() - take pending signals
 * @buf: room for @n records
 * @n:   1 ..
 *
 * Signals coalesce: one record means "at least once".
 *
 * Return: the number of records, at least 1; -EAGAIN (none pending), -EBADF or
 *         -EINVAL (@n is 0).
 */
int weir__signalfd_read(int fd, struct signalfd_siginfo *buf, size_t n);

/**
 * weir__signals_block() - block @want on the calling thread
 * @ret_added: receives those of @want that were not blocked before, which is
 *             the set to give to weir__signals_unblock() to undo the call
 *
 * Return: 0 or -EINVAL.
 */
int weir__signals_block(const sigset_t *want, sigset_t *ret_added);

/* The calling thread's mask. */
void weir__signals_get(sigset_t *ret_mask);

/**
 * weir__signals_unblock() - unblock @set on the calling thread
 *
 * Return: 0 or -EINVAL.
 */
int weir__signals_unblock(const sigset_t *set);

/**
 * weir__signals_unblocked_thread() - find a thread that does not block @set
 * @ret_tid:   receives the thread's id
 * @ret_signo: receives the lowest signal of @set that it does not block
 * @name:      receives its name; 16 bytes, NUL-terminated
 *
 * Reads /proc/self/task/.  Threads that end meanwhile do not count.  One that
 * is created meanwhile may be missed, but it has its creator's mask.
 *
 * Return: 1 when there is one; 0 when every thread blocks all of @set; -ENOENT
 *         or -EACCES (no /proc to read), -EMFILE, -ENFILE or -ENOMEM.  The out
 *         parameters are written when it is 1.
 */
int weir__signals_unblocked_thread(const sigset_t *set, pid_t *ret_tid,
				   int *ret_signo, char name[16]);

/**
 * weir__signals_discard() - take what is pending of @set, unseen
 *
 * For signals about to be unblocked that nobody is left to read.
 */
void weir__signals_discard(const sigset_t *set);

#endif /* WEIR_SYS_SIGNALS_H */
