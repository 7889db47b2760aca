/* SPDX-License-Identifier: MIT */
/*
 * test_move_ends.c - what happens to a source on the move: another move, its
 * end, a drain, a stop, full queues and a kernel that refuses
 */
#include <weir.h>

#include <errno.h>
#include <sys/epoll.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "sys/fault.h"
#include "thing.h"

static void again_at_once(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	t->result = weir_source_move(r, t->token, 0);
}

TEST(a_second_move_waits_for_the_first)
{
	struct weir_pool *pool = fixture_pool(3);
	struct hold busy = { 0 };
	struct thing t;

	CHECK_EQ(weir_pool_start(pool), 0);
	thing_open(&t, pool, thing_add);
	/* Somebody is in a handler: no grace period ends, but events come. */
	hold_begin(&busy, pool, 2);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	fixture_on(pool, 1, again_at_once, &t);
	CHECK_ERRNO(weir_source_move, EBUSY, t.result);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(thing_tell(&t, 0), 0);
	fixture_on(pool, 1, again_at_once, &t);
	CHECK_EQ(t.run, 0);
	hold_end(&busy);
	WAIT_FOR(t.run == 1);
	thing_move(&t, 1);
	WAIT_FOR(t.moved == 2);
	CHECK_EQ(t.worker, 0);
	fixture_pool_end(pool);
	thing_close(&t);
}

static void is_there(struct weir_reactor *r, void *arg)
{
	(void)r;
	(void)arg;
}

TEST(senders_are_refused_before_too_much_is_held)
{
	struct weir_pool *pool = fixture_pool(3);
	struct hold busy = { 0 };
	struct thing t;
	uint64_t sent = 0;

	CHECK_EQ(weir_pool_start(pool), 0);
	thing_open(&t, pool, thing_add);
	hold_begin(&busy, pool, 2);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	for (;;) {
		const int err = thing_tell(&t, sent);

		if (err == -EAGAIN)
			break;
		CHECK_EQ(err, 0);
		sent++;
		if (sent % 64 == 0)
			fixture_on(pool, 1, is_there, NULL);
	}
	/* HOLD_MOST of move.c, and what comes between two looks at it. */
	CHECK(sent >= 1024 && sent <= 1024 + 64);
	/* It can be used on its thread all the same. */
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(t.run, 0);
	hold_end(&busy);
	WAIT_FOR((uint64_t)t.run == sent);
	WAIT_FOR(thing_tell(&t, sent) == 0);
	WAIT_FOR((uint64_t)t.run == sent + 1);
	fixture_pool_end(pool);
	CHECK_EQ(t.returned, 0);
	thing_close(&t);
}

TEST(what_was_sent_to_one_that_ends_on_the_way_comes_back)
{
	struct weir_pool *pool = fixture_pool(3);
	struct hold busy = { 0 };
	struct thing t;

	CHECK_EQ(weir_pool_start(pool), 0);
	thing_open(&t, pool, thing_add);
	t.closes_itself = true;
	hold_begin(&busy, pool, 2);
	thing_move(&t, 0);
	for (int i = 0; i < 100; i++) {
		int err = thing_tell(&t, (uint64_t)i);

		/* Held, and then it is gone before the marker has come. */
		CHECK(err == 0 || err == -ESTALE);
		t.result += err == 0;
	}
	WAIT_FOR(t.moved == 1);
	/* It says so first and closes then: the handler has returned. */
	fixture_on(pool, 1, is_there, NULL);
	CHECK_EQ(thing_tell(&t, 0), -ESTALE);
	hold_end(&busy);
	WAIT_FOR(t.returned == t.result);
	CHECK(t.result == 0 || t.why == -ESTALE);
	CHECK_EQ(t.run, 0);
	fixture_pool_end(pool);
	thing_close(&t);
}

static void stop_it(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	t->result = weir_source_move(r, t->token, 1);
	CHECK_EQ(weir_pool_stop(t->pool), 0);
}

TEST(a_stop_ends_it_on_the_way)
{
	for (int i = 0; i < 20; i++) {
		struct weir_pool *pool = thing_pool();
		struct hold target = { 0 }, mover = { .fn = stop_it };
		struct thing t;

		thing_open(&t, pool, thing_add);
		fixture_on(pool, 0, thing_start_timer, &t);
		/* B leaves its loop before or after it has taken ARRIVE. */
		if (i % 2)
			hold_begin(&target, pool, 1);
		mover.arg = &t;
		hold_begin(&mover, pool, 0);
		CHECK_EQ(thing_tell(&t, 0), 0);
		hold_end(&mover);
		if (i % 2)
			hold_end(&target);
		CHECK_EQ(weir_pool_join(pool), 0);
		CHECK_EQ(t.result, 0);
		CHECK_EQ(t.stopping, 1);
		CHECK_EQ(t.worker, 1);
		CHECK_EQ(t.run + t.returned, 1);
		CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
		fixture_pool_end(pool);
		thing_close(&t);
	}
}

static void drain_and_move(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_pool_drain(t->pool, WEIR_FOREVER), 0);
	t->result = weir_source_move(r, t->token, 1);
	CHECK_EQ(thing_tell(t, 0), 0);
}

static void finish(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_move(r, t->token, 0), -ECANCELED);
	thing_remove(r, arg);
}

TEST(a_drain_waits_for_it_on_the_way)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;

	thing_open(&t, pool, thing_add);
	fixture_on(pool, 0, drain_and_move, &t);
	CHECK_EQ(t.result, 0);
	WAIT_FOR(t.draining == 1 && t.run == 1);
	fixture_settle(pool);
	CHECK_EQ(t.draining, 1);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_DRAINING);
	fixture_on(pool, 1, finish, &t);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(t.stopping, 0);
	fixture_pool_end(pool);
	thing_close(&t);
}

/* A pool with the smallest rings. */
static struct weir_pool *small(void)
{
	struct weir_pool_options o = {
		.size = sizeof(o),
		.workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
		.ring_messages = 64,
		.inbox_messages = 64,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

static void nothing(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static const struct weir_call nothing_call = { .run = nothing };

static void fill_and_move(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	while (weir_post(t->pool, 1, &nothing_call, NULL, 0) == 0)
		;
	t->result = weir_source_move(r, t->token, 1);
}

static void move_and_fill(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	t->result = weir_source_move(r, t->token, 1);
	while (weir_post(t->pool, 1, &nothing_call, NULL, 0) == 0)
		;
}

TEST(full_queues_refuse_a_move_or_let_it_end)
{
	struct weir_pool *pool = small();
	struct hold target = { 0 };
	struct thing t;

	thing_open(&t, pool, thing_add);
	hold_begin(&target, pool, 1);
	fixture_on(pool, 0, fill_and_move, &t);
	CHECK_ERRNO(weir_source_move, EAGAIN, t.result);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(t.worker, 0);
	hold_end(&target);
	fixture_settle(pool);
	hold_begin(&target, pool, 1);
	fixture_on(pool, 0, move_and_fill, &t);
	CHECK_EQ(t.result, 0);
	CHECK_EQ(thing_tell(&t, 0), 0);
	hold_end(&target);
	WAIT_FOR(t.moved == 1 && t.run == 1);
	CHECK_EQ(t.worker, 1);
	fixture_pool_end(pool);
	thing_close(&t);
}

static void modify_it(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_modify(r, t->token, EPOLLIN | EPOLLET), 0);
}

/* The how many-th call of epoll_ctl from now on fails; 0: none. */
static _Atomic int fails_in;

static int fault(enum weir__call call)
{
	if (call != WEIR__CALL_EPOLL_CTL || fails_in == 0)
		return 0;
	return --fails_in == 0 ? -ENOMEM : 0;
}

static struct weir_pool *faulty(void)
{
	weir__fault_hook = fault;
	return thing_pool();
}

TEST(a_move_whose_first_half_fails_has_not_happened)
{
	struct weir_pool *pool = faulty();
	struct thing t;

	thing_open(&t, pool, thing_add);
	fixture_on(pool, 0, thing_start_timer, &t);
	fails_in = 1;
	fixture_on(pool, 0, thing_move_to_1, &t);
	CHECK_ERRNO(weir_source_move, ENOMEM, t.result);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(t.worker, 0);
	WAIT_FOR(t.ticks > 0);
	CHECK_EQ(thing_tell(&t, 0), 0);
	WAIT_FOR(t.run == 1);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, moved_out), 1);
	fixture_pool_end(pool);
	thing_close(&t);
}

TEST(a_move_whose_second_half_fails_is_reported_and_can_be_mended)
{
	for (int i = 0; i < 2; i++) {
		struct weir_pool *pool = faulty();
		struct thing t;

		thing_open(&t, pool, thing_add);
		CHECK_EQ(write(t.fds[0], "x", 1), 1);
		WAIT_FOR(t.readable == 1);
		fails_in = 2;
		thing_move(&t, 0);
		WAIT_FOR(t.moved == 1);
		CHECK_EQ(t.errors, 1);
		CHECK_EQ(t.worker, 1);
		CHECK_EQ(FIXTURE_STAT(pool, 1, moves_refused), 1);
		CHECK_EQ(thing_tell(&t, 0), 0);
		WAIT_FOR(t.run == 1);
		CHECK_EQ(write(t.fds[0], "y", 1), 1);
		if (i == 0) {
			fixture_on(pool, 1, modify_it, &t);
			WAIT_FOR(t.readable == 2);
		}
		fixture_on(pool, 1, thing_remove, &t);
		fixture_settle(pool);
		CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
		fixture_pool_end(pool);
		thing_close(&t);
	}
}
