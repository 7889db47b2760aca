/* SPDX-License-Identifier: MIT */
/*
 * sync/latch.h - who is the last of several, and how many may be at once
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * L1 -> L2  The last to count down sees what all the others did before.
 * L3        Relaxed: the count of misses is read by the last one only, after
 *           its L2; each adds to it before its own L1.
 * T1 -> T2  Who takes a ticket sees what was done before it was given back.
 * T3        Relaxed: a first look; T2 decides.
 */
#ifndef WEIR_SYNC_LATCH_H
#define WEIR_SYNC_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct weir__latch {
	_Atomic uint32_t left;
	_Atomic uint32_t missed;
};

static inline void weir__latch_init(struct weir__latch *latch, uint32_t count)
{
	atomic_init(&latch->left, count);
	atomic_init(&latch->missed, 0);
}

/**
 * weir__latch_down() - @count are through, @missed of them in vain
 *
 * Return: whether these were the last: the latch is the caller's then.
 */
static inline bool weir__latch_down(struct weir__latch *latch, uint32_t count,
				    uint32_t missed)
{
	if (missed > 0)
		atomic_fetch_add_explicit(&latch->missed, missed,
					  memory_order_relaxed); /* L3 */
	return atomic_fetch_sub_explicit(&latch->left, count,
			memory_order_acq_rel) == count;		/* L1, L2 */
}

/* How many were in vain.  Threads: the last. */
static inline uint32_t weir__latch_missed(const struct weir__latch *latch)
{
	return atomic_load_explicit(&latch->missed,
				    memory_order_relaxed);	/* L3 */
}

/* All zero: none is taken. */
struct weir__tickets {
	_Atomic uint32_t taken;
};

/* Return: false if @limit are taken. */
static inline bool weir__tickets_take(struct weir__tickets *tickets,
				      uint32_t limit)
{
	uint32_t taken = atomic_load_explicit(&tickets->taken,
					      memory_order_relaxed); /* T3 */

	do {
		if (taken >= limit)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&tickets->taken, &taken,
			taken + 1, memory_order_acquire,
			memory_order_relaxed));			/* T2, T3 */
	return true;
}

static inline void weir__tickets_give(struct weir__tickets *tickets)
{
	atomic_fetch_sub_explicit(&tickets->taken, 1,
				  memory_order_release);	/* T1 */
}

#endif /* WEIR_SYNC_LATCH_H */
