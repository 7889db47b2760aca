/* SPDX-License-Identifier: MIT */
/*
 * row_memory.c - what an idle source, connection or timer takes
 *
 * Of the process's own memory: resident pages, before and after many of them
 * were made, in a process that has just begun and has nothing to use again.
 * The kernel's part is the same for all and is not in it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "chain.h"
#include "conn.h"
#include "peer.h"
#include "rows.h"
#include "timer.h"
#include "tool.h"

enum what {
	SOURCES,
	TIMERS,
	CONNECTIONS,
	KINDS,
};

/* What each contender has for each of them. */
struct memory_ops {
	const struct io_ops *io;
	const struct timer_ops *timer;
	conn_fn *conn;
};

static bool has_ops(const struct memory_ops *ops, long what)
{
	return what == SOURCES ? ops->io != NULL :
	       what == TIMERS ? ops->timer != NULL : ops->conn != NULL;
}

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

/* The other ends stay open, so that nothing happens. */
static long measure_connections(conn_fn *conn, size_t count)
{
	int *fds = malloc(count * sizeof(*fds));
	int pair[2];
	long before;

	if (!fds)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
			       SOCK_CLOEXEC, 0, pair) < 0)
			return -1;
		fds[i] = pair[0];
	}
	before = resident();
	return conn(fds, count) < 0 ? -1 : resident() - before;
}

static long measure_delays(const struct timer_ops *ops, size_t count)
{
	uint64_t *delays = calloc(count, sizeof(*delays));
	struct timer_job job = { count, NULL, delays, 0 };
	uint32_t seed = 88172645;

	if (!delays)
		return -1;
	for (size_t i = 0; i < count; i++)
		delays[i] = 1000000000 + (uint64_t)random_next(&seed);
	return measure_timers(ops, &job);
}

static long measure(const struct memory_ops *ops, enum what what, size_t count)
{
	struct chain *chain;

	switch (what) {
	case SOURCES:
		return chain_new(count, &chain) < 0 ? -1 :
		       measure_sources(ops->io, chain);
	case TIMERS:
		return measure_delays(ops->timer, count);
	case CONNECTIONS:
		return measure_connections(ops->conn, count);
	case KINDS:
		break;
	}
	return -1;
}

int row_memory_of(char **args)
{
	const struct bench_contender *c = row_memory.contenders;

	while (c->name && strcmp(c->name, args[0]) != 0)
		c++;
	if (!c->name || c->missing || atoi(args[1]) >= KINDS)
		return 2;
	tool_raise_limits();
	printf("%ld\n", measure(c->ops, (enum what)atoi(args[1]),
				(size_t)atol(args[2])));
	fflush(stdout);
	/* All that was measured is still there: no leak, and no work. */
	_exit(0);
}

/* The answer of a process of its own.  Below 0: it has none. */
static long ask_child(const char *contender, long what, long count)
{
	char command[128];
	long bytes = -1;
	FILE *child;

	/* The shell's $$ would be its own; no name has a quote. */
	snprintf(command, sizeof(command),
		 "exec /proc/%d/exe memory-of '%s' %ld %ld", getpid(),
		 contender, what, count);
	child = popen(command, "re");
	if (!child)
		return -1;
	if (fscanf(child, "%ld", &bytes) != 1)
		bytes = -1;
	pclose(child);
	return bytes;
}

static int round_memory(void *shared, const struct bench_point *point,
			const struct bench_contender *contender,
			double *values)
{
	const long count = tool_scaled(point->a, 1000);
	long bytes;

	(void)shared;
	if (!has_ops(contender->ops, point->b))
		return -EOPNOTSUPP;
	bytes = ask_child(contender->name, point->b, count);
	values[0] = (double)bytes / (double)count;
	return bytes < 0 ? -ENOMEM : 0;
}

static const struct bench_metric metrics[] = {
	{ "memory", "bytes each", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "an idle source", 9000, SOURCES, 0, false, 0 },
	{ "a timer", 100000, TIMERS, 0, false, 0 },
	{ "an idle connection", 8000, CONNECTIONS, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct memory_ops ops_weir = {
	&io_weir, &timer_weir, conn_weir,
};
static const struct memory_ops ops_raw = { &io_raw, NULL, NULL };
static const struct memory_ops ops_libevent = {
	&io_libevent, &timer_libevent, conn_libevent,
};
static const struct memory_ops ops_libev = {
	&io_libev, &timer_libev, conn_libev,
};
static const struct memory_ops ops_libuv = {
	&io_libuv, &timer_libuv, conn_libuv,
};

static const struct bench_contender contenders[] = {
	{ "weir", &ops_weir, 0, NULL },
	{ "raw epoll", &ops_raw, 0, NULL },
	{ "libevent", &ops_libevent, 0, PEER_LIBEVENT },
	{ "libev", &ops_libev, 0, PEER_LIBEV },
	{ "libuv", &ops_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_memory = {
	.name = "memory",
	.title = "what an idle source, timer or connection takes",
	.method = "Resident memory of a process of its own, before and after "
		  "many were made. A connection is a socket that is watched and "
		  "a timer for its idleness. The kernel's part is the same "
		  "for all and not in it.",
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_memory,
};
