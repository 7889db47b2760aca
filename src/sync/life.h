/* SPDX-License-Identifier: MIT */
/*
 * sync/life.h - the state of a pool
 *
 *     NEW --> RUNNING --> DRAINING --> STOPPING --> STOPPED
 *      |         |                        ^            ^
 *      |         +------------------------+            |
 *      +-----------------------------------------------+
 *
 * It only moves to the right, so of two moves at once one wins and the other
 * learns where the pool is.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * L1 -> L2  Who sees a state sees what was done before it was entered.
 *
 * Whoever sets STOPPING rings every doorbell afterwards, and a worker looks
 * after arming its own: D1 and D2 of sync/doorbell.h stand between.
 */
#ifndef WEIR_SYNC_LIFE_H
#define WEIR_SYNC_LIFE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <weir/pool.h>

struct weir__life {
	_Atomic int state;
};

static inline void weir__life_init(struct weir__life *life)
{
	atomic_init(&life->state, WEIR_POOL_NEW);		/* L1 */
}

/* Threads: any; async-signal-safe. */
static inline enum weir_pool_state weir__life_get(const struct weir__life *life)
{
	return (enum weir_pool_state)atomic_load_explicit(&life->state,
						memory_order_acquire); /* L2 */
}

/**
 * weir__life_move() - go from one state to the next
 *
 * Threads: any; async-signal-safe.
 * Return:  whether @life was in @from, and this call moved it.
 */
static inline bool weir__life_move(struct weir__life *life,
				   enum weir_pool_state from,
				   enum weir_pool_state to)
{
	int expected = (int)from;

	return atomic_compare_exchange_strong_explicit(&life->state, &expected,
				(int)to, memory_order_acq_rel,
				memory_order_acquire);		/* L1, L2 */
}

#endif /* WEIR_SYNC_LIFE_H */
