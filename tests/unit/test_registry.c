/* SPDX-License-Identifier: MIT */
/*
 * test_registry.c - looking at the sources of a reactor
 */
#include <weir/source.h>

#include <errno.h>
#include <sys/epoll.h>
#include <weir/inotify.h>

#include "harness.h"
#include "probe.h"

TEST(a_source_is_found_by_its_descriptor)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	weir_token token = weir_token_none();

	CHECK_EQ(weir_source_find(r, 0, &token), -ENOENT);
	CHECK_EQ(weir_source_find(r, -1, &token), -ENOENT);
	CHECK_EQ(weir_source_find(r, 1 << 30, &token), -ENOENT);
	CHECK(weir_token_is_none(token));
	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_source_find(r, p.fd, &token), 0);
	CHECK(weir_token_equal(token, p.token));
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK_EQ(weir_source_find(r, p.fd, &token), -ENOENT);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(all_is_said_of_a_source)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_source_info info = { .fd = 77 };
	struct probe p = { 0 };

	probe_add_flags(r, &p, EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(weir_source_info(r, p.token, 1, &info), -EINVAL);
	CHECK_EQ(weir_source_info(r, weir_token_none(), sizeof(info), &info),
		 -ESTALE);
	CHECK_EQ(info.fd, 77);
	CHECK_EQ(weir_source_info(r, p.token, sizeof(info), &info), 0);
	CHECK(weir_token_equal(info.token, p.token));
	CHECK_EQ(info.fd, p.fd);
	CHECK_EQ(info.registered, EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(info.wanted, WEIR_READABLE);
	CHECK_EQ(info.ready, 0);
	CHECK_EQ(info.is_lost, 0);
	CHECK_EQ(info.is_disarmed, 0);
	CHECK(info.fn == probe_called);
	CHECK(info.data == &p);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(weir_source_again(r, p.token, WEIR_WRITABLE), 0);
	CHECK_EQ(weir_source_info(r, p.token, sizeof(info), &info), 0);
	CHECK_EQ(info.is_disarmed, 1);
	CHECK_EQ(info.ready, WEIR_WRITABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

static int collect(struct weir_reactor *r, const struct weir_source_info *info,
		   void *data)
{
	const struct weir_source_info **next = data;

	(void)r;
	*(*(struct weir_source_info **)next)++ = *info;
	return info->fd < 0 ? -ENODATA : 0;
}

TEST(all_are_listed_but_the_librarys_own)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_source_info list[4], *end = list;
	struct weir_inotify *in;
	struct probe p = { 0 }, q = { 0 };
	weir_token name;

	CHECK_EQ(weir_source_count(r), 0);
	CHECK_EQ(weir_inotify_new(r, NULL, NULL, NULL, &in), 0);
	probe_add(r, &p, WEIR_READABLE);
	probe_add(r, &q, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_each(r, NULL, NULL), -EINVAL);
	CHECK_EQ(weir_source_each(r, collect, &end), 0);
	CHECK_EQ(end - list, 2);
	CHECK(weir_token_equal(list[0].token, p.token));
	CHECK(weir_token_equal(list[1].token, q.token));
	/* What it returns below 0 ends it. */
	CHECK_EQ(weir_source_open(r, NULL, NULL, &name), 0);
	CHECK_EQ(weir_source_count(r), 3);
	end = list;
	CHECK_EQ(weir_source_each(r, collect, &end), -ENODATA);
	CHECK_EQ(end - list, 3);
	CHECK_EQ(list[2].registered, 0);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}
