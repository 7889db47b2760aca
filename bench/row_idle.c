/* SPDX-License-Identifier: MIT */
/*
 * row_idle.c - what a pool costs that has nothing to do
 *
 * Some round trips first, so that a pool that spins has learnt to; then it is
 * left alone, with one timer a worker every 100 ms, and its CPU time is taken.
 */
#include <semaphore.h>
#include <sys/resource.h>
#include <time.h>
#include <weir.h>

#include "bench.h"
#include "rows.h"
#include "tool.h"

enum { WORKERS = 2, TRIPS = 1000 };

struct idle {
	struct weir_pool *pool;
	long left;
	sem_t done;
};

static void on_throw(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	static const struct weir_call throw = { .run = on_throw };
	struct idle *idle = msg->arg;

	(void)data;
	if (msg->word == 0)
		sem_post(&idle->done);
	else
		weir_post(idle->pool, !weir_reactor_index(r), &throw, idle,
			  msg->word - 1);
}

static void on_tick(struct weir_reactor *r, struct weir_timer *timer,
		    void *data)
{
	(void)r, (void)data;
	weir_timer_start(timer, 100 * WEIR_NS_PER_MSEC);
}

static int on_start(struct weir_reactor *r, void *data)
{
	struct weir_timer *timer;
	int err = weir_timer_new(r, on_tick, NULL, &timer);

	(void)data;
	return err < 0 ? err : weir_timer_start(timer, 100 * WEIR_NS_PER_MSEC);
}

static double cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e9 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e3;
}

static int round_idle(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	static const struct weir_call throw = { .run = on_throw };
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = WORKERS,
		.flags = WEIR_POOL_NO_SIGNALS,
		.spin_ns = (weir_ns)contender->arg,
		.on_start = on_start,
	};
	const long ms = tool_scaled(point->c, 10);
	const struct timespec span = { ms / 1000, ms % 1000 * 1000000 };
	struct idle idle = { 0 };
	double cpu;
	int err = weir_pool_new(&options, &idle.pool);

	(void)shared;
	if (err < 0)
		return err;
	sem_init(&idle.done, 0, 0);
	err = weir_pool_start(idle.pool);
	if (err == 0)
		err = weir_post(idle.pool, 0, &throw, &idle, TRIPS);
	if (err == 0) {
		sem_wait(&idle.done);
		cpu = cpu_ns();
		nanosleep(&span, NULL);
		values[0] = (cpu_ns() - cpu) / (double)ms / 1e4;
	}
	weir_pool_free(idle.pool);
	sem_destroy(&idle.done);
	return err;
}

static const struct bench_metric metrics[] = {
	{ "CPU", "% of one", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "2 workers, a timer each every 100 ms", 0, 0, 2000, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir, spinning", NULL, 50000, NULL },
	{ "weir, sleeping", NULL, 0, NULL },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_idle = {
	.name = "idle",
	.title = "an idle pool",
	.method = "User and system time of the process by getrusage, over 2 s "
		  "that follow 500 round trips.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_idle,
};
