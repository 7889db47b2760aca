/* SPDX-License-Identifier: MIT */
/*
 * test_recorder.c - what a thread did last, with its times
 */
#include <weir/recorder.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "stress.h"

static struct weir_pool *pool;
static struct weir_record records[WEIR_RECORDS_MAX];

static void begin(void)
{
	pool = fixture_pool(1);
	CHECK_EQ(weir_pool_start(pool), 0);
}

static int read_all(int worker)
{
	const int n = weir_pool_records(pool, worker, records,
					WEIR_RECORDS_MAX);

	CHECK(n > 0);
	return n;
}

/* The newest record of @handler. */
static const struct weir_record *find(int n, uintptr_t handler)
{
	while (n-- > 0) {
		if (records[n].handler == handler)
			return &records[n];
	}
	test_fail(__FILE__, __LINE__, "no such record");
}

static void sleep_20_ms(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)r;
	(void)msg;
	(void)data;
	fixture_sleep_ms(20);
}

static void nothing(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static const struct weir_call slow = { .run = sleep_20_ms };
static const struct weir_call quick = { .run = nothing };

TEST(a_message_and_how_long_it_took)
{
	const weir_ns before = weir_clock();
	const struct weir_record *r;
	int n;

	begin();
	CHECK_EQ(weir_post(pool, 0, &slow, NULL, 0), 0);
	CHECK_EQ(weir_post(pool, 0, &quick, NULL, 0), 0);
	fixture_settle(pool);
	n = read_all(0);
	r = find(n, (uintptr_t)sleep_20_ms);
	CHECK_EQ(r->kind, WEIR_SHM_MESSAGE);
	/* A percent for what the pace is off by. */
	CHECK(r->duration >= 198 * WEIR_NS_PER_MSEC / 10);
	CHECK(r->begun + WEIR_NS_PER_MSEC >= before);
	CHECK(r->begun <= weir_clock());
	r = find(n, (uintptr_t)nothing);
	for (int i = 1; i < n; i++)
		CHECK(records[i].begun + 10000 >= records[i - 1].begun);
	fixture_pool_end(pool);
}

static void post_quick(struct weir_reactor *r, void *arg)
{
	(void)arg;
	CHECK_EQ(weir_post(weir_reactor_pool(r), 0, &quick, NULL, 0), 0);
}

/* It comes through a ring of the mesh, which has a way of its own. */
TEST(a_message_of_another_thread_of_the_pool)
{
	const struct weir_record *r;

	begin();
	fixture_on(pool, WEIR_CONTROL, post_quick, NULL);
	fixture_settle(pool);
	r = find(read_all(0), (uintptr_t)nothing);
	CHECK_EQ(r->kind, WEIR_SHM_MESSAGE);
	fixture_pool_end(pool);
}

static enum weir_verdict on_read(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	(void)r;
	(void)event;
	(void)data;
	return WEIR_DONE;
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r;
	(void)t;
	(void)data;
}

static weir_token token;
static int fds[2];

static void add(struct weir_reactor *r, void *arg)
{
	struct weir_timer *t;

	(void)arg;
	CHECK_EQ(weir_source_add(r, fds[1], WEIR_READABLE, on_read, NULL,
				 &token), 0);
	CHECK_EQ(weir_timer_new(r, on_timer, NULL, &t), 0);
	CHECK_EQ(weir_timer_start(t, 0), 0);
}

TEST(events_and_timers)
{
	const struct weir_record *r;
	int n;

	begin();
	fixture_unix_pair(fds);
	fixture_on(pool, 0, add, NULL);
	CHECK_EQ(write(fds[0], "x", 1), 1);
	while (FIXTURE_STAT(pool, 0, calls) == 0 ||
	       FIXTURE_STAT(pool, 0, timers) == 0)
		fixture_settle(pool);
	n = read_all(0);
	r = find(n, (uintptr_t)on_read);
	CHECK_EQ(r->kind, WEIR_SHM_CALL);
	CHECK_EQ(r->value, WEIR_READABLE);
	CHECK(weir_token_equal(r->token, token));
	/* Before a turn's first call stands what woke it. */
	while (r > records && r->kind != WEIR_SHM_WAKE)
		r--;
	CHECK_EQ(r->kind, WEIR_SHM_WAKE);
	CHECK(r->value >= 1);
	CHECK_EQ(find(n, (uintptr_t)on_timer)->kind, WEIR_SHM_TIMER);
	CHECK_STR(weir_shm_kind_name(WEIR_SHM_TIMER), "timer");
	fixture_pool_end(pool);
	close(fds[0]);
	close(fds[1]);
}

TEST(a_handler_that_has_not_returned)
{
	struct hold hold = { .fn = NULL };
	weir_ns duration;
	int n;

	begin();
	hold_begin(&hold, pool, 0);
	n = read_all(0);
	CHECK(records[n - 1].handler == (uintptr_t)hold_run);
	duration = records[n - 1].duration;
	fixture_sleep_ms(5);
	n = read_all(0);
	CHECK(records[n - 1].duration > duration + WEIR_NS_PER_MSEC);
	hold_end(&hold);
	fixture_pool_end(pool);
}

TEST(the_newest_of_a_few)
{
	struct weir_record one;

	begin();
	fixture_settle(pool);
	CHECK_EQ(weir_pool_records(pool, 0, &one, 1), 1);
	CHECK_EQ(weir_pool_records(pool, 0, &one, 0), 0);
	CHECK_EQ(weir_pool_records(pool, 7, &one, 1), -EINVAL);
	CHECK_EQ(weir_pool_records(pool, 0, NULL, 1), -EINVAL);
	CHECK(read_all(WEIR_CONTROL) > 0);
	fixture_pool_end(pool);
}

static atomic_bool is_over;

static void again(struct weir_reactor *r, const struct weir_msg *msg,
		  void *data)
{
	(void)data;
	if (!is_over)
		CHECK_EQ(weir_post(weir_reactor_pool(r), 0, msg->call, NULL,
				   0), 0);
}

/* Read from outside while it is written as fast as can be. */
TEST(read_while_it_is_written)
{
	static const struct weir_call call = { .run = again };
	const weir_ns end = stress_end();
	int reads = 0;

	begin();
	CHECK_EQ(weir_post(pool, 0, &call, NULL, 0), 0);
	while (!stress_is_over(end) || reads == 0) {
		int n = weir_pool_records(pool, 0, records, WEIR_RECORDS_MAX);

		/* What stands there is a message or a wake, and no mixture. */
		for (int i = 0; i < n - 1; i++) {
			const struct weir_record *r = &records[i];

			CHECK(r->kind == WEIR_SHM_WAKE ||
			      (r->kind == WEIR_SHM_MESSAGE &&
			       r->handler == (uintptr_t)again));
			CHECK(weir_token_is_none(r->token));
		}
		reads += n > 0;
	}
	is_over = true;
	fixture_pool_end(pool);
}
