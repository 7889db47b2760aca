/* SPDX-License-Identifier: MIT */
/*
 * sync/inbox.h - bounded queue of messages, many producers, one consumer
 *
 * For threads that are not of the pool.  inbox.c opens with its argument.
 */
#ifndef WEIR_SYNC_INBOX_H
#define WEIR_SYNC_INBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/message.h>

#include "sync/line.h"
#include "sync/token.h"

struct weir__inbox_cell {
	_Atomic size_t mark;	/* position + 1 when written */
	struct weir_msg msg;
};

struct weir__inbox {
	_Alignas(WEIR__LINE) _Atomic size_t tail;
	_Alignas(WEIR__LINE) _Atomic size_t head_shared;
	_Alignas(WEIR__LINE) size_t head;	/* consumer only */
	size_t released;			/* its copy of head_shared */
	_Alignas(WEIR__LINE) size_t capacity;	/* never changes */
	struct weir__inbox_cell cells[];
};

/**
 * weir__inbox_new() - make an empty inbox
 * @capacity: messages, a power of two
 *
 * Return: the inbox, or NULL (out of memory).
 */
struct weir__inbox *weir__inbox_new(size_t capacity);

/* What is still in it is forgotten.  Return: NULL. */
struct weir__inbox *weir__inbox_free(struct weir__inbox *inbox);

/**
 * weir__inbox_push() - put a message in, visible at once
 * @reserve: refuse if no more than this many cells are free
 *
 * The caller rings the owner's doorbell afterwards.
 *
 * Threads: any.
 * Return:  0, -EAGAIN (full) or -ECANCELED (closed).
 */
int weir__inbox_push(struct weir__inbox *inbox, const struct weir_msg *msg,
		     size_t reserve);

/**
 * weir__inbox_send() - the same, if @msg->token is still @owner's
 *
 * Looks again when it has a place in the queue, and leaves it void if the
 * token has a new owner: a message for a token is not in the inbox of one who
 * has given it away, or is before the position weir__inbox_mark() says.
 *
 * Threads: any.
 * Return:  as weir__inbox_push(), or -EXDEV (ask for the owner again; the
 *          doorbell is to be rung all the same).
 */
int weir__inbox_send(struct weir__inbox *inbox, const struct weir_msg *msg,
		     size_t reserve, const struct weir__tokens *tokens,
		     uint32_t owner);

/**
 * weir__inbox_mark() - where the inbox ends, after tokens were given away
 *
 * Threads: the consumer, which called weir__token_give() before.
 */
size_t weir__inbox_mark(const struct weir__inbox *inbox);

/**
 * weir__inbox_take() - take the oldest message
 *
 * Threads: the consumer.
 * Return:  false if there is none, or if its producer is still writing it;
 *          that producer will ring.
 */
bool weir__inbox_take(struct weir__inbox *inbox, struct weir_msg *ret_msg);

/* The position after the newest message; see weir__inbox_head(). */
size_t weir__inbox_tail(const struct weir__inbox *inbox);

/* The position of the next message to be taken.  Threads: the consumer. */
size_t weir__inbox_head(const struct weir__inbox *inbox);

/* Tell the producers what was taken.  Threads: the consumer. */
void weir__inbox_release(struct weir__inbox *inbox);

/**
 * weir__inbox_is_empty() - whether the consumer may go to sleep over it
 * In line, for it is asked twice in each turn.
 *
 * Threads: the consumer, between arming its doorbell and sleeping.
 */
static inline bool weir__inbox_is_empty(const struct weir__inbox *inbox)
{
	const struct weir__inbox_cell *cell =
		&inbox->cells[inbox->head & (inbox->capacity - 1)];

	return atomic_load_explicit(&cell->mark, memory_order_relaxed) !=
	       inbox->head + 1;					/* Q7 */
}

/**
 * weir__inbox_close() - take no more messages
 *
 * Pushes that return 0 have their message in the inbox, before the position
 * weir__inbox_tail(); none comes after this call.  Take until head is tail;
 * a false from weir__inbox_take() before that means: yield and try again.
 *
 * Threads: the consumer.
 */
void weir__inbox_close(struct weir__inbox *inbox);

#endif /* WEIR_SYNC_INBOX_H */
