/* SPDX-License-Identifier: MIT */
#ifndef WEIR_SIGNAL_H
#define WEIR_SIGNAL_H

/*
 * weir/signal.h - signals, as calls on the control thread
 *
 * Blocked in every thread, read from a signalfd: a handler is an ordinary
 * function that may do anything.  A signal without a handler of its own does:
 *
 *     TERM, INT   drain the pool (options.drain_ns)
 *     HUP         report every watch with WEIR_WATCH_RELOAD
 *     USR1        write each worker's counters to the log
 *     CHLD        look after the children of weir_child_add()
 *
 * A standard signal that comes twice before it is read comes once: count
 * nothing by it.  In a process with several pools each of them gets it.
 */
#include <signal.h>
#include <sys/signalfd.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;

/* @control is the control thread's reactor; @info as in signalfd(2). */
typedef void weir_signal_fn(struct weir_reactor *control,
			    const struct signalfd_siginfo *info, void *data);

/**
 * weir_signal_add() - set the handler of a signal
 * @pool:  the pool
 * @signo: 1 .. SIGRTMAX, but not KILL or STOP, nor one that the CPU raises
 *         (SEGV, BUS, FPE, ILL, TRAP)
 * @fn:    the handler; it replaces the default or an earlier one.  NULL: the
 *         signal is read and ignored
 * @data:  passed to @fn
 *
 * Threads: the one that made the pool, before weir_pool_start(); later, the
 *          control thread.
 * Return:  0, -EINVAL (@signo), -EPERM (the pool has WEIR_POOL_NO_SIGNALS, or
 *          runs and a thread does not block @signo), -EBUSY (another thread) or
 *          -ECHILD.
 */
int weir_signal_add(struct weir_pool *pool, int signo, weir_signal_fn *fn,
		    void *data);

/**
 * weir_signal_remove() - give a signal back its default
 * @pool:  the pool
 * @signo: a signal
 *
 * One without a default is ignored from now on, and stays blocked until
 * weir_pool_free().
 *
 * Threads: as weir_signal_add().
 * Return:  0, -ENOENT (no handler was set), -EBUSY or -ECHILD.
 */
int weir_signal_remove(struct weir_pool *pool, int signo);

WEIR_END_DECLS

#endif /* WEIR_SIGNAL_H */
