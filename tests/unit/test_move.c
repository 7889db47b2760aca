/* SPDX-License-Identifier: MIT */
/*
 * test_move.c - a source moves to another worker: what goes with it, and what
 * is refused
 */
#include <weir.h>

#include <errno.h>
#include <sys/epoll.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "thing.h"

static void add_level(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_add_flags(r, t->fds[1], EPOLLIN, thing_event, t,
				       &t->token), 0);
}

static void add_once(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_add_flags(r, t->fds[1], EPOLLIN | EPOLLONESHOT,
				       thing_event, t, &t->token), 0);
}

TEST(a_source_is_called_where_it_went)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;

	thing_open(&t, pool, thing_add);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(t.worker, 0);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	CHECK_EQ(t.worker, 1);
	CHECK_EQ(write(t.fds[0], "yz", 2), 2);
	WAIT_FOR(t.readable == 3);
	CHECK_EQ(t.worker, 1);
	CHECK_EQ(t.errors, 0);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, moved_out), 1);
	CHECK_EQ(FIXTURE_STAT(pool, 1, moved_in), 1);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, 1, sources), 1);
	CHECK_EQ(thing_tell(&t, 0), 0);
	WAIT_FOR(t.run == 1);
	CHECK_EQ(t.worker, 1);
	fixture_pool_end(pool);
	CHECK_EQ(t.stopping, 1);
	thing_close(&t);
}

static void move_unread(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	/* It comes while nobody watches, and before anybody has looked. */
	t->result = weir_source_move(r, t->token, 1);
	CHECK_EQ(write(t->fds[0], "x", 1), 1);
	CHECK_EQ(weir_source_move(r, t->token, 1), -ESTALE);
	CHECK_EQ(weir_source_want(r, t->token, 0), -ESTALE);
	CHECK_EQ(weir_source_close(r, t->token), -ESTALE);
}

TEST(what_becomes_ready_on_the_way_is_reported)
{
	static fixture_fn *const kinds[] = { thing_add, add_level, add_once };

	for (int i = 0; i < 3; i++) {
		struct weir_pool *pool = thing_pool();
		struct thing t;

		thing_open(&t, pool, kinds[i]);
		fixture_on(pool, 0, move_unread, &t);
		CHECK_EQ(t.result, 0);
		WAIT_FOR(t.readable == 1);
		CHECK_EQ(t.worker, 1);
		fixture_pool_end(pool);
		thing_close(&t);
	}
}

static void rearm(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_modify(r, t->token, EPOLLIN | EPOLLONESHOT), 0);
}

TEST(a_oneshot_source_stays_disarmed)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;

	thing_open(&t, pool, add_once);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	CHECK_EQ(write(t.fds[0], "y", 1), 1);
	fixture_settle(pool);
	CHECK_EQ(t.readable, 1);
	fixture_on(pool, 1, rearm, &t);
	WAIT_FOR(t.readable == 2);
	fixture_pool_end(pool);
	thing_close(&t);
}

static enum weir_verdict moves_itself(struct weir_reactor *r,
				      const struct weir_event *event,
				      void *data)
{
	struct thing *t = data;

	t->worker = weir_reactor_index(r);
	if (t->worker == 0 && (event->facts & WEIR_READABLE)) {
		t->result = weir_source_move(r, event->token, 1);
		return WEIR_DONE;	/* means nothing */
	}
	return thing_event(r, event, data);
}

static void add_mover(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_add(r, t->fds[1], WEIR_READABLE, moves_itself, t,
				 &t->token), 0);
}

TEST(a_handler_moves_its_own_source)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;

	thing_open(&t, pool, add_mover);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(t.result, 0);
	CHECK_EQ(t.moved, 1);
	CHECK_EQ(t.worker, 1);
	fixture_pool_end(pool);
	thing_close(&t);
}

TEST(a_timer_moves_with_its_source)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;
	int seen;

	thing_open(&t, pool, thing_add);
	fixture_on(pool, 0, thing_start_timer, &t);
	WAIT_FOR(t.ticks > 2);
	CHECK_EQ(t.tick_worker, 0);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	seen = t.ticks;
	WAIT_FOR(t.ticks > seen + 2);
	CHECK_EQ(t.tick_worker, 1);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, timers_running), 0);
	/* And ends with it. */
	fixture_on(pool, 1, thing_remove, &t);
	seen = t.ticks;
	fixture_sleep_ms(5);
	CHECK_EQ(t.ticks, seen);
	fixture_pool_end(pool);
	thing_close(&t);
}

static void stopped_timer(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_timer_new_for(r, t->token, thing_tick, t, &t->timer), 0);
	CHECK_EQ(weir_timer_start(t->timer, WEIR_NS_PER_MSEC), 0);
	CHECK_EQ(weir_timer_stop(t->timer), 0);
}

static void free_timer(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	(void)r;
	CHECK_EQ(weir_timer_is_running(t->timer), 0);
	t->timer = weir_timer_free(t->timer);
}

TEST(a_stopped_timer_moves_stopped)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;

	thing_open(&t, pool, thing_add);
	fixture_on(pool, 0, stopped_timer, &t);
	thing_move(&t, 0);
	WAIT_FOR(t.moved == 1);
	fixture_sleep_ms(5);
	CHECK_EQ(t.ticks, 0);
	fixture_on(pool, 1, free_timer, &t);
	fixture_pool_end(pool);
	thing_close(&t);
}

static void refusals(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_move(r, t->token, 0), -EALREADY);
	CHECK_EQ(weir_source_move(r, t->token, 2), -EINVAL);
	CHECK_EQ(weir_source_move(r, t->token, WEIR_CONTROL), -EINVAL);
	CHECK_EQ(weir_source_move(r, weir_token_none(), 1), -ESTALE);
	CHECK_EQ(weir_timer_new_for(r, weir_token_none(), thing_tick, t,
				    &t->timer), -ESTALE);
	CHECK_EQ(weir_timer_new_for(r, t->token, NULL, t, &t->timer), -EINVAL);
}

static void control_refuses(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	thing_add(r, arg);
	CHECK_EQ(weir_source_move(r, t->token, 1), -EOPNOTSUPP);
	thing_remove(r, arg);
}

TEST(what_cannot_move_stays)
{
	struct weir_pool *pool = fixture_pool(2);
	struct weir_reactor *alone;
	struct thing t;

	CHECK_EQ(weir_pool_start(pool), 0);
	thing_open(&t, pool, thing_add);
	fixture_on(pool, 0, refusals, &t);
	CHECK_EQ(write(t.fds[0], "x", 1), 1);
	WAIT_FOR(t.readable == 1);
	CHECK_EQ(t.worker, 0);
	fixture_on(pool, 0, thing_remove, &t);
	fixture_on(pool, WEIR_CONTROL, control_refuses, &t);
	CHECK_EQ(weir_reactor_new(NULL, &alone), 0);
	CHECK_EQ(weir_source_add(alone, t.fds[1], WEIR_READABLE, thing_event, &t,
				 &t.token), 0);
	CHECK_EQ(weir_source_move(alone, t.token, 0), -EINVAL);
	weir_reactor_free(alone);
	fixture_pool_end(pool);
	thing_close(&t);
}

/* Two more messages from its worker, before and after it lets go. */
static void send_and_move(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(thing_tell(t, 1), 0);
	t->result = weir_source_move(r, t->token, 1);
	CHECK_EQ(thing_tell(t, 2), 0);
}

TEST(messages_wait_for_those_before_them)
{
	struct weir_pool *pool = thing_pool();
	struct hold hold = { .fn = send_and_move };
	struct thing t;

	thing_open(&t, pool, thing_add);
	hold.arg = &t;
	hold_begin(&hold, pool, 0);
	/* In A's inbox; then two more as above. */
	CHECK_EQ(thing_tell(&t, 0), 0);
	hold_end(&hold);
	/* Whichever of our two threads was first. */
	WAIT_FOR(t.run == 3);
	CHECK_EQ(t.result, 0);
	CHECK_EQ(thing_tell(&t, 3), 0);
	WAIT_FOR(t.run == 4);
	CHECK_EQ(t.worker, 1);
	fixture_pool_end(pool);
	CHECK_EQ(t.returned, 0);
	thing_close(&t);
}

static void add_nameless(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_open(r, NULL, t, &t->token), 0);
}

TEST(a_source_without_a_descriptor_moves)
{
	struct weir_pool *pool = thing_pool();
	struct thing t;

	thing_open(&t, pool, add_nameless);
	t.moved = 1;	/* it has no handler to hear of it */
	thing_move(&t, 0);
	CHECK_EQ(thing_tell(&t, 0), 0);
	WAIT_FOR(t.run == 1);
	CHECK_EQ(t.worker, 1);
	fixture_pool_end(pool);
	thing_close(&t);
}
