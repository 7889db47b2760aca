/* SPDX-License-Identifier: MIT */
/*
 * row_ask.c - a foreign thread's question to a worker, and the answer
 *
 * The other round trip: one end has no loop, and sleeps until it is answered.
 */
#include <stdlib.h>

#include "ask.h"
#include "bench.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"

enum { ASKERS_MAX = 8 };

struct asker {
	const struct ask_ops *ops;
	struct asked *asked;
	struct ask_question question;
	pthread_barrier_t *barrier;
	unsigned number;
	long questions;
	uint64_t begin, end;
};

static void *asker_main(void *arg)
{
	struct asker *asker = arg;

	tool_pin(asker->number + 1);
	sem_init(&asker->question.is_answered, 0, 0);
	pthread_barrier_wait(asker->barrier);
	asker->begin = now_ns();
	for (long i = 0; i < asker->questions; i++)
		asker->ops->ask(asker->asked, &asker->question);
	asker->end = now_ns();
	sem_destroy(&asker->question.is_answered);
	return NULL;
}

static void *asked_main(void *arg)
{
	struct asker *asker = arg;

	tool_pin(0);
	pthread_barrier_wait(asker->barrier);
	asker->ops->serve(asker->asked);
	return NULL;
}

/* All askers and the asked; the time from the first to the last. */
static uint64_t act(const struct ask_ops *ops, struct asked *asked,
		    unsigned count, long questions)
{
	struct asker askers[ASKERS_MAX + 1];
	pthread_t threads[ASKERS_MAX + 1];
	pthread_barrier_t barrier;
	uint64_t begin = UINT64_MAX, end = 0;

	pthread_barrier_init(&barrier, NULL, count + 1);
	for (unsigned i = 0; i <= count; i++) {
		askers[i] = (struct asker){
			.ops = ops, .asked = asked, .barrier = &barrier,
			.number = i, .questions = questions / (long)count,
		};
		threads[i] = tool_thread(i < count ? asker_main : asked_main,
					 &askers[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		begin = askers[i].begin < begin ? askers[i].begin : begin;
		end = askers[i].end > end ? askers[i].end : end;
	}
	ops->stop(asked);
	pthread_join(threads[count], NULL);
	pthread_barrier_destroy(&barrier);
	return end - begin;
}

static int round_ask(void *shared, const struct bench_point *point,
		     const struct bench_contender *contender, double *values)
{
	const struct ask_ops *ops = contender->ops;
	const long questions = tool_scaled(point->c, 4 * point->a);
	struct asked *asked;
	uint64_t cpu, time;
	int err = ops->open(contender->arg, &asked);

	(void)shared;
	if (err < 0)
		return err;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	time = act(ops, asked, (unsigned)point->a, questions);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	ops->close(asked);
	values[0] = (double)time / 1000 / (double)questions;
	values[1] = (double)cpu / 1000 / (double)questions;
	return 0;
}

static const struct bench_metric metrics[] = {
	{ "time", "us/question", false },
	{ "CPU", "us/question", false },
	{ NULL, NULL, false },
};

/* a threads that ask, c questions of all of them. */
static const struct bench_point points[] = {
	{ "1 thread", 1, 0, 800, false, 0 },
	{ "2 threads", 2, 0, 800, false, 0 },
	{ "4 threads", 4, 0, 800, false, 0 },
	{ "8 threads", 8, 0, 800, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir", &ask_weir, 0, NULL },
	{ "weir, spinning", &ask_weir, 50000, NULL },
	{ "epoll and eventfd", &ask_eventfd, 0, NULL },
	{ "libevent", &ask_libevent, 0, PEER_LIBEVENT },
	{ "libev", &ask_libev, 0, PEER_LIBEV },
	{ "libuv", &ask_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_ask = {
	.name = "ask",
	.title = "questions of other threads to a worker, and their answers",
	.method = "Each thread sleeps until it is answered and then asks "
		  "again; the time of all questions by their number. Spinning "
		  "is the worker's: the one that asks always sleeps.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_ask,
};
