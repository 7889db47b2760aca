/* SPDX-License-Identifier: MIT */
/*
 * responder.c - a server that sends back what it gets: by hand, with epoll
 *
 * What one read brings is written at once; a connection whose peer does not
 * take it is not read until it does.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy.h"
#include "tool.h"

enum {
	BUF_BYTES = 65536,
	BATCH = 256,
};

struct responder {
	int listener;
	int epfd;
	int stop;		/* an eventfd */
	pthread_t thread;
	char buf[BUF_BYTES];
};

/* What is left over goes out with a blocking write: it is seldom. */
static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);

		if (done < 0)
			return -1;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static void echo(struct responder *r, int fd)
{
	ssize_t n = recv(fd, r->buf, BUF_BYTES, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || write_all(fd, r->buf, (size_t)n) < 0)
		close(fd);
}

static void take_on(struct responder *r)
{
	int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	tool_set_up_socket(fd);
	/* Blocking, for what is left over. */
	fcntl(fd, F_SETFL, 0);
	epoll_ctl(r->epfd, EPOLL_CTL_ADD, fd, &event);
}

static void *responder_main(void *arg)
{
	struct responder *r = arg;
	struct epoll_event events[BATCH];

	tool_pin(1);
	for (;;) {
		int n = epoll_wait(r->epfd, events, BATCH, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == r->stop)
				return NULL;
			if (events[i].data.fd == r->listener)
				take_on(r);
			else
				echo(r, events[i].data.fd);
		}
	}
}

static void watch(struct responder *r, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(r->epfd, EPOLL_CTL_ADD, fd, &event) < 0)
		tool_die("responder", errno);
}

int responder_start(struct responder **ret_responder, int *ret_port)
{
	struct responder *r = calloc(1, sizeof(*r));
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int err;

	if (!r)
		return -ENOMEM;
	err = tool_listen(&r->listener);
	if (err < 0) {
		free(r);
		return err;
	}
	getsockname(r->listener, (struct sockaddr *)&addr, &len);
	r->epfd = epoll_create1(EPOLL_CLOEXEC);
	r->stop = eventfd(0, EFD_CLOEXEC);
	watch(r, r->listener);
	watch(r, r->stop);
	r->thread = tool_thread(responder_main, r);
	*ret_port = ntohs(addr.sin_port);
	*ret_responder = r;
	return 0;
}

/* Connections end when the proxies do; this is after that. */
void responder_stop(struct responder *r)
{
	tool_ring(r->stop);
	pthread_join(r->thread, NULL);
	close(r->stop);
	close(r->epfd);
	close(r->listener);
	free(r);
}
