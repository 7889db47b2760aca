/* SPDX-License-Identifier: MIT */
/*
 * sync/doorbell.h - waking a thread only if it sleeps
 *
 *     sender                              sleeper
 *       push to a queue                     weir__doorbell_arm:
 *       weir__doorbell_ring:                  asleep = 1        (A1)
 *       --- D1: full fence ---                --- D2: full fence ---
 *       if asleep (A2) and                  if any queue has something:
 *          swap(asleep, 0) was 1 (A3)          weir__doorbell_disarm
 *          write the eventfd                else sleep in epoll,
 *                                              then weir__doorbell_disarm (A4)
 *
 * D1 <-> D2  Each side stores, then looks at what the other one stored.  With a
 *            full fence between the two on both sides at least one of them
 *            sees the other (store buffering, the litmus test SB): either the
 *            sleeper finds the message, or the sender finds it asleep.  Either
 *            fence alone is not enough, and release/acquire pairs are not
 *            fences of this kind.
 * A1, A2,    Relaxed: the fences order them.  Callers need no fence of their
 * A4         own.
 * A3         Of several senders exactly one writes.  Relaxed: what is read
 *            from the queues is ordered by the queues, what the sleeper does
 *            after the write by the kernel.
 * A5, A6     Relaxed: a sample of how long messages wait, which orders nothing.
 *            Two senders may both write it; then the later one stays.
 *
 * Lost is nothing, but a ring may be in vain: a sender that saw asleep before
 * the sleeper found its message by itself.  That costs one turn.
 *
 * The eventfd stands edge-triggered in the epoll set and is never read: each
 * write is an edge.
 */
#ifndef WEIR_SYNC_DOORBELL_H
#define WEIR_SYNC_DOORBELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sync/line.h"

struct weir__doorbell {
	/* Alone on its line: senders poll it, the sleeper writes it. */
	_Alignas(WEIR__LINE) _Atomic uint32_t asleep;
	/* Beside it, for who rings has that line anyway: when the oldest
	   message was posted; 0: wanted, WEIR__UNASKED: not now. */
	_Atomic uint64_t since;
	_Alignas(WEIR__LINE) int fd;	/* never changes */
};

/**
 * weir__doorbell_init() - make the eventfd
 *
 * Return: 0, -EMFILE, -ENFILE or -ENOMEM.
 */
int weir__doorbell_init(struct weir__doorbell *bell);

/* Close the eventfd. */
void weir__doorbell_done(struct weir__doorbell *bell);

/* Threads: the sleeper.  It looks at every queue after this. */
static inline void weir__doorbell_arm(struct weir__doorbell *bell)
{
	atomic_store_explicit(&bell->asleep, 1, memory_order_relaxed); /* A1 */
	atomic_thread_fence(memory_order_seq_cst);		/* D2 */
}

/* Threads: the sleeper. */
static inline void weir__doorbell_disarm(struct weir__doorbell *bell)
{
	atomic_store_explicit(&bell->asleep, 0, memory_order_relaxed); /* A4 */
}

enum { WEIR__UNASKED = 1 };

/* Does the owner want to know when a message was posted?  Threads: any. */
static inline bool weir__doorbell_asks(const struct weir__doorbell *bell)
{
	return atomic_load_explicit(&bell->since,
				    memory_order_relaxed) == 0;	/* A6 */
}

/* Before the message can be seen: it was posted at @now.  Threads: any. */
static inline void weir__doorbell_stamp(struct weir__doorbell *bell,
					uint64_t now)
{
	if (weir__doorbell_asks(bell))
		atomic_store_explicit(&bell->since, now,
				      memory_order_relaxed);	/* A5 */
}

/**
 * weir__doorbell_take_stamp() - before the messages are taken
 * @must_ask: the next one is wanted
 *
 * Threads: the owner.
 * Return:  when the oldest was posted; 0 if nobody said.
 */
static inline uint64_t weir__doorbell_take_stamp(struct weir__doorbell *bell,
						 bool must_ask)
{
	const uint64_t since = atomic_load_explicit(&bell->since,
						memory_order_relaxed); /* A6 */

	if (since > WEIR__UNASKED)
		atomic_store_explicit(&bell->since, WEIR__UNASKED,
				      memory_order_relaxed);	/* A5 */
	else if (must_ask && since != 0)
		atomic_store_explicit(&bell->since, 0,
				      memory_order_relaxed);	/* A5 */
	return since > WEIR__UNASKED ? since : 0;
}

/* The eventfd's side of weir__doorbell_ring(). */
void weir__doorbell_write(struct weir__doorbell *bell);

/**
 * weir__doorbell_ring() - after a push: wake the owner if it sleeps
 *
 * Threads: any; async-signal-safe.
 * Return:  whether it cost a system call.
 */
static inline bool weir__doorbell_ring(struct weir__doorbell *bell)
{
	atomic_thread_fence(memory_order_seq_cst);		/* D1 */
	if (!atomic_load_explicit(&bell->asleep, memory_order_relaxed)) /* A2 */
		return false;
	if (!atomic_exchange_explicit(&bell->asleep, 0,
				      memory_order_relaxed))	/* A3 */
		return false;
	weir__doorbell_write(bell);
	return true;
}

#endif /* WEIR_SYNC_DOORBELL_H */
