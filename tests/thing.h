/* SPDX-License-Identifier: MIT */
/*
 * tests/thing.h - a socket on a worker that writes down where it was called,
 * and for what; for the tests of weir/move.h
 */
#ifndef WEIR_TESTS_THING_H
#define WEIR_TESTS_THING_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <weir.h>

#include "fixture.h"
#include "harness.h"

/* A socket with a handler that writes down where and for what it was called. */
struct thing {
	struct weir_pool *pool;
	int fds[2];		/* ours, the source's */
	weir_token token;
	_Atomic int worker;	/* of the last call */
	_Atomic int moved, readable, errors, draining, stopping;
	_Atomic int run, returned, why;
	_Atomic int ticks, tick_worker;
	_Atomic uint64_t next;	/* the next message's word */
	struct weir_timer *timer;
	int result;
	bool closes_itself;
};

static inline enum weir_verdict thing_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct thing *t = data;
	char byte;

	CHECK(weir_reactor_current() == r);
	t->worker = weir_reactor_index(r);
	t->moved += (event->facts & WEIR_MOVED) != 0;
	t->errors += (event->facts & WEIR_ERROR) != 0;
	t->draining += (event->facts & WEIR_DRAINING) != 0;
	t->stopping += (event->facts & WEIR_STOPPING) != 0;
	if ((event->facts & WEIR_MOVED) && t->closes_itself) {
		CHECK_EQ(weir_source_remove(r, event->token), 0);
		return WEIR_DONE;
	}
	if (event->facts & WEIR_READABLE) {
		while (read(event->fd, &byte, 1) == 1)
			t->readable++;
	}
	return WEIR_DONE;
}

static inline void thing_tick(struct weir_reactor *r, struct weir_timer *timer,
		    void *data)
{
	struct thing *t = data;

	CHECK(timer == t->timer);
	CHECK(weir_reactor_current() == r);
	t->tick_worker = weir_reactor_index(r);
	t->ticks++;
}

static inline void thing_add(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_add(r, t->fds[1], WEIR_READABLE | WEIR_WRITABLE,
				 thing_event, t, &t->token), 0);
	CHECK_EQ(weir_source_want(r, t->token, WEIR_READABLE), 0);
}

static inline void thing_move_to_0(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	t->result = weir_source_move(r, t->token, 0);
}

static inline void thing_move_to_1(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	t->result = weir_source_move(r, t->token, 1);
}

static inline void thing_open(struct thing *t, struct weir_pool *pool,
			      fixture_fn *fn)
{
	memset(t, 0, sizeof(*t));
	t->pool = pool;
	fixture_unix_pair(t->fds);
	fixture_on(pool, 0, fn, t);
}

static inline void thing_close(struct thing *t)
{
	close(t->fds[0]);
	close(t->fds[1]);
}

static inline struct weir_pool *thing_pool(void)
{
	struct weir_pool *pool = fixture_pool(2);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

#define WAIT_FOR(cond)							\
	do {								\
		while (!(cond))						\
			fixture_sleep_ms(1);				\
	} while (0)

/* Begin a move, which is accepted. */
static inline void thing_move(struct thing *t, int from)
{
	fixture_on(t->pool, from,
		   from == 0 ? thing_move_to_1 : thing_move_to_0, t);
	CHECK_EQ(t->result, 0);
}

static inline void thing_run(struct weir_reactor *r, const struct weir_msg *msg,
		   void *data)
{
	struct thing *t = data;

	CHECK(t == msg->arg);
	CHECK_EQ(msg->word, t->next);
	t->next++;
	t->worker = weir_reactor_index(r);
	/* M3: after WEIR_MOVED. */
	CHECK(t->worker == 0 || t->moved > 0);
	t->run++;
}

static inline void thing_returned(struct weir_reactor *r,
				  const struct weir_msg *msg, int why)
{
	struct thing *t = msg->arg;

	CHECK(weir_reactor_current() == r);
	t->why = why;
	t->returned++;
}

static const struct weir_call thing_call = {
	.run = thing_run,
	.undeliverable = thing_returned,
};

static inline int thing_tell(struct thing *t, uint64_t word)
{
	return weir_send(t->pool, t->token, &thing_call, t, word);
}

static inline void thing_start_timer(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_timer_new_for(r, t->token, thing_tick, t, &t->timer), 0);
	CHECK_EQ(weir_timer_is_running(t->timer), 0);
	CHECK_EQ(weir_timer_start_every(t->timer, WEIR_NS_PER_MSEC), 0);
}

static inline void thing_remove(struct weir_reactor *r, void *arg)
{
	struct thing *t = arg;

	CHECK_EQ(weir_source_remove(r, t->token), 0);
}

#endif /* WEIR_TESTS_THING_H */
