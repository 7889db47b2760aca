/* SPDX-License-Identifier: MIT */
/*
 * count_items.c - what is counted
 *
 * All of it on one thread, so that the figures are exact: a message goes from a
 * thread to itself, by the same calls and through the same queue as to another.
 */
#include "count_items.h"

#include <errno.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>
#include <weir.h>

#include "chain.h"
#include "peer.h"
#include "queue.h"
#include "register.h"
#include "timer.h"
#include "tool.h"

enum {
	PIPES = 1000,
	EVENTS = 4000,
	CYCLES = 4,
	TIMERS = 1000,
	/* A turn's budget, and well within every queue. */
	BATCH = 256,
	BATCHES = 16,
};

static void mark(count_mark_fn *fn)
{
	if (fn)
		fn();
}

/* Events: item->arg are active at a time. */
static int count_chain_by(const struct count_item *item, enum io_mode mode,
			  int times, count_mark_fn *begin, count_mark_fn *end)
{
	const struct io_ops *ops = item->ops;
	struct chain *chain;
	struct io_job job;
	int err = chain_new(PIPES, &chain);

	if (err < 0)
		return err;
	job = chain_job(chain, (size_t)item->arg, times * EVENTS);
	err = io_open(ops, mode, &job);
	if (err == 0) {
		chain_kick(&job, (size_t)item->arg);
		mark(begin);
		ops->run(job.loop);
		mark(end);
		ops->remove_all(job.loop);
		ops->close(job.loop);
	}
	chain_free(chain);
	return err < 0 ? err : EVENTS;
}

static int count_chain(const struct count_item *item, int times,
		       count_mark_fn *begin, count_mark_fn *end)
{
	return count_chain_by(item, IO_EDGE, times, begin, end);
}

static int count_wait(const struct count_item *item, int times,
		      count_mark_fn *begin, count_mark_fn *end)
{
	return count_chain_by(item, IO_WAIT, times, begin, end);
}

static int count_register(const struct count_item *item, int times,
			  count_mark_fn *begin, count_mark_fn *end)
{
	const struct io_ops *ops = item->ops;
	struct io_job job;
	int64_t ns = register_open(ops, PIPES, &job);

	if (ns < 0)
		return (int)ns;
	mark(begin);
	for (int i = 0; ns >= 0 && i < times * CYCLES; i++)
		ns = register_cycle(ops, &job);
	mark(end);
	register_close(ops, &job);
	return ns < 0 ? (int)ns : CYCLES * PIPES;
}

enum timer_call {
	START,
	RESTART,
	STOP,
	KEEP,
};

static void call_timers(const struct timer_ops *ops, struct timer_loop *loop,
			enum timer_call call)
{
	switch (call) {
	case START:
		ops->start(loop);
		break;
	case RESTART:
		ops->restart(loop, TIMERS);
		break;
	case STOP:
		ops->stop(loop, TIMERS);
		break;
	case KEEP:
		ops->keep(loop, TIMERS);
		break;
	}
}

/* What has to stand before the call that is counted. */
static void prepare_timers(const struct timer_ops *ops,
			   struct timer_loop *loop, enum timer_call call)
{
	if (call == RESTART || call == STOP)
		ops->start(loop);
	else if (call == KEEP)
		ops->keep(loop, TIMERS);
}

/*
 * Far away and, for a restart, near: a timer that is moved within the span of
 * its slot of weir's wheel costs less, and where the spans begin depends on the
 * time of day.  Here none is.
 */
static void fill_delays(uint64_t *far, uint64_t *near)
{
	uint32_t seed = 88172645;

	for (uint32_t i = 0; i < TIMERS; i++) {
		const uint64_t some = random_next(&seed) % 1000000;

		far[i] = (36000 + some / 100) * 1000000000;
		near[i] = 1000000000 + some * 100;
	}
}

/* Once is nothing, and twice is one time: a start cannot follow a start. */
static int count_timer(const struct count_item *item, int times,
		       count_mark_fn *begin, count_mark_fn *end)
{
	static uint32_t order[TIMERS];
	static uint64_t far[TIMERS], near[TIMERS];
	const struct timer_ops *ops = item->ops;
	struct timer_job job = { TIMERS, order, far, 0 };
	struct timer_loop *loop;
	int err;

	/* 7919 is prime: this passes all of them, in no order of the heap. */
	for (uint32_t i = 0; i < TIMERS; i++)
		order[i] = i * 7919 % TIMERS;
	fill_delays(far, near);
	err = ops->open(&job, &loop);
	if (err < 0)
		return err;
	prepare_timers(ops, loop, (enum timer_call)item->arg);
	if (item->arg == RESTART)
		job.delays = near;
	mark(begin);
	if (times == 2)
		call_timers(ops, loop, (enum timer_call)item->arg);
	mark(end);
	ops->close(loop);
	return TIMERS;
}

/* Messages of the peers: all are sent, then the receiver runs. */
static int count_queue(const struct count_item *item, int times,
		       count_mark_fn *begin, count_mark_fn *end)
{
	static struct queue_node nodes[QUEUE_WINDOW];
	const struct queue_ops *ops = item->ops;
	struct queue_job job = { .producers = 1, .each = times * 1000 };
	struct queue *queue;
	int err;

	for (size_t i = 0; i < QUEUE_WINDOW; i++)
		nodes[i] = (struct queue_node){ .run = queue_run };
	job.total = job.each;
	job.producer[0].nodes = nodes;
	sem_init(&job.done, 0, 0);
	err = ops->open(&job, item->arg, &queue);
	if (err == 0) {
		mark(begin);
		ops->produce(queue, 0);
		ops->consume(queue);
		mark(end);
		ops->close(queue);
	}
	sem_destroy(&job.done);
	return err < 0 ? err : 1000;
}

static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	(void)r, (void)data;
	*(uint64_t *)msg->arg += msg->word;
}

static const struct weir_call message = { .run = on_message };

/* Through the queue for other threads. */
static int count_inbox(const struct count_item *item, int times,
		       count_mark_fn *begin, count_mark_fn *end)
{
	struct weir_reactor *r;
	struct weir_event event;
	uint64_t sum = 0;
	int err = weir_reactor_new(NULL, &r);

	(void)item;
	if (err < 0)
		return err;
	mark(begin);
	for (int i = 0; i < times * BATCHES; i++) {
		for (int j = 0; j < BATCH; j++)
			weir_reactor_post(r, &message, &sum, 1);
		weir_reactor_wait(r, &event, 1, 0);
	}
	mark(end);
	weir_reactor_free(r);
	if (sum != (uint64_t)times * BATCHES * BATCH)
		return -EIO;
	return BATCHES * BATCH;
}

/* Through the ring from a worker to a worker, here from one to itself. */
struct rounds {
	struct weir_pool *pool;
	weir_token token;
	bool is_to_token;
	int left;
	uint64_t sum;
	count_mark_fn *begin, *end;
	sem_t done;
};

static void on_round(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data);

static const struct weir_call next_round = { .run = on_round };

static void send_batch(struct rounds *rounds)
{
	for (int i = 0; i < BATCH - 1; i++) {
		if (rounds->is_to_token)
			weir_send(rounds->pool, rounds->token, &message,
				  &rounds->sum, 1);
		else
			weir_post(rounds->pool, 0, &message, &rounds->sum, 1);
	}
	weir_post(rounds->pool, 0, &next_round, rounds, 0);
}

static void on_round(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	struct rounds *rounds = msg->arg;

	(void)r, (void)data;
	if (rounds->left-- > 0) {
		send_batch(rounds);
		return;
	}
	mark(rounds->end);
	sem_post(&rounds->done);
}

static void on_first_round(struct weir_reactor *r, const struct weir_msg *msg,
			   void *data)
{
	struct rounds *rounds = msg->arg;

	(void)data;
	weir_source_open(r, NULL, NULL, &rounds->token);
	mark(rounds->begin);
	send_batch(rounds);
}

static int count_ring(const struct count_item *item, int times,
		      count_mark_fn *begin, count_mark_fn *end)
{
	static const struct weir_call first = { .run = on_first_round };
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS,
	};
	struct rounds rounds = {
		.is_to_token = item->arg != 0,
		.left = times * BATCHES,
		.begin = begin,
		.end = end,
	};
	int err = weir_pool_new(&options, &rounds.pool);

	if (err < 0)
		return err;
	sem_init(&rounds.done, 0, 0);
	err = weir_pool_start(rounds.pool);
	if (err == 0)
		err = weir_post(rounds.pool, 0, &first, &rounds, 0);
	if (err == 0)
		sem_wait(&rounds.done);
	weir_pool_free(rounds.pool);
	sem_destroy(&rounds.done);
	/* Each of them must have come. */
	if (err == 0 && rounds.sum != (uint64_t)(times * BATCHES + 1) *
				      (BATCH - 1))
		err = -EIO;
	return err < 0 ? err : BATCHES * BATCH;
}

#define EACH_LOOP(name, run, arg) \
	{ name, "weir", run, &io_weir, arg, NULL }, \
	{ name, "raw epoll", run, &io_raw, arg, NULL }, \
	{ name, "libevent", run, &io_libevent, arg, PEER_LIBEVENT }, \
	{ name, "libev", run, &io_libev, arg, PEER_LIBEV }, \
	{ name, "libuv", run, &io_libuv, arg, PEER_LIBUV }

#define EACH_TIMER(name, arg) \
	{ name, "weir", count_timer, &timer_weir, arg, NULL }, \
	{ name, "libevent", count_timer, &timer_libevent, arg, \
	  PEER_LIBEVENT }, \
	{ name, "libev", count_timer, &timer_libev, arg, PEER_LIBEV }, \
	{ name, "libuv", count_timer, &timer_libuv, arg, PEER_LIBUV }

const struct count_item count_items[] = {
	EACH_LOOP("event, 1 active", count_chain, 1),
	{ "event, 1 active", "weir, wait()", count_wait, &io_weir, 1, NULL },
	EACH_LOOP("event, 100 active", count_chain, 100),
	{ "event, 100 active", "weir, wait()", count_wait, &io_weir, 100,
	  NULL },
	EACH_LOOP("add, remove, close", count_register, 0),
	{ "message", "weir, worker to worker", count_ring, NULL, 0, NULL },
	{ "message", "weir, to a token", count_ring, NULL, 1, NULL },
	{ "message", "weir, foreign", count_inbox, NULL, 0, NULL },
	{ "message", "wfcqueue", count_queue, &queue_wfcq, 0, NULL },
	{ "message", "list, eventfd if empty", count_queue, &queue_eventfd, 0,
	  NULL },
	{ "message", "libevent", count_queue, &queue_libevent, 0,
	  PEER_LIBEVENT },
	{ "message", "libev", count_queue, &queue_libev, 0, PEER_LIBEV },
	{ "message", "libuv", count_queue, &queue_libuv, 0, PEER_LIBUV },
	EACH_TIMER("timer start", START),
	EACH_TIMER("timer restart", RESTART),
	EACH_TIMER("timer stop", STOP),
	EACH_TIMER("timer keep", KEEP),
	{ NULL, NULL, NULL, NULL, 0, NULL },
};
