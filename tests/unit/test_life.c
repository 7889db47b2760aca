/* SPDX-License-Identifier: MIT */
/*
 * test_life.c - the small words that threads share: life, flag, tally, cell
 */
#include "sync/life.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "sync/cell.h"
#include "sync/flag.h"
#include "sync/tally.h"

#include "harness.h"
#include "stress.h"

TEST(a_life_moves_from_where_it_is)
{
	static const enum weir_pool_state states[] = {
		WEIR_POOL_NEW, WEIR_POOL_RUNNING, WEIR_POOL_DRAINING,
		WEIR_POOL_STOPPING, WEIR_POOL_STOPPED,
	};
	struct weir__life life;

	weir__life_init(&life);
	for (int at = 0; at < 4; at++) {
		for (int other = 0; other < 5; other++)
			if (other != at)
				CHECK(!weir__life_move(&life, states[other],
						       WEIR_POOL_STOPPED));
		CHECK_EQ(weir__life_get(&life), states[at]);
		CHECK(weir__life_move(&life, states[at], states[at + 1]));
		CHECK(!weir__life_move(&life, states[at], states[at + 1]));
		CHECK_EQ(weir__life_get(&life), states[at + 1]);
	}
}

TEST(a_flag_is_remembered_until_taken)
{
	struct weir__flag flag;

	weir__flag_init(&flag);
	CHECK(!weir__flag_is_set(&flag));
	CHECK(!weir__flag_take(&flag));
	weir__flag_set(&flag);
	weir__flag_set(&flag);
	CHECK(weir__flag_is_set(&flag));
	CHECK(weir__flag_is_set(&flag));
	CHECK(weir__flag_take(&flag));
	CHECK(!weir__flag_take(&flag));
	CHECK(!weir__flag_is_set(&flag));
}

TEST(a_tally_counts)
{
	struct weir__tally tally = { 0 };

	CHECK_EQ(weir__tally_get(&tally), 0);
	weir__tally_add(&tally, 5);
	weir__tally_add(&tally, (uint64_t)-1);
	CHECK_EQ(weir__tally_get(&tally), 4);
	weir__tally_set(&tally, UINT64_MAX);
	CHECK(weir__tally_get(&tally) == UINT64_MAX);
	weir__tally_add(&tally, 2);
	CHECK_EQ(weir__tally_get(&tally), 1);
}

TEST(a_cell_holds_one_object)
{
	struct weir__cell cell;
	int a, b;

	weir__cell_init(&cell, &a);
	CHECK(weir__cell_get(&cell) == &a);
	CHECK(weir__cell_swap(&cell, &b) == &a);
	CHECK(weir__cell_get(&cell) == &b);
	CHECK(weir__cell_swap(&cell, NULL) == &b);
	CHECK(!weir__cell_get(&cell));
}

/*
 * The relay.  Two threads pass plain memory to each other, once by each word
 * that is said to order it.
 */
enum { LAPS = 2000 };

struct page {
	uint64_t number, square;
};

static struct relay {
	struct weir__flag to, fro;
	struct weir__life lives[LAPS];
	struct weir__cell cell;
	struct weir__tally tally;
	struct page page;
	_Atomic bool is_over;
} relay;

static void *by_flag(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < LAPS; i++) {
		while (!weir__flag_take(&relay.to))
			sched_yield();
		CHECK_EQ(relay.page.number, i);
		CHECK_EQ(relay.page.square, i * i);
		relay.page.number = ~i;
		weir__flag_set(&relay.fro);
	}
	return NULL;
}

TEST(who_takes_a_flag_sees_what_was_before_it)
{
	pthread_t thread;

	weir__flag_init(&relay.to);
	weir__flag_init(&relay.fro);
	CHECK_EQ(pthread_create(&thread, NULL, by_flag, NULL), 0);
	for (uint64_t i = 0; i < LAPS; i++) {
		relay.page = (struct page){ i, i * i };
		weir__flag_set(&relay.to);
		while (!weir__flag_take(&relay.fro))
			sched_yield();
		CHECK(relay.page.number == ~i);
	}
	pthread_join(thread, NULL);
}

static void *by_life(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < LAPS; i++) {
		while (weir__life_get(&relay.lives[i]) != WEIR_POOL_RUNNING)
			sched_yield();
		CHECK_EQ(relay.page.number, i);
		relay.page.number = ~i;
		CHECK(weir__life_move(&relay.lives[i], WEIR_POOL_RUNNING,
				      WEIR_POOL_STOPPED));
	}
	return NULL;
}

TEST(who_sees_a_state_sees_what_was_before_it)
{
	pthread_t thread;

	for (int i = 0; i < LAPS; i++)
		weir__life_init(&relay.lives[i]);
	CHECK_EQ(pthread_create(&thread, NULL, by_life, NULL), 0);
	for (uint64_t i = 0; i < LAPS; i++) {
		relay.page.number = i;
		CHECK(weir__life_move(&relay.lives[i], WEIR_POOL_NEW,
				      WEIR_POOL_RUNNING));
		while (weir__life_get(&relay.lives[i]) != WEIR_POOL_STOPPED)
			sched_yield();
		CHECK(relay.page.number == ~i);
	}
	pthread_join(thread, NULL);
}

/* Of all who try to move it one succeeds. */
static void *move_all(void *data)
{
	uint64_t *ret_moved = data;

	for (int i = 0; i < LAPS; i++)
		*ret_moved += weir__life_move(&relay.lives[i], WEIR_POOL_NEW,
					      WEIR_POOL_RUNNING);
	return NULL;
}

TEST(of_two_moves_one_wins)
{
	uint64_t moved[2] = { 0 };
	pthread_t thread;

	for (int i = 0; i < LAPS; i++)
		weir__life_init(&relay.lives[i]);
	CHECK_EQ(pthread_create(&thread, NULL, move_all, &moved[0]), 0);
	move_all(&moved[1]);
	pthread_join(thread, NULL);
	CHECK_EQ(moved[0] + moved[1], LAPS);
}

/* The old page comes back to who swaps it out, complete too. */
static void *by_cell(void *data)
{
	(void)data;
	while (!relay.is_over) {
		struct page *page = weir__cell_swap(&relay.cell, NULL);

		if (page) {
			CHECK_EQ(page->square, page->number * page->number);
			page->number = page->square = 0;
			CHECK(!weir__cell_swap(&relay.cell, page));
		}
		sched_yield();
	}
	return NULL;
}

TEST(who_sees_an_object_sees_it_complete)
{
	struct page *page = malloc(sizeof(*page));
	pthread_t thread;

	*page = (struct page){ 0 };
	weir__cell_init(&relay.cell, page);
	CHECK_EQ(pthread_create(&thread, NULL, by_cell, NULL), 0);
	for (uint64_t i = 0; i < LAPS; i++) {
		while (!(page = weir__cell_swap(&relay.cell, NULL)))
			sched_yield();
		CHECK_EQ(page->square, page->number * page->number);
		free(page);
		page = malloc(sizeof(*page));
		*page = (struct page){ i, i * i };
		CHECK(!weir__cell_swap(&relay.cell, page));
		sched_yield();
	}
	relay.is_over = true;
	pthread_join(thread, NULL);
	free(weir__cell_get(&relay.cell));
}

/* A reader may look at any time: it never sees a number go back. */
static void *read_tally(void *unused)
{
	uint64_t last = 0;

	(void)unused;
	while (!relay.is_over) {
		uint64_t n = weir__tally_get(&relay.tally);

		CHECK(n >= last);
		CHECK_EQ(n >> 32, (uint32_t)n);
		last = n;
		sched_yield();
	}
	return NULL;
}

TEST(a_tally_is_read_whole)
{
	const weir_ns end = stress_end();
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, read_tally, NULL), 0);
	while (!stress_is_over(end))
		for (int i = 0; i < 1000; i++)
			weir__tally_add(&relay.tally, (UINT64_C(1) << 32) + 1);
	relay.is_over = true;
	pthread_join(thread, NULL);
}
