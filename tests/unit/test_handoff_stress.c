/* SPDX-License-Identifier: MIT */
/*
 * test_handoff_stress.c - many senders, and each message accounted for
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fixture.h"
#include "harness.h"
#include "stress.h"

enum { POOLS = 2, WORKERS = 2, TARGETS = POOLS * WORKERS, SENDERS = 4 };

/* One sender's messages to one target: numbered, by words. */
struct flow {
	uint64_t accepted;	/* the sender's */
	uint64_t next;		/* what must come at least; the receiver's */
	uint64_t run, returned;
};

/* Something with a token that ends now and then, and another takes its slot. */
struct target {
	struct weir_pool *pool;
	int worker;
	_Atomic uint64_t token;
	uint64_t lives;
	struct flow flows[SENDERS + 1];	/* the last one: the other worker's */
};

static struct target targets[TARGETS];

static void flow_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	struct flow *flow = msg->arg;
	struct target *t = &targets[msg->word >> 48];

	/* To the right one, and in order. */
	CHECK(!data || (data == t && weir_token_is_none(msg->token) == 0));
	CHECK(weir_reactor_current() == r);
	CHECK_EQ(weir_reactor_index(r), t->worker);
	CHECK((msg->word & 0xffffffffffff) >= flow->next);
	flow->next = (msg->word & 0xffffffffffff) + 1;
	flow->run++;
}

static void flow_returned(struct weir_reactor *r, const struct weir_msg *msg,
			  int why)
{
	struct flow *flow = msg->arg;

	CHECK(r && weir_reactor_current() == r);
	CHECK(why == -ESTALE || why == -ECANCELED);
	/* Also what comes back does so in order. */
	CHECK((msg->word & 0xffffffffffff) >= flow->next);
	flow->next = (msg->word & 0xffffffffffff) + 1;
	flow->returned++;
}

static const struct weir_call flow_call = {
	.run = flow_run,
	.undeliverable = flow_returned,
};

/* Return: 0, -EAGAIN, -ESTALE or -ECANCELED. */
static int send_one(struct target *t, struct flow *flow, uint64_t n)
{
	const uint64_t word = (uint64_t)(t - targets) << 48 | n;
	const weir_token token = { atomic_load(&t->token) };
	int err;

	if (n % 8)
		err = weir_send(t->pool, token, &flow_call, flow, word);
	else
		err = weir_post(t->pool, t->worker, &flow_call, flow, word);
	CHECK(err == 0 || err == -EAGAIN || err == -ESTALE ||
	      err == -ECANCELED);
	flow->accepted += err == 0;
	return err;
}

struct sender {
	int number;
	uint64_t messages;
};

static void *send_all(void *arg)
{
	const struct sender *s = arg;
	uint64_t state = (uint64_t)s->number + 1;
	uint64_t sent = 0;

	for (uint64_t n = 0; sent < s->messages; n++) {
		struct target *t = &targets[fixture_random(&state, TARGETS)];
		int err = send_one(t, &t->flows[s->number], n);

		if (err == -ECANCELED)
			break;
		if (err == -EAGAIN)
			sched_yield();
		sent += err == 0;
	}
	return NULL;
}

static void live(struct weir_reactor *r, void *target)
{
	struct target *t = target;
	weir_token token;

	CHECK_EQ(weir_source_open(r, NULL, t, &token), 0);
	atomic_store(&t->token, token.bits);
	t->lives++;
}

/* The token ends and a new one begins; the others send on to the old one. */
static void on_tick(struct weir_reactor *r, struct weir_timer *timer,
		    void *target)
{
	struct target *t = target, *next = &targets[(t - targets) ^ 1];
	const weir_token token = { atomic_load(&t->token) };

	(void)timer;
	CHECK_EQ(weir_source_close(r, token), 0);
	live(r, t);
	/* And something from this worker to the next one of its pool. */
	if (atomic_load(&next->token) == 0)
		return;
	for (uint64_t i = 0; i < 50; i++)
		send_one(next, &next->flows[SENDERS], t->lives * 50 + i);
}

static void begin(struct weir_reactor *r, void *target)
{
	struct weir_timer *timer;

	live(r, target);
	CHECK_EQ(weir_timer_new(r, on_tick, target, &timer), 0);
	CHECK_EQ(weir_timer_start_every(timer, WEIR_NS_PER_MSEC), 0);
}

static void start_pools(struct weir_pool *pools[POOLS])
{
	for (int i = 0; i < POOLS; i++) {
		pools[i] = fixture_pool(WORKERS);
		CHECK_EQ(weir_pool_start(pools[i]), 0);
	}
	for (int i = 0; i < TARGETS; i++)
		targets[i] = (struct target){
			.pool = pools[i / WORKERS], .worker = i % WORKERS,
		};
	for (int i = 0; i < TARGETS; i++)
		fixture_on(targets[i].pool, targets[i].worker, begin,
			   &targets[i]);
}

/* Return: how many were returned. */
static uint64_t account(uint64_t expected)
{
	uint64_t run = 0, returned = 0;

	for (int i = 0; i < TARGETS; i++) {
		CHECK(targets[i].lives > 1);
		for (int s = 0; s <= SENDERS; s++) {
			const struct flow *flow = &targets[i].flows[s];

			CHECK_EQ(flow->run + flow->returned, flow->accepted);
			if (s == SENDERS)
				continue;
			run += flow->run;
			returned += flow->returned;
		}
	}
	NOTE("%ju run, %ju returned", (uintmax_t)run, (uintmax_t)returned);
	if (expected)
		CHECK_EQ(run + returned, expected);
	return returned;
}

static void send_storm(uint64_t messages, weir_ns stop_after)
{
	struct weir_pool *pools[POOLS];
	struct sender senders[SENDERS];
	pthread_t threads[SENDERS];

	start_pools(pools);
	for (int i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ i, messages / SENDERS };
		pthread_create(&threads[i], NULL, send_all, &senders[i]);
	}
	if (stop_after) {
		fixture_sleep_ms((unsigned)(stop_after / WEIR_NS_PER_MSEC));
		for (int i = 0; i < POOLS; i++)
			CHECK_EQ(weir_pool_stop(pools[i]), 0);
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < POOLS; i++)
		fixture_pool_end(pools[i]);
}

TEST(a_million_messages)
{
	const uint64_t messages = HAS_SANITIZER ? 100000 : 1000000;

	send_storm(messages, 0);
	CHECK(account(messages) > 0);
}

TEST(a_stop_in_the_middle)
{
	const weir_ns end = stress_end();

	do {
		send_storm(UINT64_MAX / 2, 20 * WEIR_NS_PER_MSEC);
		account(0);
	} while (!stress_is_over(end));
}
