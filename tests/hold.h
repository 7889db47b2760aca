/* SPDX-License-Identifier: MIT */
/*
 * tests/hold.h - a thread of a pool that is kept in a handler
 *
 * While it is held its queues fill up, and what is to happen next is the
 * test's to say.
 */
#ifndef WEIR_TESTS_HOLD_H
#define WEIR_TESTS_HOLD_H

#include <semaphore.h>
#include <weir.h>

#include "fixture.h"
#include "harness.h"

struct hold {
	sem_t is_in, may_go;
	fixture_fn *before;	/* or NULL: called when it comes */
	fixture_fn *fn;		/* or NULL: called before it goes on */
	void *arg;
};

static inline void hold_run(struct weir_reactor *r, const struct weir_msg *msg,
			    void *data)
{
	struct hold *hold = msg->arg;

	(void)data;
	if (hold->before)
		hold->before(r, hold->arg);
	sem_post(&hold->is_in);
	fixture_wait(&hold->may_go);
	if (hold->fn)
		hold->fn(r, hold->arg);
}

/* Post what sends @worker into the handler. */
static inline void hold_post(struct hold *hold, struct weir_pool *pool,
			     int worker)
{
	static const struct weir_call call = { .run = hold_run };

	sem_init(&hold->is_in, 0, 0);
	sem_init(&hold->may_go, 0, 0);
	CHECK_EQ(weir_post(pool, worker, &call, hold, 0), 0);
}

/* Send @worker into the handler, and wait until it is there. */
static inline void hold_begin(struct hold *hold, struct weir_pool *pool,
			      int worker)
{
	hold_post(hold, pool, worker);
	fixture_wait(&hold->is_in);
}

/* Let it go on.  @hold must live until it has left the handler. */
static inline void hold_end(struct hold *hold)
{
	sem_post(&hold->may_go);
}

#endif /* WEIR_TESTS_HOLD_H */
