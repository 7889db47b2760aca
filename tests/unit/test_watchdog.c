/* SPDX-License-Identifier: MIT */
/*
 * test_watchdog.c - a worker that is kept in a handler is found and named
 *
 * No time decides: a worker stays in its handler until it was reported.
 */
#include <weir/watchdog.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "probe.h"
#include "sys/fault.h"

static struct weir_pool *pool;
static sem_t reported;
static struct weir_stall last[3];
static int reports[3];
static bool was_on_dog[3];

static char names[3][128];

static bool on_dog(void)
{
	const struct weir_reactor *r = weir_reactor_current();
	char name[16];

	if (r) {
		CHECK_EQ(weir_reactor_index(r), WEIR_CONTROL);
		return false;
	}
	CHECK_EQ(pthread_getname_np(pthread_self(), name, sizeof(name)), 0);
	CHECK_STR(name, "weir/dog");
	return true;
}

static void on_stall(struct weir_pool *p, const struct weir_stall *stall,
		     void *data)
{
	CHECK(p == pool);
	CHECK(data == &reported);
	was_on_dog[stall->report] = on_dog();
	if (stall->worker == WEIR_CONTROL)
		CHECK(on_dog());
	if (on_dog())
		CHECK_EQ(weir_watchdog_start(pool, NULL), -EBUSY);
	last[stall->report] = *stall;
	CHECK(strlen(stall->name) < sizeof(names[0]));
	strcpy(names[stall->report], stall->name);
	last[stall->report].name = names[stall->report];
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
	fixture_pass(pool, WEIR_CONTROL, 30 * WEIR_NS_PER_MSEC);
	hold_end(&hold);
	fixture_wait(&reported);
	CHECK(!was_on_dog[WEIR_STALL_BEGAN]);
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

TEST(a_stalled_control_thread_is_named)
{
	struct hold hold = { .fn = NULL };

	begin();
	hold_begin(&hold, pool, WEIR_CONTROL);
	fixture_wait(&reported);
	CHECK_EQ(last[0].worker, WEIR_CONTROL);
	CHECK_EQ(last[0].kind, WEIR_SHM_MESSAGE);
	CHECK(last[0].handler == (uintptr_t)hold_run);
	CHECK(last[0].duration > dog.limit);
	hold_end(&hold);
	fixture_wait(&reported);
	CHECK_EQ(reports[WEIR_STALL_BEGAN], 1);
	CHECK_EQ(reports[WEIR_STALL_ENDED], 1);
	CHECK_EQ(last[1].worker, WEIR_CONTROL);
	CHECK(last[1].duration >= last[0].duration);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_CONTROL, stalls), 1);
	fixture_pool_end(pool);
}

/* Two that wait for each other: both are named. */
TEST(workers_are_watched_while_control_is_stalled)
{
	struct hold control = { .fn = NULL }, worker = { .fn = NULL };

	begin();
	hold_begin(&control, pool, WEIR_CONTROL);
	fixture_wait(&reported);
	CHECK_EQ(last[0].worker, WEIR_CONTROL);
	hold_begin(&worker, pool, 1);
	fixture_wait(&reported);
	CHECK_EQ(last[0].worker, 1);
	CHECK_EQ(reports[WEIR_STALL_BEGAN], 2);
	CHECK(was_on_dog[WEIR_STALL_BEGAN]);
	hold_end(&worker);
	fixture_wait(&reported);
	CHECK_EQ(last[1].worker, 1);
	CHECK(was_on_dog[WEIR_STALL_ENDED]);
	hold_end(&control);
	fixture_wait(&reported);
	CHECK_EQ(last[1].worker, WEIR_CONTROL);
	fixture_pool_end(pool);
}

TEST(each_report_has_its_end_though_the_pool_stops)
{
	struct hold control = { .fn = NULL }, worker = { .fn = NULL };

	begin();
	hold_begin(&control, pool, WEIR_CONTROL);
	hold_begin(&worker, pool, 0);
	fixture_wait(&reported);
	fixture_wait(&reported);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&control);
	hold_end(&worker);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(reports[WEIR_STALL_BEGAN], 2);
	CHECK_EQ(reports[WEIR_STALL_ENDED], 2);
	weir_pool_free(pool);
}

static sem_t is_reporting;
static atomic_int waiting_tid;		/* of control, once it is about to */
static atomic_bool may_be_freed;

/* On the dog's thread: does not return before control waits for it. */
static void report_slowly(struct weir_pool *p, const struct weir_stall *stall,
			  void *data)
{
	(void)p, (void)data;
	if (stall->report != WEIR_STALL_BEGAN)
		return;
	sem_post(&is_reporting);
	while (atomic_load(&waiting_tid) == 0)
		sched_yield();
	fixture_wait_asleep(atomic_load(&waiting_tid));
	atomic_store(&may_be_freed, true);
}

static void stop_slow_dog(struct weir_reactor *r, void *arg)
{
	fixture_wait(&is_reporting);
	atomic_store(&waiting_tid, gettid());
	stop_dog(r, arg);
	CHECK(atomic_load(&may_be_freed));
}

TEST(a_replaced_function_is_not_running)
{
	struct weir_watchdog_options slow = dog;

	sem_init(&is_reporting, 0, 0);
	slow.fn = report_slowly;
	pool = fixture_pool(1);
	CHECK_EQ(weir_watchdog_start(pool, &slow), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, WEIR_CONTROL, stop_slow_dog, NULL);
	fixture_pool_end(pool);
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
	fixture_pass(pool, WEIR_CONTROL, 20 * WEIR_NS_PER_MSEC);
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

static void check_log(int worker, const char *text)
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
	hold_begin(&hold, pool, worker);
	fixture_wait(&logged);
	CHECK(strstr(line, text));
	hold_end(&hold);
	weir_pool_free(pool);
}

TEST(without_a_function_it_goes_to_the_log)
{
	check_log(0, "weir/0 has been in message ");
}

TEST(so_does_a_stall_of_control)
{
	check_log(WEIR_CONTROL, "weir/ctl has been in message ");
}

static atomic_bool no_thread;

static int no_thread_hook(enum weir__call call)
{
	return call == WEIR__CALL_THREAD_CREATE && atomic_load(&no_thread) ?
	       -EAGAIN : 0;
}

static void start_in_vain(struct weir_reactor *r, void *arg)
{
	(void)arg;
	atomic_store(&no_thread, true);
	CHECK_EQ(weir_watchdog_start(weir_reactor_pool(r), &dog), -EAGAIN);
	atomic_store(&no_thread, false);
	CHECK_EQ(weir_watchdog_start(weir_reactor_pool(r), &dog), 0);
}

TEST(a_thread_that_cannot_be_started_is_said)
{
	struct hold hold = { .fn = NULL };

	weir__fault_hook = no_thread_hook;
	sem_init(&reported, 0, 0);
	pool = fixture_pool(1);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, WEIR_CONTROL, start_in_vain, NULL);
	hold_begin(&hold, pool, WEIR_CONTROL);
	fixture_wait(&reported);
	hold_end(&hold);
	fixture_pool_end(pool);
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
