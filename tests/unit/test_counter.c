/* SPDX-License-Identifier: MIT */
/*
 * test_counter.c - a number that all threads of a pool change
 */
#include <weir.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "fixture.h"
#include "harness.h"
#include "stress.h"

static struct weir_counter *counter;

static void add(struct weir_reactor *r, void *delta)
{
	const int64_t before = weir_counter_sum(counter);

	weir_counter_add(counter, r, *(int64_t *)delta);
	/* Its own change a thread sees at once; nobody else is at it here. */
	CHECK_EQ(weir_counter_sum(counter), before + *(int64_t *)delta);
}

TEST(the_sum_of_what_each_added)
{
	static const int64_t deltas[] = {
		1, -3, 1000000000000, 0, -1, INT64_MIN / 2, INT64_MAX / 2,
	};
	struct weir_pool *pool = fixture_pool(2);
	int64_t sum = 0;

	CHECK_EQ(weir_counter_new(pool, &counter), 0);
	CHECK_EQ((uintptr_t)counter % 128, 0);
	CHECK_EQ(weir_counter_sum(counter), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (unsigned i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
		int64_t delta = deltas[i];

		fixture_on(pool, (int)(i % 3) - 1, add, &delta);
		sum += delta;
		CHECK_EQ(weir_counter_sum(counter), sum);
	}
	fixture_pool_end(pool);
	CHECK_EQ(weir_counter_sum(counter), sum);
	CHECK(!weir_counter_free(counter));
	CHECK(!weir_counter_free(NULL));
}

static atomic_bool is_over;
static atomic_ullong added;

/* One up, and in the next turn one down: never below 0, never above 3. */
static void go_on(struct weir_reactor *r, const struct weir_msg *msg,
		  void *data)
{
	(void)data;
	weir_counter_add(counter, r, msg->word ? -1 : 1);
	added++;
	if (!is_over || msg->word == 0)
		CHECK_EQ(weir_reactor_post(r, msg->call, NULL, !msg->word), 0);
}

static const struct weir_call call = { .run = go_on };

TEST(read_while_it_changes)
{
	struct weir_pool *pool = fixture_pool(2);
	const weir_ns end = stress_end();

	CHECK_EQ(weir_counter_new(pool, &counter), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = -1; i < 2; i++)
		CHECK_EQ(weir_post(pool, i, &call, NULL, 0), 0);
	do {
		const int64_t sum = weir_counter_sum(counter);

		CHECK(sum >= 0);
		CHECK(sum <= 3);
	} while (!stress_is_over(end) || added < 1000);
	is_over = true;
	fixture_settle(pool);
	fixture_settle(pool);
	CHECK_EQ(weir_counter_sum(counter), 0);
	fixture_pool_end(pool);
	weir_counter_free(counter);
}
