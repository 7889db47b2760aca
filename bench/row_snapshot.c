/* SPDX-License-Identifier: MIT */
/*
 * row_snapshot.c - reading a configuration that hardly ever changes
 *
 * On one worker, or on two at once, each within a handler.  Against a mutex and
 * a reader-writer lock around a pointer, and against a plain load, which is
 * wrong as soon as anybody publishes.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <weir.h>

#include "bench.h"
#include "rows.h"
#include "tool.h"

enum way {
	BY_SNAPSHOT,
	BY_LOAD,
	BY_MUTEX,
	BY_RWLOCK,
};

struct reading {
	enum way way;
	struct weir_snapshot *snapshot;
	long reads;
	sem_t done;
	_Alignas(128) pthread_mutex_t mutex;
	_Alignas(128) pthread_rwlock_t rwlock;
	_Alignas(128) int *object;
	_Alignas(128) uint64_t ns[2];
};

/* Inlined with each way to read, so that only that is in the loop. */
__attribute__((always_inline))
static inline uint64_t repeat(struct reading *reading,
			      int (*read_one)(struct reading *reading))
{
	const uint64_t begin = thread_cpu_ns();
	unsigned sum = 0;

	for (long i = 0; i < reading->reads; i++) {
		sum += (unsigned)read_one(reading);
		/* The next read is one of its own. */
		__asm__ volatile("" : "+r"(sum) : : "memory");
	}
	return thread_cpu_ns() - begin;
}

static int read_snapshot(struct reading *reading)
{
	return *(const int *)weir_snapshot_get(reading->snapshot);
}

static int read_plain(struct reading *reading)
{
	return *reading->object;
}

static int read_mutex(struct reading *reading)
{
	int value;

	pthread_mutex_lock(&reading->mutex);
	value = *reading->object;
	pthread_mutex_unlock(&reading->mutex);
	return value;
}

static int read_rwlock(struct reading *reading)
{
	int value;

	pthread_rwlock_rdlock(&reading->rwlock);
	value = *reading->object;
	pthread_rwlock_unlock(&reading->rwlock);
	return value;
}

static uint64_t read_by(struct reading *reading)
{
	switch (reading->way) {
	case BY_SNAPSHOT:
		return repeat(reading, read_snapshot);
	case BY_LOAD:
		return repeat(reading, read_plain);
	case BY_MUTEX:
		return repeat(reading, read_mutex);
	case BY_RWLOCK:
		break;
	}
	return repeat(reading, read_rwlock);
}

static void on_read(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	struct reading *reading = msg->arg;

	(void)data;
	reading->ns[weir_reactor_index(r)] = read_by(reading);
	sem_post(&reading->done);
}

static void free_object(void *object, void *data)
{
	(void)data;
	free(object);
}

static int read_on_pool(struct reading *reading, struct weir_pool *pool,
			int workers)
{
	static const struct weir_call call = { .run = on_read };
	int err = weir_snapshot_new(pool, reading->object, free_object, NULL,
				    &reading->snapshot);

	if (err < 0)
		return err;
	err = weir_pool_start(pool);
	for (int i = 0; err == 0 && i < workers; i++)
		err = weir_post(pool, i, &call, reading, 0);
	for (int i = 0; err == 0 && i < workers; i++)
		sem_wait(&reading->done);
	weir_pool_stop(pool);
	weir_pool_join(pool);
	weir_snapshot_free(reading->snapshot);
	return err;
}

static int round_snapshot(void *shared, const struct bench_point *point,
			  const struct bench_contender *contender,
			  double *values)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = (unsigned)point->a,
		.flags = WEIR_POOL_NO_SIGNALS |
			 (bench_options.is_pinned ? WEIR_POOL_PIN : 0),
	};
	struct reading reading = {
		.way = (enum way)contender->arg,
		.reads = tool_scaled(500000, 1000),
		.mutex = PTHREAD_MUTEX_INITIALIZER,
		.rwlock = PTHREAD_RWLOCK_INITIALIZER,
		.object = calloc(1, sizeof(int)),
	};
	struct weir_pool *pool = NULL;
	int err;

	(void)shared;
	sem_init(&reading.done, 0, 0);
	err = weir_pool_new(&options, &pool);
	if (err == 0)
		err = read_on_pool(&reading, pool, (int)point->a);
	weir_pool_free(pool);
	sem_destroy(&reading.done);
	values[0] = (double)(reading.ns[0] + reading.ns[1]) /
		    (double)(point->a * reading.reads);
	return err;
}

static const struct bench_metric metrics[] = {
	{ "time", "ns/read", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "1 worker reads", 1, 0, 0, false, 0 },
	{ "2 workers read", 2, 0, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir", NULL, BY_SNAPSHOT, NULL },
	{ "plain load", NULL, BY_LOAD, NULL },
	{ "pthread mutex", NULL, BY_MUTEX, NULL },
	{ "pthread rwlock", NULL, BY_RWLOCK, NULL },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_snapshot = {
	.name = "snapshot",
	.title = "reading a configuration that hardly ever changes",
	.method = "A loop of reads within a handler; CPU time of the reader.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_snapshot,
};
