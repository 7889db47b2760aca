/* SPDX-License-Identifier: MIT */
/*
 * timer_weir.c - weir's timers
 *
 * All starts are made within a turn, from a message, as programs do it: there
 * the time is known, and starting a timer reads no clock.
 */
#include <errno.h>
#include <stdlib.h>
#include <weir.h>

#include "timer.h"

struct timer_loop {
	struct timer_job *job;
	struct weir_reactor *reactor;
	struct weir_timer *timers[];
};

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct timer_job *job = data;

	(void)t;
	if (++job->fired == job->count)
		weir_reactor_stop(r);
}

static int open_loop(struct timer_job *job, struct timer_loop **ret_loop)
{
	struct timer_loop *loop = calloc(1, sizeof(*loop) +
					 job->count * sizeof(loop->timers[0]));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->job = job;
	err = weir_reactor_new(NULL, &loop->reactor);
	for (size_t i = 0; err == 0 && i < job->count; i++)
		err = weir_timer_new(loop->reactor, on_timer, job,
				     &loop->timers[i]);
	if (err < 0) {
		weir_reactor_free(loop->reactor);
		free(loop);
		return err;
	}
	*ret_loop = loop;
	return 0;
}

/* What is done within a turn. */
struct errand {
	void (*fn)(struct timer_loop *loop, size_t n);
	struct timer_loop *loop;
};

static void on_errand(struct weir_reactor *r, const struct weir_msg *msg,
		      void *data)
{
	struct errand *errand = msg->arg;

	(void)data;
	errand->fn(errand->loop, (size_t)msg->word);
	weir_reactor_stop(r);
}

static void run_in_turn(struct timer_loop *loop,
			void (*fn)(struct timer_loop *loop, size_t n), size_t n)
{
	static const struct weir_call call = { .run = on_errand };
	struct errand errand = { fn, loop };

	weir_reactor_post(loop->reactor, &call, &errand, n);
	weir_reactor_run(loop->reactor);
}

static void start_now(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		weir_timer_start(loop->timers[i], loop->job->delays[i]);
}

static void start(struct timer_loop *loop)
{
	run_in_turn(loop, start_now, loop->job->count);
}

static void restart_now(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		weir_timer_start(loop->timers[loop->job->order[i]],
				 timer_new_delay(loop->job, i));
}

static void restart(struct timer_loop *loop, size_t n)
{
	run_in_turn(loop, restart_now, n);
}

static void keep_now(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		weir_timer_start(loop->timers[loop->job->order[i]],
				 TIMER_KEEP_NS);
}

static void keep(struct timer_loop *loop, size_t n)
{
	run_in_turn(loop, keep_now, n);
}

static void stop_now(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		weir_timer_stop(loop->timers[loop->job->order[i]]);
}

static void stop(struct timer_loop *loop, size_t n)
{
	run_in_turn(loop, stop_now, n);
}

static void expire(struct timer_loop *loop)
{
	weir_reactor_run(loop->reactor);
}

static void close_loop(struct timer_loop *loop)
{
	weir_reactor_free(loop->reactor);
	free(loop);
}

const struct timer_ops timer_weir = {
	open_loop, start, restart, keep, stop, expire, close_loop,
};
