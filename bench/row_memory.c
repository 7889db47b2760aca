/* SPDX-License-Identifier: MIT */
/*
 * row_memory.c - what an idle source, connection or timer takes
 *
 * Of the process's own memory: resident pages, before and after many of them
 * were made, in a child process, which has nothing yet to use again.
 * The kernel's part is the same for all and is not in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "chain.h"
#include "peer.h"
#include "rows.h"
#include "timer.h"
#include "tool.h"

enum what {
	SOURCES,
	TIMERS,
};

/* Bytes that are resident and not of a file, such as code is. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[128];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Anonymous: %ld kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}

static long measure_sources(const struct io_ops *ops, struct chain *chain)
{
	struct io_job job = chain_job(chain, 0, 1);
	const long before = resident();

	return io_open(ops, IO_EDGE, &job) < 0 ? -1 : resident() - before;
}

static long measure_timers(const struct timer_ops *ops, struct timer_job *job)
{
	struct timer_loop *loop;
	const long before = resident();

	if (ops->open(job, &loop) < 0)
		return -1;
	ops->start(loop);
	return resident() - before;
}

struct shared {
	struct chain *chain;
	size_t count;
	uint64_t *delays;
};

static void finish(void *shared)
{
	struct shared *s = shared;

	if (s->chain)
		chain_free(s->chain);
	free(s->delays);
	free(s);
}

static int prepare(const struct bench_point *point, void **ret_shared)
{
	struct shared *s = calloc(1, sizeof(*s));
	uint32_t seed = 88172645;
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->count = (size_t)tool_scaled(point->a, 1000);
	s->delays = calloc(s->count, sizeof(*s->delays));
	if (!s->delays)
		err = -ENOMEM;
	for (size_t i = 0; err == 0 && i < s->count; i++)
		s->delays[i] = 1000000000 + (uint64_t)random_next(&seed);
	if (err == 0 && point->b == SOURCES)
		err = chain_new(s->count, &s->chain);
	if (err < 0) {
		finish(s);
		return err;
	}
	*ret_shared = s;
	return 0;
}

static void report_child(int out, const struct bench_point *point,
			 const struct bench_contender *contender,
			 const struct shared *s)
{
	struct timer_job job = { s->count, NULL, s->delays, 0 };
	const void *const *ops = contender->ops;
	long bytes;

	/* One table for each of enum what. */
	if (point->b == SOURCES)
		bytes = measure_sources(ops[SOURCES], s->chain);
	else
		bytes = measure_timers(ops[TIMERS], &job);
	if (write(out, &bytes, sizeof(bytes)) != sizeof(bytes))
		_exit(1);
	_exit(0);
}

static int round_memory(void *shared, const struct bench_point *point,
			const struct bench_contender *contender,
			double *values)
{
	const struct shared *s = shared;
	long bytes = -1;
	int fds[2];
	pid_t pid;

	if (!((const void *const *)contender->ops)[point->b])
		return -EOPNOTSUPP;
	if (pipe(fds) < 0)
		return -errno;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		report_child(fds[1], point, contender, s);
	close(fds[1]);
	if (pid < 0 || read(fds[0], &bytes, sizeof(bytes)) != sizeof(bytes))
		bytes = -1;
	close(fds[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	values[0] = (double)bytes / (double)s->count;
	return bytes < 0 ? -ENOMEM : 0;
}

static const struct bench_metric metrics[] = {
	{ "memory", "bytes each", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "an idle source", 9000, SOURCES, 0, false, 0 },
	{ "a timer", 100000, TIMERS, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const void *const ops_weir[] = { &io_weir, &timer_weir };
static const void *const ops_raw[] = { &io_raw, NULL };
static const void *const ops_libevent[] = { &io_libevent, &timer_libevent };
static const void *const ops_libev[] = { &io_libev, &timer_libev };
static const void *const ops_libuv[] = { &io_libuv, &timer_libuv };

static const struct bench_contender contenders[] = {
	{ "weir", ops_weir, 0, NULL },
	{ "raw epoll", ops_raw, 0, NULL },
	{ "libevent", ops_libevent, 0, PEER_LIBEVENT },
	{ "libev", ops_libev, 0, PEER_LIBEV },
	{ "libuv", ops_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_memory = {
	.name = "memory",
	.title = "what an idle source or timer takes",
	.method = "Resident memory of a process of its own, before and after "
		  "many were made: an idle connection is an idle source. The "
		  "kernel's part is the same for all and not in it.",
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_memory,
};
