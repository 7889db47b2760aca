/* SPDX-License-Identifier: MIT */
/*
 * io_libuv.c - libuv
 *
 * The choices: uv_poll_t, which calls us when a descriptor is readable and
 * leaves the rest to us; a uv_tcp_t would cost more for the same bytes (an
 * allocation callback, a read that libuv makes, a write request or the try of
 * one).  Handles inside of our own memory.
 */
#include "io.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "work.h"

struct io_loop {
	struct io_job *job;
	uv_loop_t loop;
	bool are_open;
	uv_poll_t polls[];
};

const char *peer_libuv_version(void)
{
	return uv_version_string();
}

static void on_chain(uv_poll_t *poll, int status, int what)
{
	(void)status, (void)what;
	work_chain(poll->data);
}

static void on_echo(uv_poll_t *poll, int status, int what)
{
	(void)status, (void)what;
	work_echo(poll->data);
}

static void on_http(uv_poll_t *poll, int status, int what)
{
	(void)status, (void)what;
	work_http(poll->data);
}

static int open_loop(struct io_job *job, enum io_mode mode,
		     struct io_loop **ret_loop)
{
	struct io_loop *loop = calloc(1, sizeof(*loop) +
				      job->count * sizeof(loop->polls[0]));
	int err;

	(void)mode;
	if (!loop)
		return -ENOMEM;
	loop->job = job;
	err = uv_loop_init(&loop->loop);
	if (err < 0) {
		free(loop);
		return err;
	}
	*ret_loop = loop;
	return 0;
}

static int add_all(struct io_loop *loop)
{
	static const uv_poll_cb handlers[] = {
		[IO_CHAIN] = on_chain,
		[IO_ECHO] = on_echo,
		[IO_HTTP] = on_http,
	};
	struct io_job *job = loop->job;
	int err = 0;

	for (size_t i = 0; err == 0 && i < job->count; i++) {
		uv_poll_t *poll = &loop->polls[i];

		err = uv_poll_init(&loop->loop, poll, job->slots[i].fd);
		poll->data = &job->slots[i];
		if (err == 0)
			err = uv_poll_start(poll, UV_READABLE,
					    handlers[job->work]);
	}
	loop->are_open = true;
	/* Changes go to the kernel in the next turn. */
	uv_run(&loop->loop, UV_RUN_NOWAIT);
	return err;
}

static void remove_all(struct io_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		uv_close((uv_handle_t *)&loop->polls[i], NULL);
	uv_run(&loop->loop, UV_RUN_NOWAIT);
	loop->are_open = false;
}

static void run(struct io_loop *loop)
{
	uv_run(&loop->loop, UV_RUN_DEFAULT);
}

static void stop(struct io_loop *loop)
{
	uv_stop(&loop->loop);
}

static void close_loop(struct io_loop *loop)
{
	if (loop->are_open)
		remove_all(loop);
	uv_loop_close(&loop->loop);
	free(loop);
}

const struct io_ops io_libuv = {
	open_loop, add_all, remove_all, run, stop, close_loop,
};

#else

const struct io_ops io_libuv;

const char *peer_libuv_version(void)
{
	return "none";
}

#endif
