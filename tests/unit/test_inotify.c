/* SPDX-License-Identifier: MIT */
/*
 * test_inotify.c - what inotify says, on any reactor
 */
#include <weir/inotify.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/reactor.h>
#include <weir/source.h>

#include "folder.h"
#include "harness.h"
#include "probe.h"

#define ALL_NAMES (IN_CREATE | IN_DELETE | IN_MOVE)

/* What a function of an instance was told; strings are copied. */
struct told {
	int count;
	uint32_t mask, cookie;
	int wd, from_wd;
	void *data;
	char name[NAME_MAX + 1], from_name[NAME_MAX + 1];
	char path[64], from_path[64];
	char log[4096];		/* "+name " "-name " "<name " ">name " ... */
};

static const char *sign_of(uint32_t mask)
{
	if ((mask & IN_MOVE) == IN_MOVE)
		return "=";
	return mask & IN_CREATE ? "+" : mask & IN_DELETE ? "-" :
	       mask & IN_MOVED_FROM ? "<" : mask & IN_MOVED_TO ? ">" :
	       mask & IN_Q_OVERFLOW ? "!" : mask & IN_IGNORED ? "~" : "?";
}

static void note(struct told *t, const struct weir_inotify_event *e)
{
	const size_t used = strlen(t->log);

	t->count++;
	t->mask = e->mask;
	t->cookie = e->cookie;
	t->wd = e->wd;
	t->from_wd = e->from_wd;
	t->data = e->data;
	snprintf(t->name, sizeof(t->name), "%s", e->name ? e->name : "");
	snprintf(t->from_name, sizeof(t->from_name), "%s",
		 e->from_name ? e->from_name : "");
	snprintf(t->path, sizeof(t->path), "%s", e->path ? e->path : "");
	snprintf(t->from_path, sizeof(t->from_path), "%s",
		 e->from_path ? e->from_path : "");
	CHECK_EQ(e->name_len, strlen(t->name));
	CHECK_EQ(e->from_name_len, strlen(t->from_name));
	if (used < sizeof(t->log) - 8)
		snprintf(t->log + used, sizeof(t->log) - used, "%s%.20s ",
			 sign_of(e->mask), t->name);
}

static void on_event(struct weir_reactor *r, struct weir_inotify *in,
		     const struct weir_inotify_event *e, void *data)
{
	CHECK(weir_reactor_current() == r);
	CHECK(in != NULL);
	note(data, e);
}

static struct weir_inotify *instance(struct weir_reactor *r, struct told *t,
				     weir_ns pair_ns)
{
	const struct weir_inotify_options options = {
		.size = sizeof(options), .pair_ns = pair_ns,
	};
	struct weir_inotify *in = NULL;

	memset(t, 0, sizeof(*t));
	CHECK_EQ(weir_inotify_new(r, on_event, t, &options, &in), 0);
	return in;
}

static int watch(struct weir_inotify *in, const char *path, uint32_t mask,
		 void *data)
{
	int wd = -1;

	CHECK_EQ(weir_inotify_add(in, path, mask, data, &wd), 0);
	CHECK(wd > 0);
	return wd;
}

TEST(events_come_with_path_and_data)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in, *in2;
	struct told t, t2;
	int wd;

	begin();
	in = instance(r, &t, 0);
	in2 = instance(r, &t2, 0);
	CHECK(!weir_token_equal(weir_inotify_token(in),
				weir_inotify_token(in2)));
	wd = watch(in, top, ALL_NAMES, &wd);
	touch("a");
	probe_turn(r);
	CHECK_EQ(t.count, 1);
	CHECK_EQ(t.wd, wd);
	CHECK_EQ(t.mask, IN_CREATE);
	CHECK(t.data == &wd);
	CHECK_STR(t.path, top);
	CHECK_STR(t.name, "a");
	CHECK_EQ(t2.count, 0);
	/* A second watch of the same inode has the same number. */
	CHECK_EQ(watch(in, ".", IN_DELETE, &t), wd);
	CHECK_STR(weir_inotify_path(in, wd), ".");
	CHECK_EQ(weir_inotify_count(in), 1);
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK_EQ(rmdir("d"), 0);
	probe_turn(r);
	CHECK_STR(t.log, "+a -d ");
	CHECK_EQ(t.mask, IN_DELETE | IN_ISDIR);
	CHECK(t.data == &t);
	weir_inotify_free(in);
	CHECK(weir_inotify_free(in2) == NULL);
	CHECK(weir_inotify_free(NULL) == NULL);
	weir_reactor_free(r);
	finish();
}

TEST(a_reactor_ends_what_is_left)
{
	struct weir_reactor *r = probe_reactor();
	struct told t;

	begin();
	watch(instance(r, &t, 1000), top, ALL_NAMES, NULL);
	touch("a");
	weir_reactor_free(r);
	CHECK_EQ(t.count, 0);
	finish();
}

TEST(names_are_bytes_up_to_the_longest)
{
	struct weir_reactor *r = probe_reactor();
	char name[NAME_MAX + 1];
	struct told t;

	begin();
	watch(instance(r, &t, 0), top, ALL_NAMES, NULL);
	memset(name, 'x', NAME_MAX);
	name[NAME_MAX] = '\0';
	touch(name);
	probe_turn(r);
	CHECK_STR(t.name, name);
	touch("\xff\xfe \n");
	probe_turn(r);
	CHECK_STR(t.name, "\xff\xfe \n");
	weir_reactor_free(r);
	finish();
}

/* Taken one by one, and stopped anywhere. */
TEST(events_are_taken_when_one_likes)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in = NULL;
	struct weir_inotify_event e;
	struct weir_event got[4];
	char name[16];
	int mark, i;

	begin();
	CHECK_EQ(weir_inotify_new(r, NULL, &mark, NULL, &in), 0);
	watch(in, top, ALL_NAMES, &i);
	CHECK_EQ(weir_inotify_next(in, &e), 0);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		touch(name);
	}
	CHECK_EQ(weir_reactor_wait(r, got, 4, WEIR_FOREVER), 1);
	CHECK(weir_token_equal(got[0].token, weir_inotify_token(in)));
	CHECK(got[0].data == &mark);
	for (i = 0; i < 1000; i++) {
		if (i % 100 == 0) {
			weir_source_again(r, got[0].token, WEIR_READABLE);
			CHECK_EQ(weir_reactor_wait(r, got, 4, 0), 1);
		}
		CHECK_EQ(weir_inotify_next(in, &e), 1);
		CHECK_EQ(atoi(e.name), i);
		CHECK(e.data == &i);
	}
	CHECK_EQ(weir_inotify_next(in, &e), 0);
	weir_inotify_free(in);
	weir_reactor_free(r);
	finish();
}

TEST(a_crowd_of_events_takes_turns)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_DONE };
	struct told t;
	char name[16];
	int turns;

	begin();
	probe_add(r, &p, WEIR_READABLE);
	watch(instance(r, &t, 0), top, ALL_NAMES, NULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		touch(name);
	}
	for (turns = 0; t.count < 1000; turns++) {
		const int before = t.count;

		probe_send(&p, 1);
		p.calls = 0;
		probe_turn(r);
		CHECK(t.count - before <= 64);
		CHECK_EQ(p.calls, 1);
		probe_take(&p);
	}
	CHECK(turns >= 1000 / 64);
	weir_reactor_free(r);
	probe_close(&p);
	finish();
}

TEST(both_halves_have_a_cookie)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	uint32_t first;
	struct told t;

	begin();
	touch("a");
	in = instance(r, &t, 0);
	watch(in, top, IN_MOVED_FROM, NULL);
	CHECK_EQ(mkdir("d", 0700), 0);
	watch(in, "d", IN_MOVED_TO, NULL);
	CHECK_EQ(rename("a", "d/b"), 0);
	probe_turn(r);
	CHECK_STR(t.log, "<a >b ");
	first = t.cookie;
	CHECK(first != 0);
	CHECK_EQ(rename("d/b", "d/c"), 0);
	probe_turn(r);
	CHECK(t.cookie != first);
	weir_reactor_free(r);
	finish();
}

TEST(a_rename_is_one_event)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	int from, to;
	struct told t;

	begin();
	touch("a");
	CHECK_EQ(mkdir("d", 0700), 0);
	in = instance(r, &t, 60 * WEIR_NS_PER_SEC);
	from = watch(in, top, ALL_NAMES, &from);
	to = watch(in, "d", ALL_NAMES, &to);
	CHECK_EQ(rename("a", "d/b"), 0);
	touch("a");
	probe_turn(r);
	CHECK_STR(t.log, "=b +a ");
	CHECK_EQ(unlink("a"), 0);
	CHECK_EQ(rename("d/b", "c"), 0);
	probe_turn(r);
	CHECK_STR(t.log, "=b +a -a =c ");
	CHECK_EQ(t.mask, IN_MOVED_FROM | IN_MOVED_TO);
	CHECK_EQ(t.wd, from);
	CHECK_EQ(t.from_wd, to);
	CHECK(t.data == &from);
	CHECK_STR(t.path, top);
	CHECK_STR(t.from_path, "d");
	CHECK_STR(t.from_name, "b");
	CHECK_EQ(rename("d", "e"), 0);
	probe_turn(r);
	CHECK_EQ(t.mask, IN_MOVED_FROM | IN_MOVED_TO | IN_ISDIR);
	CHECK_STR(t.from_name, "d");
	weir_reactor_free(r);
	finish();
}

/* Who leaves is told apart from who moves; nobody waits who need not. */
TEST(a_half_that_stays_alone_is_one)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	struct weir_event none;
	struct told t;

	begin();
	CHECK_EQ(mkdir("d", 0700) + mkdir("away", 0700), 0);
	touch("d/a");
	touch("d/b");
	in = instance(r, &t, 60 * WEIR_NS_PER_SEC);
	watch(in, "d", ALL_NAMES, NULL);
	/* A later event of the folder proves that no second half comes. */
	CHECK_EQ(rename("d/a", "away/a"), 0);
	touch("d/a");
	probe_turn(r);
	CHECK_STR(t.log, "<a +a ");
	CHECK_EQ(rename("away/a", "d/c"), 0);
	probe_turn(r);
	CHECK_STR(t.log, "<a +a >c ");
	weir_inotify_free(in);
	/* At the end of the queue it is waited for, for as long as asked. */
	in = instance(r, &t, 3 * WEIR_NS_PER_MSEC);
	watch(in, "d", ALL_NAMES, NULL);
	CHECK_EQ(rename("d/b", "away/b"), 0);
	while (t.count == 0)
		CHECK_EQ(weir_reactor_wait(r, &none, 1, WEIR_NS_PER_MSEC), 0);
	CHECK_STR(t.log, "<b ");
	CHECK_EQ(t.from_wd, -1);
	weir_reactor_free(r);
	finish();
}

/* It was read before its second half was queued. */
TEST(a_second_half_may_come_later)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	struct told t;
	int half;

	begin();
	touch("x");
	CHECK_EQ(mkdir("d", 0700) + mkdir("away", 0700), 0);
	touch("d/a");
	in = instance(r, &t, 60 * WEIR_NS_PER_SEC);
	watch(in, "d", IN_MOVED_FROM, NULL);
	CHECK_EQ(rename("d/a", "away/a"), 0);
	for (half = 0; half < 3; half++)
		probe_turn(r);
	CHECK_EQ(t.count, 0);
	/* Of another folder: does not prove it. */
	watch(in, "away", ALL_NAMES, NULL);
	touch("away/z");
	probe_turn(r);
	CHECK_EQ(t.count, 0);
	/* Its own does. */
	touch("d/b");
	CHECK_EQ(rename("d/b", "away/b"), 0);
	probe_turn(r);
	CHECK_STR(t.log, "<a +z =b ");
	weir_reactor_free(r);
	finish();
}

TEST(a_watch_that_has_ended_is_forgotten)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	struct told t;
	int wd, found = -7;

	begin();
	CHECK_EQ(mkdir("d", 0700), 0);
	in = instance(r, &t, 0);
	wd = watch(in, "d", IN_DELETE_SELF, NULL);
	CHECK_EQ(weir_inotify_find(in, "d", &found), 0);
	CHECK_EQ(found, wd);
	CHECK_EQ(rmdir("d"), 0);
	probe_turn(r);
	CHECK_EQ(t.count, 2);
	CHECK_EQ(t.mask & IN_IGNORED, IN_IGNORED);
	CHECK_STR(t.path, "d");
	CHECK(weir_inotify_path(in, wd) == NULL);
	CHECK_EQ(weir_inotify_find(in, "d", &found), -ENOENT);
	CHECK_EQ(weir_inotify_remove(in, wd), -EINVAL);
	CHECK_EQ(weir_inotify_count(in), 0);
	CHECK_EQ(mkdir("d", 0700), 0);
	CHECK(watch(in, "d", IN_DELETE_SELF, NULL) != wd);
	weir_reactor_free(r);
	finish();
}

TEST(a_path_leads_to_its_newest_watch)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	int first, second, found;
	struct told t;

	begin();
	CHECK_EQ(mkdir("d", 0700), 0);
	in = instance(r, &t, 0);
	first = watch(in, "d", IN_CREATE, NULL);
	CHECK_EQ(rename("d", "e"), 0);
	CHECK_EQ(mkdir("d", 0700), 0);
	second = watch(in, "d", IN_CREATE, NULL);
	CHECK(first != second);
	CHECK_EQ(weir_inotify_find(in, "d", &found), 0);
	CHECK_EQ(found, second);
	CHECK_STR(weir_inotify_path(in, first), "d");
	/* The older goes; the newer keeps its name. */
	CHECK_EQ(weir_inotify_remove(in, first), 0);
	CHECK_EQ(weir_inotify_find(in, "d", &found), 0);
	CHECK_EQ(found, second);
	weir_reactor_free(r);
	finish();
}

TEST(a_removed_watch_says_nothing)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	struct told t;
	int wd;

	begin();
	in = instance(r, &t, 0);
	wd = watch(in, top, ALL_NAMES, NULL);
	touch("a");
	CHECK_EQ(weir_inotify_remove(in, wd), 0);
	probe_turn(r);
	CHECK_EQ(t.count, 0);
	CHECK_EQ(weir_inotify_count(in), 0);
	CHECK_EQ(weir_inotify_remove(in, wd), -EINVAL);
	weir_reactor_free(r);
	finish();
}

TEST(lost_events_are_said)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in;
	struct told t;
	FILE *limit;
	int a, b, most = 0;

	begin();
	limit = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	if (!limit || fscanf(limit, "%d", &most) != 1 || most > 100000)
		SKIP("the kernel's queue is too long to be filled");
	fclose(limit);
	in = instance(r, &t, 5 * WEIR_NS_PER_MSEC);
	a = open("a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	b = open("b", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	watch(in, top, IN_MODIFY | IN_MOVE, NULL);
	/* Neighbours that are alike would become one. */
	for (int i = 0; i <= most; i++)
		CHECK_EQ(write(i % 2 ? a : b, "x", 1), 1);
	while (t.count <= most)
		probe_turn(r);
	CHECK_EQ(t.mask, IN_Q_OVERFLOW);
	CHECK_EQ(t.wd, -1);
	CHECK_EQ(weir_inotify_overflows(in), 1);
	close(a);
	close(b);
	weir_reactor_free(r);
	finish();
}

static void free_it(struct weir_reactor *r, struct weir_inotify *in,
		    const struct weir_inotify_event *e, void *data)
{
	(void)r;
	note(data, e);
	weir_inotify_free(in);
}

static void remove_it(struct weir_reactor *r, struct weir_inotify *in,
		      const struct weir_inotify_event *e, void *data)
{
	(void)r;
	CHECK_EQ(weir_inotify_remove(in, e->wd),
		 e->mask & IN_IGNORED ? -EINVAL : 0);
	note(data, e);	/* its path is still there */
}

TEST(its_function_may_end_it)
{
	static struct told t;
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in = NULL;

	begin();
	CHECK_EQ(weir_inotify_new(r, free_it, &t, NULL, &in), 0);
	watch(in, top, ALL_NAMES, NULL);
	touch("a");
	touch("b");
	probe_turn(r);
	CHECK_STR(t.log, "+a ");
	CHECK_EQ(weir_inotify_new(r, remove_it, &t, NULL, &in), 0);
	watch(in, top, ALL_NAMES, NULL);
	touch("c");
	touch("d");
	probe_turn(r);
	CHECK_STR(t.log, "+a +c ");
	CHECK_STR(t.path, top);
	weir_reactor_free(r);
	finish();
}
