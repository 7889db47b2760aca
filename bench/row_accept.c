/* SPDX-License-Identifier: MIT */
/*
 * row_accept.c - taking on connections
 *
 * The client connects and resets, one connection after the other; the server
 * accepts and closes.  So what is measured is the way from the listening socket
 * to the user's function and no life of a connection.
 *
 * weir is measured with its listener on a pool of one worker, as that is how
 * users accept with it: SHARDED and STEERED, where the worker accepts, and
 * HANDOFF, where the control thread does and sends the connection over.  libev
 * has nothing of its own for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

#include "accept.h"
#include "bench.h"
#include "peer.h"
#include "rows.h"
#include "tool.h"

/* Two connect at a time, so that the server is never without work. */
enum { CLIENTS = 2 };

static void *client_main(void *arg)
{
	struct accept_job *job = arg;

	tool_pin(1);
	for (long i = 0; i < job->count / CLIENTS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&job->to,
				      sizeof(job->to)) < 0)
			tool_die("connect", errno);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			   sizeof(struct linger));
		close(fd);
	}
	return NULL;
}

bool accept_count(struct accept_job *job)
{
	if (atomic_fetch_add(&job->accepted, 1) + 1 < job->count)
		return false;
	job->end = now_ns();
	sem_post(&job->done);
	return true;
}

void accept_drive(struct accept_job *job)
{
	pthread_t threads[CLIENTS];

	job->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	job->begin = now_ns();
	for (int i = 0; i < CLIENTS; i++)
		threads[i] = tool_thread(client_main, job);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	sem_wait(&job->done);
	job->cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - job->cpu_ns;
}

static void on_accept(struct weir_reactor *r, int fd,
		      const struct weir_addr *peer, void *data)
{
	(void)r, (void)peer;
	close(fd);
	accept_count(data);
}

static int run_weir(struct accept_job *job, long mode)
{
	const struct weir_pool_options pool_options = {
		.size = sizeof(pool_options),
		.workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS |
			 (bench_options.is_pinned ? WEIR_POOL_PIN : 0),
	};
	const struct weir_listener_options options = {
		.size = sizeof(options),
		.mode = (enum weir_listener_mode)mode,
		.backlog = ACCEPT_BACKLOG,
	};
	struct weir_listener *listener;
	struct weir_addr addr;
	struct weir_pool *pool;
	int err = weir_pool_new(&pool_options, &pool);

	if (err < 0)
		return err;
	weir_addr_parse("127.0.0.1:0", &addr);
	err = weir_listener_open(pool, &addr, &options, on_accept, job,
				 &listener);
	if (err == 0)
		err = weir_listener_addr(listener, &addr);
	if (err == 0)
		err = weir_pool_start(pool);
	if (err == 0) {
		job->to = *(const struct sockaddr_in *)&addr.ss;
		accept_drive(job);
	}
	weir_pool_free(pool);
	return err;
}

struct raw {
	struct accept_job *job;
	int listener;
};

/* The least: epoll tells, and accept4() until there is none. */
static void *raw_main(void *arg)
{
	const struct raw *raw = arg;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	long left = raw->job->count;

	tool_pin(0);
	epoll_ctl(epfd, EPOLL_CTL_ADD, raw->listener, &event);
	while (left > 0) {
		int fd;

		epoll_wait(epfd, &event, 1, -1);
		while ((fd = accept4(raw->listener, NULL, NULL, SOCK_NONBLOCK |
				     SOCK_CLOEXEC)) >= 0) {
			close(fd);
			accept_count(raw->job);
			left--;
		}
	}
	close(epfd);
	return NULL;
}

static int run_raw(struct accept_job *job, long arg)
{
	socklen_t len = sizeof(job->to);
	struct raw raw = { .job = job };
	pthread_t thread;
	int err = tool_listen(&raw.listener);

	(void)arg;
	if (err < 0)
		return err;
	fcntl(raw.listener, F_SETFL, O_NONBLOCK);
	getsockname(raw.listener, (struct sockaddr *)&job->to, &len);
	thread = tool_thread(raw_main, &raw);
	accept_drive(job);
	pthread_join(thread, NULL);
	close(raw.listener);
	return 0;
}

static int round_accept(void *shared, const struct bench_point *point,
			const struct bench_contender *contender,
			double *values)
{
	struct accept_job job = { .count = tool_scaled(2000, 10) / CLIENTS * CLIENTS };
	const struct accept_ops *ops = contender->ops;
	int err;

	(void)shared, (void)point;
	sem_init(&job.done, 0, 0);
	err = ops->run(&job, contender->arg);
	sem_destroy(&job.done);
	if (err < 0)
		return err;
	values[0] = (double)job.count * 1e9 / (double)(job.end - job.begin);
	values[1] = (double)job.cpu_ns / (double)job.count;
	return 0;
}

static const struct bench_metric metrics[] = {
	{ "rate", "connections/s", true },
	{ "CPU", "ns/connection", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "2 clients", 0, 0, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct accept_ops accept_weir = { run_weir };
static const struct accept_ops accept_raw = { run_raw };

static const struct bench_contender contenders[] = {
	{ "weir, sharded", &accept_weir, WEIR_LISTENER_SHARDED, NULL },
	{ "weir, steered", &accept_weir, WEIR_LISTENER_STEERED, NULL },
	{ "weir, handoff", &accept_weir, WEIR_LISTENER_HANDOFF, NULL },
	{ "raw epoll", &accept_raw, 0, NULL },
	{ "libevent", &accept_libevent, 0, PEER_LIBEVENT },
	{ "libuv", &accept_libuv, 0, PEER_LIBUV },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_accept = {
	.name = "accept",
	.title = "taking on connections",
	.method = "Two clients connect and reset, one server thread accepts "
		  "and closes. CPU is that of the whole process, clients "
		  "included.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_accept,
};
