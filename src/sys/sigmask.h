/* SPDX-License-Identifier: MIT */
/*
 * sys/sigmask.h - signals that several owners want blocked
 */
#ifndef WEIR_SYS_SIGMASK_H
#define WEIR_SYS_SIGMASK_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* SIGRTMAX is a function call, but never above this. */
enum { WEIR__SIGNALS = 65 };

/**
 * weir__signal_is_servable() - can it be read from a descriptor?
 *
 * Not if it cannot be blocked, if the CPU raises it, or if it is the C
 * library's own.
 */
bool weir__signal_is_servable(int signo);

/**
 * weir__sigmask_hold() - have @set blocked on the calling thread
 *
 * All or nothing.
 *
 * Threads: any.
 * Return:  0, -ENOMEM or -EINVAL.
 */
int weir__sigmask_hold(const sigset_t *set);

/**
 * weir__sigmask_release() - one owner goes
 * @thread: the thread that held
 * @set:    what it held, or a part of it
 *
 * What no owner of the thread holds any more, and was not blocked before the
 * first, is unblocked.  What is pending of it is discarded, unless there are
 * owners on other threads.
 *
 * Threads: any.
 * Return:  0, or -EPERM (some of it stays blocked: another thread's mask can
 *          only be changed by that thread).
 */
int weir__sigmask_release(pthread_t thread, const sigset_t *set);

/* Take out of @mask what some owner has had blocked, on whatever thread. */
void weir__sigmask_before(sigset_t *mask);

#endif /* WEIR_SYS_SIGMASK_H */
