/* SPDX-License-Identifier: MIT */
/*
 * test_spawn_free.c - a reactor that stands alone ends before its children
 */
#include <weir.h>

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "probe.h"

static int ends;
static unsigned flags;

static void on_end(struct weir_reactor *r,
		   const struct weir_child_result *result, void *data)
{
	(void)r;
	(void)data;
	ends++;
	flags = result->flags;
}

/* One that reads until we close its input, or are gone. */
static weir_token spawn_cat(struct weir_reactor *r)
{
	const struct weir_child_options options = {
		.size = sizeof(options),
		.argv = (char *[]){ (char *)"cat", NULL },
		.stdio = { { .how = WEIR_CHILD_PIPE },
			   { .how = WEIR_CHILD_PIPE } },
		.on_end = on_end,
	};
	weir_token token;

	CHECK_EQ(weir_child_spawn(r, &options, &token), 0);
	return token;
}

TEST(they_are_killed_and_reaped)
{
	struct weir_reactor *r = probe_reactor();

	spawn_cat(r);
	spawn_cat(r);
	weir_reactor_free(r);
	CHECK_EQ(ends, 2);
	CHECK_EQ(flags, WEIR_CHILD_STOPPED);
	CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
	CHECK_EQ(errno, ECHILD);
}

static void take_over(struct weir_reactor *r, weir_token token)
{
	CHECK_EQ(weir_reactor_after_fork(r), 0);
	CHECK_EQ(weir_child_kill(r, token, SIGKILL), -ESTALE);
	CHECK_EQ(weir_child_close_input(r, token), -ESTALE);
	weir_reactor_free(r);
}

static void abandon(struct weir_reactor *r, weir_token token)
{
	(void)token;
	CHECK_EQ(weir_reactor_abandon(r), 0);
}

static void in_a_child_too(void (*fn)(struct weir_reactor *, weir_token))
{
	struct weir_reactor *r = probe_reactor();
	const weir_token token = spawn_cat(r);
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn(r, token);
		_exit(ends);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	/* It lives, and is ours. */
	CHECK_EQ(weir_child_kill(r, token, 0), 0);
	CHECK_EQ(weir_child_write(r, token, "x", 1), 1);
	CHECK_EQ(ends, 0);
	weir_reactor_free(r);
	CHECK_EQ(ends, 1);
}

TEST(a_forked_child_that_takes_over_has_none)
{
	in_a_child_too(take_over);
}

TEST(a_forked_child_that_leaves_kills_none)
{
	in_a_child_too(abandon);
}
