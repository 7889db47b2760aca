/* SPDX-License-Identifier: MIT */
/*
 * tests/watching.h - what the tests of watched files have in common
 */
#ifndef WEIR_TESTS_WATCHING_H
#define WEIR_TESTS_WATCHING_H

#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"

enum { SEEN_MAX = 64 };

/*
 * A folder of the test's own with the file "f" in it, and a pool. All that is
 * reported goes into one list, with the number of the watch.
 */
static struct {
	char home[32];
	struct weir_pool *pool;
	struct hold hold;
	sem_t reported;
	int count;		/* the control thread's, and after reported */
	struct {
		int watch;
		enum weir_watch_event event;
	} seen[SEEN_MAX];
	int read;		/* the test's */
	int more;		/* reports that may come, or not */
} t;

struct spot {
	int number;
	char path[64];
	weir_token token;
	int result;
	atomic_int removes;	/* itself, when it is called */
};

static inline const char *at(const char *name)
{
	static char paths[4][320];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", t.home, name);
	return path;
}

static inline void write_file(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "we");

	CHECK(f);
	CHECK(fputs(text, f) >= 0);
	CHECK_EQ(fclose(f), 0);
}

/*
 * Between the two, control does nothing: it sees all of a change at once,
 * however long the test was kept from going on.
 */
static inline void freeze(void)
{
	t.hold = (struct hold){ .fn = NULL };
	if (weir_pool_state(t.pool) == WEIR_POOL_RUNNING)
		hold_begin(&t.hold, t.pool, WEIR_CONTROL);
}

static inline void thaw(void)
{
	if (weir_pool_state(t.pool) != WEIR_POOL_RUNNING)
		return;
	hold_end(&t.hold);
	fixture_settle(t.pool);		/* then it has left the handler */
}

static inline void begin(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1,
	};

	strcpy(t.home, "/tmp/weir-watch-XXXXXX");
	CHECK(mkdtemp(t.home));
	write_file("f", "begin");
	sem_init(&t.reported, 0, 0);
	CHECK_EQ(weir_pool_new(&options, &t.pool), 0);
}

static inline void begin_running(void)
{
	begin();
	CHECK_EQ(weir_pool_start(t.pool), 0);
}

static inline void end(void)
{
	char command[64];

	fixture_pool_end(t.pool);
	snprintf(command, sizeof(command), "rm -r %s", t.home);
	CHECK_EQ(system(command), 0);
	CHECK(t.count >= t.read);
	CHECK(t.count <= t.read + t.more);
}

static inline void on_change(struct weir_reactor *control, const char *path,
			     enum weir_watch_event event, void *data)
{
	struct spot *spot = data;

	CHECK(weir_reactor_current() == control);
	CHECK_EQ(weir_reactor_index(control), WEIR_CONTROL);
	CHECK_STR(path, spot->path);
	if (spot->removes) {
		CHECK_EQ(weir_watch_remove(t.pool, spot->token), 0);
		CHECK_EQ(weir_watch_remove(t.pool, spot->token), -ESTALE);
	}
	CHECK(t.count < SEEN_MAX);
	t.seen[t.count].watch = spot->number;
	t.seen[t.count].event = event;
	t.count++;
	sem_post(&t.reported);
}

static inline void add_here(struct weir_reactor *r, void *data)
{
	struct spot *spot = data;

	(void)r;
	spot->result = weir_watch_add(t.pool, spot->path, on_change, spot,
				      &spot->token);
}

static inline void remove_here(struct weir_reactor *r, void *data)
{
	struct spot *spot = data;

	(void)r;
	spot->result = weir_watch_remove(t.pool, spot->token);
}

static inline int try_watch(struct spot *spot, const char *path)
{
	static int number;

	memset(spot, 0, sizeof(*spot));
	spot->number = ++number;
	snprintf(spot->path, sizeof(spot->path), "%s", path);
	if (weir_pool_state(t.pool) == WEIR_POOL_NEW)
		add_here(NULL, spot);
	else
		fixture_on(t.pool, WEIR_CONTROL, add_here, spot);
	return spot->result;
}

static inline void watch(struct spot *spot, const char *name)
{
	CHECK_EQ(try_watch(spot, at(name)), 0);
}

static inline int unwatch(struct spot *spot)
{
	fixture_on(t.pool, WEIR_CONTROL, remove_here, spot);
	return spot->result;
}

static inline void make_folder(void)
{
	CHECK_EQ(mkdir(at("d"), 0700), 0);
	write_file("d/f", "in a folder");
}

static inline void change_file(const char *name, const char *text)
{
	freeze();
	write_file(name, text);
	thaw();
}

/* The next report is of this watch, and says this. */
static inline void expect(const struct spot *spot,
			  enum weir_watch_event event)
{
	fixture_wait(&t.reported);
	CHECK_EQ(t.seen[t.read].watch, spot->number);
	CHECK_EQ(t.seen[t.read].event, event);
	t.read++;
}

/* The next @n reports say this, each of another watch. */
static inline void expect_each(int n, enum weir_watch_event event)
{
	unsigned watches = 0;

	for (; n > 0; n--, t.read++) {
		fixture_wait(&t.reported);
		CHECK_EQ(t.seen[t.read].event, event);
		CHECK(!(watches & 1u << t.seen[t.read].watch));
		watches |= 1u << t.seen[t.read].watch;
	}
}

/* The next two reports are these, in any order. */
static inline void expect_both(const struct spot *a,
			       enum weir_watch_event event_a,
			       const struct spot *b,
			       enum weir_watch_event event_b)
{
	bool is_b_first;

	fixture_wait(&t.reported);
	is_b_first = t.seen[t.read].watch == b->number;
	sem_post(&t.reported);
	expect(is_b_first ? b : a, is_b_first ? event_b : event_a);
	expect(is_b_first ? a : b, is_b_first ? event_a : event_b);
}

static inline long queue_limit(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long limit = 0;

	if (f && fscanf(f, "%ld", &limit) != 1)
		limit = 0;
	if (f)
		fclose(f);
	return limit;
}

/* More events than the queue holds; two files, or they would be merged. */
static inline void overflow(long limit)
{
	const int a = open(at("a"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	const int b = open(at("b"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(a >= 0 && b >= 0);
	for (long i = 0; i < limit; i++) {
		CHECK_EQ(futimens(a, NULL), 0);
		CHECK_EQ(futimens(b, NULL), 0);
	}
	close(a);
	close(b);
}

/* A file system of the test's own over the folder "m", or the test skips. */
static inline void mount_own(void)
{
	CHECK_EQ(mkdir(at("m"), 0700), 0);
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("weir", at("m"), "tmpfs", 0, NULL) < 0) {
		CHECK_EQ(rmdir(at("m")), 0);
		SKIP("no mount namespace for us");
	}
}

#endif /* WEIR_TESTS_WATCHING_H */
