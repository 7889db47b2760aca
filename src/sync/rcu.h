/* SPDX-License-Identifier: MIT */
/*
 * sync/rcu.h - read-copy update, quiescent-state based
 *
 * The only file that knows liburcu.  A pool's threads are registered and
 * online while they run handlers, offline while they sleep; a handler is thus
 * a read-side critical section without an instruction of its own.
 *
 * The functions that run once a turn are liburcu's inline ones: allowed for a
 * program under this licence (_LGPL_SOURCE), and its exported
 * rcu_dereference() is too weak on some machines.
 *
 * liburcu 0.13 does not tell ThreadSanitizer how it orders threads.  Under it
 * the edges are said here: each end of a read section releases, each end of a
 * grace period acquires.  And its functions are called, not inlined: the
 * sanitizer would take their volatile accesses for races.  No report is
 * suppressed.
 *
 * U1 -> U2  What a thread read before its quiescent state (U1) is not freed
 *           before the grace period's end (U2): liburcu's promise.
 * U3 -> U4  Who sees that there are users sees of which process they are.
 * U5        Relaxed: a user less says nothing.
 */
#ifndef WEIR_SYNC_RCU_H
#define WEIR_SYNC_RCU_H

/* gcc says so by itself. */
#if !defined(__SANITIZE_THREAD__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#else
#define _LGPL_SOURCE
#endif
#include <stdbool.h>
#include <urcu-qsbr.h>

/* What the edges hang on; see rcu.c. */
extern char weir__rcu_edge;

static inline void weir__rcu_edge_release(void)
{
#ifdef __SANITIZE_THREAD__
	__tsan_release(&weir__rcu_edge);
#endif
}

static inline void weir__rcu_edge_acquire(void)
{
#ifdef __SANITIZE_THREAD__
	__tsan_acquire(&weir__rcu_edge);
#endif
}

/* The calling thread becomes a reader, online. */
void weir__rcu_register(void);
void weir__rcu_unregister(void);

/* Not in a child that was forked while its parent had readers; see rcu.c. */
bool weir__rcu_is_usable(void);

/* Between two handlers: the calling reader holds nothing. */
static inline void weir__rcu_quiescent(void)
{
	weir__rcu_edge_release();				/* U1 */
	urcu_qsbr_quiescent_state();
}

/* Before it sleeps; grace periods do not wait for it from here on. */
static inline void weir__rcu_offline(void)
{
	weir__rcu_edge_release();				/* U1 */
	urcu_qsbr_thread_offline();
}

static inline void weir__rcu_online(void)
{
	urcu_qsbr_thread_online();
}

/**
 * weir__rcu_wait() - wait for a grace period
 *
 * Threads: any that is not a reader.
 */
void weir__rcu_wait(void);

#endif /* WEIR_SYNC_RCU_H */
