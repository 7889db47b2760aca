/* SPDX-License-Identifier: MIT */
/*
 * row_timer.c - starting, moving, stopping and firing timers
 *
 * "keep" is the idle limit of a connection: all timers have one duration, and
 * each is started again before it is due.  "restart" moves a timer to a random
 * point, which no structure can be prepared for.
 *
 * At a million timers only a part of them is moved and stopped, as a round has
 * its time; each call meets the full structure all the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "peer.h"
#include "rows.h"
#include "timer.h"
#include "tool.h"

enum { PART_MAX = 200000 };

/* Delays of 1 s to an hour: nothing fires while we measure. */
static void fill_delays(uint64_t *delays, size_t count)
{
	uint32_t seed = 88172645;

	for (size_t i = 0; i < count; i++)
		delays[i] = 1000000000 +
			    (uint64_t)random_next(&seed) % 3600000 * 1000000;
}

/* Delays of 1 to 16 ms: all are due after a short sleep. */
static void fill_short_delays(uint64_t *delays, size_t count)
{
	uint32_t seed = 2463534242;

	for (size_t i = 0; i < count; i++)
		delays[i] = 1000000 + random_next(&seed) % 15000000;
}

static void shuffle(uint32_t *order, size_t count)
{
	uint32_t seed = 521288629;

	for (size_t i = 0; i < count; i++)
		order[i] = (uint32_t)i;
	for (size_t i = count; i > 1; i--) {
		const size_t j = random_next(&seed) % i;
		const uint32_t at_j = order[j];

		order[j] = order[i - 1];
		order[i - 1] = at_j;
	}
}

struct shared {
	size_t count;
	uint32_t *order;
	uint64_t *delays;
	uint64_t *short_delays;
};

static void finish(void *shared)
{
	struct shared *s = shared;

	free(s->order);
	free(s->delays);
	free(s->short_delays);
	free(s);
}

static int prepare(const struct bench_point *point, void **ret_shared)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->count = (size_t)tool_scaled(point->a, 100);
	s->order = calloc(s->count, sizeof(*s->order));
	s->delays = calloc(s->count, sizeof(*s->delays));
	s->short_delays = calloc(s->count, sizeof(*s->short_delays));
	if (!s->order || !s->delays || !s->short_delays) {
		finish(s);
		return -ENOMEM;
	}
	shuffle(s->order, s->count);
	fill_delays(s->delays, s->count);
	fill_short_delays(s->short_delays, s->count);
	*ret_shared = s;
	return 0;
}

/* ns for each of @n since @begin, which is set to now. */
static double lap(uint64_t *begin, size_t n)
{
	const uint64_t now = thread_cpu_ns();
	const double ns = (double)(now - *begin) / (double)n;

	*begin = thread_cpu_ns();
	return ns;
}

/* Start all, move some, stop some. */
static void measure_calls(const struct timer_ops *ops, struct timer_loop *loop,
			  size_t count, double *values)
{
	const size_t part = count < PART_MAX ? count : PART_MAX;
	uint64_t begin = thread_cpu_ns();

	ops->start(loop);
	values[0] += lap(&begin, count);
	ops->restart(loop, part);
	values[1] += lap(&begin, part);
	ops->stop(loop, part);
	values[2] += lap(&begin, part);
}

static void measure_keep(const struct timer_ops *ops, struct timer_loop *loop,
			 size_t count, double *values)
{
	const size_t part = count < PART_MAX ? count : PART_MAX;
	uint64_t begin;

	ops->keep(loop, count);
	begin = thread_cpu_ns();
	ops->keep(loop, part);
	values[3] += lap(&begin, part);
}

static void measure_expire(const struct timer_ops *ops,
			   struct timer_loop *loop, size_t count,
			   double *values)
{
	const struct timespec until_all_are_due = { 0, 20000000 };
	uint64_t begin;

	ops->start(loop);
	nanosleep(&until_all_are_due, NULL);
	begin = thread_cpu_ns();
	ops->expire(loop);
	values[4] += lap(&begin, count);
}

/* Each on a new loop: to empty one would take as long as to measure it. */
static int measure(const struct timer_ops *ops, const struct shared *s,
		   const uint64_t *delays,
		   void (*fn)(const struct timer_ops *ops,
			      struct timer_loop *loop, size_t count,
			      double *values),
		   double *values)
{
	struct timer_job job = { s->count, s->order, delays, 0 };
	struct timer_loop *loop;
	int err = ops->open(&job, &loop);

	if (err < 0)
		return err;
	fn(ops, loop, s->count, values);
	ops->close(loop);
	return 0;
}

static int round_timer(void *shared, const struct bench_point *point,
		       const struct bench_contender *contender, double *values)
{
	const struct timer_ops *ops = contender->ops;
	const struct shared *s = shared;
	/* Few timers are over before the clock has ticked. */
	const size_t passes = s->count < 50000 ? 50000 / s->count : 1;
	int err = 0;

	(void)point;
	for (size_t i = 0; err == 0 && i < passes; i++) {
		err = measure(ops, s, s->delays, measure_calls, values);
		if (err == 0)
			err = measure(ops, s, s->delays, measure_keep, values);
	}
	for (size_t m = 0; m < 4; m++)
		values[m] /= (double)passes;
	if (err == 0)
		err = measure(ops, s, s->short_delays, measure_expire, values);
	return err;
}

static const struct bench_metric metrics[] = {
	{ "start", "ns/timer", false },
	{ "restart, random", "ns/timer", false },
	{ "stop", "ns/timer", false },
	{ "keep", "ns/timer", false },
	{ "expire", "ns/timer", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "1k timers", 1000, 0, 0, false, 0 },
	{ "100k timers", 100000, 0, 0, false, 0 },
	/* A round of it takes seconds; 6 are enough for an interval. */
	{ "1M timers", 1000000, 0, 0, false, 6 },
	{ "10k timers", 10000, 0, 0, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir", &timer_weir, 0, NULL },
	{ "libevent", &timer_libevent, 0, PEER_LIBEVENT },
	{ "libev", &timer_libev, 0, PEER_LIBEV },
	{ "libuv", &timer_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_timer = {
	.name = "timer",
	.title = "starting, moving, stopping and firing timers",
	.method = "Random delays of 1 s to 1 h; moved and stopped in random "
		  "order. \"keep\" starts timers of one duration again before "
		  "they are due. \"expire\" has all of them due at once. CPU "
		  "time of the one thread.",
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_timer,
};
