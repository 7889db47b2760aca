/* SPDX-License-Identifier: MIT */
/*
 * row_register.c - descriptors that come and go
 *
 * As with connections, each descriptor is a new one, added once, removed once
 * and closed.  The kernel knows of it in between: loops that keep changes for
 * later have had a turn.  The close is in the figure, because a loop may leave
 * the removal to it.
 */
#include "register.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"

static void make_all(struct io_job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		job->slots[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (job->slots[i].fd < 0)
			tool_die("eventfd", errno);
	}
}

static void close_all(struct io_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		close(job->slots[i].fd);
}

int register_open(const struct io_ops *ops, size_t count, struct io_job *job)
{
	int err;

	*job = (struct io_job){
		.work = IO_CHAIN,
		.slots = calloc(count, sizeof(*job->slots)),
		.count = count,
	};
	if (!job->slots)
		return -ENOMEM;
	make_all(job);
	err = io_open(ops, IO_EDGE, job);
	if (err == 0)
		ops->remove_all(job->loop);
	close_all(job);
	if (err < 0)
		free(job->slots);
	return err;
}

void register_close(const struct io_ops *ops, struct io_job *job)
{
	ops->close(job->loop);
	free(job->slots);
}

int64_t register_cycle(const struct io_ops *ops, struct io_job *job)
{
	uint64_t begin;
	int err;

	make_all(job);
	begin = thread_cpu_ns();
	err = ops->add_all(job->loop);
	ops->remove_all(job->loop);
	close_all(job);
	return err < 0 ? err : (int64_t)(thread_cpu_ns() - begin);
}

static int round_register(void *shared, const struct bench_point *point,
			  const struct bench_contender *contender,
			  double *values)
{
	const struct io_ops *ops = contender->ops;
	const long cycles = tool_scaled(10000, point->a) / point->a;
	struct io_job job;
	int64_t ns = register_open(ops, (size_t)point->a, &job);

	(void)shared;
	if (ns < 0)
		return (int)ns;
	for (long i = 0; ns >= 0 && i < cycles; i++) {
		ns = register_cycle(ops, &job);
		values[0] += (double)ns / (double)(cycles * point->a);
	}
	register_close(ops, &job);
	return ns < 0 ? (int)ns : 0;
}

static const struct bench_metric metrics[] = {
	{ "add, remove, close", "ns/descriptor", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "100 descriptors", 100, 0, 0, false, 0 },
	{ "1000 descriptors", 1000, 0, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir", &io_weir, 0, NULL },
	{ "raw epoll", &io_raw, 0, NULL },
	{ "libevent", &io_libevent, 0, PEER_LIBEVENT },
	{ "libev", &io_libev, 0, PEER_LIBEV },
	{ "libuv", &io_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_register = {
	.name = "register",
	.title = "descriptors that come and go",
	.method = "New descriptors are added, the kernel told of it, removed, "
		  "and closed. CPU time of the one thread; making them is not "
		  "in it.",
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_register,
};
