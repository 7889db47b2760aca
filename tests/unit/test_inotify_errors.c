/* SPDX-License-Identifier: MIT */
/*
 * test_inotify_errors.c - why an inotify instance says no
 */
#include <weir/inotify.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/reactor.h>

#include "sys/fault.h"

#include "folder.h"
#include "harness.h"
#include "probe.h"

#define ALL_NAMES (IN_CREATE | IN_DELETE | IN_MOVE)

static void on_event(struct weir_reactor *r, struct weir_inotify *in,
		     const struct weir_inotify_event *e, void *data)
{
	(void)r;
	(void)in;
	(void)e;
	++*(int *)data;
}

static int watch(struct weir_inotify *in, const char *path, uint32_t mask,
		 void *data)
{
	int wd = -1;

	CHECK_EQ(weir_inotify_add(in, path, mask, data, &wd), 0);
	CHECK(wd > 0);
	return wd;
}

TEST(a_forked_child_has_no_instance)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in = NULL;
	struct weir_inotify_event e;
	int wd, other = 7, status, calls = 0;
	pid_t pid;

	begin();
	CHECK_EQ(weir_inotify_new(r, on_event, &calls, NULL, &in), 0);
	wd = watch(in, top, ALL_NAMES, NULL);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(weir_inotify_add(in, "/", IN_CREATE, NULL, &other),
			 -ECHILD);
		CHECK_EQ(other, 7);
		CHECK_EQ(weir_inotify_remove(in, wd), -ECHILD);
		CHECK_EQ(weir_inotify_next(in, &e), -ECHILD);
		CHECK_EQ(weir_inotify_new(r, on_event, &calls, NULL, &in),
			 -ECHILD);
		weir_inotify_free(in);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	touch("a");
	probe_turn(r);
	CHECK_EQ(calls, 1);
	weir_reactor_free(r);
	finish();
}

TEST(what_is_refused)
{
	struct weir_inotify_options options = { .size = 1 };
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in = NULL;
	struct weir_inotify_event e;
	char longest[PATH_MAX + 1];
	int wd = 7, calls;

	begin();
	CHECK_EQ(weir_inotify_new(r, on_event, &calls, &options, &in), -EINVAL);
	CHECK(in == NULL);
	CHECK_EQ(weir_inotify_new(r, on_event, &calls, NULL, &in), 0);
	CHECK_EQ(weir_inotify_add(in, "", IN_CREATE, NULL, &wd), -EINVAL);
	CHECK_EQ(weir_inotify_add(in, NULL, IN_CREATE, NULL, &wd), -EINVAL);
	CHECK_EQ(weir_inotify_add(in, ".", 0, NULL, &wd), -EINVAL);
	CHECK_EQ(weir_inotify_add(in, "a", IN_CREATE, NULL, &wd), -ENOENT);
	touch("a");
	CHECK_EQ(weir_inotify_add(in, "a", IN_CREATE | IN_ONLYDIR, NULL, &wd),
		 -ENOTDIR);
	memset(longest, 'x', PATH_MAX);
	longest[PATH_MAX] = '\0';
	CHECK_EQ(weir_inotify_add(in, longest, IN_CREATE, NULL, &wd),
		 -ENAMETOOLONG);
	CHECK_EQ(symlink("loop", "loop"), 0);
	CHECK_EQ(weir_inotify_add(in, "loop", IN_CREATE, NULL, &wd), -ELOOP);
	CHECK_EQ(wd, 7);
	watch(in, ".", IN_CREATE, NULL);
	CHECK_EQ(weir_inotify_add(in, ".", IN_DELETE | IN_MASK_CREATE, NULL,
				  &wd), -EEXIST);
	CHECK_EQ(weir_inotify_find(in, "/", &wd), -ENOENT);
	CHECK_EQ(weir_inotify_find(in, NULL, &wd), -EINVAL);
	CHECK_EQ(weir_inotify_remove(in, -1), -EINVAL);
	CHECK_EQ(weir_inotify_next(in, &e), -EINVAL);
	CHECK_EQ(wd, 7);
	CHECK(strstr(weir_inotify_hint(-ENOSPC), "max_user_watches") != NULL);
	CHECK(strstr(weir_inotify_hint(-EMFILE), "max_user_instances") != NULL);
	CHECK(weir_inotify_hint(-ENOENT) == NULL);
	weir_reactor_free(r);
	finish();
}

/* --- the kernel says no --- */

static enum weir__call failing;
static int error;

static int fail_one(enum weir__call call)
{
	if (call != failing || error == 0)
		return 0;
	return error;
}

#define FAILS(call, err, expr) do {					\
	failing = (call);						\
	error = (err);							\
	CHECK_EQ(expr, err);						\
	error = 0;							\
} while (0)

TEST(the_kernel_may_refuse)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify *in = NULL;
	struct weir_inotify_event e;
	int wd = 7;

	begin();
	weir__fault_hook = fail_one;
	FAILS(WEIR__CALL_INOTIFY_NEW, -EMFILE,
	      weir_inotify_new(r, NULL, NULL, NULL, &in));
	FAILS(WEIR__CALL_INOTIFY_NEW, -ENFILE,
	      weir_inotify_new(r, NULL, NULL, NULL, &in));
	FAILS(WEIR__CALL_INOTIFY_NEW, -ENOMEM,
	      weir_inotify_new(r, NULL, NULL, NULL, &in));
	FAILS(WEIR__CALL_EPOLL_CTL, -ENOSPC,
	      weir_inotify_new(r, NULL, NULL, NULL, &in));
	CHECK(in == NULL);
	CHECK_EQ(weir_inotify_new(r, NULL, NULL, NULL, &in), 0);
	FAILS(WEIR__CALL_INOTIFY_ADD, -ENOSPC,
	      weir_inotify_add(in, top, IN_CREATE, NULL, &wd));
	FAILS(WEIR__CALL_INOTIFY_ADD, -EACCES,
	      weir_inotify_add(in, top, IN_CREATE, NULL, &wd));
	FAILS(WEIR__CALL_INOTIFY_ADD, -ENOMEM,
	      weir_inotify_add(in, top, IN_CREATE, NULL, &wd));
	CHECK_EQ(wd, 7);
	watch(in, top, IN_CREATE, NULL);
	touch("a");
	FAILS(WEIR__CALL_READ, -EIO, weir_inotify_next(in, &e));
	/* Nothing was lost. */
	CHECK_EQ(weir_inotify_next(in, &e), 1);
	CHECK_STR(e.name, "a");
	weir_reactor_free(r);
	finish();
}
