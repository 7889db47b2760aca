/* SPDX-License-Identifier: MIT */
#ifndef WEIR_BROADCAST_H
#define WEIR_BROADCAST_H

/*
 * weir/broadcast.h - one message to every worker, and word when all had it
 *
 * B1  All or nothing: either every worker gets it, or -EAGAIN is returned and
 *     none does.
 * B2  For each worker exactly one function of the call is called, once: run()
 *     on the worker's thread, or undeliverable().
 * B3  It keeps the sender's order on each worker: what the same thread sent
 *     there before runs before it, what it sends later runs after it.
 * B4  done() is called once, after all of those calls have returned; they are
 *     visible to it.
 */
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;
struct weir_call;

/*
 * A broadcast is over.  @missed: how many workers it could not be delivered
 * to, because the pool has stopped.
 *
 * If a thread of the pool had asked, called on that thread; if any other, on
 * the worker that was last.  While the pool stops it may be another thread of
 * the pool, or the one that is in weir_pool_free() or in weir_broadcast()
 * itself.  @r is the reactor of the thread it is called on, or NULL.
 */
typedef void weir_broadcast_fn(struct weir_reactor *r, void *arg,
			       uint64_t word, unsigned missed);

/**
 * weir_broadcast() - have a function called on every worker
 * @pool: the pool
 * @call: what to call, as weir_post(); it must live until the broadcast is over
 * @arg:  handed over to each: what run() does to it is run's to synchronise
 * @word: handed over
 * @done: called when it is over, or NULL
 *
 * The control thread does not get it.  From a worker or the control thread it
 * leaves as that thread's other messages do.  At most four from each thread of
 * the pool, and four from all other threads together, can be on their way;
 * room is reserved for those.  Before weir_pool_start() it is kept.
 *
 * Threads: any.
 * Owns:    @arg belongs to the broadcast until done() or, without it, the last
 *          function of @call; on failure it stays the caller's.
 * Return:  0, -EINVAL (@call or its run is NULL), -EAGAIN (too many are on
 *          their way, or the queue from this worker to another is full),
 *          -ECANCELED (the pool has stopped), -ENOMEM or -ECHILD.
 */
int weir_broadcast(struct weir_pool *pool, const struct weir_call *call,
		   void *arg, uint64_t word, weir_broadcast_fn *done);

WEIR_END_DECLS

#endif /* WEIR_BROADCAST_H */
