/* SPDX-License-Identifier: MIT */
/*
 * sync/ring.h - bounded queue of messages, one producer, one consumer
 *
 * An array of values between two indices that only grow (Lamport, "Proving
 * the Correctness of Multiprocess Programs", 1977), with three refinements:
 * the
 * producer keeps a private copy of the consumer's index and looks at the shared
 * one only when the copy says full; the producer publishes many
 * messages with one store; and nothing is copied but into the slot: the
 * consumer reads where the producer wrote, and gives back many slots with one
 * store.
 *
 * I1  head <= tail_shared <= tail <= head + capacity.
 * I2  The producer writes only slots in tail .. head + capacity - 1; the
 *     consumer reads only slots in head .. tail_shared - 1.  They never meet.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * R1 -> R2  A consumer that sees the index sees the messages below it, and all
 *           that the producer did before it pushed them.
 * R3 -> R4  A producer that sees the slot free knows that it was read.
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

/* Who remembers where a queue ended. */
enum weir__mark { WEIR__MARK_DRAIN, WEIR__MARK_MOVE };

struct weir__ring {
	/* producer only */
	_Alignas(WEIR__LINE) size_t tail;
	size_t published;	/* its copy of tail_shared */
	size_t head_seen;
	size_t size;		/* the capacity, a power of two */
	/* the mesh's: something may be unpublished; where quick pushes end */
	bool is_dirty;
	size_t quick_end;
	/* written by the producer */
	_Alignas(WEIR__LINE) _Atomic size_t tail_shared;
	/* consumer only */
	_Alignas(WEIR__LINE) size_t head;
	size_t capacity;	/* as size */
	size_t marks[2];	/* weir__ring_mark() */
	/* written by the consumer */
	_Alignas(WEIR__LINE) _Atomic size_t head_shared;
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
 * weir__ring_has_room() - whether one more message fits
 * @reserve: not if no more than this many slots are free
 *
 * As far as the producer knows; weir__ring_look() makes it know more.
 *
 * Threads: the producer.
 */
static inline bool weir__ring_has_room(const struct weir__ring *ring,
				       size_t reserve)
{
	return ring->tail - ring->head_seen < ring->size - reserve;
}

/* Look how far the consumer is.  Threads: the producer. */
static inline void weir__ring_look(struct weir__ring *ring)
{
	ring->head_seen = atomic_load_explicit(&ring->head_shared,
					       memory_order_acquire); /* R4 */
}

/* How far ahead of the producer's messages their lines are fetched. */
enum { WEIR__RING_AHEAD = 32 };

/*
 * Put a message in, for which there is room; not published yet.  A later line is
 * asked for: the consumer has had it, and a store to it would wait for it.
 *
 * Threads: the producer.
 */
static inline __attribute__((always_inline)) void
weir__ring_push(struct weir__ring *ring, struct weir_msg msg)
{
	const size_t tail = ring->tail, mask = ring->size - 1;

	ring->slots[tail & mask] = msg;
	ring->tail = tail + 1;
	weir__line_fetch(&ring->slots[(tail + WEIR__RING_AHEAD) & mask]);
}

/**
 * weir__ring_publish() - let the consumer see what was pushed
 *
 * Threads: the producer.
 * Return:  how many messages it could not see before.
 */
static inline size_t weir__ring_publish(struct weir__ring *ring)
{
	const size_t count = ring->tail - ring->published;

	if (count == 0)
		return 0;
	ring->published = ring->tail;
	atomic_store_explicit(&ring->tail_shared, ring->tail,
			      memory_order_release);		/* R1 */
	return count;
}

/**
 * weir__ring_count() - how many messages can be taken
 *
 * Threads: the consumer.
 */
static inline size_t weir__ring_count(struct weir__ring *ring)
{
	return atomic_load_explicit(&ring->tail_shared,
				    memory_order_acquire) - ring->head; /* R2 */
}

/**
 * weir__ring_span() - the oldest messages, as they lie in their slots
 * @ret_count: given how many are wanted, at most weir__ring_count(); receives
 *             how many there are in a row
 *
 * They are valid until weir__ring_drop().
 *
 * Threads: the consumer.
 */
static inline const struct weir_msg *
weir__ring_span(const struct weir__ring *ring, size_t *ret_count)
{
	const size_t first = ring->head & (ring->capacity - 1);

	if (*ret_count > ring->capacity - first)
		*ret_count = ring->capacity - first;
	return &ring->slots[first];
}

/**
 * weir__ring_drop() - the oldest messages have been read: give their slots back
 *
 * Threads: the consumer.
 */
static inline void weir__ring_drop(struct weir__ring *ring, size_t count)
{
	ring->head += count;
	atomic_store_explicit(&ring->head_shared, ring->head,
			      memory_order_release);		/* R3 */
}

/* Remember which message is the newest now.  Threads: the consumer. */
static inline void weir__ring_mark(struct weir__ring *ring,
				   enum weir__mark which)
{
	ring->marks[which] = atomic_load_explicit(&ring->tail_shared,
					  memory_order_acquire); /* R2 */
}

/* Has that one been dropped?  Threads: the consumer. */
static inline bool weir__ring_is_past_mark(const struct weir__ring *ring,
					   enum weir__mark which)
{
	return ring->head >= ring->marks[which];
}

#endif /* WEIR_SYNC_RING_H */
