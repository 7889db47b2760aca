/* SPDX-License-Identifier: MIT */
/*
 * io_libev.c - libev
 *
 * The choices: its epoll backend, level-triggered as it always is; watchers
 * inside of our own memory; no priorities, and no check or prepare watchers.
 */
#include "io.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBEV

#include "libev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "work.h"

struct io_loop {
	struct io_job *job;
	struct ev_loop *loop;
	ev_io watchers[];
};

const char *peer_libev_version(void)
{
	static char text[16];

	snprintf(text, sizeof(text), "%d.%d", ev_version_major(),
		 ev_version_minor());
	return text;
}

static void on_chain(struct ev_loop *loop, ev_io *watcher, int what)
{
	(void)loop, (void)what;
	work_chain(watcher->data);
}

static void on_echo(struct ev_loop *loop, ev_io *watcher, int what)
{
	(void)loop, (void)what;
	work_echo(watcher->data);
}

static void on_http(struct ev_loop *loop, ev_io *watcher, int what)
{
	(void)loop, (void)what;
	work_http(watcher->data);
}

static int open_loop(struct io_job *job, enum io_mode mode,
		     struct io_loop **ret_loop)
{
	struct io_loop *loop = calloc(1, sizeof(*loop) +
				      job->count * sizeof(loop->watchers[0]));

	(void)mode;
	if (!loop)
		return -ENOMEM;
	loop->job = job;
	loop->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (!loop->loop) {
		free(loop);
		return -ENOMEM;
	}
	*ret_loop = loop;
	return 0;
}

static int add_all(struct io_loop *loop)
{
	static void (*const handlers[])(struct ev_loop *, ev_io *, int) = {
		[IO_CHAIN] = on_chain,
		[IO_ECHO] = on_echo,
		[IO_HTTP] = on_http,
	};
	struct io_job *job = loop->job;

	for (size_t i = 0; i < job->count; i++) {
		ev_io *watcher = &loop->watchers[i];

		ev_io_init(watcher, handlers[job->work], job->slots[i].fd,
			   EV_READ);
		watcher->data = &job->slots[i];
		ev_io_start(loop->loop, watcher);
	}
	/* Changes go to the kernel in the next turn. */
	ev_run(loop->loop, EVRUN_NOWAIT);
	return 0;
}

/* libev does not tell the kernel of a removal: close() will. */
static void remove_all(struct io_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		ev_io_stop(loop->loop, &loop->watchers[i]);
	ev_run(loop->loop, EVRUN_NOWAIT);
}

static void run(struct io_loop *loop)
{
	ev_run(loop->loop, 0);
}

static void stop(struct io_loop *loop)
{
	ev_break(loop->loop, EVBREAK_ONE);
}

static void close_loop(struct io_loop *loop)
{
	ev_loop_destroy(loop->loop);
	free(loop);
}

const struct io_ops io_libev = {
	open_loop, add_all, remove_all, run, stop, close_loop,
};

#else

const struct io_ops io_libev;

const char *peer_libev_version(void)
{
	return "none";
}

#endif
