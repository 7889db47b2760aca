/* SPDX-License-Identifier: MIT */
/*
 * probe.c - a reactor to turn by hand, and sources that note their calls
 */
#include "probe.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

struct weir_reactor *probe_reactor(void)
{
	struct weir_reactor *r;

	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	return r;
}

void probe_turn(struct weir_reactor *r)
{
	/* As many as a turn can have: fewer would mean a smaller batch. */
	struct weir_event events[256];

	CHECK_EQ(weir_reactor_wait(r, events, 256, 0), 0);
}

enum weir_verdict probe_called(struct weir_reactor *r,
			       const struct weir_event *event, void *data)
{
	struct probe *p = data;
	enum weir_verdict verdict = p->verdict;	/* @act may free @p */

	CHECK(event->data == p);
	CHECK(weir_reactor_current() == r);
	p->last = *event;
	p->calls++;
	if (p->act)
		p->act(r, p);
	return verdict;
}

void probe_pair(struct probe *p)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0, fds), 0);
	p->fd = fds[0];
	p->peer = fds[1];
}

void probe_add(struct weir_reactor *r, struct probe *p, uint32_t facts)
{
	probe_pair(p);
	CHECK_EQ(weir_source_add(r, p->fd, facts, probe_called, p, &p->token),
		 0);
}

void probe_add_flags(struct weir_reactor *r, struct probe *p, uint32_t flags)
{
	probe_pair(p);
	CHECK_EQ(weir_source_add_flags(r, p->fd, flags, probe_called, p,
				       &p->token), 0);
}

void probe_both(struct weir_reactor *r, struct probe *p, struct probe *q)
{
	p->arg = q;
	q->arg = p;
	probe_add(r, p, WEIR_READABLE);
	probe_add(r, q, WEIR_READABLE);
	probe_send(p, 1);
	probe_send(q, 1);
}

void probe_close(struct probe *p)
{
	if (p->fd >= 0)
		close(p->fd);
	if (p->peer >= 0)
		close(p->peer);
	p->fd = p->peer = -1;
}

void probe_send(struct probe *p, int bytes)
{
	for (int i = 0; i < bytes; i++)
		CHECK_EQ(send(p->peer, "x", 1, MSG_NOSIGNAL), 1);
}

int probe_take(struct probe *p)
{
	char buf[4096];
	int all = 0;
	ssize_t n;

	while ((n = recv(p->fd, buf, sizeof(buf), 0)) > 0)
		all += (int)n;
	return all;
}

void probe_fill(struct probe *p)
{
	static const char buf[4096];

	while (send(p->fd, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

void probe_drain(struct probe *p)
{
	char buf[4096];

	while (recv(p->peer, buf, sizeof(buf), 0) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

void probe_check(const char *file, int line, struct weir_reactor *r,
		 struct probe *p, int calls, unsigned facts)
{
	const int before = p->calls;

	p->last.facts = 0;
	probe_turn(r);
	if (p->calls - before != calls)
		test_fail(file, line, "called %d times, not %d",
			  p->calls - before, calls);
	if (calls > 0 && p->last.facts != facts)
		test_fail(file, line, "called with 0x%x, not 0x%x",
			  p->last.facts, facts);
}
