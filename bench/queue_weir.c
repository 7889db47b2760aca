/* SPDX-License-Identifier: MIT */
/*
 * queue_weir.c - weir's messages
 *
 * The receiver is worker 0.  Its inbox and rings have the room that the peers'
 * windows have.  A producer of the pool sends up to 256 in a turn and then lets
 * others have theirs; a full queue is tried again in the next turn, and by a
 * foreign thread after a yield.
 */
#include <errno.h>
#include <stdlib.h>
#include <weir.h>

#include "bench.h"
#include "queue.h"
#include "tool.h"

enum { A_TURN = 256 };

struct queue {
	struct queue_job *job;
	struct weir_pool *pool;
	bool is_to_token;
	bool is_from_pool;
	weir_token token;
	sem_t is_open;		/* the token is there */
};

static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	(void)r, (void)data;
	queue_run(msg->arg, msg->word);
}

static const struct weir_call message = { .run = on_message };

static int send_one(struct queue *q, uint64_t word)
{
	if (q->is_to_token)
		return weir_send(q->pool, q->token, &message, q->job, word);
	return weir_post(q->pool, 0, &message, q->job, word);
}

static void on_produce(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data);

static const struct weir_call produce_more = { .run = on_produce };

static void on_produce(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct queue *q = msg->arg;
	struct queue_producer *p = &q->job->producer[msg->word];
	const long until = p->sent + A_TURN < q->job->each ?
			   p->sent + A_TURN : q->job->each;

	(void)data;
	while (p->sent < until && send_one(q, (uint64_t)p->sent) == 0)
		p->sent++;
	if (p->sent < q->job->each)
		weir_post(q->pool, weir_reactor_index(r), &produce_more, q,
			  msg->word);
}

static void on_open(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	struct queue *q = msg->arg;

	(void)data;
	if (weir_source_open(r, NULL, NULL, &q->token) < 0)
		tool_die("weir_source_open", ENOMEM);
	sem_post(&q->is_open);
}

static int start_pool(struct queue *q)
{
	static const struct weir_call open_token = { .run = on_open };
	struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = q->is_from_pool ? q->job->producers + 1 : 1,
		.flags = WEIR_POOL_NO_SIGNALS |
			 (bench_options.is_pinned ? WEIR_POOL_PIN : 0),
		.inbox_messages = QUEUE_WINDOW * q->job->producers,
		.ring_messages = QUEUE_WINDOW,
	};
	int err = weir_pool_new(&options, &q->pool);

	if (err < 0)
		return err;
	err = weir_pool_start(q->pool);
	if (err == 0)
		err = weir_post(q->pool, 0, &open_token, q, 0);
	if (err < 0)
		return err;
	sem_wait(&q->is_open);
	return 0;
}

static void close_queue(struct queue *q)
{
	weir_pool_free(q->pool);
	sem_destroy(&q->is_open);
	free(q);
}

static int open_queue(struct queue_job *job, long arg, struct queue **ret_queue)
{
	struct queue *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return -ENOMEM;
	q->job = job;
	q->is_from_pool = arg & QUEUE_POOL;
	q->is_to_token = arg & QUEUE_TOKEN;
	sem_init(&q->is_open, 0, 0);
	err = start_pool(q);
	if (err < 0) {
		close_queue(q);
		return err;
	}
	*ret_queue = q;
	return 0;
}

/* The worker does it. */
static void consume(struct queue *q)
{
	sem_wait(&q->job->done);
}

static void produce(struct queue *q, unsigned producer)
{
	struct queue_producer *p = &q->job->producer[producer];

	if (q->is_from_pool) {
		weir_post(q->pool, (int)producer + 1, &produce_more, q,
			  producer);
		return;
	}
	while (p->sent < q->job->each) {
		if (send_one(q, (uint64_t)p->sent) == 0)
			p->sent++;
		else
			sched_yield();
	}
}

/* The sleeps of the receiver: it was woken that often, or nearly. */
static void close_and_count(struct queue *q)
{
	struct weir_stats stats = { .size = sizeof(stats) };

	if (weir_pool_stats(q->pool, 0, &stats) == 0)
		q->job->wakeups = (long)stats.sleeps;
	close_queue(q);
}

const struct queue_ops queue_weir = {
	open_queue, consume, produce, close_and_count,
};
