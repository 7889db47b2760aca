/* SPDX-License-Identifier: MIT */
/*
 * queue_libuv.c - uv_async_send() with a list behind a mutex
 *
 * libuv merges what is sent before the receiver has run, so the list is
 * needed; it is not told again while the list has something.
 */
#include "peer.h"
#include "queue.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct queue {
	struct queue_job *job;
	struct queue_list list;
	uv_loop_t loop;
	uv_async_t async;
};

static void on_async(uv_async_t *async)
{
	struct queue *q = async->data;

	q->job->wakeups++;
	queue_run_list(q->job, queue_list_take(&q->list));
	queue_release(q->job);
	if (q->job->is_done)
		uv_stop(&q->loop);
}

static int open_queue(struct queue_job *job, long arg, struct queue **ret_queue)
{
	struct queue *q = calloc(1, sizeof(*q));

	(void)arg;
	if (!q)
		return -ENOMEM;
	q->job = job;
	queue_list_init(&q->list);
	uv_loop_init(&q->loop);
	uv_async_init(&q->loop, &q->async, on_async);
	q->async.data = q;
	*ret_queue = q;
	return 0;
}

static void consume(struct queue *q)
{
	uv_run(&q->loop, UV_RUN_DEFAULT);
}

static void produce(struct queue *q, unsigned producer)
{
	struct queue_producer *p = &q->job->producer[producer];

	for (long i = 0; i < q->job->each; i++) {
		struct queue_node *node = queue_node(p);

		node->word = (uint64_t)i;
		if (queue_list_push(&q->list, node))
			uv_async_send(&q->async);
	}
}

static void close_queue(struct queue *q)
{
	uv_close((uv_handle_t *)&q->async, NULL);
	uv_run(&q->loop, UV_RUN_DEFAULT);
	uv_loop_close(&q->loop);
	pthread_mutex_destroy(&q->list.lock);
	free(q);
}

const struct queue_ops queue_libuv = {
	open_queue, consume, produce, close_queue,
};

#else

const struct queue_ops queue_libuv;

#endif
