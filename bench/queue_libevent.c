/* SPDX-License-Identifier: MIT */
/*
 * queue_libevent.c - event_active() with a list behind a mutex
 *
 * Here the base has its lock, as it must when another thread calls
 * event_active(); the single-threaded rows ask for a base without.
 */
#include "peer.h"
#include "queue.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>

struct queue {
	struct queue_job *job;
	struct queue_list list;
	struct event_base *base;
	struct event *event;
};

static void on_active(evutil_socket_t fd, short what, void *data)
{
	struct queue *q = data;

	(void)fd, (void)what;
	q->job->wakeups++;
	queue_run_list(q->job, queue_list_take(&q->list));
	queue_release(q->job);
	if (q->job->is_done)
		event_base_loopbreak(q->base);
}

static int open_queue(struct queue_job *job, long arg, struct queue **ret_queue)
{
	struct queue *q = calloc(1, sizeof(*q));

	(void)arg;
	if (!q)
		return -ENOMEM;
	evthread_use_pthreads();
	q->job = job;
	queue_list_init(&q->list);
	q->base = event_base_new();
	q->event = event_new(q->base, -1, EV_PERSIST, on_active, q);
	*ret_queue = q;
	return 0;
}

static void consume(struct queue *q)
{
	event_base_loop(q->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void produce(struct queue *q, unsigned producer)
{
	struct queue_producer *p = &q->job->producer[producer];

	for (long i = 0; i < q->job->each; i++) {
		struct queue_node *node = queue_node(p);

		node->word = (uint64_t)i;
		if (queue_list_push(&q->list, node))
			event_active(q->event, EV_READ, 0);
	}
}

static void close_queue(struct queue *q)
{
	event_free(q->event);
	event_base_free(q->base);
	pthread_mutex_destroy(&q->list.lock);
	free(q);
}

const struct queue_ops queue_libevent = {
	open_queue, consume, produce, close_queue,
};

#else

const struct queue_ops queue_libevent;

#endif
