/* SPDX-License-Identifier: MIT */
/*
 * service.c - a pool that listens and serves
 */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

/* Keep the connection until its peer ends it. */
static enum weir_verdict on_peer(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	char buf[64];
	ssize_t n;

	(void)data;
	if (event->facts & WEIR_STOPPING) {
		weir_source_close(r, event->token);
		return WEIR_DONE;
	}
	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	do {
		n = weir_fd_read(event->fd, buf, sizeof(buf));
	} while (n > 0);
	if (n != -EAGAIN)
		weir_source_close(r, event->token);
	return WEIR_DONE;
}

void service_on_accept(struct weir_reactor *r, int fd,
		       const struct weir_addr *peer, void *service)
{
	struct service *s = service;
	weir_token token;

	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(peer->ss.ss_family, s->family);
	CHECK(weir_reactor_current() == r);
	s->accepted[weir_reactor_index(r)]++;
	CHECK_EQ(weir_fd_write(fd, "!", 1), 1);
	if (s->closes_at_once)
		close(fd);
	else
		CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, on_peer, NULL,
					 &token), 0);
	sem_post(&s->done);
}

void service_open(struct weir_reactor *r, void *service)
{
	struct service *s = service;

	(void)r;
	s->opened = weir_listener_open(s->pool, &s->addr, &s->options,
				       service_on_accept, s, &s->listener);
	if (s->opened == 0)
		CHECK_EQ(weir_listener_addr(s->listener, &s->addr), 0);
}

void service_close(struct weir_reactor *r, void *service)
{
	struct service *s = service;

	(void)r;
	s->closed = weir_listener_close(s->listener);
}

void service_new(struct service *s, enum weir_listener_mode mode)
{
	memset(s, 0, sizeof(*s));
	CHECK_EQ(sem_init(&s->done, 0, 0), 0);
	s->options.size = sizeof(s->options);
	s->options.mode = mode;
	s->family = AF_INET;
	s->pool = fixture_pool(SERVICE_WORKERS);
	s->addr = fixture_addr(0);
	service_open(NULL, s);
	CHECK_EQ(s->opened, 0);
	CHECK(fixture_port(&s->addr) > 0);
}

void service_start(struct service *s, enum weir_listener_mode mode)
{
	service_new(s, mode);
	CHECK_EQ(weir_pool_start(s->pool), 0);
}

int service_connect(const struct service *s)
{
	return fixture_connect(fixture_port(&s->addr));
}

int service_total(const struct service *s)
{
	return s->accepted[0] + s->accepted[1];
}

int service_is_refused(const struct weir_addr *addr)
{
	int fd = socket(addr->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = connect(fd, (const struct sockaddr *)&addr->ss, addr->len);

	close(fd);
	return r < 0;
}
