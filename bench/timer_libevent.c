/* SPDX-License-Identifier: MIT */
/*
 * timer_libevent.c - libevent's timers
 *
 * The choices: no lock; events inside of our own memory; timers of one
 * duration use event_base_init_common_timeout(), whose queue needs no heap.
 * The rest stands in the heap, and event_add() of a running timer moves it
 * there without taking it out first.
 */
#include "peer.h"
#include "timer.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "libevent.h"

struct timer_loop {
	struct timer_job *job;
	struct event_base *base;
	struct timeval keep_delay;	/* the common one */
	struct event events[];
};

static void on_timer(evutil_socket_t fd, short what, void *data)
{
	struct timer_loop *loop = data;

	(void)fd, (void)what;
	if (++loop->job->fired == loop->job->count)
		event_base_loopbreak(loop->base);
}

static struct timeval timeval_of(uint64_t ns)
{
	return (struct timeval){
		.tv_sec = (time_t)(ns / 1000000000),
		.tv_usec = (suseconds_t)(ns % 1000000000 / 1000),
	};
}

static int open_loop(struct timer_job *job, struct timer_loop **ret_loop)
{
	struct timer_loop *loop = calloc(1, sizeof(*loop) +
					 job->count * sizeof(loop->events[0]));
	const struct timeval keep_delay = timeval_of(TIMER_KEEP_NS);

	if (!loop)
		return -ENOMEM;
	loop->base = libevent_base(0);
	if (!loop->base) {
		free(loop);
		return -ENOMEM;
	}
	loop->job = job;
	loop->keep_delay = *event_base_init_common_timeout(loop->base,
							   &keep_delay);
	for (size_t i = 0; i < job->count; i++)
		event_assign(&loop->events[i], loop->base, -1, 0, on_timer,
			     loop);
	*ret_loop = loop;
	return 0;
}

static void start(struct timer_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++) {
		struct timeval delay = timeval_of(loop->job->delays[i]);

		event_add(&loop->events[i], &delay);
	}
}

static void restart(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct timeval delay =
			timeval_of(timer_new_delay(loop->job, i));

		event_add(&loop->events[loop->job->order[i]], &delay);
	}
}

static void keep(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		event_add(&loop->events[loop->job->order[i]],
			  &loop->keep_delay);
}

static void stop(struct timer_loop *loop, size_t n)
{
	for (size_t i = 0; i < n; i++)
		event_del(&loop->events[loop->job->order[i]]);
}

static void expire(struct timer_loop *loop)
{
	event_base_loop(loop->base, 0);
}

static void close_loop(struct timer_loop *loop)
{
	event_base_free(loop->base);
	free(loop);
}

const struct timer_ops timer_libevent = {
	open_loop, start, restart, keep, stop, expire, close_loop,
};

#else

const struct timer_ops timer_libevent;

#endif
