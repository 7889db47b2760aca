/* SPDX-License-Identifier: MIT */
/*
 * test_pool_life.c - started, stopped, joined, freed, forked
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "stress.h"
#include "sys/fault.h"

/* What became of the messages of a test. */
static struct {
	atomic_int run, returned, wrong;
} seen;

static void note_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	(void)data;
	if (weir_reactor_current() != r ||
	    weir_reactor_index(r) != (int)msg->word)
		seen.wrong++;
	seen.run++;
}

/* To a thread that never ran: on nobody's reactor. */
static void note_returned(struct weir_reactor *r, const struct weir_msg *msg,
			  int why)
{
	if (r || why != -ECANCELED || !weir_token_is_none(msg->token))
		seen.wrong++;
	seen.returned++;
}

static const struct weir_call noted = {
	.run = note_run,
	.undeliverable = note_returned,
};

static void post_noted(struct weir_pool *pool, int times)
{
	for (int n = 0; n < times; n++)
		for (int i = -1; i < weir_pool_workers(pool); i++)
			CHECK_EQ(weir_post(pool, i, &noted, NULL, (uint64_t)i),
				 0);
}

TEST(nothing_runs_before_the_start)
{
	struct weir_pool *pool = fixture_pool(2);

	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_NEW);
	CHECK_EQ(weir_pool_drain(pool, 0), -EINVAL);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_NEW);
	CHECK_STR(weir_pool_error(pool), "");
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_RUNNING);
	CHECK_EQ(weir_pool_start(pool), -EBUSY);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	CHECK_EQ(weir_pool_start(pool), -EBUSY);
	CHECK_EQ(weir_pool_drain(pool, 0), 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	weir_pool_free(pool);
}

TEST(a_stop_before_the_start_is_remembered)
{
	struct weir_pool *pool = fixture_pool(2);

	post_noted(pool, 3);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	CHECK_EQ(weir_pool_start(pool), -ECANCELED);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	for (int i = -1; i < 2; i++)
		CHECK_EQ(weir_post(pool, i, &noted, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	CHECK_EQ(seen.returned, 9);
	CHECK_EQ(seen.run + seen.wrong, 0);
}

TEST(a_post_before_the_start_is_kept)
{
	struct weir_pool *pool = fixture_pool(2);

	post_noted(pool, 600);
	CHECK_EQ(weir_pool_start(pool), 0);
	while (seen.run < 1800)
		fixture_settle(pool);
	fixture_pool_end(pool);
	CHECK_EQ(seen.run, 1800);
	CHECK_EQ(seen.returned + seen.wrong, 0);
}

TEST(a_pool_that_never_ran_returns_its_messages)
{
	struct weir_pool *pool = fixture_pool(2);

	post_noted(pool, 600);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	CHECK_EQ(seen.returned, 1800);
	CHECK_EQ(seen.run + seen.wrong, 0);
}

TEST(two_pools_do_not_mind_each_other)
{
	struct weir_pool *a = fixture_pool(2), *b = fixture_pool(1);

	CHECK_EQ(weir_pool_start(a), 0);
	post_noted(b, 1);
	CHECK_EQ(weir_pool_start(b), 0);
	post_noted(a, 1);
	fixture_settle(a);
	fixture_pool_end(a);
	post_noted(b, 1);
	fixture_settle(b);
	CHECK_EQ(weir_pool_state(b), WEIR_POOL_RUNNING);
	fixture_pool_end(b);
	CHECK_EQ(seen.run, 3 + 2 + 2);
	CHECK_EQ(seen.returned + seen.wrong, 0);
}

/* --- on_start and on_stop --- */

struct starts {
	atomic_int started, stopped;
	int failing;		/* this worker fails; -1: none */
	int result;		/* with this; of the others: */
	int others;
	atomic_int busy;	/* what a control call said on a worker */
};

static int on_start(struct weir_reactor *r, void *data)
{
	struct starts *s = data;
	weir_token token;

	if (weir_reactor_index(r) == s->failing)
		return s->result;
	s->busy = weir_watch_add(weir_reactor_pool(r), "/", NULL, NULL, &token);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	for (int i = -1; i < weir_pool_workers(weir_reactor_pool(r)); i++)
		CHECK_EQ(weir_post(weir_reactor_pool(r), i, &noted, NULL,
				   (uint64_t)i), 0);
	s->started++;
	return s->others;
}

static void on_stop(struct weir_reactor *r, void *data)
{
	struct starts *s = data;

	CHECK(weir_reactor_index(r) != s->failing);
	CHECK_EQ(weir_post(weir_reactor_pool(r), 0, &noted, NULL, 0),
		 -ECANCELED);
	s->stopped++;
}

static struct weir_pool *starts_pool(struct starts *s)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 3,
		.flags = WEIR_POOL_NO_SIGNALS,
		.on_start = on_start,
		.on_stop = on_stop,
		.data = s,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

TEST(workers_start_and_stop)
{
	struct starts s = { .failing = -1 };
	struct weir_pool *pool = starts_pool(&s);

	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(s.started, 3);
	CHECK_EQ(s.busy, -EBUSY);
	while (seen.run < 12)
		fixture_settle(pool);
	CHECK_EQ(s.stopped, 0);
	fixture_pool_end(pool);
	CHECK_EQ(s.stopped, 3);
	CHECK_EQ(seen.returned + seen.wrong, 0);
}

TEST(a_positive_result_is_no_failure)
{
	struct starts s = { .failing = -1, .others = 7 };
	struct weir_pool *pool = starts_pool(&s);

	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_pool_end(pool);
	CHECK_EQ(s.stopped, 3);
}

/* Those of the failed start are returned, by whoever had them. */
static void note_anyhow(struct weir_reactor *r, const struct weir_msg *msg,
			int why)
{
	(void)msg;
	if (why != -ECANCELED || (r && weir_reactor_current() != r))
		seen.wrong++;
	seen.returned++;
}

static const struct weir_call noted_anyhow = {
	.run = note_run,
	.undeliverable = note_anyhow,
};

static void failed_start(struct weir_pool *pool, int err, const char *text)
{
	for (int i = -1; i < weir_pool_workers(pool); i++)
		CHECK_EQ(weir_post(pool, i, &noted_anyhow, NULL, (uint64_t)i),
			 0);
	CHECK_EQ(weir_pool_start(pool), err);
	CHECK(strstr(weir_pool_error(pool), text));
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	for (int i = -1; i < weir_pool_workers(pool); i++)
		CHECK_EQ(weir_post(pool, i, &noted_anyhow, NULL, 0),
			 -ECANCELED);
	CHECK_EQ(weir_pool_start(pool), -EBUSY);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

TEST(a_worker_fails_to_start)
{
	for (int failing = 0; failing < 3; failing++) {
		struct starts s = {
			.failing = failing, .result = -EDOM, .others = failing,
		};
		struct weir_pool *pool = starts_pool(&s);

		atomic_store(&seen.run, 0);
		atomic_store(&seen.returned, 0);
		failed_start(pool, -EDOM, "Numerical argument");
		CHECK_EQ(s.started, 2);
		CHECK_EQ(s.stopped, 2);
		CHECK_EQ(seen.run, 0);
		CHECK_EQ(seen.returned, 4 + 2 * 4);
	}
}

static int threads_left;

static int fail_thread(enum weir__call call)
{
	if (call != WEIR__CALL_THREAD_CREATE)
		return 0;
	return threads_left-- == 0 ? -EAGAIN : 0;
}

TEST(a_thread_cannot_be_made)
{
	weir__fault_hook = fail_thread;
	/* Three workers, control, and the one that waits for grace. */
	for (int n = 0; n < 5; n++) {
		struct starts s = { .failing = -1 };
		struct weir_pool *pool = starts_pool(&s);

		atomic_store(&seen.returned, 0);
		threads_left = n;
		failed_start(pool, -EAGAIN, "Resource temporarily");
		CHECK_EQ(s.started, s.stopped);
		CHECK_EQ(seen.run, 0);
		CHECK_EQ(seen.returned, 4 + s.started * 4);
	}
	threads_left = 5;
	fixture_pool_end(fixture_pool(1));
}

/* --- join and free --- */

static void join_here(struct weir_reactor *r, void *arg)
{
	struct weir_pool *pool = weir_reactor_pool(r);

	(void)arg;
	CHECK_EQ(weir_pool_join(pool), -EDEADLK);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_RUNNING);
}

/* A reactor that is turned within a handler does not hide whose thread it is */
static void join_deeper(struct weir_reactor *inner, const struct weir_msg *msg,
			void *data)
{
	(void)data;
	CHECK_EQ(weir_pool_join(msg->arg), -EDEADLK);
	weir_reactor_stop(inner);
}

static void join_nested(struct weir_reactor *r, void *arg)
{
	static const struct weir_call call = { .run = join_deeper };
	struct weir_reactor *inner;

	(void)arg;
	CHECK_EQ(weir_reactor_new(NULL, &inner), 0);
	CHECK_EQ(weir_reactor_post(inner, &call, weir_reactor_pool(r), 0), 0);
	CHECK_EQ(weir_reactor_run(inner), 0);
	weir_reactor_free(inner);
}

static void free_here(struct weir_reactor *r, void *arg)
{
	(void)arg;
	CHECK(!weir_pool_free(weir_reactor_pool(r)));
}

TEST(no_thread_waits_for_itself)
{
	struct weir_pool *pool = fixture_pool(2);

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = -1; i < 2; i++) {
		fixture_on(pool, i, join_here, NULL);
		fixture_on(pool, i, join_nested, NULL);
	}
	fixture_on(pool, 1, free_here, NULL);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

TEST(a_join_before_the_start_joins_nothing)
{
	struct weir_pool *pool = fixture_pool(2);
	struct hold hold = { .fn = NULL };

	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_NEW);
	CHECK_EQ(weir_pool_start(pool), 0);
	hold_begin(&hold, pool, 1);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&hold);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

static void free_int(void *object, void *data)
{
	(void)data;
	free(object);
}

static void publish(struct weir_reactor *r, void *snapshot)
{
	(void)r;
	CHECK_EQ(weir_snapshot_publish(snapshot, malloc(1)), 0);
}

static void end_other(struct weir_reactor *r, void *arg)
{
	struct weir_snapshot *snapshot;
	struct weir_pool *other = fixture_pool(1);

	(void)arg;
	(void)r;
	CHECK_EQ(weir_snapshot_new(other, malloc(1), free_int, NULL,
				   &snapshot), 0);
	CHECK_EQ(weir_pool_start(other), 0);
	/* The other pool now waits for us to leave this handler. */
	fixture_on(other, WEIR_CONTROL, publish, snapshot);
	CHECK_EQ(weir_pool_stop(other), 0);
	CHECK_EQ(weir_pool_join(other), 0);
	weir_snapshot_free(snapshot);
	weir_pool_free(other);
}

TEST(a_pool_ends_within_a_handler_of_another)
{
	struct weir_pool *pool = fixture_pool(1);

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = 0; i < 20; i++)
		fixture_on(pool, i % 2 - 1, end_other, NULL);
	fixture_pool_end(pool);
}

/* --- stops that come at any time --- */

static struct weir_pool *to_stop;

static void stop_it(int signo)
{
	(void)signo;
	weir_pool_stop(to_stop);
}

TEST(a_signal_handler_stops_a_pool)
{
	const struct sigaction action = { .sa_handler = stop_it };
	const weir_ns end = stress_end();
	int usec = 1;

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	for (; !stress_is_over(end); usec = usec % 997 + 53) {
		const struct itimerval timer = { .it_value = { 0, usec } };
		struct weir_pool *pool = fixture_pool(2);
		int err;

		to_stop = pool;
		setitimer(ITIMER_REAL, &timer, NULL);
		err = weir_pool_start(pool);
		CHECK(err == 0 || err == -ECANCELED);
		while (weir_pool_state(pool) < WEIR_POOL_STOPPING)
			;
		CHECK_EQ(weir_pool_join(pool), 0);
		CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
		weir_pool_free(pool);
	}
}

struct storm {
	struct weir_pool *pool;
	atomic_int accepted;
	unsigned limit_us;	/* of the drain */
};

static void *post_until_stopped(void *arg)
{
	struct storm *s = arg;
	int err = 0;

	for (unsigned i = 0; err != -ECANCELED; i++) {
		const int to = (int)(i % 3) - 1;

		err = weir_post(s->pool, to, &noted_anyhow, NULL, (uint64_t)to);
		CHECK(err == 0 || err == -EAGAIN || err == -ECANCELED);
		s->accepted += err == 0;
	}
	return NULL;
}

static void *drain_it(void *arg)
{
	struct storm *s = arg;
	int err;

	do {
		err = weir_pool_drain(s->pool,
				      s->limit_us * WEIR_NS_PER_USEC);
		CHECK(err == 0 || err == -EAGAIN || err == -EINVAL);
	} while (weir_pool_state(s->pool) != WEIR_POOL_STOPPED);
	return NULL;
}

TEST(posts_drain_and_stop_at_once)
{
	const weir_ns end = stress_end();
	unsigned round = 0;

	for (; !stress_is_over(end); round++) {
		struct storm s = { .pool = fixture_pool(2) };
		pthread_t threads[3];

		s.limit_us = round % 7 * 100;
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, post_until_stopped,
				       &s);
		pthread_create(&threads[2], NULL, drain_it, &s);
		CHECK_EQ(weir_pool_start(s.pool), 0);
		if (round % 2)
			CHECK_EQ(weir_pool_stop(s.pool), 0);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		CHECK_EQ(weir_pool_join(s.pool), 0);
		weir_pool_free(s.pool);
		CHECK_EQ(seen.run + seen.returned, s.accepted);
		CHECK_EQ(seen.wrong, 0);
		atomic_store(&seen.run, 0);
		atomic_store(&seen.returned, 0);
	}
}

/* --- fork --- */

static void check_child(struct weir_pool *pool, struct weir_snapshot *snapshot)
{
	struct weir_stats stats = { .size = sizeof(stats) };
	struct weir_counter *counter;
	weir_token token = { 1 };

	CHECK_EQ(weir_pool_start(pool), -ECHILD);
	CHECK_EQ(weir_pool_stop(pool), -ECHILD);
	CHECK_EQ(weir_pool_drain(pool, 0), -ECHILD);
	CHECK_EQ(weir_pool_join(pool), -ECHILD);
	CHECK_EQ(weir_post(pool, 0, &noted, NULL, 0), -ECHILD);
	CHECK_EQ(weir_send(pool, token, &noted, NULL, 0), -ECHILD);
	CHECK_EQ(weir_pool_stats(pool, 0, &stats), -ECHILD);
	CHECK_EQ(weir_signal_add(pool, SIGTERM, NULL, NULL), -ECHILD);
	CHECK_EQ(weir_signal_remove(pool, SIGTERM), -ECHILD);
	CHECK_EQ(weir_watch_add(pool, "/x", NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_watch_remove(pool, token), -ECHILD);
	CHECK_EQ(weir_child_add(pool, 1, NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_child_remove(pool, token), -ECHILD);
	CHECK_EQ(weir_counter_new(pool, &counter), -ECHILD);
	CHECK_EQ(weir_snapshot_new(pool, NULL, free_int, NULL, &snapshot),
		 -ECHILD);
	CHECK_EQ(weir_snapshot_publish(snapshot, NULL), -ECHILD);
	CHECK(!weir_snapshot_free(snapshot));
	CHECK(!weir_pool_free(pool));
}

/* The child goes its own way; the parent's pool must not notice. */
static void be_child(struct weir_pool *pool, struct weir_snapshot *snapshot,
		     bool has_run)
{
	struct weir_snapshot *mine;
	struct weir_pool *own;

	check_child(pool, snapshot);
	if (has_run) {
		CHECK_EQ(weir_pool_new(NULL, &own), -ENOTSUP);
		_exit(0);
	}
	own = fixture_pool(1);
	CHECK_EQ(weir_snapshot_new(own, malloc(1), free_int, NULL, &mine), 0);
	post_noted(own, 5);
	CHECK_EQ(weir_pool_start(own), 0);
	fixture_on(own, WEIR_CONTROL, publish, mine);
	fixture_settle(own);
	CHECK_EQ(weir_pool_stop(own), 0);
	CHECK_EQ(weir_pool_join(own), 0);
	weir_snapshot_free(mine);
	weir_pool_free(own);
	check_child(pool, snapshot);
	_exit(0);
}

TEST(a_forked_child_cannot_touch_it)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
	};
	struct weir_snapshot *snapshot;
	struct weir_pool *pool;
	int status;
	pid_t pid;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_snapshot_new(pool, malloc(1), free_int, NULL,
				   &snapshot), 0);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			be_child(pool, snapshot, i == 1);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		if (i == 0)
			CHECK_EQ(weir_pool_start(pool), 0);
		post_noted(pool, 10);
		fixture_settle(pool);
	}
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_snapshot_free(snapshot);
	weir_pool_free(pool);
	CHECK_EQ(seen.run, 60);
	CHECK_EQ(seen.returned + seen.wrong, 0);
}
