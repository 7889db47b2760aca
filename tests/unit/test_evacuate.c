/* SPDX-License-Identifier: MIT */
/*
 * test_evacuate.c - all that can move leaves a worker, and its end is told
 */
#include <weir.h>

#include <errno.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "link.h"
#include "thing.h"

enum { THINGS = 64 };

static _Atomic int completed, cancelled;
static _Atomic uint64_t left;

static void on_complete(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)data;
	CHECK(weir_reactor_current() == r);
	CHECK_EQ(weir_reactor_index(r), 0);
	CHECK(msg->arg == &left);
	left = msg->word;
	completed++;
}

static void on_cancelled(struct weir_reactor *r, const struct weir_msg *msg,
			 int why)
{
	(void)r;
	CHECK(msg->arg == &left);
	CHECK_EQ(why, -ECANCELED);
	cancelled++;
}

static const struct weir_call complete = {
	.run = on_complete,
	.undeliverable = on_cancelled,
};

TEST(a_worker_is_evacuated)
{
	struct weir_pool *pool = fixture_pool(3);
	static struct thing things[THINGS];

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = 0; i < THINGS; i++)
		thing_open(&things[i], pool, thing_add);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &complete, &left), 0);
	WAIT_FOR(completed == 1);
	CHECK_EQ(left, 0);
	for (int i = 0; i < THINGS; i++) {
		WAIT_FOR(things[i].moved == 1);
		CHECK(things[i].worker != 0);
		CHECK_EQ(write(things[i].fds[0], "x", 1), 1);
		WAIT_FOR(things[i].readable == 1);
		CHECK_EQ(thing_tell(&things[i], 0), 0);
		WAIT_FOR(things[i].run == 1);
	}
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, 1, sources), THINGS / 2);
	CHECK_EQ(FIXTURE_STAT(pool, 2, sources), THINGS / 2);
	fixture_pool_end(pool);
	CHECK_EQ(cancelled, 0);
	for (int i = 0; i < THINGS; i++)
		thing_close(&things[i]);
}

TEST(an_evacuation_ends_with_the_pool)
{
	struct weir_pool *pool = fixture_pool(3);
	struct hold busy = { 0 };
	struct thing t;

	CHECK_EQ(weir_pool_start(pool), 0);
	thing_open(&t, pool, thing_add);
	/* The move is not complete while somebody is in a handler. */
	hold_begin(&busy, pool, 2);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &complete, &left), 0);
	WAIT_FOR(FIXTURE_STAT(pool, 0, moved_out) == 1);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&busy);
	fixture_pool_end(pool);
	CHECK_EQ(completed, 0);
	CHECK_EQ(cancelled, 1);
	CHECK_EQ(t.stopping, 1);
	thing_close(&t);
}

TEST(a_relay_goes_too)
{
	struct weir_pool *pool = fixture_pool(2);
	struct link l;

	CHECK_EQ(weir_pool_start(pool), 0);
	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &complete, &left), 0);
	WAIT_FOR(completed == 1);
	CHECK_EQ(left, 0);
	fixture_send(l.client, 1, 0, 1000);
	CHECK_EQ(fixture_receive(l.server, 1, 0, 1000, NULL), 1000);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, 1, sources), 2);
	link_close(&l);
	link_wait(&l);
	fixture_pool_end(pool);
}

TEST(what_cannot_be_evacuated)
{
	struct weir_pool *pool = fixture_pool(1);
	const struct weir_call nothing = { .run = NULL };

	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &complete, &left), -EINVAL);
	fixture_pool_end(pool);
	pool = fixture_pool(2);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_evacuate(pool, 2, &complete, &left), -EINVAL);
	CHECK_EQ(weir_pool_evacuate(pool, WEIR_CONTROL, NULL, NULL), -EINVAL);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &nothing, NULL), -EINVAL);
	/* Nobody has to be told, and nothing may be there to move. */
	CHECK_EQ(weir_pool_evacuate(pool, 0, NULL, NULL), 0);
	CHECK_EQ(weir_pool_evacuate(pool, 1, NULL, NULL), 0);
	fixture_pool_end(pool);
}
