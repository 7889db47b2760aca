/* SPDX-License-Identifier: MIT */
/*
 * test_undrained.c - handlers that say "done" too early, in debug builds
 */
#include <weir/source.h>

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <weir/fd.h>

#include "harness.h"
#include "probe.h"

struct told {
	int count;
	weir_token token;
};

static void on_undrained(struct weir_reactor *r, weir_token token, void *data)
{
	struct told *t = data;

	(void)r;
	t->count++;
	t->token = token;
}

static struct weir_reactor *watched(struct told *t)
{
	struct weir_reactor *r = probe_reactor();
	const int err = weir_reactor_set_undrained(r, on_undrained, t);

	if (err == -ENOTSUP) {
		weir_reactor_free(r);
		SKIP("this is no debug build");
	}
	CHECK_EQ(err, 0);
	return r;
}

static void read_one(struct weir_reactor *r, struct probe *p)
{
	char c;

	(void)r;
	CHECK_EQ(read(p->fd, &c, 1), 1);
}

TEST(who_leaves_something_is_named)
{
	struct told t = { 0 };
	struct weir_reactor *r = watched(&t);
	struct probe p = { .act = read_one }, q = { 0 };

	probe_add(r, &q, WEIR_READABLE);
	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 2);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(t.count, 1);
	CHECK(weir_token_equal(t.token, p.token));
	/* Once. */
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(t.count, 1);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

static void read_all(struct weir_reactor *r, struct probe *p)
{
	char buf[16];
	ssize_t n;

	(void)r;
	do {
		n = weir_fd_read(p->fd, buf, sizeof(buf));
	} while (n > 0);
}

/* And then, before it returns, comes more: that is an edge. */
static void read_all_and_get_more(struct weir_reactor *r, struct probe *p)
{
	read_all(r, p);
	if (p->calls < 3)
		probe_send(p, 1);
}

static void read_part(struct weir_reactor *r, struct probe *p)
{
	char c;

	(void)r;
	p->verdict = read(p->fd, &c, 1) == 1 ? WEIR_MORE : WEIR_DONE;
}

TEST(who_has_done_right_is_not)
{
	struct told t = { 0 };
	struct weir_reactor *r = watched(&t);
	struct probe drains = { .act = read_all };
	struct probe races = { .act = read_all_and_get_more };
	struct probe ended = { .act = read_all };
	struct probe more = { .act = read_part, .verdict = WEIR_MORE };
	struct probe level = { .act = read_one };

	probe_add(r, &drains, WEIR_READABLE);
	probe_add(r, &races, WEIR_READABLE);
	probe_add(r, &ended, WEIR_READABLE);
	probe_add(r, &more, WEIR_READABLE);
	probe_add_flags(r, &level, EPOLLIN);
	probe_send(&drains, 3);
	probe_send(&races, 1);
	probe_send(&ended, 3);
	probe_send(&more, 2);
	probe_send(&level, 3);
	close(ended.peer);
	ended.peer = -1;
	for (int i = 0; i < 2; i++)
		probe_turn(r);
	probe_send(&more, 1);
	for (int i = 0; i < 6; i++)
		probe_turn(r);
	CHECK_EQ(races.calls, 3);
	CHECK_EQ(level.calls, 3);
	CHECK_EQ(t.count, 0);
	weir_reactor_free(r);
	probe_close(&drains);
	probe_close(&races);
	probe_close(&ended);
	probe_close(&more);
	probe_close(&level);
}
