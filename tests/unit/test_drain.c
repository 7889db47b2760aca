/* SPDX-License-Identifier: MIT */
/*
 * test_drain.c - a pool that finishes what is open
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "stress.h"

/* A source that keeps a drain waiting until it is told to end. */
struct guest {
	int fds[2];
	weir_token token;
	atomic_int draining, stopping;	/* calls */
	int is_leaving;			/* at once, when it is told to drain */
};

static atomic_int order;

static enum weir_verdict on_guest(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct guest *g = data;

	if (event->facts & WEIR_STOPPING)
		g->stopping++;
	if (event->facts & WEIR_DRAINING)
		g->draining++;
	if ((event->facts & WEIR_DRAINING) && g->is_leaving)
		CHECK_EQ(weir_source_remove(r, g->token), 0);
	return WEIR_DONE;
}

static void guest_add(struct weir_reactor *r, void *guest)
{
	struct guest *g = guest;

	CHECK_EQ(weir_source_add(r, g->fds[1], WEIR_READABLE, on_guest, g,
				 &g->token), 0);
}

static void guest_remove(struct weir_reactor *r, void *guest)
{
	struct guest *g = guest;

	CHECK_EQ(weir_source_remove(r, g->token), 0);
}

static void guest_come(struct guest *g, struct weir_pool *pool, int worker)
{
	fixture_unix_pair(g->fds);
	fixture_on(pool, worker, guest_add, g);
}

static void guest_done(struct guest *g)
{
	close(g->fds[0]);
	close(g->fds[1]);
}

static struct weir_pool *start(unsigned workers)
{
	struct weir_pool *pool = fixture_pool(workers);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

/* All threads have heard of the drain. */
static void wait_until_told(const struct guest *g, int n)
{
	for (int i = 0; i < n; i++)
		while (g[i].draining == 0)
			fixture_sleep_ms(1);
}

TEST(an_empty_pool_is_drained)
{
	for (unsigned workers = 1; workers <= 3; workers++) {
		struct weir_pool *pool = start(workers);

		CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
		CHECK_EQ(weir_pool_join(pool), 0);
		CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
		CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
		weir_pool_free(pool);
	}
}

TEST(an_empty_pool_is_never_late)
{
	for (unsigned us = 0; us < 200; us += 10) {
		struct weir_pool *pool = start(2);

		CHECK_EQ(weir_pool_drain(pool, us * WEIR_NS_PER_USEC), 0);
		CHECK_EQ(weir_pool_join(pool), 0);
		weir_pool_free(pool);
	}
}

TEST(a_drain_waits_for_each_source)
{
	struct weir_pool *pool = start(3);
	struct guest g[4] = { 0 };

	for (int i = 0; i < 3; i++)
		guest_come(&g[i], pool, i - 1);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	wait_until_told(g, 3);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_DRAINING);
	/*
	 * One that comes late is told too, and waited for as well, though its
	 * worker was idle already.
	 */
	fixture_settle(pool);
	guest_come(&g[3], pool, 2);
	wait_until_told(g, 4);
	fixture_settle(pool);
	for (int i = 0; i < 3; i++) {
		fixture_on(pool, i - 1, guest_remove, &g[i]);
		fixture_settle(pool);
		CHECK_EQ(weir_pool_state(pool), WEIR_POOL_DRAINING);
	}
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	fixture_on(pool, 2, guest_remove, &g[3]);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources_forced), 0);
	weir_pool_free(pool);
	for (int i = 0; i < 4; i++) {
		CHECK_EQ(g[i].draining, 1);
		CHECK_EQ(g[i].stopping, 0);
		guest_done(&g[i]);
	}
}

static void open_name(struct weir_reactor *r, void *guest)
{
	struct guest *g = guest;

	CHECK_EQ(weir_source_open(r, on_guest, g, &g->token), 0);
}

TEST(a_name_is_told_and_not_waited_for)
{
	struct weir_pool *pool = start(1);
	struct guest g = { 0 };

	fixture_on(pool, 0, open_name, &g);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	CHECK_EQ(g.draining, 1);
	CHECK_EQ(g.stopping, 1);
}

TEST(the_limit_ends_what_is_left)
{
	struct weir_pool *pool = start(2);
	struct guest g[2] = { { .is_leaving = 1 }, { .is_leaving = 0 } };

	guest_come(&g[0], pool, 0);
	guest_come(&g[1], pool, 1);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	wait_until_told(g, 2);
	fixture_settle(pool);
	CHECK_EQ(weir_pool_drain(pool, 20 * WEIR_NS_PER_MSEC), 0);
	CHECK_EQ(weir_pool_join(pool), -ETIMEDOUT);
	CHECK_EQ(weir_pool_join(pool), -ETIMEDOUT);
	CHECK_EQ(g[0].stopping, 0);
	CHECK_EQ(g[1].stopping, 1);
	CHECK_EQ(g[1].draining, 1);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources_forced), 1);
	weir_pool_free(pool);
	guest_done(&g[0]);
	guest_done(&g[1]);
}

TEST(a_second_call_only_shortens)
{
	for (int i = 0; i < 2; i++) {
		static const weir_ns limits[] = {
			WEIR_FOREVER, 20 * WEIR_NS_PER_MSEC,
		};
		struct weir_pool *pool = start(1);
		struct guest g = { 0 };

		guest_come(&g, pool, 0);
		CHECK_EQ(weir_pool_drain(pool, limits[i]), 0);
		CHECK_EQ(weir_pool_drain(pool, limits[!i]), 0);
		CHECK_EQ(weir_pool_drain(pool, 3600 * WEIR_NS_PER_SEC), 0);
		CHECK_EQ(weir_pool_join(pool), -ETIMEDOUT);
		CHECK(g.draining <= 1);	/* the limit may come before */
		CHECK_EQ(g.stopping, 1);
		weir_pool_free(pool);
		guest_done(&g);
	}
}

TEST(a_stop_ends_a_drain)
{
	struct weir_pool *pool = start(2);
	struct guest g = { 0 };

	guest_come(&g, pool, 1);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	wait_until_told(&g, 1);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(g.stopping, 1);
	CHECK_EQ(FIXTURE_STAT(pool, 1, sources_forced), 1);
	weir_pool_free(pool);
	guest_done(&g);
}

static void drain_here(struct weir_reactor *r, void *arg)
{
	(void)arg;
	CHECK_EQ(weir_pool_drain(weir_reactor_pool(r), WEIR_FOREVER), 0);
}

TEST(any_thread_can_drain)
{
	for (int i = -1; i < 2; i++) {
		struct weir_pool *pool = start(2);

		fixture_on(pool, i, drain_here, NULL);
		CHECK_EQ(weir_pool_join(pool), 0);
		weir_pool_free(pool);
	}
}

/* --- what comes in which order --- */

static atomic_int told_control, told_worker, came;

static void note_handed(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)r;
	(void)msg;
	(void)data;
	came = ++order;
}

static void note_lost(struct weir_reactor *r, const struct weir_msg *msg,
		      int why)
{
	(void)r;
	(void)msg;
	test_fail(__FILE__, __LINE__, "undeliverable: %d", why);
}

static const struct weir_call handed = {
	.run = note_handed,
	.undeliverable = note_lost,
};

static enum weir_verdict on_told(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	atomic_int *when = data;

	if (!(event->facts & WEIR_DRAINING))
		return WEIR_DONE;
	*when = ++order;
	/* As a listener of control's does with its last connection. */
	if (weir_reactor_index(r) == WEIR_CONTROL)
		CHECK_EQ(weir_post(weir_reactor_pool(r), 0, &handed, NULL, 0),
			 0);
	return WEIR_DONE;
}

static void open_told(struct weir_reactor *r, void *when)
{
	weir_token token;

	CHECK_EQ(weir_source_open(r, on_told, when, &token), 0);
}

TEST(control_is_told_first)
{
	struct weir_pool *pool = start(1);

	fixture_on(pool, WEIR_CONTROL, open_told, &told_control);
	fixture_on(pool, 0, open_told, &told_worker);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	CHECK_EQ(told_control, 1);
	CHECK_EQ(came, 2);
	CHECK_EQ(told_worker, 3);
}

/* msg->word: it takes so many microseconds */
static void note_nothing(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data)
{
	const weir_ns end = weir_clock() + msg->word * WEIR_NS_PER_USEC;

	(void)r;
	(void)data;
	while (msg->word > 0 && weir_clock() < end)
		;
	if (msg->arg)
		++*(atomic_int *)msg->arg;
}

static const struct weir_call counted = {
	.run = note_nothing,
	.undeliverable = note_lost,
};

TEST(what_was_accepted_before_is_run)
{
	enum { MESSAGES = 4000 };	/* more than a turn takes */

	for (int round = 0; round < 2; round++) {
		struct weir_pool *pool = start(2);
		struct hold holds[2] = { { .fn = NULL }, { .fn = NULL } };
		atomic_int run = 0;

		for (int w = 0; w < 2; w++)
			hold_begin(&holds[w], pool, w);
		for (int i = 0; i < MESSAGES; i++)
			CHECK_EQ(weir_post(pool, i % 2, &counted, &run, 20), 0);
		CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
		for (int w = 0; w < 2; w++)
			hold_end(&holds[w]);
		CHECK_EQ(weir_pool_join(pool), 0);
		CHECK_EQ(run, MESSAGES);
		weir_pool_free(pool);
	}
}

static void post_and_drain(struct weir_reactor *r, void *run)
{
	struct weir_pool *pool = weir_reactor_pool(r);

	for (int i = 0; i < 900; i++)
		CHECK_EQ(weir_post(pool, i % 3, &counted, run, 0), 0);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
}

TEST(so_is_what_a_worker_posted_in_the_same_handler)
{
	for (int round = 0; round < 30; round++) {
		struct weir_pool *pool = start(3);
		atomic_int run = 0;

		fixture_on(pool, round % 4 - 1, post_and_drain, &run);
		CHECK_EQ(weir_pool_join(pool), 0);
		CHECK_EQ(run, 900);
		weir_pool_free(pool);
	}
}

static void do_nothing(struct weir_reactor *r, void *arg)
{
	(void)r;
	(void)arg;
}

static void post_one(struct weir_reactor *r, void *run)
{
	CHECK_EQ(weir_post(weir_reactor_pool(r), 1, &counted, run, 0), 0);
}

/*
 * It was posted before the drain and leaves when all others are idle; and then
 * its receiver is kept from running it until the sender is idle too.
 */
TEST(so_is_what_leaves_last)
{
	struct weir_pool *pool = start(2);
	struct guest g = { .is_leaving = 1 };
	atomic_int run = 0;
	struct hold sender = { .before = post_one, .arg = &run };
	struct hold receiver = { .fn = NULL };

	guest_come(&g, pool, 1);
	hold_begin(&sender, pool, 0);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	wait_until_told(&g, 1);
	fixture_on(pool, 1, do_nothing, NULL);
	fixture_on(pool, WEIR_CONTROL, do_nothing, NULL);
	hold_begin(&receiver, pool, 1);
	hold_end(&sender);
	for (int i = 0; i < 20; i++) {
		fixture_sleep_ms(1);
		CHECK_EQ(weir_pool_state(pool), WEIR_POOL_DRAINING);
	}
	hold_end(&receiver);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(run, 1);
	weir_pool_free(pool);
	guest_done(&g);
}

/* --- what comes meanwhile --- */

static void run_forever(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	struct weir_pool *pool = weir_reactor_pool(r);
	const int next = (weir_reactor_index(r) + 2) % 3 - 1;

	(void)data;
	/* The message goes round, and each leaves another one behind. */
	weir_post(pool, next, msg->call, NULL, 0);
	if (msg->word == 0)
		weir_reactor_post(r, msg->call, NULL, 1);
}

static const struct weir_call forever = { .run = run_forever };

static void *flood(void *arg)
{
	struct weir_pool *pool = arg;
	static const struct weir_call call = { .run = note_nothing };
	int err;

	do {
		err = 0;
		for (int i = -1; i < 2 && err != -ECANCELED; i++)
			err = weir_post(pool, i, &call, NULL, 0);
	} while (err != -ECANCELED);
	return NULL;
}

TEST(a_drain_ends_while_posts_flow)
{
	for (int round = 0; round < 5; round++) {
		struct weir_pool *pool = start(2);
		pthread_t threads[2];

		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, flood, pool);
		for (int i = -1; i < 2; i++)
			while (weir_post(pool, i, &forever, NULL, 0) < 0)
				;
		fixture_settle(pool);
		while (weir_pool_drain(pool, WEIR_FOREVER) < 0)
			;
		CHECK_EQ(weir_pool_join(pool), 0);
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		weir_pool_free(pool);
	}
}

/* Sources come and go while control is away, more often than it can be told. */
TEST(a_worker_is_heard_though_the_queue_was_full)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2, .ring_messages = 64,
		.flags = WEIR_POOL_NO_SIGNALS,
	};
	struct hold hold = { .fn = NULL };
	struct guest g = { 0 }, last = { 0 };
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	guest_come(&g, pool, 0);
	guest_come(&last, pool, 1);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	wait_until_told(&g, 1);
	wait_until_told(&last, 1);
	hold_begin(&hold, pool, WEIR_CONTROL);
	for (int i = 0; i < 200; i++) {
		fixture_on(pool, 0, guest_remove, &g);
		fixture_on(pool, 0, do_nothing, NULL);
		fixture_on(pool, 0, guest_add, &g);
		fixture_on(pool, 0, do_nothing, NULL);
	}
	fixture_on(pool, 0, guest_remove, &g);
	fixture_on(pool, 0, do_nothing, NULL);
	hold_end(&hold);
	/* Until then the first round goes on, and nobody asks again. */
	fixture_on(pool, WEIR_CONTROL, do_nothing, NULL);
	fixture_on(pool, 1, guest_remove, &last);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	guest_done(&g);
	guest_done(&last);
}

/* The room reserved for the library lets a drain through. */
TEST(a_full_queue_does_not_stop_a_drain)
{
	static const struct weir_call call = { .run = note_nothing };
	struct weir_pool *pool = start(1);
	struct hold hold = { .fn = NULL };
	int calls = 0, err;

	hold_begin(&hold, pool, WEIR_CONTROL);
	while (weir_post(pool, WEIR_CONTROL, &call, NULL, 0) == 0)
		;
	do {
		err = weir_pool_drain(pool, WEIR_FOREVER);
		calls += err == 0;
	} while (err == 0);
	CHECK_EQ(err, -EAGAIN);
	CHECK_EQ(calls, 16);
	hold_end(&hold);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}
