/* SPDX-License-Identifier: MIT */
/*
 * row_trip.c - a message there and one back
 *
 * With both sides asleep it is mostly the kernel that is measured: two wake-ups
 * of a sleeping thread.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"
#include "trip.h"

enum { PAIRS_MAX = 8 };

struct actor {
	const struct trip_ops *ops;
	struct trip *trip;
	struct trip_side *side;
	int number;
	pthread_barrier_t *barrier;
};

static void *side_main(void *arg)
{
	struct actor *actor = arg;

	tool_pin((unsigned)actor->number);
	pthread_barrier_wait(actor->barrier);
	actor->side->begin = actor->side->last = now_ns();
	actor->ops->run(actor->trip, actor->number);
	actor->side->end = now_ns();
	return NULL;
}

/* What several pairs do at once. */
struct pairs {
	const struct trip_ops *ops;
	int count;
	struct trip *trips[PAIRS_MAX];
	struct trip_side sides[PAIRS_MAX][2];
};

static void act(struct pairs *pairs)
{
	struct actor actors[2 * PAIRS_MAX];
	pthread_t threads[2 * PAIRS_MAX];
	pthread_barrier_t barrier;
	const int count = 2 * pairs->count;

	pthread_barrier_init(&barrier, NULL, (unsigned)count);
	for (int i = 0; i < count; i++) {
		actors[i] = (struct actor){
			pairs->ops, pairs->trips[i / 2],
			&pairs->sides[i / 2][i % 2], i % 2, &barrier,
		};
		threads[i] = tool_thread(side_main, &actors[i]);
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

static void close_pairs(struct pairs *pairs)
{
	while (pairs->count > 0)
		pairs->ops->close(pairs->trips[--pairs->count]);
}

static int open_pairs(struct pairs *pairs, int count, long trips, long arg)
{
	while (pairs->count < count) {
		struct trip_side *sides = pairs->sides[pairs->count];
		int err;

		sides[0].to_receive = sides[1].to_receive = trips;
		sides[0].to_send = trips - 1;
		sides[1].to_send = trips;
		err = pairs->ops->open(sides, arg,
				       &pairs->trips[pairs->count]);
		if (err < 0) {
			close_pairs(pairs);
			return err;
		}
		pairs->count++;
	}
	return 0;
}

/* From the first pair's begin to the last one's end. */
static uint64_t time_of(const struct pairs *pairs)
{
	uint64_t begin = UINT64_MAX, end = 0;

	for (int i = 0; i < pairs->count; i++) {
		const struct trip_side *side = pairs->sides[i];

		begin = side->begin < begin ? side->begin : begin;
		end = side->end > end ? side->end : end;
	}
	return end - begin;
}

/* Of the trips of the first pair, us. */
static double median_lap(const struct pairs *pairs, long trips)
{
	uint32_t *laps = pairs->sides[0][0].laps;

	qsort(laps, (size_t)trips, sizeof(*laps), tool_compare_u32);
	return laps[trips / 2] / 1000.;
}

static int round_trip(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	const int count = (int)point->a;
	const long trips = tool_scaled(point->c / count, 20);
	struct pairs pairs = { .ops = contender->ops };
	uint32_t *laps = calloc((size_t)trips, sizeof(*laps));
	uint64_t cpu;
	int err = laps ? open_pairs(&pairs, count, trips, contender->arg) :
			 -ENOMEM;

	(void)shared;
	if (err < 0) {
		free(laps);
		return err;
	}
	pairs.sides[0][0].laps = laps;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	act(&pairs);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	values[0] = (double)time_of(&pairs) / 1000 / (double)(trips * count);
	values[1] = median_lap(&pairs, trips);
	values[2] = (double)cpu / 1000 / (double)(trips * count);
	free(laps);
	close_pairs(&pairs);
	return 0;
}

static const struct bench_metric metrics[] = {
	{ "time", "us/round trip", false },
	{ "p50 of a pair's", "us", false },
	{ "CPU", "us/round trip", false },
	{ NULL, NULL, false },
};

/* a pairs, c trips of all of them. */
static const struct bench_point points[] = {
	{ "both asleep", 1, 0, 1000, false, 0 },
	{ "4 pairs, asleep", 4, 0, 1000, false, 0 },
	{ "8 pairs, asleep", 8, 0, 1000, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir", &trip_weir, 0, NULL },
	{ "epoll and eventfd", &trip_eventfd, 0, NULL },
	{ "blocking read", &trip_read, 0, NULL },
	{ "libevent", &trip_libevent, 0, PEER_LIBEVENT },
	{ "libev", &trip_libev, 0, PEER_LIBEV },
	{ "libuv", &trip_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_trip = {
	.name = "trip",
	.title = "a message there and one back, both sides asleep",
	.method = "Two threads wake each other in turn; the time from the "
		  "first pair's begin to the last one's end by the trips of "
		  "all pairs, the median trip of one pair, and the CPU time "
		  "of all. Each trip has a reading of the clock in it.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_trip,
};

/* Long enough that the first trips, on which they still sleep, do not count. */
static const struct bench_point spin_points[] = {
	{ "spinning for up to 50 us", 1, 0, 10000, false, 0 },
	{ "4 pairs, spinning for up to 50 us", 4, 0, 10000, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender spin_contenders[] = {
	{ "weir, spinning", &trip_weir, 50000, NULL },
	{ "weir, sleeping", &trip_weir, 0, NULL },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_spin = {
	.name = "spin",
	.title = "a message there and one back, both sides awake",
	.method = "As trip, with spin_ns of the pool and without.",
	.has_threads = true,
	.metrics = metrics,
	.points = spin_points,
	.contenders = spin_contenders,
	.round = round_trip,
};
