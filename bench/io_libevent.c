/* SPDX-License-Identifier: MIT */
/*
 * io_libevent.c - libevent
 *
 * The choices: EVENT_BASE_FLAG_NOLOCK, as one thread has the base;
 * EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST, so that changes before a wait become
 * one call; EV_ET and EV_PERSIST; struct event inside of our own memory with
 * event_assign(), so that nothing is allocated for each; no priorities.
 */
#include "io.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "libevent.h"
#include "work.h"

struct io_loop {
	struct io_job *job;
	struct event_base *base;
	struct event events[];
};

const char *peer_libevent_version(void)
{
	return event_get_version();
}

static void on_chain(evutil_socket_t fd, short what, void *data)
{
	(void)fd, (void)what;
	work_chain(data);
}

static void on_echo(evutil_socket_t fd, short what, void *data)
{
	(void)fd, (void)what;
	work_echo(data);
}

static void on_http(evutil_socket_t fd, short what, void *data)
{
	(void)fd, (void)what;
	work_http(data);
}

static int open_loop(struct io_job *job, enum io_mode mode,
		     struct io_loop **ret_loop)
{
	struct io_loop *loop = calloc(1, sizeof(*loop) +
				      job->count * sizeof(loop->events[0]));

	(void)mode;
	if (!loop)
		return -ENOMEM;
	loop->job = job;
	loop->base = libevent_base(EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	if (!loop->base) {
		free(loop);
		return -ENOMEM;
	}
	*ret_loop = loop;
	return 0;
}

/*
 * The changelist goes to the kernel in the next turn, and a loop without events
 * has none unless it is told to.
 */
static void turn(struct io_loop *loop)
{
	event_base_loop(loop->base, EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);
}

static int add_all(struct io_loop *loop)
{
	static const event_callback_fn handlers[] = {
		[IO_CHAIN] = on_chain,
		[IO_ECHO] = on_echo,
		[IO_HTTP] = on_http,
	};
	struct io_job *job = loop->job;

	for (size_t i = 0; i < job->count; i++) {
		struct event *event = &loop->events[i];

		event_assign(event, loop->base, job->slots[i].fd,
			     EV_READ | EV_PERSIST | EV_ET, handlers[job->work],
			     &job->slots[i]);
		if (event_add(event, NULL) < 0)
			return -ENOMEM;
	}
	turn(loop);
	return 0;
}

static void remove_all(struct io_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		event_del(&loop->events[i]);
	turn(loop);
}

static void run(struct io_loop *loop)
{
	event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void stop(struct io_loop *loop)
{
	event_base_loopbreak(loop->base);
}

static void close_loop(struct io_loop *loop)
{
	event_base_free(loop->base);
	free(loop);
}

const struct io_ops io_libevent = {
	open_loop, add_all, remove_all, run, stop, close_loop,
};

#else

const struct io_ops io_libevent;

const char *peer_libevent_version(void)
{
	return "none";
}

#endif
