/* SPDX-License-Identifier: MIT */
/*
 * test_stats.c - what the threads of a pool have done, read from outside
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "stress.h"

static struct weir_pool *pool;

#define STAT(worker, member) FIXTURE_STAT(pool, worker, member)

static void begin(unsigned workers)
{
	pool = fixture_pool(workers);
	CHECK_EQ(weir_pool_start(pool), 0);
}

TEST(what_is_refused)
{
	struct weir_stats stats = { .size = sizeof(stats), .turns = 12345 };

	begin(2);
	CHECK_EQ(weir_pool_stats(pool, 2, &stats), -EINVAL);
	CHECK_EQ(weir_pool_stats(pool, -3, &stats), -EINVAL);
	stats.size--;
	CHECK_EQ(weir_pool_stats(pool, 0, &stats), -EINVAL);
	stats.size = 0;
	CHECK_EQ(weir_pool_stats(pool, 0, &stats), -EINVAL);
	CHECK_EQ(stats.turns, 12345);
	stats.size = sizeof(stats);
	CHECK_EQ(weir_pool_stats(pool, WEIR_CONTROL, &stats), 0);
	CHECK(stats.turns < 12345);
	fixture_pool_end(pool);
}

static void run_nothing(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static const struct weir_call nothing = { .run = run_nothing };

static void post_ten(struct weir_reactor *r, void *arg)
{
	(void)arg;
	for (int i = 0; i < 10; i++)
		CHECK_EQ(weir_post(weir_reactor_pool(r), 1, &nothing, NULL, 0),
			 0);
}

TEST(messages_are_counted_where_they_run)
{
	uint64_t in[2], out, wakeups;

	begin(2);
	fixture_settle(pool);
	in[0] = STAT(0, messages_in);
	in[1] = STAT(1, messages_in);
	out = STAT(0, messages_out);
	wakeups = STAT(0, wakeups);
	CHECK_EQ(out, 0);
	fixture_on(pool, 0, post_ten, NULL);	/* worker 1 sleeps */
	fixture_settle(pool);
	fixture_settle(pool);
	CHECK_EQ(STAT(0, messages_out), 10);
	CHECK(STAT(0, wakeups) <= wakeups + 1);
	CHECK_EQ(STAT(0, messages_in), in[0] + 1 + 6);
	CHECK_EQ(STAT(1, messages_in), in[1] + 10 + 6);
	CHECK_EQ(STAT(WEIR_ALL, messages_in),
		 STAT(0, messages_in) + STAT(1, messages_in));
	/* All means the workers; control has its own. */
	CHECK_EQ(STAT(WEIR_CONTROL, messages_in), 3 * 3);
	CHECK_EQ(STAT(WEIR_ALL, messages_full), 0);
	fixture_pool_end(pool);
}

static void fill_next(struct weir_reactor *r, void *refused)
{
	while (weir_post(weir_reactor_pool(r), 1, &nothing, NULL, 0) == 0)
		;
	++*(uint64_t *)refused;
}

TEST(a_full_queue_is_counted)
{
	struct hold hold = { .fn = NULL };
	uint64_t refused = 0;

	begin(2);
	hold_begin(&hold, pool, 1);
	for (int i = 0; i < 3; i++)
		fixture_on(pool, 0, fill_next, &refused);
	CHECK_EQ(STAT(0, messages_full), refused);
	CHECK_EQ(STAT(1, messages_full), 0);
	hold_end(&hold);
	fixture_pool_end(pool);
}

static enum weir_verdict on_read(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	char byte;

	(void)r;
	(void)data;
	if (event->facts & WEIR_STOPPING)
		return WEIR_DONE;
	/* One byte a call, so that it is called again for the next. */
	return weir_fd_read(event->fd, &byte, 1) == 1 ? WEIR_MORE : WEIR_DONE;
}

static void add_source(struct weir_reactor *r, void *fd)
{
	weir_token token;

	CHECK_EQ(weir_source_add(r, *(int *)fd, WEIR_READABLE, on_read, NULL,
				 &token), 0);
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r;
	(void)t;
	(void)data;
}

static void add_timers(struct weir_reactor *r, void *ret_block)
{
	struct weir_timer *t;

	for (int i = 0; i < 5; i++) {
		CHECK_EQ(weir_timer_new(r, on_timer, NULL, &t), 0);
		CHECK_EQ(weir_timer_start(t, i < 2 ? 0 : 3600 *
					  WEIR_NS_PER_SEC), 0);
	}
	*(void **)ret_block = weir_malloc(r, 100000);
	CHECK(*(void **)ret_block);
}

TEST(sources_timers_and_memory)
{
	uint64_t memory;
	void *block;
	int fds[2];

	begin(2);
	fixture_unix_pair(fds);
	fixture_on(pool, 1, add_source, &fds[1]);
	CHECK_EQ(write(fds[0], "abcd", 4), 4);
	while (STAT(1, calls) < 5)
		fixture_settle(pool);
	fixture_settle(pool);
	CHECK_EQ(STAT(1, calls_again), 4);
	CHECK_EQ(STAT(1, sources), 1);
	CHECK_EQ(STAT(WEIR_ALL, sources), 1);
	CHECK(STAT(1, events) >= 1);
	CHECK_EQ(STAT(1, stale_events), 0);
	memory = STAT(0, memory_bytes);
	fixture_on(pool, 0, add_timers, &block);
	while (STAT(0, timers) < 2)
		fixture_settle(pool);
	fixture_settle(pool);
	CHECK_EQ(STAT(0, timers), 2);
	CHECK_EQ(STAT(0, timers_running), 3);
	CHECK(STAT(0, memory_bytes) >= memory + 100000);
	fixture_on(pool, 0, weir_mfree, block);
	fixture_settle(pool);
	CHECK(STAT(0, memory_bytes) < memory + 100000);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(STAT(1, sources_forced), 1);
	CHECK_EQ(STAT(1, sources), 0);
	weir_pool_free(pool);
	close(fds[0]);
	close(fds[1]);
}

static void sleep_here(struct weir_reactor *r, void *ms)
{
	(void)r;
	fixture_sleep_ms(*(unsigned *)ms);
}

TEST(how_long_a_turn_takes)
{
	unsigned ms = 20;
	struct weir_stats s = { .size = sizeof(s) };

	begin(1);
	for (int i = 0; i < 100; i++)
		fixture_settle(pool);
	fixture_on(pool, 0, sleep_here, &ms);
	fixture_settle(pool);
	CHECK_EQ(weir_pool_stats(pool, 0, &s), 0);
	CHECK(s.turn_max_ns >= 20 * WEIR_NS_PER_MSEC);
	CHECK(s.turn_p50_ns <= s.turn_p99_ns);
	CHECK(s.turn_p99_ns <= s.turn_max_ns);
	CHECK(s.turn_p50_ns > 0);
	CHECK(s.turns >= s.sleeps);
	CHECK(s.sleeps > 0);
	fixture_pool_end(pool);
}

TEST(how_long_messages_wait)
{
	struct weir_stats s = { .size = sizeof(s) };
	struct hold hold = { .fn = NULL };

	begin(1);
	/* The first one is always looked at. */
	hold_begin(&hold, pool, 0);
	CHECK_EQ(weir_pool_stats(pool, 0, &s), 0);
	CHECK(s.queue_p50_ns > 0);
	hold_end(&hold);
	for (int i = 0; i < 40; i++)
		fixture_settle(pool);
	CHECK_EQ(weir_pool_stats(pool, 0, &s), 0);
	CHECK(s.queue_p50_ns <= s.queue_p99_ns);
	fixture_pool_end(pool);
}

static atomic_bool is_over;

static void *read_on(void *arg)
{
	struct weir_stats before[3], now;

	(void)arg;
	memset(before, 0, sizeof(before));
	while (!is_over) {
		for (int i = -1; i < 2; i++) {
			now.size = sizeof(now);
			CHECK_EQ(weir_pool_stats(pool, i, &now), 0);
			CHECK(now.turns >= before[i + 1].turns);
			CHECK(now.messages_in >= before[i + 1].messages_in);
			CHECK(now.turn_max_ns >= before[i + 1].turn_max_ns);
			before[i + 1] = now;
		}
	}
	return NULL;
}

TEST(read_while_they_change)
{
	const weir_ns end = stress_end();
	pthread_t thread;

	begin(2);
	CHECK_EQ(pthread_create(&thread, NULL, read_on, NULL), 0);
	while (!stress_is_over(end))
		fixture_settle(pool);
	is_over = true;
	pthread_join(thread, NULL);
	fixture_pool_end(pool);
}
