/* SPDX-License-Identifier: MIT */
/*
 * sync/mesh.h - a ring from each thread of a pool to each other, and itself
 *
 * Members are numbered 0 .. n - 1.  A ring is made by its producer with the
 * first message.  What a member pushes in a turn leaves in one go: one store
 * a ring, one bit that says so, and at most one write to an eventfd a
 * receiver.
 *
 * A receiver looks at nobody's ring who has not said that there is something
 * in it: each has a bit for each sender, 64 to a word.
 *
 * B1  Whatever is in a ring beyond what its receiver has seen: its sender's
 *     bit stands in told, or is about to.  For the sender publishes first and
 *     sets the bit then, always, and the receiver takes the bit first and
 *     looks at the ring then.
 * B2  What a receiver has seen and left stands in left, which is its own.
 *
 * Memory: n * n pointers and n * n / 8 bytes of bits, and for each pair that
 * ever spoke 640 bytes and 32 for each message of the capacity.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * M1 -> M2  A consumer that sees a ring sees it made.
 * M3 -> M4  A receiver that takes a bit sees what was published before it.
 * M5        Relaxed: a bit that is missed here is seen in the next turn, for
 *           the fence D2 of sync/doorbell.h stands before the look that
 *           decides on a sleep.
 */
#ifndef WEIR_SYNC_MESH_H
#define WEIR_SYNC_MESH_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/message.h>

#include "sync/doorbell.h"
#include "sync/line.h"
#include "sync/ring.h"

/* What a member keeps about its own sending; on lines of its own. */
struct weir__sender {
	/* by receiver; the member writes, receivers read */
	_Alignas(WEIR__LINE) _Atomic(struct weir__ring *) *rings;
	unsigned *dirty;	/* the receivers for which is_dirty */
	unsigned dirty_count;
	uint64_t count;		/* of messages that have left */
	uint64_t now;		/* what receivers may be told; 0: nothing */
};

/* What a member keeps about what comes; likewise. */
struct weir__receiver {
	/* by sender; senders set, the member takes */
	_Alignas(WEIR__LINE) _Atomic uint64_t *told;
	uint64_t *left;		/* the member's own */
	struct weir__doorbell *bell;
};

struct weir__mesh {
	unsigned members;
	unsigned words;		/* of bits for all members */
	size_t capacity;
	struct weir__sender *senders;
	struct weir__receiver *receivers;
};

/**
 * weir__mesh_new() - make a mesh without rings
 * @members:  1 ..
 * @capacity: of each ring, a power of two
 *
 * Return: the mesh, or NULL (out of memory).
 */
struct weir__mesh *weir__mesh_new(unsigned members, size_t capacity);

/* What is still in it is forgotten.  Return: NULL. */
struct weir__mesh *weir__mesh_free(struct weir__mesh *mesh);

/* Before any message: where @member is woken.  @bell is lent to @mesh. */
void weir__mesh_set_bell(struct weir__mesh *mesh, unsigned member,
			 struct weir__doorbell *bell);

/* What weir__mesh_try() wants. */
static inline struct weir__sender *weir__mesh_sender(struct weir__mesh *mesh,
						     unsigned member)
{
	return &mesh->senders[member];
}

/* The ring from a member to another; NULL before the first message. */
static inline struct weir__ring *weir__mesh_ring(const struct weir__mesh *mesh,
						 unsigned from, unsigned to)
{
	return atomic_load_explicit(&mesh->senders[from].rings[to],
				    memory_order_acquire);	/* M2 */
}

/**
 * weir__mesh_try() - weir__mesh_push() where it is easy
 *
 * Inline and without a call, so that the caller makes its message in the slot
 * and saves no registers.
 *
 * Threads: the member @s is of.
 * Return:  whether it was put in; if not, weir__mesh_push() knows why.
 */
static inline __attribute__((always_inline)) bool
weir__mesh_try(struct weir__sender *s, unsigned to, struct weir_msg msg,
	       size_t reserve)
{
	struct weir__ring *ring = atomic_load_explicit(&s->rings[to],
						memory_order_acquire); /* M2 */

	if (!ring || !weir__ring_has_room(ring, reserve))
		return false;
	if (!ring->is_dirty) {
		ring->is_dirty = true;
		s->dirty[s->dirty_count++] = to;
	}
	weir__ring_push(ring, msg);
	return true;
}

/**
 * weir__mesh_ease() - let weir__mesh_quick() push to a member
 * @reserve: as long as more than this many slots are free
 *
 * After a push to that member; until the next flush.
 *
 * Threads: the member @s is of.
 */
static inline void weir__mesh_ease(struct weir__sender *s, unsigned to,
				   size_t reserve)
{
	struct weir__ring *ring = atomic_load_explicit(&s->rings[to],
						memory_order_acquire); /* M2 */

	if (ring->is_dirty)
		ring->quick_end = ring->head_seen + ring->size - reserve;
}

/**
 * weir__mesh_quick() - weir__mesh_try() in a few instructions
 *
 * One comparison says that there is a ring, that it has room, and that the next
 * flush knows of it.
 *
 * Threads: the member @s is of.
 * Return:  whether it was put in; if not, weir__mesh_push() may.
 */
static inline __attribute__((always_inline)) bool
weir__mesh_quick(struct weir__sender *s, unsigned to, struct weir_msg msg)
{
	struct weir__ring *ring = atomic_load_explicit(&s->rings[to],
						memory_order_acquire); /* M2 */

	if (__builtin_expect(!ring || ring->tail >= ring->quick_end, 0))
		return false;
	weir__ring_push(ring, msg);
	return true;
}

/**
 * weir__mesh_push() - put a message on its way; it leaves with the next flush
 * @reserve: refuse if no more than this many slots are free
 *
 * A ring that is full of messages not flushed yet is flushed, once.
 *
 * Threads: member @from.
 * Return:  0, -EAGAIN (full) or -ENOMEM (no ring could be made).
 */
int weir__mesh_push(struct weir__mesh *mesh, unsigned from, unsigned to,
		    const struct weir_msg *msg, size_t reserve);

/**
 * weir__mesh_prepare() - see that the next push to a member will succeed
 * @reserve: as in that push
 *
 * Threads: member @from.
 * Return:  0, -EAGAIN or -ENOMEM, as weir__mesh_push().
 */
int weir__mesh_prepare(struct weir__mesh *mesh, unsigned from, unsigned to,
		       size_t reserve);

/**
 * weir__mesh_flush() - let all that @from has pushed leave
 *
 * Threads: member @from.
 * Return:  how many doorbells had to be rung by a system call.
 */
unsigned weir__mesh_flush(struct weir__mesh *mesh, unsigned from);

/* How many messages of @from have left until now.  Threads: member @from. */
static inline uint64_t weir__mesh_left(const struct weir__mesh *mesh,
				       unsigned from)
{
	return mesh->senders[from].count;
}

/* @msgs lie in their slots, @count in a row, and are valid during the call. */
typedef void weir__mesh_fn(const struct weir_msg *msgs, size_t count,
			   void *data);

/**
 * weir__mesh_take() - take what has come for a member
 * @most: from each ring, so that none starves the others
 *
 * Takes no more from a ring than was in it when its turn came, so that a
 * function which pushes to its own member cannot keep it here.
 *
 * Threads: member @to.
 * Return:  how many were taken; *ret_more says whether some were left.
 */
size_t weir__mesh_take(struct weir__mesh *mesh, unsigned to, size_t most,
		       weir__mesh_fn *fn, void *data, bool *ret_more);

/**
 * weir__mesh_is_idle() - whether @to may go to sleep over its rings
 *
 * Threads: member @to, between arming its doorbell and sleeping.
 */
static inline bool weir__mesh_is_idle(const struct weir__mesh *mesh,
				      unsigned to)
{
	const struct weir__receiver *me = &mesh->receivers[to];

	for (unsigned w = 0; w < mesh->words; w++)
		if (me->left[w] != 0 ||
		    atomic_load_explicit(&me->told[w],
					 memory_order_relaxed))	/* M5 */
			return false;
	return true;
}

/* Remember what has been flushed to @to until now.  Threads: member @to. */
void weir__mesh_mark(struct weir__mesh *mesh, unsigned to,
		     enum weir__mark which);

/* Has all of that been taken?  Threads: member @to. */
bool weir__mesh_is_past_mark(const struct weir__mesh *mesh, unsigned to,
			     enum weir__mark which);

#endif /* WEIR_SYNC_MESH_H */
