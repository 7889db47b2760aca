/* SPDX-License-Identifier: MIT */
/*
 * row_proxy.c - weir-lb beside other TCP proxies
 *
 * Whole programs: a client's connections go through a proxy, a process of its
 * own with one thread, to a server that echoes.  All proxies of a point stay,
 * with their connections, and are given requests in turn.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "load.h"
#include "proxy.h"
#include "rows.h"
#include "tool.h"

enum { KINDS = 3 };

/* A proxy and the client's connections through it. */
struct path {
	struct proxy proxy;
	int *fds;
	size_t count;
};

struct proxies {
	struct responder *responder;
	int port;
	char *request;
	struct path paths[KINDS];
};

static void close_path(struct path *path)
{
	for (size_t i = 0; i < path->count; i++)
		close(path->fds[i]);
	free(path->fds);
	if (path->proxy.pid > 0)
		proxy_stop(&path->proxy);
	*path = (struct path){ .count = 0 };
}

static int open_path(struct proxies *p, const struct proxy_kind *kind,
		     struct path *path, size_t count)
{
	int err = proxy_start(kind, p->port, &path->proxy);

	path->fds = calloc(count, sizeof(*path->fds));
	if (err == 0 && !path->fds)
		err = -ENOMEM;
	while (err == 0 && path->count < count) {
		int fd = proxy_connect(path->proxy.port);

		if (fd < 0)
			err = fd;
		else
			path->fds[path->count++] = fd;
	}
	if (err < 0)
		close_path(path);
	return err;
}

static struct bench_contender contenders[] = {
	{ "weir-lb", &proxy_weir_lb, 0, NULL },
	{ "HAProxy", &proxy_haproxy, 1, NULL },
	{ "nginx, stream", &proxy_nginx, 2, NULL },
	{ NULL, NULL, 0, NULL },
};

static int prepare(const struct bench_point *point, void **ret_shared)
{
	struct proxies *p = calloc(1, sizeof(*p));
	char path[PATH_MAX];
	int err;

	if (!p)
		return -ENOMEM;
	for (struct bench_contender *c = contenders; c->name; c++)
		c->missing = proxy_find(c->ops, path) < 0 ?
			     "it is not installed" : NULL;
	p->request = calloc(1, (size_t)point->b);
	err = p->request ? responder_start(&p->responder, &p->port) : -ENOMEM;
	if (err < 0) {
		free(p->request);
		free(p);
		return err;
	}
	*ret_shared = p;
	return 0;
}

static void finish(void *shared)
{
	struct proxies *p = shared;

	for (int i = 0; i < KINDS; i++)
		close_path(&p->paths[i]);
	responder_stop(p->responder);
	free(p->request);
	free(p);
}

static int round_proxy(void *shared, const struct bench_point *point,
		       const struct bench_contender *contender, double *values)
{
	struct proxies *p = shared;
	struct path *path = &p->paths[contender->arg];
	const long count = tool_scaled(point->a, 1);
	const long each = tool_scaled(point->c, 1) / count;
	struct load load = {
		.request = p->request,
		.request_bytes = (size_t)point->b,
		.answer_bytes = (size_t)point->b,
		.requests = (each > 0 ? each : 1) * count,
	};
	uint64_t cpu;
	int err = path->proxy.pid > 0 ? 0 :
		  open_path(p, contender->ops, path, (size_t)count);

	if (err < 0)
		return err;
	load.fds = path->fds;
	load.count = path->count;
	cpu = proxy_cpu_ns(&path->proxy);
	pthread_join(tool_thread(load_main, &load), NULL);
	cpu = proxy_cpu_ns(&path->proxy) - cpu;
	values[0] = (double)cpu / (double)load.requests;
	values[1] = (double)load.requests * 1e9 /
		    (double)(load.end - load.begin);
	return 0;
}

static const struct bench_metric metrics[] = {
	{ "proxy CPU", "ns/request", false },
	{ "throughput", "requests/s", true },
	{ NULL, NULL, false },
};

/* a connections, b bytes there and back, c requests a round. */
static const struct bench_point points[] = {
	{ "64 connections, 64 B", 64, 64, 6400, false, 0 },
	{ "64 connections, 16 KiB", 64, 16384, 3200, false, 0 },
	{ "1000 connections, 1 KiB", 1000, 1024, 6000, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

const struct bench_row row_proxy = {
	.name = "proxy",
	.title = "TCP proxies: requests and answers on open connections",
	.method = "Each proxy is a process of one thread; the CPU time of "
		  "its threads for a request and its answer. The client and "
		  "the server share the other CPU.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_proxy,
};
