/* SPDX-License-Identifier: MIT */
/*
 * sync/ring.h - bounded queue of messages, one producer, one consumer
 *
 * An array of values between two indices that only grow (Lamport, "Proving
 * the Correctness of Multiprocess Programs", 1977), with two refinements: each
 * side keeps a private copy of the other's index and looks at the shared one
 * only when the copy says full or empty; and the producer publishes many
 * messages with one store.
 *
 * I1  head <= tail_shared <= tail <= head + capacity.
 * I2  The producer writes only slots in tail .. head + capacity - 1; the
 *     consumer reads only slots in head .. tail_shared - 1.  They never meet.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * R1 -> R2  A consumer that sees the index sees the messages below it, and all
 *           that the producer did before it pushed them.
 * R3 -> R4  A producer that sees the slot free knows that it was read.
 * R5        Relaxed: the fence D2 of sync/doorbell.h stands before it.
 *
 * Progress: every function is wait-free.
 */
#ifndef WEIR_SYNC_RING_H
#define WEIR_SYNC_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <weir/message.h>

#include "sync/line.h"

struct weir__ring {
	/* producer only */
	_Alignas(WEIR__LINE) size_t tail;
	size_t published;	/* its copy of tail_shared */
	size_t head_seen;
	/* written by the producer */
	_Alignas(WEIR__LINE) _Atomic size_t tail_shared;
	/* consumer only */
	_Alignas(WEIR__LINE) size_t head;
	size_t tail_seen;
	size_t mark;		/* weir__ring_mark() */
	/* written by the consumer */
	_Alignas(WEIR__LINE) _Atomic size_t head_shared;
	/* never changes */
	_Alignas(WEIR__LINE) size_t capacity;	/* a power of two */
	/* Two messages a line, and none in two. */
	_Alignas(WEIR__LINE) struct weir_msg slots[];
};

/**
 * weir__ring_new() - make an empty ring
 * @capacity: messages, a power of two
 *
 * Return: the ring, or NULL (out of memory).
 */
struct weir__ring *weir__ring_new(size_t capacity);

/* Return: NULL. */
struct weir__ring *weir__ring_free(struct weir__ring *ring);

/**
 * weir__ring_push() - put a message in, not published yet
 * @reserve: refuse if no more than this many slots are free
 *
 * Threads: the producer.
 * Return:  whether it was put in.
 */
static inline bool weir__ring_push(struct weir__ring *ring,
				   const struct weir_msg *msg, size_t reserve)
{
	const size_t limit = ring->capacity - reserve;

	if (ring->tail - ring->head_seen >= limit) {
		ring->head_seen = atomic_load_explicit(&ring->head_shared,
						memory_order_acquire); /* R4 */
		if (ring->tail - ring->head_seen >= limit)
			return false;
	}
	ring->slots[ring->tail++ & (ring->capacity - 1)] = *msg;
	return true;
}

/**
 * weir__ring_publish() - let the consumer see what was pushed
 *
 * Threads: the producer.
 * Return:  whether there was anything to show.
 */
static inline bool weir__ring_publish(struct weir__ring *ring)
{
	if (ring->published == ring->tail)
		return false;
	ring->published = ring->tail;
	atomic_store_explicit(&ring->tail_shared, ring->tail,
			      memory_order_release);		/* R1 */
	return true;
}

/**
 * weir__ring_count() - how many messages can be taken
 *
 * Threads: the consumer.
 */
static inline size_t weir__ring_count(struct weir__ring *ring)
{
	if (ring->tail_seen == ring->head)
		ring->tail_seen = atomic_load_explicit(&ring->tail_shared,
						memory_order_acquire); /* R2 */
	return ring->tail_seen - ring->head;
}

/**
 * weir__ring_take() - take the oldest message
 *
 * Only after weir__ring_count() has said that there is one.
 *
 * Threads: the consumer.
 */
static inline void weir__ring_take(struct weir__ring *ring,
				   struct weir_msg *ret_msg)
{
	*ret_msg = ring->slots[ring->head++ & (ring->capacity - 1)];
	atomic_store_explicit(&ring->head_shared, ring->head,
			      memory_order_release);		/* R3 */
}

/**
 * weir__ring_is_empty() - whether the consumer may go to sleep over it
 *
 * Threads: the consumer, between arming its doorbell and sleeping.
 */
static inline bool weir__ring_is_empty(const struct weir__ring *ring)
{
	return atomic_load_explicit(&ring->tail_shared,
				    memory_order_relaxed) == ring->head; /* R5 */
}

/* Remember which message is the newest now.  Threads: the consumer. */
static inline void weir__ring_mark(struct weir__ring *ring)
{
	ring->mark = atomic_load_explicit(&ring->tail_shared,
					  memory_order_acquire); /* R2 */
}

/* Has that one been taken?  Threads: the consumer. */
static inline bool weir__ring_is_past_mark(const struct weir__ring *ring)
{
	return ring->head >= ring->mark;
}

#endif /* WEIR_SYNC_RING_H */
