/* SPDX-License-Identifier: MIT */
/*
 * timer_libev.c - libev's timers
 *
 * The choices: watchers inside of our own memory; a running timer is moved
 * with ev_timer_again(), which libev's manual calls the efficient way: it
 * adjusts the heap in place.
 */
#include "peer.h"
#include "timer.h"

#ifdef WEIR_HAVE_LIBEV

#include "libev.h"

#include <errno.h>
#include <stdlib.h>

struct timer_loop {
	struct timer_job *job;
	struct ev_loop *loop;
	ev_timer timers[];
};

static void on_timer(struct ev_loop *ev, ev_timer *timer, int what)
{
	struct timer_job *job = timer->data;

	(void)what;
	/* It was started with a repeat, and would come again. */
	ev_timer_stop(ev, timer);
	if (++job->fired == job->count)
		ev_break(ev, EVBREAK_ONE);
}

static int open_loop(struct timer_job *job, struct timer_loop **ret_loop)
{
	struct timer_loop *loop = calloc(1, sizeof(*loop) +
					 job->count * sizeof(loop->timers[0]));

	if (!loop)
		return -ENOMEM;
	loop->job = job;
	loop->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (!loop->loop) {
		free(loop);
		return -ENOMEM;
	}
	for (size_t i = 0; i < job->count; i++) {
		ev_init(&loop->timers[i], on_timer);
		loop->timers[i].data = job;
	}
	*ret_loop = loop;
	return 0;
}

static double seconds_of(uint64_t ns)
{
	return (double)ns * 1e-9;
}

static void start(struct timer_loop *loop)
{
	ev_now_update(loop->loop);
	for (size_t i = 0; i < loop->job->count; i++) {
		ev_timer *t = &loop->timers[i];

		ev_timer_set(t, seconds_of(loop->job->delays[i]), 0.);
		ev_timer_start(loop->loop, t);
	}
}

static void restart(struct timer_loop *loop, size_t n)
{
	ev_now_update(loop->loop);
	for (size_t i = 0; i < n; i++) {
		ev_timer *t = &loop->timers[loop->job->order[i]];

		t->repeat = seconds_of(timer_new_delay(loop->job, i));
		ev_timer_again(loop->loop, t);
	}
}

static void keep(struct timer_loop *loop, size_t n)
{
	ev_now_update(loop->loop);
	for (size_t i = 0; i < n; i++) {
		ev_timer *t = &loop->timers[loop->job->order[i]];

		t->repeat = seconds_of(TIMER_KEEP_NS);
		ev_timer_again(loop->loop, t);
	}
}

static void stop(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ev_timer_stop(loop->loop,
			      &loop->timers[loop->job->order[i]]);
}

static void expire(struct timer_loop *loop)
{
	ev_run(loop->loop, 0);
}

static void close_loop(struct timer_loop *loop)
{
	ev_loop_destroy(loop->loop);
	free(loop);
}

const struct timer_ops timer_libev = {
	open_loop, start, restart, keep, stop, expire, close_loop,
};

#else

const struct timer_ops timer_libev;

#endif
