/* SPDX-License-Identifier: MIT */
/* load.c - see load.h */
#include "load.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

enum {
	BATCH = 256,
	BUF_BYTES = 65536,
	/* Requests of one connection without an answer, with a rate. */
	WINDOW = 4096,
};

struct conn {
	int fd;
	size_t got;		/* bytes of the answer that is coming */
	size_t unsent;		/* bytes of the request that found no room */
	long left;		/* requests still to be sent, without a rate */
	uint64_t *due;		/* ring: when each request should have left */
	unsigned first, next;	/* of it */
};

struct client {
	struct load *load;
	struct conn *conns;
	int epfd;
	long sent;
	long answered;
	int err;
	char *buf;
};

static int client_init(struct client *c, struct load *load)
{
	*c = (struct client){ .load = load, .epfd = -1 };
	c->buf = malloc(BUF_BYTES);
	c->conns = calloc(load->count, sizeof(*c->conns));
	if (!c->buf || !c->conns)
		return -ENOMEM;
	c->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epfd < 0)
		return -errno;
	for (size_t i = 0; i < load->count; i++) {
		struct epoll_event event = {
			.events = EPOLLIN | EPOLLOUT | EPOLLET,
			.data.ptr = &c->conns[i],
		};
		struct conn *conn = &c->conns[i];

		conn->fd = load->fds[i];
		conn->left = load->requests / (long)load->count;
		if (load->rate > 0) {
			conn->due = calloc(WINDOW, sizeof(*conn->due));
			if (!conn->due)
				return -ENOMEM;
		}
		if (epoll_ctl(c->epfd, EPOLL_CTL_ADD, conn->fd, &event) < 0)
			return -errno;
	}
	return 0;
}

static void client_done(struct client *c)
{
	for (size_t i = 0; c->conns && i < c->load->count; i++)
		free(c->conns[i].due);
	if (c->epfd >= 0)
		close(c->epfd);
	free(c->conns);
	free(c->buf);
}

/* Send what is left of a request. */
static void push(struct client *c, struct conn *conn)
{
	const char *end = c->load->request + c->load->request_bytes;

	while (conn->unsent > 0) {
		ssize_t n = send(conn->fd, end - conn->unsent, conn->unsent,
				 MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN)
				c->err = -errno;
			return;
		}
		conn->unsent -= (size_t)n;
	}
}

static void send_next(struct client *c, struct conn *conn)
{
	if (conn->left == 0)
		return;
	conn->left--;
	conn->unsent = c->load->request_bytes;
	push(c, conn);
}

static void note_latency(struct client *c, struct conn *conn, uint64_t now)
{
	const uint64_t ns = now - conn->due[conn->first++ % WINDOW];

	c->load->latencies_ns[c->answered] =
		ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
}

static void take_answers(struct client *c, struct conn *conn)
{
	const uint64_t now = c->load->rate > 0 ? now_ns() : 0;

	while (conn->got >= c->load->answer_bytes) {
		conn->got -= c->load->answer_bytes;
		if (c->load->rate > 0)
			note_latency(c, conn, now);
		c->answered++;
		if (c->load->rate <= 0)
			send_next(c, conn);
	}
}

static void on_event(struct client *c, const struct epoll_event *event)
{
	struct conn *conn = event->data.ptr;
	ssize_t n;

	if (event->events & EPOLLOUT)
		push(c, conn);
	if (!(event->events & EPOLLIN))
		return;
	do {
		n = recv(conn->fd, c->buf, BUF_BYTES, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			c->err = n < 0 ? -errno : -ECONNRESET;
		if (n <= 0)
			return;
		conn->got += (size_t)n;
		take_answers(c, conn);
	} while (n == BUF_BYTES);
}

static void poll_events(struct client *c, int timeout)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(c->epfd, events, BATCH, timeout);

	for (int i = 0; i < n && c->err == 0; i++)
		on_event(c, &events[i]);
}

static void run_closed(struct client *c)
{
	for (size_t i = 0; i < c->load->count; i++)
		send_next(c, &c->conns[i]);
	while (c->answered < c->load->requests && c->err == 0)
		poll_events(c, -1);
}

/* Send all that is due by now, each on the next connection. */
static void send_due(struct client *c, double ns_each)
{
	const struct load *load = c->load;
	const double passed = (double)(now_ns() - load->begin);

	while (c->sent < load->requests &&
	       ns_each * (double)c->sent <= passed) {
		struct conn *conn = &c->conns[(size_t)c->sent % load->count];

		if (conn->unsent > 0 || conn->next - conn->first == WINDOW) {
			c->err = -EBUSY;	/* far beyond its capacity */
			return;
		}
		conn->due[conn->next++ % WINDOW] =
			load->begin + (uint64_t)(ns_each * (double)c->sent);
		c->sent++;
		conn->unsent = load->request_bytes;
		push(c, conn);
	}
}

/* Never sleeps: a sleep's delay would be taken for the server's. */
static void run_rate(struct client *c)
{
	const double ns_each = 1e9 / c->load->rate;

	while (c->answered < c->load->requests && c->err == 0) {
		send_due(c, ns_each);
		poll_events(c, 0);
	}
}

int load_run(struct load *load)
{
	struct client c;
	int err = client_init(&c, load);

	if (err == 0) {
		load->begin = now_ns();
		if (load->rate > 0)
			run_rate(&c);
		else
			run_closed(&c);
		load->end = now_ns();
		err = c.err;
	}
	client_done(&c);
	return err;
}

void *load_main(void *arg)
{
	int err;

	tool_pin(1);
	err = load_run(arg);
	/* The server waits for requests that will not come. */
	if (err < 0)
		tool_die("the client", err);
	return NULL;
}
