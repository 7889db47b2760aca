/* SPDX-License-Identifier: MIT */
/*
 * test_tie.c - sources that move together, or not at all
 */
#include <weir.h>

#include <errno.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "thing.h"

enum { THINGS = 5 };

static struct thing things[THINGS];
static _Atomic int incomplete, calls;
static _Atomic int result;

/* Whoever is called first finds all that are still there. */
static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	int fd;

	if (event->facts & WEIR_MOVED) {
		calls++;
		for (int i = 0; i < THINGS; i++)
			incomplete += weir_source_fd(r, things[i].token, &fd) !=
				      0;
	}
	return thing_event(r, event, data);
}

static void add(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	thing_add(r, t);
	CHECK_EQ(weir_source_set(r, t->token, on_event, t), 0);
}

static struct weir_pool *start(void)
{
	struct weir_pool *pool = thing_pool();

	for (int i = 0; i < THINGS; i++)
		thing_open(&things[i], pool, add);
	return pool;
}

static void end(struct weir_pool *pool)
{
	fixture_pool_end(pool);
	for (int i = 0; i < THINGS; i++)
		thing_close(&things[i]);
}

/* 0-1-2 and 3-4, then all; once more does no harm. */
static void tie_all(struct weir_reactor *r, void *arg)
{
	static const int pairs[][2] = {
		{ 0, 1 }, { 2, 1 }, { 3, 4 }, { 1, 3 }, { 0, 4 }, { 2, 2 },
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		CHECK_EQ(weir_source_tie(r, things[pairs[i][0]].token,
					 things[pairs[i][1]].token), 0);
}

static void remove_one(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_remove(r, t->token), 0);
}

TEST(all_that_are_tied_move_with_one)
{
	struct weir_pool *pool = start();

	fixture_on(pool, 0, tie_all, NULL);
	thing_move(&things[3], 0);
	for (int i = 0; i < THINGS; i++)
		WAIT_FOR(things[i].moved == 1);
	CHECK_EQ(calls, THINGS);
	CHECK_EQ(incomplete, 0);
	CHECK_EQ(FIXTURE_STAT(pool, 1, sources), THINGS);
	for (int i = 0; i < THINGS; i++) {
		CHECK_EQ(write(things[i].fds[0], "x", 1), 1);
		WAIT_FOR(things[i].readable == 1);
		CHECK_EQ(thing_tell(&things[i], 0), 0);
		WAIT_FOR(things[i].run == 1);
		CHECK_EQ(things[i].worker, 1);
	}
	/* And back, by another. */
	thing_move(&things[0], 1);
	for (int i = 0; i < THINGS; i++)
		WAIT_FOR(things[i].moved == 2);
	CHECK_EQ(incomplete, 0);
	end(pool);
}

TEST(who_ends_leaves_the_others_tied)
{
	static const int ends[] = { 2, 0, 4 };
	struct weir_pool *pool = start();

	fixture_on(pool, 0, tie_all, NULL);
	for (int i = 0; i < 3; i++)
		fixture_on(pool, 0, remove_one, &things[ends[i]]);
	thing_move(&things[1], 0);
	WAIT_FOR(things[1].moved == 1 && things[3].moved == 1);
	fixture_on(pool, 1, remove_one, &things[3]);
	/* Alone it moves alone. */
	do {
		fixture_on(pool, 1, thing_move_to_0, &things[1]);
	} while (things[1].result == -EBUSY);
	CHECK_EQ(things[1].result, 0);
	WAIT_FOR(things[1].moved == 2);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, moved_in), 3);
	end(pool);
}

TEST(one_that_ends_the_others_when_it_arrives)
{
	struct weir_pool *pool = start();

	fixture_on(pool, 0, tie_all, NULL);
	for (int i = 0; i < THINGS; i++)
		things[i].closes_itself = true;
	for (int i = 0; i < THINGS; i++)
		CHECK_EQ(thing_tell(&things[i], 0), 0);
	thing_move(&things[3], 0);
	for (int i = 0; i < THINGS; i++)
		WAIT_FOR(things[i].run + things[i].returned == 1 &&
			 things[i].moved == 1);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
	end(pool);
}

static void tie_wrong(struct weir_reactor *r, void *arg)
{
	const weir_token none = weir_token_none();

	(void)arg;
	CHECK_ERRNO(weir_source_tie, ESTALE,
		    weir_source_tie(r, things[0].token, none));
	CHECK_ERRNO(weir_source_tie, ESTALE,
		    weir_source_tie(r, none, things[0].token));
}

static void move_3(struct weir_reactor *r, void *arg)
{
	(void)arg;
	/* Those that are tied to it had their WEIR_MOVED a moment ago. */
	result = weir_source_move(r, things[3].token, 0);
}

TEST(what_is_refused)
{
	struct weir_pool *pool = start();
	struct hold busy = { 0 };

	fixture_on(pool, 0, tie_wrong, NULL);
	fixture_on(pool, 0, tie_all, NULL);
	/* No move is complete while a thread of the pool is in a handler. */
	hold_begin(&busy, pool, WEIR_CONTROL);
	thing_move(&things[0], 0);
	WAIT_FOR(things[4].moved == 1);
	fixture_on(pool, 1, move_3, NULL);
	CHECK_EQ(result, -EBUSY);
	hold_end(&busy);
	end(pool);
}

TEST(a_stop_ends_all_of_them_on_the_way)
{
	struct weir_pool *pool = start();
	struct hold busy = { 0 };

	fixture_on(pool, 0, tie_all, NULL);
	hold_begin(&busy, pool, 1);
	thing_move(&things[2], 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&busy);
	fixture_pool_end(pool);
	for (int i = 0; i < THINGS; i++) {
		CHECK_EQ(things[i].stopping, 1);
		CHECK_EQ(things[i].worker, 1);
		thing_close(&things[i]);
	}
}
