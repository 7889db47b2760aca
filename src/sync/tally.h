/* SPDX-License-Identifier: MIT */
/*
 * sync/tally.h - numbers that one thread writes and anybody reads
 *
 * C1, C2  Relaxed: a number says nothing about other memory.  One writer, so
 *         the change is a load and a store and needs no locked instruction;
 *         atomic only so that a reader never sees half of it.
 * C3 -> C4  Who sees a number that was published sees those that were set
 *         before it.
 */
#ifndef WEIR_SYNC_TALLY_H
#define WEIR_SYNC_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

struct weir__tally {
	_Atomic uint64_t n;
};

/* Threads: any. */
static inline uint64_t weir__tally_get(const struct weir__tally *tally)
{
	return atomic_load_explicit(&tally->n, memory_order_relaxed); /* C2 */
}

/* Threads: the writer. */
static inline void weir__tally_set(struct weir__tally *tally, uint64_t n)
{
	atomic_store_explicit(&tally->n, n, memory_order_relaxed); /* C1 */
}

/* The same, after the numbers it speaks of.  Threads: the writer. */
static inline void weir__tally_publish(struct weir__tally *tally, uint64_t n)
{
	atomic_store_explicit(&tally->n, n, memory_order_release); /* C3 */
}

/* Before the numbers it speaks of.  Threads: any. */
static inline uint64_t weir__tally_see(const struct weir__tally *tally)
{
	return atomic_load_explicit(&tally->n, memory_order_acquire); /* C4 */
}

/* Threads: the writer.  Adding (uint64_t)-1 takes one away. */
static inline void weir__tally_add(struct weir__tally *tally, uint64_t n)
{
	weir__tally_set(tally, weir__tally_get(tally) + n);
}

#endif /* WEIR_SYNC_TALLY_H */
