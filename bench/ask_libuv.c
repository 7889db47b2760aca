/* SPDX-License-Identifier: MIT */
/*
 * ask_libuv.c - questions to a loop of libuv, told by uv_async_send()
 */
#include "ask.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct asked {
	struct queue_list list;
	uv_loop_t loop;
	uv_async_t async;
	atomic_bool is_over;
};

static void on_async(uv_async_t *async)
{
	struct asked *asked = async->data;

	ask_answer_all(&asked->list);
	if (atomic_load(&asked->is_over))
		uv_stop(&asked->loop);
}

static int open_asked(long arg, struct asked **ret_asked)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	(void)arg;
	if (!asked)
		return -ENOMEM;
	queue_list_init(&asked->list);
	uv_loop_init(&asked->loop);
	uv_async_init(&asked->loop, &asked->async, on_async);
	asked->async.data = asked;
	*ret_asked = asked;
	return 0;
}

static void serve(struct asked *asked)
{
	uv_run(&asked->loop, UV_RUN_DEFAULT);
}

static void ask(struct asked *asked, struct ask_question *question)
{
	if (queue_list_push(&asked->list, &question->node))
		uv_async_send(&asked->async);
	sem_wait(&question->is_answered);
}

static void stop(struct asked *asked)
{
	atomic_store(&asked->is_over, true);
	uv_async_send(&asked->async);
}

static void close_asked(struct asked *asked)
{
	uv_close((uv_handle_t *)&asked->async, NULL);
	uv_run(&asked->loop, UV_RUN_DEFAULT);
	uv_loop_close(&asked->loop);
	pthread_mutex_destroy(&asked->list.lock);
	free(asked);
}

const struct ask_ops ask_libuv = {
	open_asked, serve, ask, stop, close_asked,
};

#else

const struct ask_ops ask_libuv;

#endif
