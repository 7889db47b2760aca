/* SPDX-License-Identifier: MIT */
/*
 * sync/record.h - a thread's last few thousand events, for others to read
 *
 * A ring that one thread writes for ever and nobody stops.  It is the thread's
 * state as well: its newest record says which handler it is in.  A record ends
 * when the next one begins, so one reading of the clock does for both.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * V1 -> V2  Who sees the count n sees the records below n - 1 whole: each was
 *           written before the count moved on from it.
 * V3 -> V4  Who sees any word of a record sees the count that was stored before
 *           it was written.  So a reader that copies a record and then finds
 *           (V5) that the count has not gone a ring's length beyond it has
 *           nothing of a newer one.
 * V5        Relaxed: V4 stands before it and orders it.
 * V6        Relaxed: the writer reads what it wrote.
 *
 * The newest record may be half written.  Its tick is stored last (V3), so it
 * is whole when that is not older than the tick before.
 *
 * On x86 all of these are plain moves.
 *
 * Progress: the writer is wait-free; a reader gets what it can.
 */
#ifndef WEIR_SYNC_RECORD_H
#define WEIR_SYNC_RECORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/line.h"
#include "sync/tally.h"
#include "sys/tick.h"

/* 128 KiB: of the second cache, and not of the first. */
enum { WEIR__RECORDS = 4096 };

/* As values; weir/shm.h says what stands in them. */
struct weir__record {
	uint64_t subject;
	uint64_t handler;
	uint64_t word;
	uint64_t tick;
};

struct weir__record_slot {
	_Atomic uint64_t subject;
	_Atomic uint64_t handler;
	_Atomic uint64_t word;
	_Atomic uint64_t tick;
};

struct weir__records {
	_Alignas(WEIR__LINE) struct weir__record_slot slots[WEIR__RECORDS];
};

/* Begin a record; @count counts those of @ring.  Threads: the writer. */
static inline void weir__record_put(struct weir__records *ring,
				    struct weir__tally *count, uint64_t subject,
				    uint64_t handler, uint64_t word)
{
	const uint64_t n = atomic_load_explicit(&count->n,
						memory_order_relaxed); /* V6 */
	struct weir__record_slot *slot = &ring->slots[n % WEIR__RECORDS];

	atomic_store_explicit(&count->n, n + 1, memory_order_release); /* V1 */
	atomic_store_explicit(&slot->subject, subject,
			      memory_order_release);		/* V3 */
	atomic_store_explicit(&slot->handler, handler,
			      memory_order_release);		/* V3 */
	atomic_store_explicit(&slot->word, word,
			      memory_order_release);		/* V3 */
	atomic_store_explicit(&slot->tick, weir__tick(),
			      memory_order_release);		/* V3 */
}

/* How many there have been.  Threads: any. */
static inline uint64_t weir__record_count(const struct weir__tally *count)
{
	return atomic_load_explicit(&count->n, memory_order_acquire);  /* V2 */
}

/**
 * weir__record_get() - copy the @n-th record, if it is still there
 *
 * Threads: any.
 * Return:  false if it has been, or is being, written over.
 */
static inline bool weir__record_get(const struct weir__records *ring,
				    const struct weir__tally *count, uint64_t n,
				    struct weir__record *ret_record)
{
	const struct weir__record_slot *slot = &ring->slots[n % WEIR__RECORDS];
	struct weir__record copy;

	copy.tick = atomic_load_explicit(&slot->tick,
					 memory_order_acquire);	/* V4 */
	copy.subject = atomic_load_explicit(&slot->subject,
					    memory_order_acquire); /* V4 */
	copy.handler = atomic_load_explicit(&slot->handler,
					    memory_order_acquire); /* V4 */
	copy.word = atomic_load_explicit(&slot->word,
					 memory_order_acquire);	/* V4 */
	if (atomic_load_explicit(&count->n, memory_order_relaxed) >
	    n + WEIR__RECORDS)					/* V5 */
		return false;
	*ret_record = copy;
	return true;
}

#endif /* WEIR_SYNC_RECORD_H */
