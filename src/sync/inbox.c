/* SPDX-License-Identifier: MIT */
/*
 * sync/inbox.c - bounded queue of messages, many producers, one consumer
 *
 * A ring of cells with a sequence number each, after Dmitry Vyukov's bounded
 * queue ("Bounded MPMC queue", 1024cores.net), reduced to one consumer.  A
 * producer claims a position by moving tail, writes the cell, and marks it
 * with position + 1; no two laps of a cell have the same mark.
 *
 * I1  head <= tail <= head + capacity.  A producer checks against head_shared,
 *     which lags behind head, before it claims.
 * I2  A claimed cell is written by its claimant alone until marked; a marked
 *     one is read by the consumer alone until head_shared has passed it.
 * I3  Once CLOSED stands in tail no claim succeeds.  Hence the messages in the
 *     inbox are exactly those below tail, and all pushes that returned 0.
 *
 * I4  A place that was claimed for a token which moves away (inbox.h) is marked
 *     void, by a call that the consumer knows and skips.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * Q1 -> Q2  A consumer that sees the mark sees the message, and all that its
 *           sender did before.
 * Q3 -> Q4  A producer that sees the cell free knows that it was read.
 * Q5, Q6    Relaxed: claims are ordered among themselves by being on one word,
 *           and claim nothing else.
 * Q7        Relaxed: the fence D2 of sync/doorbell.h stands before it.
 * Q8, Q9    Sequentially consistent, for T5 and T7 of sync/token.c, which says
 *           why. On x86 a claim costs the same either way.
 *
 * Progress: a push is lock-free: a claim fails only because another succeeded.
 * A producer that is preempted between claim and mark delays the messages
 * behind its own, but nobody waits for it: the consumer turns on, may sleep,
 * and is rung when the mark is set.
 */
#include "sync/inbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sync/line.h"

/* Positions never get here: at 10^9 pushes a second, in 292 years. */
static const size_t CLOSED = SIZE_MAX / 2 + 1;

/* Producers see the consumer's progress in steps, not with each message. */
static const size_t RELEASE_EVERY = 64;

static const struct weir_call void_call;

struct weir__inbox *weir__inbox_new(size_t capacity)
{
	const size_t size = sizeof(struct weir__inbox) +
			    capacity * sizeof(struct weir__inbox_cell);
	struct weir__inbox *inbox;

	inbox = weir__line_alloc(size);
	if (!inbox)
		return NULL;
	memset(inbox, 0, size);
	inbox->capacity = capacity;
	return inbox;
}

struct weir__inbox *weir__inbox_free(struct weir__inbox *inbox)
{
	free(inbox);
	return NULL;
}

/* Claim a place: 0, -EAGAIN or -ECANCELED. */
__attribute__((always_inline)) static inline int
claim(struct weir__inbox *inbox, size_t reserve, size_t *ret_pos)
{
	const size_t limit = inbox->capacity - reserve;
	size_t pos, head;

	pos = atomic_load_explicit(&inbox->tail, memory_order_relaxed); /* Q5 */
	do {
		if (pos & CLOSED)
			return -ECANCELED;
		head = atomic_load_explicit(&inbox->head_shared,
					    memory_order_acquire); /* Q4 */
		/* A pos read long ago may lie behind head: try again. */
		if ((ptrdiff_t)(pos - head) >= (ptrdiff_t)limit)
			return -EAGAIN;
	} while (!atomic_compare_exchange_weak_explicit(&inbox->tail, &pos,
			pos + 1, memory_order_seq_cst,
			memory_order_relaxed));			/* Q8, Q5 */
	*ret_pos = pos;
	return 0;
}

/* Write a claimed place. */
__attribute__((always_inline)) static inline void
fill(struct weir__inbox *inbox, size_t pos, const struct weir_msg *msg)
{
	struct weir__inbox_cell *cell =
		&inbox->cells[pos & (inbox->capacity - 1)];

	cell->msg = *msg;
	atomic_store_explicit(&cell->mark, pos + 1,
			      memory_order_release);		/* Q1 */
}

int weir__inbox_push(struct weir__inbox *inbox, const struct weir_msg *msg,
		     size_t reserve)
{
	size_t pos;
	int err = claim(inbox, reserve, &pos);

	if (err == 0)
		fill(inbox, pos, msg);
	return err;
}

int weir__inbox_send(struct weir__inbox *inbox, const struct weir_msg *msg,
		     size_t reserve, const struct weir__tokens *tokens,
		     uint32_t owner)
{
	static const struct weir_msg void_msg = { .call = &void_call };
	size_t pos;
	int err = claim(inbox, reserve, &pos);

	if (err < 0)
		return err;
	if (!weir__token_is_at(tokens, msg->token, owner)) {
		fill(inbox, pos, &void_msg);
		return -EXDEV;
	}
	fill(inbox, pos, msg);
	return 0;
}

/* The oldest place, if it is marked. */
__attribute__((always_inline)) static inline bool
take_place(struct weir__inbox *inbox, struct weir_msg *ret_msg)
{
	struct weir__inbox_cell *cell =
		&inbox->cells[inbox->head & (inbox->capacity - 1)];

	if (atomic_load_explicit(&cell->mark, memory_order_acquire) !=
	    inbox->head + 1)					/* Q2 */
		return false;
	*ret_msg = cell->msg;
	inbox->head++;
	if (inbox->head - inbox->released >= RELEASE_EVERY)
		weir__inbox_release(inbox);
	return true;
}

bool weir__inbox_take(struct weir__inbox *inbox, struct weir_msg *ret_msg)
{
	/* Written for a void place too: a copy less for all the others. */
	while (take_place(inbox, ret_msg)) {
		if (__builtin_expect(ret_msg->call != &void_call, 1))
			return true;
	}
	return false;
}

size_t weir__inbox_mark(const struct weir__inbox *inbox)
{
	return atomic_load_explicit(&inbox->tail,
				    memory_order_seq_cst) & ~CLOSED; /* Q9 */
}

size_t weir__inbox_tail(const struct weir__inbox *inbox)
{
	return atomic_load_explicit(&inbox->tail,
				    memory_order_relaxed) & ~CLOSED; /* Q6 */
}

size_t weir__inbox_head(const struct weir__inbox *inbox)
{
	return inbox->head;
}

void weir__inbox_release(struct weir__inbox *inbox)
{
	if (inbox->released == inbox->head)
		return;
	inbox->released = inbox->head;
	atomic_store_explicit(&inbox->head_shared, inbox->head,
			      memory_order_release);		/* Q3 */
}

void weir__inbox_close(struct weir__inbox *inbox)
{
	atomic_fetch_or_explicit(&inbox->tail, CLOSED,
				 memory_order_relaxed);		/* Q6 */
}
