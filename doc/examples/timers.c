/* SPDX-License-Identifier: MIT */
/*
 * timers.c - one reactor alone, and its timers
 *
 * A tick comes every 50 ms, five times; each one puts off the time limit, as
 * traffic does on a connection, so the limit is met 120 ms after the last.
 */
#include <stdio.h>
#include <weir.h>

#define TICK (50 * WEIR_NS_PER_MSEC)
#define LIMIT (120 * WEIR_NS_PER_MSEC)

struct clock {
	struct weir_timer *tick, *limit;
	weir_ns start;
	unsigned ticks;
	int is_early;
};

/* A timer may be late, on a busy machine even much, but never early. */
static void show(struct clock *clock, const char *what, weir_ns due)
{
	weir_ns past = weir_clock() - clock->start;

	printf("%-5s at %7.3f ms, due at %3.0f ms\n", what, (double)past / 1e6,
	       (double)due / 1e6);
	clock->is_early |= past < due;
}

static void on_tick(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct clock *clock = data;

	(void)r;
	show(clock, "tick", ++clock->ticks * TICK);
	weir_timer_start(clock->limit, LIMIT);
	if (clock->ticks == 5)
		weir_timer_stop(t);
}

static void on_limit(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct clock *clock = data;

	(void)t;
	show(clock, "limit", 5 * TICK + LIMIT);
	weir_reactor_stop(r);
}

int main(void)
{
	struct clock clock = { .ticks = 0 };
	struct weir_reactor *r;

	if (weir_reactor_new(NULL, &r) < 0)
		return 1;
	if (weir_timer_new(r, on_tick, &clock, &clock.tick) < 0 ||
	    weir_timer_new(r, on_limit, &clock, &clock.limit) < 0)
		return 1;
	clock.start = weir_reactor_update_now(r);
	weir_timer_start_every(clock.tick, TICK);
	weir_reactor_run(r);
	weir_reactor_free(r);	/* and its timers */
	return clock.is_early || clock.ticks != 5;
}
