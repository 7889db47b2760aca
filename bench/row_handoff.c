/* SPDX-License-Identifier: MIT */
/*
 * row_handoff.c - messages from threads to a thread, in one direction
 *
 * The clock runs from the first producer's begin to the last message's run.
 * All messages are on their way as fast as the producers can: a flood, in which
 * the receiver is awake nearly always.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench.h"
#include "peer.h"
#include "queue.h"
#include "rows.h"
#include "tool.h"

void queue_run(struct queue_job *job, uint64_t word)
{
	job->sum += word;
	if (++job->seen < job->total)
		return;
	job->end = now_ns();
	job->is_done = true;
	sem_post(&job->done);
}

/* One thread of the bench. */
struct actor {
	const struct queue_ops *ops;
	struct queue *queue;
	struct queue_job *job;
	unsigned number;	/* of a producer */
	pthread_barrier_t *barrier;
	pthread_t thread;
};

static void *consumer_main(void *arg)
{
	struct actor *actor = arg;

	tool_pin(0);
	pthread_barrier_wait(actor->barrier);
	actor->ops->consume(actor->queue);
	return NULL;
}

static void *producer_main(void *arg)
{
	struct actor *actor = arg;

	tool_pin(actor->number + 1);
	pthread_barrier_wait(actor->barrier);
	actor->job->producer[actor->number].begin = now_ns();
	actor->ops->produce(actor->queue, actor->number);
	return NULL;
}

static void act(const struct queue_ops *ops, struct queue *queue,
		struct queue_job *job)
{
	struct actor actors[QUEUE_PRODUCERS_MAX + 1];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, job->producers + 1);
	for (unsigned i = 0; i <= job->producers; i++) {
		actors[i] = (struct actor){ ops, queue, job, i, &barrier, 0 };
		actors[i].thread = tool_thread(i < job->producers ?
					       producer_main : consumer_main,
					       &actors[i]);
	}
	for (unsigned i = 0; i <= job->producers; i++)
		pthread_join(actors[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
}

static struct queue_job *make_job(unsigned producers, long messages)
{
	struct queue_job *job = aligned_alloc(128, sizeof(*job));

	if (!job)
		tool_die("job", ENOMEM);
	*job = (struct queue_job){
		.producers = producers,
		.each = messages / (long)producers,
	};
	job->total = job->each * (long)producers;
	sem_init(&job->done, 0, 0);
	for (unsigned p = 0; p < producers; p++) {
		struct queue_node *nodes = calloc(QUEUE_WINDOW, sizeof(*nodes));

		if (!nodes)
			tool_die("job", ENOMEM);
		for (unsigned i = 0; i < QUEUE_WINDOW; i++) {
			nodes[i].run = queue_run;
			nodes[i].producer = p;
		}
		job->producer[p].nodes = nodes;
	}
	return job;
}

static void free_job(struct queue_job *job)
{
	for (unsigned p = 0; p < job->producers; p++)
		free(job->producer[p].nodes);
	sem_destroy(&job->done);
	free(job);
}

static uint64_t first_begin(const struct queue_job *job)
{
	uint64_t begin = UINT64_MAX;

	for (unsigned p = 0; p < job->producers; p++)
		if (job->producer[p].begin < begin)
			begin = job->producer[p].begin;
	return begin;
}

static int measure(const struct bench_point *point,
		   const struct bench_contender *contender, long arg,
		   double *values)
{
	const struct queue_ops *ops = contender->ops;
	struct queue_job *job = make_job((unsigned)point->a,
					 tool_scaled(point->c, 1000));
	struct queue *queue;
	uint64_t cpu;
	int err = ops->open(job, arg, &queue);

	if (err == 0) {
		cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		act(ops, queue, job);
		cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		ops->close(queue);
		values[0] = (double)(job->end - first_begin(job)) /
			    (double)job->total;
		values[1] = (double)cpu / (double)job->total;
		values[2] = (double)job->wakeups / (double)job->total;
	}
	free_job(job);
	return err;
}

static int round_handoff(void *shared, const struct bench_point *point,
			 const struct bench_contender *contender,
			 double *values)
{
	(void)shared;
	return measure(point, contender, contender->arg, values);
}

static const struct bench_metric metrics[] = {
	{ "time", "ns/message", false },
	{ "CPU", "ns/message", false },
	{ "wake-ups", "per message", false },
	{ NULL, NULL, false },
};

#define PEERS \
	{ "wfcqueue, elided eventfd", &queue_wfcq, 0, NULL }, \
	{ "list, eventfd if empty", &queue_eventfd, 0, NULL }, \
	{ "list, eventfd each", &queue_eventfd, 1, NULL }, \
	{ "libevent", &queue_libevent, 0, PEER_LIBEVENT }, \
	{ "libev", &queue_libev, 0, PEER_LIBEV }, \
	{ "libuv", &queue_libuv, 0, PEER_LIBUV }, \
	{ NULL, NULL, 0, NULL }

static const struct bench_point handoff_points[] = {
	{ "1 producer of the pool", 1, 0, 200000, false, 0 },
	{ "2 producers of the pool", 2, 0, 200000, false, 0 },
	{ "4 producers of the pool", 4, 0, 200000, true, 0 },
	{ "8 producers of the pool", 8, 0, 200000, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender handoff_contenders[] = {
	{ "weir", &queue_weir, QUEUE_POOL, NULL },
	PEERS,
};

static const char method[] =
	"As fast as the producers can; from the first one's begin to the last "
	"message's run. CPU is that of all threads. A wake-up is a return from "
	"a sleep of the receiver, or a call of its callback.";

const struct bench_row row_handoff = {
	.name = "handoff",
	.title = "messages from one worker to another",
	.method = method,
	.has_threads = true,
	.metrics = metrics,
	.points = handoff_points,
	.contenders = handoff_contenders,
	.round = round_handoff,
};

static const struct bench_point foreign_points[] = {
	{ "1 foreign producer", 1, 0, 200000, false, 0 },
	{ "2 foreign producers", 2, 0, 200000, false, 0 },
	{ "4 foreign producers", 4, 0, 200000, false, 0 },
	{ "8 foreign producers", 8, 0, 200000, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender foreign_contenders[] = {
	{ "weir", &queue_weir, 0, NULL },
	PEERS,
};

const struct bench_row row_foreign = {
	.name = "foreign",
	.title = "messages from other threads to a worker",
	.method = method,
	.has_threads = true,
	.metrics = metrics,
	.points = foreign_points,
	.contenders = foreign_contenders,
	.round = round_handoff,
};

/* The point says who sends, the contender what to. */
static int round_send(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	(void)shared;
	return measure(point, contender, point->b | contender->arg, values);
}

static const struct bench_point send_points[] = {
	{ "1 producer of the pool", 1, QUEUE_POOL, 500000, false, 0 },
	{ "1 foreign producer", 1, 0, 500000, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender send_contenders[] = {
	{ "weir, to a token", &queue_weir, QUEUE_TOKEN, NULL },
	{ "weir, to a worker", &queue_weir, 0, NULL },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_send = {
	.name = "send",
	.title = "sending to a token and posting to a worker",
	.method = "As for handoff; a token is looked up by the sender and by "
		  "the receiver.",
	.has_threads = true,
	.metrics = metrics,
	.points = send_points,
	.contenders = send_contenders,
	.round = round_send,
};
