/* SPDX-License-Identifier: MIT */
/*
 * accept_libuv.c - uv_listen(), which accepts one ahead
 *
 * The choices: handles out of a list of free ones, as a connection's handle
 * cannot be used again before its close has been told.
 */
#include "accept.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "tool.h"

struct conn {
	uv_tcp_t tcp;
	struct conn *next;	/* while free */
};

struct server {
	struct accept_job *job;
	uv_loop_t loop;
	uv_tcp_t listener;
	struct conn *unused;
	bool is_over;
};

static void on_closed(uv_handle_t *handle)
{
	struct conn *conn = (struct conn *)handle;
	struct server *server = handle->loop->data;

	conn->next = server->unused;
	server->unused = conn;
}

static struct conn *take(struct server *server)
{
	struct conn *conn = server->unused;

	if (conn)
		server->unused = conn->next;
	else
		conn = malloc(sizeof(*conn));
	if (!conn)
		tool_die("libuv", ENOMEM);
	return conn;
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct server *server = listener->loop->data;
	struct conn *conn;

	if (status < 0)
		return;
	conn = take(server);
	uv_tcp_init(&server->loop, &conn->tcp);
	if (uv_accept(listener, (uv_stream_t *)&conn->tcp) == 0 &&
	    accept_count(server->job))
		uv_close((uv_handle_t *)listener, NULL);
	uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

/* Ends when the listener is closed and the last connection, too. */
static void *server_main(void *arg)
{
	struct server *server = arg;

	tool_pin(0);
	uv_run(&server->loop, UV_RUN_DEFAULT);
	return NULL;
}

static int listen_on(struct server *server)
{
	struct accept_job *job = server->job;
	int len = sizeof(job->to);
	int err;

	uv_ip4_addr("127.0.0.1", 0, &job->to);
	err = uv_tcp_bind(&server->listener, (struct sockaddr *)&job->to, 0);
	if (err == 0)
		err = uv_listen((uv_stream_t *)&server->listener,
				ACCEPT_BACKLOG, on_connection);
	if (err == 0)
		err = uv_tcp_getsockname(&server->listener,
					 (struct sockaddr *)&job->to, &len);
	return err;
}

static int run(struct accept_job *job, long arg)
{
	struct server server = { .job = job };
	pthread_t thread;
	int err;

	(void)arg;
	uv_loop_init(&server.loop);
	server.loop.data = &server;
	uv_tcp_init(&server.loop, &server.listener);
	err = listen_on(&server);
	if (err == 0) {
		thread = tool_thread(server_main, &server);
		accept_drive(job);
		pthread_join(thread, NULL);
	} else {
		uv_close((uv_handle_t *)&server.listener, NULL);
		uv_run(&server.loop, UV_RUN_DEFAULT);
	}
	uv_loop_close(&server.loop);
	while (server.unused)
		free(take(&server));
	return err;
}

const struct accept_ops accept_libuv = { run };

#else

const struct accept_ops accept_libuv;

#endif
