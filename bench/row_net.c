/* SPDX-License-Identifier: MIT */
/*
 * row_net.c - servers on TCP: echo, its latency at fixed rates, and HTTP
 *
 * The server has a thread, the client another.  The connections are made once
 * for each point and each contender serves them in its turn, so that all have
 * the same ones.
 *
 * The server's CPU time for a request is the figure to look at: on a machine of
 * few cores the requests a second say as much about the client.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "io.h"
#include "load.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"
#include "work.h"

struct net {
	size_t count;
	int *clients;
	struct io_slot *servers;
	uint32_t *latencies_ns;
	char *request;
};

enum { LATENCIES_MAX = 100000 };

static void finish(void *shared)
{
	struct net *net = shared;

	for (size_t i = 0; i < net->count; i++) {
		close(net->clients[i]);
		close(net->servers[i].fd);
	}
	free(net->clients);
	free(net->servers);
	free(net->latencies_ns);
	free(net->request);
	free(net);
}

/* All of a request fits into either socket's buffer. */
static void widen(int fd)
{
	const int bytes = 4 * IO_BUF_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int connect_all(struct net *net, size_t count)
{
	int listener;
	int err = tool_listen(&listener);

	while (err == 0 && net->count < count) {
		err = tool_connect(listener, &net->clients[net->count],
				   &net->servers[net->count].fd);
		if (err < 0)
			break;
		widen(net->clients[net->count]);
		widen(net->servers[net->count].fd);
		net->count++;
	}
	close(listener);
	return err;
}

static int prepare(const struct bench_point *point, void **ret_shared)
{
	const size_t count = (size_t)tool_scaled(point->a, 1);
	struct net *net = calloc(1, sizeof(*net));
	int err = -ENOMEM;

	if (!net)
		return err;
	net->clients = calloc(count, sizeof(*net->clients));
	net->servers = calloc(count, sizeof(*net->servers));
	net->latencies_ns = calloc(LATENCIES_MAX, sizeof(uint32_t));
	net->request = calloc(1, IO_BUF_BYTES);
	if (net->clients && net->servers && net->latencies_ns && net->request)
		err = connect_all(net, count);
	if (err < 0) {
		finish(net);
		return err;
	}
	*ret_shared = net;
	return 0;
}

/* The thread of a server; the loop belongs to the thread that makes it. */
struct server {
	const struct io_ops *ops;
	struct io_job *job;
	int err;
	uint64_t cpu_ns;	/* of run(): what came before is not in it */
	sem_t is_ready;
};

static void *server_main(void *arg)
{
	struct server *server = arg;
	uint64_t begin;

	tool_pin(0);
	server->err = io_open(server->ops, IO_EDGE, server->job);
	sem_post(&server->is_ready);
	if (server->err < 0)
		return NULL;
	begin = thread_cpu_ns();
	server->ops->run(server->job->loop);
	server->cpu_ns = thread_cpu_ns() - begin;
	server->ops->remove_all(server->job->loop);
	server->ops->close(server->job->loop);
	return NULL;
}

/* Serve @load with @ops; the CPU time of the server. */
static int serve(const struct net *net, const struct io_ops *ops,
		 enum io_work work, long total, struct load *load,
		 double *ret_cpu_ns)
{
	struct io_job job = {
		.work = work,
		.slots = net->servers,
		.count = net->count,
		.total = total,
		.buf = malloc(IO_BUF_BYTES),
		.message_bytes = load->request_bytes,
	};
	struct server server = { .ops = ops, .job = &job };
	pthread_t thread;

	if (!job.buf)
		return -ENOMEM;
	load->fds = net->clients;
	load->count = net->count;
	sem_init(&server.is_ready, 0, 0);
	thread = tool_thread(server_main, &server);
	sem_wait(&server.is_ready);
	if (server.err == 0)
		pthread_join(tool_thread(load_main, load), NULL);
	pthread_join(thread, NULL);
	sem_destroy(&server.is_ready);
	free(job.buf);
	if (server.err == 0 && job.has_failed)
		server.err = -EIO;
	*ret_cpu_ns = (double)server.cpu_ns;
	return server.err;
}

static void fill_throughput(const struct load *load, double cpu_ns,
			    double *values)
{
	values[0] = cpu_ns / (double)load->requests;
	values[1] = (double)load->requests * 1e9 /
		    (double)(load->end - load->begin);
}

/* A number of requests that each connection has an equal part of. */
static long share_out(const struct net *net, long requests)
{
	const long count = (long)net->count;
	const long each = tool_scaled(requests, 1) / count;

	return each > 0 ? each * count : count;
}

static int round_echo(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	const struct net *net = shared;
	struct load load = {
		.request = net->request,
		.request_bytes = (size_t)point->b,
		.answer_bytes = (size_t)point->b,
		.requests = share_out(net, point->c),
	};
	double cpu_ns;
	int err = serve(net, contender->ops, IO_ECHO,
			load.requests * point->b, &load, &cpu_ns);

	if (err == 0)
		fill_throughput(&load, cpu_ns, values);
	return err;
}

static int round_http(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	const size_t one = sizeof(WORK_HTTP_REQUEST) - 1;
	const struct net *net = shared;
	const long depth = point->b;
	struct load load = {
		.request = net->request,
		.request_bytes = (size_t)depth * one,
		.answer_bytes = (size_t)depth * (sizeof(WORK_HTTP_ANSWER) - 1),
		.requests = share_out(net, point->c / depth),
	};
	double cpu_ns;
	int err;

	for (long i = 0; i < depth; i++)
		memcpy(net->request + (size_t)i * one, WORK_HTTP_REQUEST, one);
	err = serve(net, contender->ops, IO_HTTP, load.requests * depth,
		    &load, &cpu_ns);
	if (err < 0)
		return err;
	fill_throughput(&load, cpu_ns, values);
	values[0] /= (double)depth;
	values[1] *= (double)depth;
	return 0;
}

static int round_latency(void *shared, const struct bench_point *point,
			 const struct bench_contender *contender,
			 double *values)
{
	static const double quantiles[] = { 0.5, 0.99, 0.999 };
	const struct net *net = shared;
	struct load load = {
		.request = net->request,
		.request_bytes = (size_t)point->b,
		.answer_bytes = (size_t)point->b,
		/* 0.2 s of them. */
		.requests = tool_scaled(point->c / 5, 100),
		.rate = (double)point->c,
		.latencies_ns = net->latencies_ns,
	};
	double cpu_ns;
	int err = serve(net, contender->ops, IO_ECHO,
			load.requests * point->b, &load, &cpu_ns);

	if (err < 0)
		return err;
	qsort(net->latencies_ns, (size_t)load.requests, sizeof(uint32_t),
	      tool_compare_u32);
	for (size_t i = 0; i < 3; i++)
		values[i] = net->latencies_ns[(size_t)(quantiles[i] *
				(double)(load.requests - 1))] / 1000.;
	return 0;
}

static const struct bench_metric throughput_metrics[] = {
	{ "server CPU", "ns/request", false },
	{ "throughput", "requests/s", true },
	{ NULL, NULL, false },
};

static const struct bench_contender contenders[] = {
	{ "weir", &io_weir, 0, NULL },
	{ "raw epoll", &io_raw, 0, NULL },
	{ "libevent", &io_libevent, 0, PEER_LIBEVENT },
	{ "libev", &io_libev, 0, PEER_LIBEV },
	{ "libuv", &io_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

/* a connections, b bytes, c requests a round. */
static const struct bench_point echo_points[] = {
	{ "1 connection, 1 B", 1, 1, 2000, false, 0 },
	{ "64 connections, 64 B", 64, 64, 10000, false, 0 },
	{ "64 connections, 1 KiB", 64, 1024, 10000, true, 0 },
	{ "64 connections, 64 KiB", 64, 65536, 1280, false, 0 },
	{ "1000 connections, 1 KiB", 1000, 1024, 10000, false, 0 },
	{ "4000 connections, 64 B", 4000, 64, 12000, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender echo_contenders[] = {
	{ "weir", &io_weir, 0, NULL },
	{ "raw epoll", &io_raw, 0, NULL },
	{ "libevent", &io_libevent, 0, PEER_LIBEVENT },
	{ "libev", &io_libev, 0, PEER_LIBEV },
	{ "libuv", &io_libuv, 0, PEER_LIBUV },
	{ "io_uring", &io_liburing, 0, PEER_LIBURING },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_echo = {
	.name = "echo",
	.title = "a TCP server that sends back what it gets",
	.method = "Each connection sends its next request when it has the "
		  "answer to the last. One thread serves, another is the "
		  "client.",
	.has_threads = true,
	.metrics = throughput_metrics,
	.points = echo_points,
	.contenders = echo_contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_echo,
};

static const struct bench_metric latency_metrics[] = {
	{ "p50", "us", false },
	{ "p99", "us", false },
	{ "p99.9", "us", false },
	{ NULL, NULL, false },
};

static const struct bench_point latency_points[] = {
	{ "64 connections, 5,000/s", 64, 64, 5000, false, 0 },
	{ "64 connections, 25,000/s", 64, 64, 25000, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

const struct bench_row row_latency = {
	.name = "latency",
	.title = "the echo server's latency at fixed rates",
	.method = "Requests of 64 B are sent at a fixed rate, whatever the "
		  "answers do; latency counts from the moment at which a "
		  "request was due (no coordinated omission). The client "
		  "never sleeps.",
	.has_threads = true,
	.metrics = latency_metrics,
	.points = latency_points,
	.contenders = contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_latency,
};

/* a connections, b requests pipelined, c requests a round. */
static const struct bench_point http_points[] = {
	{ "64 connections, 1 at a time", 64, 1, 10000, false, 0 },
	{ "64 connections, 16 pipelined", 64, 16, 64000, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

const struct bench_row row_http = {
	.name = "http",
	.title = "an HTTP server that says hello",
	.method = "The parser looks for the blank line and no more, and is the "
		  "same for all; the answers to what one read brought go out "
		  "in one write.",
	.has_threads = true,
	.metrics = throughput_metrics,
	.points = http_points,
	.contenders = contenders,
	.prepare = prepare,
	.finish = finish,
	.round = round_http,
};
