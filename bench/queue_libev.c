/* SPDX-License-Identifier: MIT */
/*
 * queue_libev.c - ev_async_send() with a list behind a mutex
 *
 * As with libuv: what is sent is merged, and the list is what travels.
 */
#include "peer.h"
#include "queue.h"

#ifdef WEIR_HAVE_LIBEV

#include "libev.h"

#include <errno.h>
#include <stdlib.h>

struct queue {
	struct queue_job *job;
	struct queue_list list;
	struct ev_loop *loop;
	ev_async async;
};

static void on_async(struct ev_loop *loop, ev_async *async, int what)
{
	struct queue *q = async->data;

	(void)what;
	q->job->wakeups++;
	queue_run_list(q->job, queue_list_take(&q->list));
	queue_release(q->job);
	if (q->job->is_done)
		ev_break(loop, EVBREAK_ONE);
}

static int open_queue(struct queue_job *job, long arg, struct queue **ret_queue)
{
	struct queue *q = calloc(1, sizeof(*q));

	(void)arg;
	if (!q)
		return -ENOMEM;
	q->job = job;
	queue_list_init(&q->list);
	q->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	ev_async_init(&q->async, on_async);
	q->async.data = q;
	ev_async_start(q->loop, &q->async);
	*ret_queue = q;
	return 0;
}

static void consume(struct queue *q)
{
	ev_run(q->loop, 0);
}

static void produce(struct queue *q, unsigned producer)
{
	struct queue_producer *p = &q->job->producer[producer];

	for (long i = 0; i < q->job->each; i++) {
		struct queue_node *node = queue_node(p);

		node->word = (uint64_t)i;
		if (queue_list_push(&q->list, node))
			ev_async_send(q->loop, &q->async);
	}
}

static void close_queue(struct queue *q)
{
	ev_async_stop(q->loop, &q->async);
	ev_loop_destroy(q->loop);
	pthread_mutex_destroy(&q->list.lock);
	free(q);
}

const struct queue_ops queue_libev = {
	open_queue, consume, produce, close_queue,
};

#else

const struct queue_ops queue_libev;

#endif
