/* SPDX-License-Identifier: MIT */
/*
 * test_watchdog.c - a worker that is kept in a handler is found and named
 *
 * No time decides: a worker stays in its handler until it was reported.
 */
#include <weir/watchdog.h>

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "probe.h"

static struct weir_pool *pool;
static sem_t reported;
static struct weir_stall last[3];
static int reports[3];

static void on_stall(struct weir_pool *p, const struct weir_stall *stall,
		     void *data)
{
	CHECK(p == pool);
	CHECK(data == &reported);
	CHECK(weir_reactor_index(weir_reactor_current()) == WEIR_CONTROL);
	last[stall->report] = *stall;
	last[stall->report].name = strdup(stall->name);
	reports[stall->report]++;
	sem_post(&reported);
}

static const struct weir_watchdog_options dog = {
	.size = sizeof(dog),
	.limit = 5 * WEIR_NS_PER_MSEC,
	.fn = on_stall,
	.data = &reported,
};

static void begin(void)
{
	sem_init(&reported, 0, 0);
	pool = fixture_pool(2);
	CHECK_EQ(weir_watchdog_start(pool, &dog), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
}

TEST(a_stuck_message_is_named_and_its_end_too)
{
	struct hold hold = { .fn = NULL };

	begin();
	hold_begin(&hold, pool, 1);
	fixture_wait(&reported);
	CHECK_EQ(last[0].worker, 1);
	CHECK_EQ(last[0].kind, WEIR_SHM_MESSAGE);
	CHECK(last[0].handler == (uintptr_t)hold_run);
	CHECK(weir_token_is_none(last[0].token));
	CHECK(last[0].duration > dog.limit);
	CHECK(last[0].in_handler <= last[0].duration + WEIR_NS_PER_MSEC);
	/* The test program exports nothing. */
	CHECK(strstr(last[0].name, "test_watchdog+0x"));
	/* Once for each stall: many looks later there is no second report. */
	fixture_sleep_ms(30);
	hold_end(&hold);
	fixture_wait(&reported);
	CHECK_EQ(reports[WEIR_STALL_BEGAN], 1);
	CHECK_EQ(reports[WEIR_STALL_ENDED], 1);
	CHECK_EQ(last[1].worker, 1);
	CHECK(last[1].handler == (uintptr_t)hold_run);
	CHECK(last[1].duration >= 30 * WEIR_NS_PER_MSEC);
	CHECK_EQ(fixture_stat(pool, 1, offsetof(struct weir_stats, stalls)), 1);
	fixture_pool_end(pool);
}

static void stop_dog(struct weir_reactor *r, void *arg)
{
	struct weir_watchdog_options off = { .size = sizeof(off) };

	(void)arg;
	CHECK_EQ(weir_watchdog_start(weir_reactor_pool(r), &off), 0);
}

static sem_t may_return;
static int fds[2];

static enum weir_verdict stuck(struct weir_reactor *r,
			       const struct weir_event *event, void *data)
{
	(void)r;
	(void)data;
	if (!(event->facts & WEIR_STOPPING))
		fixture_wait(&may_return);
	return WEIR_DONE;
}

static void add(struct weir_reactor *r, void *ret_token)
{
	CHECK_EQ(weir_source_add(r, fds[1], WEIR_READABLE, stuck, NULL,
				 ret_token), 0);
}

TEST(a_stuck_handler_is_named_with_its_token)
{
	weir_token token;

	begin();
	sem_init(&may_return, 0, 0);
	fixture_unix_pair(fds);
	fixture_on(pool, 0, add, &token);
	CHECK_EQ(write(fds[0], "x", 1), 1);
	fixture_wait(&reported);
	CHECK_EQ(last[0].worker, 0);
	CHECK_EQ(last[0].kind, WEIR_SHM_CALL);
	CHECK(last[0].handler == (uintptr_t)stuck);
	CHECK(weir_token_equal(last[0].token, token));
	sem_post(&may_return);
	fixture_wait(&reported);
	CHECK(weir_token_equal(last[1].token, token));
	fixture_pool_end(pool);
	close(fds[0]);
	close(fds[1]);
}

static sem_t came;

static enum weir_verdict on_read(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	(void)r;
	(void)data;
	if (!(event->facts & WEIR_STOPPING))
		sem_post(&came);
	return WEIR_DONE;
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r;
	(void)t;
	(void)data;
	sem_post(&came);
}

static void add_both(struct weir_reactor *r, void *arg)
{
	struct weir_timer *t;
	weir_token token;

	(void)arg;
	CHECK_EQ(weir_source_add(r, fds[1], WEIR_READABLE, on_read, NULL,
				 &token), 0);
	CHECK_EQ(weir_timer_new(r, on_timer, NULL, &t), 0);
	CHECK_EQ(weir_timer_start(t, 1), 0);
}

/* Its events, timers and messages wait; nobody else's do. */
TEST(a_stuck_worker_stops_nobody_else)
{
	struct hold hold = { .fn = NULL };

	begin();
	sem_init(&came, 0, 0);
	fixture_unix_pair(fds);
	hold_begin(&hold, pool, 1);
	fixture_on(pool, 0, add_both, NULL);
	CHECK_EQ(write(fds[0], "x", 1), 1);
	fixture_wait(&came);
	fixture_wait(&came);
	fixture_on(pool, WEIR_CONTROL, stop_dog, NULL);
	CHECK_EQ(reports[WEIR_STALL_ENDED], 0);
	hold_end(&hold);
	fixture_pool_end(pool);
	close(fds[0]);
	close(fds[1]);
}

static sem_t freed;

static void free_object(void *object, void *data)
{
	(void)object;
	(void)data;
	sem_post(&freed);
}

static void publish(struct weir_reactor *r, void *snapshot)
{
	(void)r;
	CHECK_EQ(weir_snapshot_publish(snapshot, (void *)"new"), 0);
}

/* Nobody waits for it but the old object. */
TEST(who_delays_the_freeing_is_named)
{
	struct hold hold = { .fn = NULL };
	struct weir_snapshot *snapshot;

	sem_init(&reported, 0, 0);
	sem_init(&freed, 0, 0);
	pool = fixture_pool(2);
	CHECK_EQ(weir_watchdog_start(pool, &dog), 0);
	CHECK_EQ(weir_snapshot_new(pool, (void *)"old", free_object, NULL,
				   &snapshot), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	hold_begin(&hold, pool, 1);
	fixture_wait(&reported);
	CHECK_EQ(reports[WEIR_STALL_BEGAN], 1);
	CHECK_EQ(reports[WEIR_STALL_DELAYS_FREE], 0);
	fixture_on(pool, WEIR_CONTROL, publish, snapshot);
	fixture_wait(&reported);
	CHECK_EQ(reports[WEIR_STALL_DELAYS_FREE], 1);
	CHECK_EQ(last[WEIR_STALL_DELAYS_FREE].worker, 1);
	CHECK(last[WEIR_STALL_DELAYS_FREE].handler == (uintptr_t)hold_run);
	CHECK(sem_trywait(&freed) < 0);
	hold_end(&hold);
	fixture_wait(&freed);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_snapshot_free(snapshot);
	weir_pool_free(pool);
}

static void on_worker(struct weir_reactor *r, void *arg)
{
	(void)arg;
	CHECK_EQ(weir_watchdog_start(weir_reactor_pool(r), &dog), -EBUSY);
}

TEST(off_is_off)
{
	struct hold hold = { .fn = NULL };

	begin();
	fixture_on(pool, WEIR_CONTROL, stop_dog, NULL);
	hold_begin(&hold, pool, 0);
	fixture_sleep_ms(20);
	hold_end(&hold);
	fixture_settle(pool);
	CHECK_EQ(reports[0], 0);
	CHECK_EQ(fixture_stat(pool, 0, offsetof(struct weir_stats, stalls)), 0);
	fixture_on(pool, 0, on_worker, NULL);
	fixture_pool_end(pool);
}

static sem_t logged;
static char line[512];

static void on_log(int level, const char *text, void *data)
{
	(void)data;
	if (level != WEIR_LOG_WARNING || line[0])
		return;
	snprintf(line, sizeof(line), "%s", text);
	sem_post(&logged);
}

TEST(without_a_function_it_goes_to_the_log)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS,
		.log = on_log,
	};
	struct weir_watchdog_options quiet = dog;
	struct hold hold = { .fn = NULL };

	sem_init(&logged, 0, 0);
	quiet.fn = NULL;
	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_watchdog_start(pool, &quiet), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	hold_begin(&hold, pool, 0);
	fixture_wait(&logged);
	CHECK(strstr(line, "weir/0 has been in message "));
	hold_end(&hold);
	weir_pool_free(pool);
}

TEST(options_are_checked)
{
	struct weir_watchdog_options o = dog;

	pool = fixture_pool(1);
	CHECK_EQ(weir_watchdog_start(pool, NULL), -EINVAL);
	o.size--;
	CHECK_EQ(weir_watchdog_start(pool, &o), -EINVAL);
	o = dog;
	o.limit = 999;
	CHECK_EQ(weir_watchdog_start(pool, &o), -EINVAL);
	fixture_pool_end(pool);
}
