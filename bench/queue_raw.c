/* SPDX-License-Identifier: MIT */
/*
 * queue_raw.c - messages by hand: epoll, an eventfd, and one of two queues
 *
 * queue_eventfd has the list behind a mutex; the eventfd is written when the
 * list was empty, or (arg) for each message, as muduo and memcached do it.
 *
 * queue_wfcq has liburcu's wait-free queue; the eventfd is written only if the
 * receiver has said that it sleeps, with a full fence on either side.  That is
 * the most that a user of liburcu can do about it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The functions inline, as their authors advise. */
#define _LGPL_SOURCE
#include <urcu/wfcqueue.h>

#include "queue.h"
#include "tool.h"

struct queue {
	struct queue_job *job;
	int epfd;
	int eventfd;
	bool is_written_each;
	struct queue_list list;
	/* queue_wfcq */
	_Alignas(128) struct cds_wfcq_head head;
	_Alignas(128) struct cds_wfcq_tail tail;
	_Alignas(128) _Atomic int asleep;
	struct wfcq_node *nodes[QUEUE_PRODUCERS_MAX];
};

/* Edge-triggered: no read is needed to be woken again. */
static int open_queue(struct queue_job *job, long arg, struct queue **ret_queue)
{
	struct queue *q = aligned_alloc(128, sizeof(*q));
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	if (!q)
		return -ENOMEM;
	q->job = job;
	q->is_written_each = arg != 0;
	q->epfd = epoll_create1(EPOLL_CLOEXEC);
	q->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	atomic_init(&q->asleep, 0);
	queue_list_init(&q->list);
	if (epoll_ctl(q->epfd, EPOLL_CTL_ADD, q->eventfd, &event) < 0)
		tool_die("eventfd", errno);
	*ret_queue = q;
	return 0;
}

static void close_queue(struct queue *q)
{
	close(q->epfd);
	close(q->eventfd);
	pthread_mutex_destroy(&q->list.lock);
	free(q);
}

static void wait_for_edge(struct queue *q)
{
	struct epoll_event event;

	epoll_wait(q->epfd, &event, 1, -1);
	q->job->wakeups++;
}

static void list_consume(struct queue *q)
{
	while (!q->job->is_done) {
		wait_for_edge(q);
		queue_run_list(q->job, queue_list_take(&q->list));
		queue_release(q->job);
	}
}

static void list_produce(struct queue *q, unsigned producer)
{
	struct queue_producer *p = &q->job->producer[producer];

	for (long i = 0; i < q->job->each; i++) {
		struct queue_node *node = queue_node(p);

		node->word = (uint64_t)i;
		if (queue_list_push(&q->list, node) || q->is_written_each)
			tool_ring(q->eventfd);
	}
}

const struct queue_ops queue_eventfd = {
	open_queue, list_consume, list_produce, close_queue,
};

struct wfcq_node {
	struct cds_wfcq_node link;
	struct queue_node node;
};

static int wfcq_open(struct queue_job *job, long arg, struct queue **ret_queue)
{
	struct queue *q;
	int err = open_queue(job, arg, &q);

	if (err < 0)
		return err;
	cds_wfcq_init(&q->head, &q->tail);
	for (unsigned p = 0; p < job->producers; p++) {
		q->nodes[p] = calloc(QUEUE_WINDOW, sizeof(*q->nodes[p]));
		if (!q->nodes[p])
			tool_die("wfcqueue", ENOMEM);
		for (unsigned i = 0; i < QUEUE_WINDOW; i++)
			q->nodes[p][i].node = job->producer[p].nodes[i];
	}
	*ret_queue = q;
	return 0;
}

static void wfcq_close(struct queue *q)
{
	for (unsigned p = 0; p < q->job->producers; p++)
		free(q->nodes[p]);
	cds_wfcq_destroy(&q->head, &q->tail);
	close_queue(q);
}

/* Runs what is there.  The blocking variants would sleep for 10 ms. */
static void wfcq_run_all(struct queue *q)
{
	struct cds_wfcq_head head;
	struct cds_wfcq_tail tail;
	struct cds_wfcq_node *link;

	cds_wfcq_init(&head, &tail);
	if (__cds_wfcq_splice_nonblocking(&head, &tail, &q->head, &q->tail) !=
	    CDS_WFCQ_RET_DEST_EMPTY)
		return;
	while ((link = __cds_wfcq_dequeue_nonblocking(&head, &tail))) {
		struct wfcq_node *n;

		if (link == CDS_WFCQ_WOULDBLOCK) {
			sched_yield();
			continue;
		}
		n = caa_container_of(link, struct wfcq_node, link);
		q->job->producer[n->node.producer].taken++;
		n->node.run(q->job, n->node.word);
	}
	queue_release(q->job);
}

static void wfcq_consume(struct queue *q)
{
	while (!q->job->is_done) {
		wfcq_run_all(q);
		if (q->job->is_done)
			break;
		atomic_store_explicit(&q->asleep, 1, memory_order_relaxed);
		atomic_thread_fence(memory_order_seq_cst);
		if (cds_wfcq_empty(&q->head, &q->tail))
			wait_for_edge(q);
		atomic_store_explicit(&q->asleep, 0, memory_order_relaxed);
	}
}

static void wfcq_produce(struct queue *q, unsigned producer)
{
	struct queue_producer *p = &q->job->producer[producer];

	for (long i = 0; i < q->job->each; i++) {
		struct queue_node *plain = queue_node(p);
		struct wfcq_node *n =
			&q->nodes[producer][plain - p->nodes];

		n->node.word = (uint64_t)i;
		cds_wfcq_node_init(&n->link);
		cds_wfcq_enqueue(&q->head, &q->tail, &n->link);
		atomic_thread_fence(memory_order_seq_cst);
		if (atomic_load_explicit(&q->asleep, memory_order_relaxed) &&
		    atomic_exchange(&q->asleep, 0))
			tool_ring(q->eventfd);
	}
}

const struct queue_ops queue_wfcq = {
	wfcq_open, wfcq_consume, wfcq_produce, wfcq_close,
};
