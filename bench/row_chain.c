/* SPDX-License-Identifier: MIT */
/*
 * row_chain.c - events that cause events
 *
 * The shape of libevent's own bench: N pipes in a circle, A bytes on their way
 * at a time, each handler reads one and writes it into the next pipe, until W
 * have been read.  They stand far apart, and so never meet in one pipe.  What
 * differs between contenders is only the loop; what the kernel does for read
 * and write is in all of them.
 *
 * CPU time of the one thread that does it all, so that a neighbour on the
 * machine costs cache misses and not time slices.
 */
#include <errno.h>

#include "bench.h"
#include "chain.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"

static int prepare(const struct bench_point *point, void **ret_shared)
{
	struct chain *chain;
	int err = chain_new((size_t)point->a, &chain);

	if (err == 0)
		*ret_shared = chain;
	return err;
}

static void finish(void *shared)
{
	chain_free(shared);
}

static int round_chain(void *shared, const struct bench_point *point,
		       const struct bench_contender *contender, double *values)
{
	const struct io_ops *ops = contender->ops;
	const long events = tool_scaled(20000, 4 * point->b);
	struct io_job job = chain_job(shared, (size_t)point->b, events);
	int err = io_open(ops, (enum io_mode)contender->arg, &job);
	uint64_t begin;

	if (err < 0)
		return err;
	begin = thread_cpu_ns();
	chain_kick(&job, (size_t)point->b);
	ops->run(job.loop);
	values[0] = (double)(thread_cpu_ns() - begin) / (double)events;
	ops->remove_all(job.loop);
	ops->close(job.loop);
	return job.has_failed ? -EIO : 0;
}

static const struct bench_metric metrics[] = {
	{ "time", "ns/event", false },
	{ NULL, NULL, false },
};

static const struct bench_point chain_points[] = {
	{ "100 pipes, 1 active", 100, 1, 0, false, 0 },
	{ "1000 pipes, 1 active", 1000, 1, 0, false, 0 },
	{ "9000 pipes, 1 active", 9000, 1, 0, false, 0 },
	{ "100 pipes, 10 active", 100, 10, 0, false, 0 },
	{ "1000 pipes, 100 active", 1000, 100, 0, false, 0 },
	{ "9000 pipes, 100 active", 9000, 100, 0, false, 0 },
	{ "9000 pipes, 1000 active", 9000, 1000, 0, true, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender chain_contenders[] = {
	{ "weir", &io_weir, IO_EDGE, NULL },
	{ "weir, wait()", &io_weir, IO_WAIT, NULL },
	{ "raw epoll", &io_raw, IO_EDGE, NULL },
	{ "libevent", &io_libevent, IO_EDGE, PEER_LIBEVENT },
	{ "libev", &io_libev, IO_EDGE, PEER_LIBEV },
	{ "libuv", &io_libuv, IO_EDGE, PEER_LIBUV },
	{ "io_uring", &io_liburing, IO_EDGE, PEER_LIBURING },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_chain = {
	.name = "chain",
	.title = "events that cause events",
	.method = "N pipes in a circle, A bytes under way; each handler reads "
		  "one byte and writes it into the next pipe. CPU time of the "
		  "one thread.",
	.metrics = metrics,
	.points = chain_points,
	.contenders = chain_contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_chain,
};

static const struct bench_point mode_points[] = {
	{ "1000 pipes, 1 active", 1000, 1, 0, false, 0 },
	{ "1000 pipes, 100 active", 1000, 100, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender mode_contenders[] = {
	{ "weir, edge", &io_weir, IO_EDGE, NULL },
	{ "weir, level", &io_weir, IO_LEVEL, NULL },
	{ "weir, oneshot", &io_weir, IO_ONESHOT, NULL },
	{ "raw epoll, edge", &io_raw, IO_EDGE, NULL },
	{ "raw epoll, level", &io_raw, IO_LEVEL, NULL },
	{ "raw epoll, oneshot", &io_raw, IO_ONESHOT, NULL },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_modes = {
	.name = "modes",
	.title = "edge-triggered, level-triggered, one-shot",
	.method = "The chain, by three ways to register; a one-shot source is "
		  "rearmed by its handler.",
	.metrics = metrics,
	.points = mode_points,
	.contenders = mode_contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_chain,
};
