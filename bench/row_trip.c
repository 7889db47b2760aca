/* SPDX-License-Identifier: MIT */
/*
 * row_trip.c - a message there and one back
 *
 * With both sides asleep it is mostly the kernel that is measured: two wake-ups
 * of a sleeping thread.
 */
#include "bench.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"
#include "trip.h"

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
	actor->side->begin = now_ns();
	actor->ops->run(actor->trip, actor->number);
	actor->side->end = now_ns();
	return NULL;
}

static void act(const struct trip_ops *ops, struct trip *trip,
		struct trip_side *sides)
{
	struct actor actors[2];
	pthread_t threads[2];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++) {
		actors[i] = (struct actor){ ops, trip, &sides[i], i, &barrier };
		threads[i] = tool_thread(side_main, &actors[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
}

static int round_trip(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	const struct trip_ops *ops = contender->ops;
	const long trips = tool_scaled(point->c, 20);
	struct trip_side sides[2] = {
		{ .to_receive = trips, .to_send = trips - 1 },
		{ .to_receive = trips, .to_send = trips },
	};
	struct trip *trip;
	uint64_t cpu;
	int err = ops->open(sides, contender->arg, &trip);

	(void)shared;
	if (err < 0)
		return err;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	act(ops, trip, sides);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	ops->close(trip);
	values[0] = (double)(sides[0].end - sides[0].begin) / 1000 /
		    (double)trips;
	values[1] = (double)cpu / 1000 / (double)trips;
	return 0;
}

static const struct bench_metric metrics[] = {
	{ "time", "us/round trip", false },
	{ "CPU", "us/round trip", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "both asleep", 0, 0, 1000, false, 0 },
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
	.method = "Two threads wake each other in turn; the time of side 0, "
		  "and the CPU time of both.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_trip,
};

/* Long enough that the first trips, on which they still sleep, do not count. */
static const struct bench_point spin_points[] = {
	{ "spinning for up to 50 us", 0, 0, 10000, false, 0 },
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
