/* SPDX-License-Identifier: MIT */
/*
 * link.c - a relay between sockets whose other ends are the test's
 */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

void link_open(struct link *l, pair_fn *pair_a, pair_fn *pair_b)
{
	int fds[2];

	memset(l, 0, sizeof(*l));
	pair_a(fds);
	l->client = fds[0];
	l->a_fd = fds[1];
	pair_b(fds);
	l->server = fds[0];
	l->b_fd = fds[1];
	CHECK_EQ(sem_init(&l->done, 0, 0), 0);
}

void link_close(struct link *l)
{
	close(l->client);
	close(l->server);
}

static enum weir_verdict no_handler(struct weir_reactor *r,
				    const struct weir_event *event, void *data)
{
	(void)r;
	(void)event;
	(void)data;
	return WEIR_MORE;
}

void link_add(struct weir_reactor *r, void *link)
{
	const uint32_t both = WEIR_READABLE | WEIR_WRITABLE;
	struct link *l = link;

	CHECK_EQ(weir_source_add(r, l->a_fd, both, no_handler, NULL, &l->a), 0);
	CHECK_EQ(weir_source_add(r, l->b_fd, both, no_handler, NULL, &l->b), 0);
	CHECK_EQ(weir_source_want(r, l->a, 0), 0);
	CHECK_EQ(weir_source_want(r, l->b, 0), 0);
}

void link_on_end(struct weir_reactor *r, const struct weir_relay_result *result,
		 void *link)
{
	struct link *l = link;
	int fd;

	CHECK(!l->is_starting);
	CHECK_EQ(weir_source_fd(r, l->a, &fd), -ESTALE);
	CHECK_EQ(weir_source_fd(r, l->b, &fd), -ESTALE);
	l->calls++;
	l->result = *result;
	sem_post(&l->done);
}

static void start(struct weir_reactor *r, void *link)
{
	struct link *l = link;

	link_add(r, l);
	l->is_starting = 1;
	CHECK_EQ(weir_relay_start(r, l->a, l->b, l->options, link_on_end, l,
				  &l->relay), 0);
	l->is_starting = 0;
}

void link_start(struct link *l, struct weir_pool *pool)
{
	fixture_on(pool, 0, start, l);
}

void link_wait(struct link *l)
{
	fixture_wait(&l->done);
	CHECK_EQ(l->calls, 1);
}

void link_check_clean(struct weir_pool *pool)
{
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, 0, timers_running), 0);
	CHECK_EQ(FIXTURE_STAT(pool, 0, memory_bytes), 0);
}

/* Is there room to send, now or after the workers had their turns? */
static int has_room(struct weir_pool *pool, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, 100) == 1)
		return 1;
	fixture_settle(pool);
	return poll(&p, 1, 100) == 1;
}

uint64_t link_fill(struct weir_pool *pool, int fd, unsigned seed,
		   uint64_t limit)
{
	uint64_t at = 0;

	CHECK_EQ(weir_fd_set_nonblock(fd, 1), 0);
	while (at < limit && has_room(pool, fd)) {
		uint8_t buf[5000];
		ssize_t n;

		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = fixture_byte(seed, at + i);
		n = send(fd, buf, sizeof(buf), MSG_NOSIGNAL);
		at += n > 0 ? (uint64_t)n : 0;
	}
	CHECK_EQ(weir_fd_set_nonblock(fd, 0), 0);
	return at;
}
