/* SPDX-License-Identifier: MIT */
/*
 * sync/wait.h - one thread sleeps until another one has done something for it
 *
 *     WAITING --begin--> RUNNING --finish--> DONE
 *        |                  |                 ^
 *      leave              leave               |
 *        v                  v                 |
 *      LEFT (never begun)  ALONE ---finish----+
 *
 * W1  Both sides hold a reference; who drops the last one frees the object.
 *     So the doer may still wake a waiter that has left: the word is there.
 * W2  Either the doer begins or the waiter leaves first: both move the state
 *     away from WAITING by compare-and-swap.  What was left is never begun.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * V1 -> V2  The waiter that sees DONE sees the result.
 * V3 -> V4  The doer that finds ALONE sees that the waiter is past its last
 *           use of what they share.
 * V5 -> V6  Dropping references: the last one sees all uses of the other.
 * V7        Relaxed: the claim orders nothing; the message that brought the
 *           doer here came through a queue, which does.
 */
#ifndef WEIR_SYNC_WAIT_H
#define WEIR_SYNC_WAIT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sys/futex.h"

enum {
	WEIR__WAIT_WAITING,
	WEIR__WAIT_RUNNING,
	WEIR__WAIT_DONE,
	WEIR__WAIT_LEFT,
	WEIR__WAIT_ALONE,
};

struct weir__wait {
	_Atomic uint32_t state;
	_Atomic uint32_t references;
};

static inline void weir__wait_init(struct weir__wait *wait)
{
	atomic_init(&wait->state, WEIR__WAIT_WAITING);
	atomic_init(&wait->references, 2);
}

/* Threads: the doer.  Return: false if the waiter has left. */
static inline bool weir__wait_begin(struct weir__wait *wait)
{
	uint32_t state = WEIR__WAIT_WAITING;

	return atomic_compare_exchange_strong_explicit(&wait->state, &state,
			WEIR__WAIT_RUNNING, memory_order_relaxed,
			memory_order_relaxed);			/* V7 */
}

/* Threads: the doer.  Return: whether the waiter left after it had begun. */
static inline bool weir__wait_finish(struct weir__wait *wait)
{
	const uint32_t old = atomic_exchange_explicit(&wait->state,
			WEIR__WAIT_DONE, memory_order_acq_rel); /* V1, V4 */

	if (old == WEIR__WAIT_WAITING || old == WEIR__WAIT_RUNNING)
		weir__futex_wake(&wait->state);
	return old == WEIR__WAIT_ALONE;
}

/**
 * weir__wait_sleep() - sleep until it is done, or a time
 *
 * A failing system call ends the sleep early, so it is begun again.
 *
 * Threads: the waiter.
 * Return:  0 (done) or -ETIMEDOUT.
 */
static inline int weir__wait_sleep(struct weir__wait *wait, weir_ns deadline)
{
	for (;;) {
		const uint32_t state = atomic_load_explicit(&wait->state,
				memory_order_acquire);		/* V2 */

		if (state == WEIR__WAIT_DONE)
			return 0;
		if (weir__futex_wait(&wait->state, state, deadline) ==
		    -ETIMEDOUT)
			return -ETIMEDOUT;
	}
}

/**
 * weir__wait_leave() - wait no longer
 * @from: WEIR__WAIT_WAITING or WEIR__WAIT_RUNNING
 *
 * Threads: the waiter.
 * Return:  false if the state is another one by now.
 */
static inline bool weir__wait_leave(struct weir__wait *wait, uint32_t from)
{
	const uint32_t to = from == WEIR__WAIT_WAITING ? WEIR__WAIT_LEFT
						       : WEIR__WAIT_ALONE;

	return atomic_compare_exchange_strong_explicit(&wait->state, &from, to,
			memory_order_acq_rel, memory_order_acquire); /* V3, V2 */
}

/* Threads: either.  Return: whether it was the last: free the object. */
static inline bool weir__wait_drop(struct weir__wait *wait)
{
	return atomic_fetch_sub_explicit(&wait->references, 1,
			memory_order_acq_rel) == 1;		/* V5, V6 */
}

#endif /* WEIR_SYNC_WAIT_H */
