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
 * One handler is set by weir_signal_add(); any number of others subscribe, each
 * on the thread of its choice.  Who adds a handler or subscribes takes the
 * place of the default.
 *
 * Coalescing  A standard signal (1 .. 31) that comes twice before it is read
 *             comes once, with the siginfo of the first: count nothing by it.
 *             Real-time signals come once for each time they were sent, the
 *             lowest number first, and those of one number in order.  Their
 *             number is bounded by RLIMIT_SIGPENDING: sigqueue() then fails
 *             with EAGAIN, and none is lost that it took.
 * Threads     Signals sent to the process are read.  One sent to a single
 *             thread (pthread_kill(), tgkill(), raise(), a timer with
 *             SIGEV_THREAD_ID) is seen by that thread alone: no other can
 *             read it, so here it stays pending, blocked, and nothing comes
 *             of it, unless it was sent to the control thread.
 * Pools       In a process with several pools each of them gets each signal.
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
 *          runs and a thread does not block @signo), -ENOMEM, -EBUSY (another
 *          thread) or -ECHILD.
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

/**
 * weir_signal_subscribe() - have a signal told to one more, on any thread
 * @pool:      the pool
 * @signo:     as for weir_signal_add()
 * @where:     a worker, WEIR_CONTROL or WEIR_ALL: every worker, once each
 * @fn:        called there, with that thread's reactor in place of control's;
 *             on a worker in a later turn, with a copy of the siginfo
 * @data:      passed to @fn
 * @ret_token: receives a token for weir_signal_unsubscribe()
 *
 * A worker whose queue is full is told when it has room; when 1,024 such calls
 * wait, no more signals are read until they do not.
 *
 * Threads: as weir_signal_add().
 * Return:  0, -EINVAL (@signo, @where, or @fn is NULL), -EPERM (as
 *          weir_signal_add()), -ENOMEM, -ENOSPC, -EBUSY or -ECHILD.
 */
int weir_signal_subscribe(struct weir_pool *pool, int signo, int where,
			  weir_signal_fn *fn, void *data,
			  weir_token *ret_token);

/**
 * weir_signal_unsubscribe() - end a subscription
 * @pool:  the pool
 * @token: the subscription
 *
 * Calls that are on their way to a worker may still come; what is posted to
 * that worker from here on runs after the last of them.
 *
 * Threads: as weir_signal_add().
 * Return:  0, -ESTALE (it has ended), -EBUSY or -ECHILD.
 */
int weir_signal_unsubscribe(struct weir_pool *pool, weir_token token);

WEIR_END_DECLS

#endif /* WEIR_SIGNAL_H */
