/* SPDX-License-Identifier: MIT */
/*
 * stuck_pool.c - a pool to look at: worker 1 is stuck, worker 0 is busy
 *
 *     stuck_pool          until a signal ends it
 *     stuck_pool abort    dumps core at once
 *
 * Says "ready" when all of that is so.
 */
#include <weir.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sem_t is_stuck;

__attribute__((noinline)) static void stuck_in_here(void)
{
	sem_post(&is_stuck);
	for (;;)
		pause();
}

static void stuck_message(struct weir_reactor *r, const struct weir_msg *msg,
			  void *data)
{
	(void)r;
	(void)msg;
	(void)data;
	stuck_in_here();
}

static void busy_timer(struct weir_reactor *r, struct weir_timer *timer,
		       void *data)
{
	(void)r;
	(void)timer;
	(void)data;
}

static int on_start(struct weir_reactor *r, void *data)
{
	struct weir_timer *timer;
	int err;

	(void)data;
	if (weir_reactor_index(r) != 0)
		return 0;
	err = weir_timer_new(r, busy_timer, NULL, &timer);
	return err < 0 ? err : weir_timer_start_every(timer, WEIR_NS_PER_MSEC);
}

int main(int argc, char **argv)
{
	static const struct weir_call stuck = { .run = stuck_message };
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
		.name = "stuck",
		.on_start = on_start,
	};
	const struct weir_watchdog_options dog = {
		.size = sizeof(dog),
		.limit = 20 * WEIR_NS_PER_MSEC,
	};
	struct weir_stats stats = { .size = sizeof(stats) };
	struct weir_pool *pool;

	sem_init(&is_stuck, 0, 0);
	if (weir_pool_new(&options, &pool) < 0 ||
	    weir_watchdog_start(pool, &dog) < 0 ||
	    weir_pool_start(pool) < 0 ||
	    weir_post(pool, 1, &stuck, NULL, 0) < 0)
		return 1;
	while (sem_wait(&is_stuck) < 0)
		;
	do {
		usleep(10000);
		if (weir_pool_stats(pool, 0, &stats) < 0)
			return 1;
	} while (stats.timers < 5);
	puts("ready");
	fflush(stdout);
	if (argc > 1 && strcmp(argv[1], "abort") == 0)
		abort();
	for (;;)
		pause();
}
