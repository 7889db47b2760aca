/* SPDX-License-Identifier: MIT */
/*
 * conn_libuv.c - a stream that reads, and a timer, in memory of our own
 *
 * The buffer is only asked for once there is something to read.
 */
#include "conn.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct conn {
	uv_pipe_t pipe;
	uv_timer_t timer;
};

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *ret_buf)
{
	(void)handle, (void)size;
	*ret_buf = uv_buf_init(NULL, 0);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	(void)stream, (void)got, (void)buf;
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
}

static int add(uv_loop_t *loop, struct conn *conn, int fd)
{
	int err;

	uv_pipe_init(loop, &conn->pipe, 0);
	uv_timer_init(loop, &conn->timer);
	err = uv_pipe_open(&conn->pipe, fd);
	if (err == 0)
		err = uv_read_start((uv_stream_t *)&conn->pipe, on_alloc,
				    on_read);
	if (err == 0)
		err = uv_timer_start(&conn->timer, on_timer,
				     CONN_IDLE_S * 1000, 0);
	return err;
}

int conn_libuv(const int *fds, size_t count)
{
	struct conn *conns = malloc(count * sizeof(*conns));
	uv_loop_t *loop = malloc(sizeof(*loop));
	int err = -ENOMEM;

	if (conns && loop)
		err = uv_loop_init(loop);
	for (size_t i = 0; i < count && err == 0; i++)
		err = add(loop, &conns[i], fds[i]);
	if (err == 0)
		uv_run(loop, UV_RUN_NOWAIT);
	return err;
}

#else

typedef int conn_libuv_is_missing;

#endif
