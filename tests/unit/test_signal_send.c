/* SPDX-License-Identifier: MIT */
/*
 * test_signal_send.c - signals to subscribers, and none of them lost
 */
#include <weir.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"

enum { WORKERS = 2 };

/* Each thread writes its own slot: the workers', then control's. */
struct ear {
	int count[WORKERS + 1];
	long long sum[WORKERS + 1];
	int last[WORKERS + 1];
	sem_t heard;
};

static int slot(int worker)
{
	return worker == WEIR_CONTROL ? WORKERS : worker;
}

static void on_signal(struct weir_reactor *r,
		      const struct signalfd_siginfo *info, void *data)
{
	const int i = slot(weir_reactor_index(r));
	struct ear *ear = data;

	CHECK(weir_reactor_current() == r);
	ear->count[i]++;
	ear->sum[i] += info->ssi_int;
	ear->last[i] = info->ssi_int;
	sem_post(&ear->heard);
}

static struct weir_pool *make(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = WORKERS,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

static void subscribe(struct weir_pool *pool, int signo, int where,
		      struct ear *ear, weir_token *ret_token)
{
	memset(ear, 0, sizeof(*ear));
	sem_init(&ear->heard, 0, 0);
	CHECK_EQ(weir_signal_subscribe(pool, signo, where, on_signal, ear,
				       ret_token), 0);
}

static void hear(struct ear *ear, int times)
{
	for (int i = 0; i < times; i++)
		fixture_wait(&ear->heard);
}

static void send_value(int signo, int value)
{
	const union sigval v = { .sival_int = value };

	while (sigqueue(getpid(), signo, v) < 0) {
		CHECK_EQ(errno, EAGAIN);
		sched_yield();
	}
}

struct ending {
	struct weir_pool *pool;
	weir_token token;
	int result;
};

static void unsubscribe_here(struct weir_reactor *r, void *data)
{
	struct ending *ending = data;

	(void)r;
	ending->result = weir_signal_unsubscribe(ending->pool, ending->token);
}

static int unsubscribe(struct weir_pool *pool, weir_token token)
{
	struct ending ending = { pool, token, 0 };

	fixture_on(pool, WEIR_CONTROL, unsubscribe_here, &ending);
	return ending.result;
}

TEST(each_subscriber_hears_it_on_its_thread)
{
	struct weir_pool *pool = make();
	enum { TIMES = 20 };
	struct ear control, one, all, all_too;
	weir_token tokens[4];

	subscribe(pool, SIGTERM, WEIR_CONTROL, &control, &tokens[0]);
	subscribe(pool, SIGTERM, 1, &one, &tokens[1]);
	subscribe(pool, SIGTERM, WEIR_ALL, &all, &tokens[2]);
	subscribe(pool, SIGTERM, WEIR_ALL, &all_too, &tokens[3]);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (int n = 0; n < TIMES; n++) {
		CHECK_EQ(kill(getpid(), SIGTERM), 0);
		hear(&control, 1);
		hear(&one, 1);
		hear(&all, WORKERS);
		hear(&all_too, WORKERS);
	}
	/* Its default came back with the last that left. */
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_RUNNING);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(unsubscribe(pool, tokens[i]), 0);
	CHECK_EQ(unsubscribe(pool, tokens[0]), -ESTALE);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	CHECK_EQ(control.count[WORKERS], TIMES);
	CHECK_EQ(control.count[0] + control.count[1], 0);
	CHECK_EQ(one.count[1], TIMES);
	CHECK_EQ(one.count[0] + one.count[WORKERS] + all.count[WORKERS], 0);
	for (int i = 0; i < WORKERS; i++) {
		CHECK_EQ(all.count[i], TIMES);
		CHECK_EQ(all_too.count[i], TIMES);
	}
}

TEST(what_is_refused)
{
	struct weir_pool *pool = make();
	weir_token token = weir_token_none();

	CHECK_EQ(weir_signal_subscribe(pool, SIGKILL, 0, on_signal, NULL,
				       &token), -EINVAL);
	CHECK_EQ(weir_signal_subscribe(pool, SIGUSR2, WORKERS, on_signal, NULL,
				       &token), -EINVAL);
	CHECK_EQ(weir_signal_subscribe(pool, SIGUSR2, -3, on_signal, NULL,
				       &token), -EINVAL);
	CHECK_EQ(weir_signal_subscribe(pool, SIGUSR2, 0, NULL, NULL, &token),
		 -EINVAL);
	CHECK_EQ(weir_signal_unsubscribe(pool, token), -ESTALE);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_signal_subscribe(pool, SIGUSR2, 0, on_signal, NULL,
				       &token), -EBUSY);
	CHECK_EQ(weir_signal_unsubscribe(pool, token), -EBUSY);
	CHECK(weir_token_is_none(token));
	fixture_pool_end(pool);
	pool = fixture_pool(1);
	CHECK_EQ(weir_signal_subscribe(pool, SIGUSR2, 0, on_signal, NULL,
				       &token), -EPERM);
	weir_pool_free(pool);
}

/* Numbered, in flow: sigqueue() says when the kernel keeps no more. */
TEST(of_200000_real_time_signals_none_is_lost)
{
	enum { TIMES = 200000 };
	struct weir_pool *pool = make();
	struct ear control, one;
	weir_token token;

	subscribe(pool, SIGRTMIN, WEIR_CONTROL, &control, &token);
	subscribe(pool, SIGRTMIN, 0, &one, &token);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (int n = 1; n <= TIMES; n++)
		send_value(SIGRTMIN, n);
	hear(&control, TIMES);
	hear(&one, TIMES);
	CHECK_EQ(control.sum[WORKERS], (long long)TIMES * (TIMES + 1) / 2);
	CHECK_EQ(one.sum[0], (long long)TIMES * (TIMES + 1) / 2);
	CHECK_EQ(one.last[0], TIMES);
	fixture_pool_end(pool);
}

/* A worker that does not run holds up reading, not memory; nothing is lost. */
TEST(a_stuck_worker_loses_no_signal)
{
	enum { TIMES = 3000 };
	struct hold hold = { .fn = NULL };
	struct weir_pool *pool = make();
	weir_token token;
	struct ear one;

	subscribe(pool, SIGRTMIN, 0, &one, &token);
	CHECK_EQ(weir_pool_start(pool), 0);
	hold_begin(&hold, pool, 0);
	for (int n = 1; n <= TIMES; n++)
		send_value(SIGRTMIN, n);
	fixture_pass(pool, WEIR_CONTROL, 20 * WEIR_NS_PER_MSEC);
	CHECK_EQ(one.count[0], 0);
	hold_end(&hold);
	hear(&one, TIMES);
	CHECK_EQ(one.count[0], TIMES);
	CHECK_EQ(one.last[0], TIMES);
	fixture_pool_end(pool);
}

/* What waits for a worker at the end is freed, not told. */
TEST(a_pool_ends_with_signals_on_their_way)
{
	struct hold hold = { .fn = NULL };
	struct weir_pool *pool = make();
	weir_token token;
	struct ear one;

	subscribe(pool, SIGRTMIN, 0, &one, &token);
	CHECK_EQ(weir_pool_start(pool), 0);
	hold_begin(&hold, pool, 0);
	for (int n = 1; n <= 500; n++)
		send_value(SIGRTMIN, n);
	fixture_pass(pool, WEIR_CONTROL, 20 * WEIR_NS_PER_MSEC);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&hold);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	CHECK(one.count[0] <= 500);
}
