/* SPDX-License-Identifier: MIT */
/*
 * pool/broadcast.c - one message to every worker, and word when all had it
 *
 * A part goes to each worker, through the queue that the sender's other
 * messages take.  The last part to be through ends the broadcast.
 *
 * B1  A thread of the pool is the only producer of its rings: it first sees
 *     that each has room, and then nothing can refuse.
 * B2  Other threads share inboxes.  They first take one of WEIR__BROADCASTS
 *     tickets; that many cells of each inbox are kept free from all else, and
 *     a part's cell has been given back before its ticket is.
 * B3  Word to a thread of the pool goes to its inbox, where as many cells
 *     again are kept for the broadcasts that the thread may have under way.
 * B4  An inbox that is closed belongs to a pool that stops: a part, or the
 *     word, that it refuses is done with on the spot.
 */
#include <weir/broadcast.h>

#include <errno.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "sys/fork.h"

struct broadcast {
	struct weir__latch latch;
	struct weir__tickets *tickets;
	struct weir__worker *asker;	/* NULL: a foreign thread */
	const struct weir_call *call;
	void *arg;
	uint64_t word;
	weir_broadcast_fn *done;
};

static void finish(struct weir_reactor *r, struct broadcast *b)
{
	const struct broadcast copy = *b;
	const unsigned missed = weir__latch_missed(&b->latch);

	free(b);
	weir__tickets_give(copy.tickets);
	if (copy.done)
		copy.done(r, copy.arg, copy.word, missed);
}

static void word_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	(void)data;
	weir__inbox_release(r->inbox);				/* B3 */
	finish(r, msg->arg);
}

static void word_undeliverable(struct weir_reactor *r,
			       const struct weir_msg *msg, int why)
{
	(void)why;
	finish(r, msg->arg);
}

static const struct weir_call word_call = {
	.run = word_run,
	.undeliverable = word_undeliverable,
};

/* On any thread of the pool, or where a stopped one is seen to. */
static void end(struct weir_reactor *r, struct broadcast *b)
{
	const struct weir_msg msg = { &word_call, b, weir_token_none(), 0 };

	if (!b->asker ||
	    weir__inbox_post(b->asker->reactor, &msg, 0) < 0)	/* B4 */
		finish(r, b);
}

static void part_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	struct broadcast *b = msg->arg;
	const struct weir_msg own = {
		b->call, b->arg, weir_token_none(), b->word
	};

	(void)data;
	if (!b->asker)
		weir__inbox_release(r->inbox);			/* B2 */
	b->call->run(r, &own, NULL);
	if (weir__latch_down(&b->latch, 1, 0))
		end(r, b);
}

static void part_undeliverable(struct weir_reactor *r,
			       const struct weir_msg *msg, int why)
{
	struct broadcast *b = msg->arg;
	const struct weir_msg own = {
		b->call, b->arg, weir_token_none(), b->word
	};

	if (b->call->undeliverable)
		b->call->undeliverable(r, &own, why);
	if (weir__latch_down(&b->latch, 1, 1))
		end(r, b);
}

static const struct weir_call part_call = {
	.run = part_run,
	.undeliverable = part_undeliverable,
};

/* B1: nothing is pushed before every ring is there and has room. */
static int send_inside(struct weir__worker *from, struct broadcast *b)
{
	const struct weir_msg msg = { &part_call, b, weir_token_none(), 0 };
	struct weir_pool *pool = from->pool;
	int err = from->reactor->is_closing ? -ECANCELED : 0;

	for (int i = 0; err == 0 && i < pool->workers; i++)
		err = weir__mesh_prepare(pool->mesh, (unsigned)from->index,
					 (unsigned)i, WEIR__RESERVE);
	if (err == -EAGAIN)
		weir__stat_add(from->reactor, WEIR__STAT_MESSAGES_FULL, 1);
	for (int i = 0; err == 0 && i < pool->workers; i++)
		err = weir__mesh_push(pool->mesh, (unsigned)from->index,
				      (unsigned)i, &msg, WEIR__RESERVE);
	return err;
}

/* What an inbox refuses: as if it had come back from there. */
static void refused(struct broadcast *b)
{
	const struct weir_msg own = {
		b->call, b->arg, weir_token_none(), b->word
	};

	if (b->call->undeliverable)
		b->call->undeliverable(weir_reactor_current(), &own,
				       -ECANCELED);
}

/* B2: an inbox refuses only if it is closed. */
static int send_outside(struct weir_pool *pool, struct broadcast *b)
{
	const struct weir_msg msg = { &part_call, b, weir_token_none(), 0 };
	uint32_t missed = 0;

	for (int i = 0; i < pool->workers; i++) {
		if (weir__inbox_post(pool->threads[i].reactor, &msg, 0) < 0)
			missed++;
	}
	if (missed == (uint32_t)pool->workers)
		return -ECANCELED;
	for (uint32_t i = 0; i < missed; i++)
		refused(b);
	if (missed > 0 && weir__latch_down(&b->latch, missed, missed))
		end(weir_reactor_current(), b);
	return 0;
}

static int dispatch(struct weir_pool *pool, struct weir__worker *asker,
		    const struct broadcast *wanted)
{
	struct broadcast *b;
	int err;

	if (!weir__tickets_take(wanted->tickets, WEIR__BROADCASTS))
		return -EAGAIN;
	b = malloc(sizeof(*b));
	err = b ? 0 : -ENOMEM;
	if (b) {
		*b = *wanted;
		weir__latch_init(&b->latch, (uint32_t)pool->workers);
		err = asker ? send_inside(asker, b) : send_outside(pool, b);
	}
	if (err == 0)
		return 0;
	free(b);
	weir__tickets_give(wanted->tickets);
	return err;
}

int weir_broadcast(struct weir_pool *pool, const struct weir_call *call,
		   void *arg, uint64_t word, weir_broadcast_fn *done)
{
	struct weir__worker *asker = weir__pool_caller();
	struct broadcast wanted = {
		.call = call, .arg = arg, .word = word, .done = done,
	};

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (!call || !call->run)
		return -EINVAL;
	if (weir__life_get(&pool->life) == WEIR_POOL_STOPPED)
		return -ECANCELED;
	if (asker && asker->pool != pool)
		asker = NULL;
	wanted.asker = asker;
	wanted.tickets = asker ? &asker->broadcasts : &pool->broadcasts;
	return dispatch(pool, asker, &wanted);
}
