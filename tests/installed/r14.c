/* SPDX-License-Identifier: MIT */
/*
 * R14: timers and deadlines in nanoseconds, in their order, never early
 */
#include <weir.h>

#include "say.h"

enum { TIMERS = 1000 };

static weir_ns due[TIMERS];
static int fired, last = -1;

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	const int i = (int)((weir_ns *)data - due);

	(void)t;
	MUST(weir_clock() >= due[i]);
	MUST(i > last);
	last = i;
	if (++fired == TIMERS)
		MUST(weir_reactor_stop(r) == 0);
}

int main(void)
{
	struct weir_reactor *r;
	struct weir_event event;
	struct weir_timer *t;
	weir_ns begin;

	MUST(weir_reactor_new(NULL, &r) == 0);
	begin = weir_clock() + 20 * WEIR_NS_PER_MSEC;
	for (int i = TIMERS - 1; i >= 0; i--) {
		due[i] = begin + 100 * WEIR_NS_PER_USEC * (weir_ns)i;
		MUST(weir_timer_new(r, on_timer, &due[i], &t) == 0);
		MUST(weir_timer_start_at(t, due[i]) == 0);
	}
	MUST(weir_reactor_run(r) == 0);
	MUST(fired == TIMERS);
	begin = weir_clock();
	MUST(weir_reactor_wait(r, &event, 1, 1500 * WEIR_NS_PER_USEC) == 0);
	MUST(weir_clock() - begin >= 1500 * WEIR_NS_PER_USEC);
	weir_reactor_free(r);
	return say_ok();
}
