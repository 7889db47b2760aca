/* SPDX-License-Identifier: MIT */
/*
 * test_move_marks.c - what was in the old owner's queues is not forgotten
 *
 * A grace period says that nobody will push there any more, not that all has
 * been taken: a long queue outlasts it.  The last message of such a queue is
 * for the source that has left meanwhile; it must be run, and before what was
 * sent to the new owner.
 */
#include <weir.h>

#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "thing.h"

/* Some turns of the old owner's, and not more than a queue takes. */
enum { OTHERS = 900 };

static _Atomic int slow;

static void on_slow(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	const weir_ns until = weir_clock() + 60000;

	(void)r;
	(void)msg;
	(void)data;
	while (weir_clock() < until)
		;
	slow++;
}

static const struct weir_call slow_call = { .run = on_slow };

static void fill_and_tell(struct thing *t)
{
	for (int i = 0; i < OTHERS; i++)
		CHECK_EQ(weir_post(t->pool, 0, &slow_call, NULL, 0), 0);
	CHECK_EQ(thing_tell(t, 0), 0);
}

static void fill_from_worker(struct weir_reactor *r, void *arg)
{
	fill_and_tell(arg);
	CHECK_EQ(weir_flush(r), 0);
}

static void check(int is_foreign)
{
	struct weir_pool *pool = fixture_pool(3);
	struct hold hold = { .fn = thing_move_to_1 };
	struct thing t;

	CHECK_EQ(weir_pool_start(pool), 0);
	thing_open(&t, pool, thing_add);
	hold.arg = &t;
	hold_begin(&hold, pool, 0);
	if (is_foreign)
		fill_and_tell(&t);
	else
		fixture_on(pool, 2, fill_from_worker, &t);
	hold_end(&hold);
	WAIT_FOR(t.moved == 1);
	CHECK_EQ(t.result, 0);
	/* To the new owner, from the same sender if that is us. */
	if (is_foreign)
		CHECK_EQ(thing_tell(&t, 1), 0);
	WAIT_FOR(t.run + t.returned == 1 + is_foreign);
	CHECK_EQ(t.returned, 0);
	CHECK_EQ(t.worker, 1);
	fixture_settle(pool);
	CHECK_EQ(slow, OTHERS);
	fixture_pool_end(pool);
	thing_close(&t);
}

TEST(a_long_inbox_outlasts_the_grace_period)
{
	check(1);
}

TEST(a_long_ring_outlasts_the_grace_period)
{
	check(0);
}
