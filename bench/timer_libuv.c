/* SPDX-License-Identifier: MIT */
/*
 * timer_libuv.c - libuv's timers
 *
 * The choices: handles inside of our own memory; uv_timer_start() on a running
 * timer, which is what its uv_timer_again() does too.  Milliseconds are all it
 * has.
 */
#include "peer.h"
#include "timer.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct timer_loop {
	struct timer_job *job;
	uv_loop_t loop;
	uv_timer_t timers[];
};

static void on_timer(uv_timer_t *timer)
{
	struct timer_job *job = timer->data;

	if (++job->fired == job->count)
		uv_stop(timer->loop);
}

static int open_loop(struct timer_job *job, struct timer_loop **ret_loop)
{
	struct timer_loop *loop = calloc(1, sizeof(*loop) +
					 job->count * sizeof(loop->timers[0]));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->job = job;
	err = uv_loop_init(&loop->loop);
	if (err < 0) {
		free(loop);
		return err;
	}
	for (size_t i = 0; i < job->count; i++) {
		uv_timer_init(&loop->loop, &loop->timers[i]);
		loop->timers[i].data = job;
	}
	*ret_loop = loop;
	return 0;
}

static uint64_t ms_of(uint64_t ns)
{
	return ns / 1000000;
}

static void start(struct timer_loop *loop)
{
	uv_update_time(&loop->loop);
	for (size_t i = 0; i < loop->job->count; i++)
		uv_timer_start(&loop->timers[i], on_timer,
			       ms_of(loop->job->delays[i]), 0);
}

static void restart(struct timer_loop *loop, size_t n)
{
	uv_update_time(&loop->loop);
	for (size_t i = 0; i < n; i++)
		uv_timer_start(&loop->timers[loop->job->order[i]], on_timer,
			       ms_of(timer_new_delay(loop->job, i)), 0);
}

static void keep(struct timer_loop *loop, size_t n)
{
	uv_update_time(&loop->loop);
	for (size_t i = 0; i < n; i++)
		uv_timer_start(&loop->timers[loop->job->order[i]], on_timer,
			       ms_of(TIMER_KEEP_NS), 0);
}

static void stop(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		uv_timer_stop(&loop->timers[loop->job->order[i]]);
}

static void expire(struct timer_loop *loop)
{
	uv_run(&loop->loop, UV_RUN_DEFAULT);
}

static void close_loop(struct timer_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		uv_close((uv_handle_t *)&loop->timers[i], NULL);
	uv_run(&loop->loop, UV_RUN_NOWAIT);
	uv_loop_close(&loop->loop);
	free(loop);
}

const struct timer_ops timer_libuv = {
	open_loop, start, restart, keep, stop, expire, close_loop,
};

#else

const struct timer_ops timer_libuv;

#endif
