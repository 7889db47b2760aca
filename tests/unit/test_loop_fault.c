/* SPDX-License-Identifier: MIT */
/*
 * test_loop_fault.c - any call to the kernel may fail
 *
 * A scenario of all that a reactor does is run again and again, each time in a
 * process of its own in which the n-th call fails, until there is no n-th.
 * The step that it fails reports the error and can be done again; nothing
 * crashes, nothing is left open or allocated.
 */
#include "loop/reactor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/memory.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "sys/fault.h"

#include "harness.h"
#include "probe.h"

static struct {
	int countdown;			/* to the call that fails */
	int error;
	bool is_for_good;		/* and all of its kind after it */
	enum weir__call failed;
	bool has_failed;
} fault;

static int fail_nth(enum weir__call call)
{
	if (fault.has_failed)
		return fault.is_for_good && call == fault.failed ?
			fault.error : 0;
	if (--fault.countdown > 0)
		return 0;
	fault.has_failed = true;
	fault.failed = call;
	return fault.error;
}

/* What the step that fails must report. */
static int injected(void)
{
	CHECK(fault.has_failed);
	/* An allocator says NULL, and no more. */
	return fault.failed == WEIR__CALL_ALLOC ? -ENOMEM : fault.error;
}

/* Do a step; if it reports what was injected do it again: then it works. */
#define STEP(expected, step) do {					\
	int result = step;						\
									\
	if (result != (expected)) {					\
		CHECK_EQ(result, injected());				\
		result = step;						\
	}								\
	CHECK_EQ(result, expected);					\
} while (0)

static weir_source_fn read_one;

static enum weir_verdict read_one(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct probe *p = data;
	char c;

	(void)r;
	p->calls++;
	while (event->facts & WEIR_READABLE && recv(p->fd, &c, 1, 0) > 0)
		;
	return WEIR_DONE;
}

static void stop(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	int *calls = data;

	(void)t;
	++*calls;
	CHECK_EQ(weir_reactor_stop(r), 0);
}

static void run_msg(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	int *runs = msg->arg;

	(void)r;
	(void)data;
	++*runs;
}

/* A close that fails has closed: there is nothing to do again. */
static void close_source(struct weir_reactor *r, struct probe *p)
{
	int err = weir_source_close(r, p->token);

	CHECK(err == 0 || (fault.has_failed && err == fault.error &&
			   fault.failed == WEIR__CALL_CLOSE));
	CHECK_EQ(weir_source_close(r, p->token), -ESTALE);
	CHECK_EQ(fcntl(p->fd, F_GETFD), -1);
	p->fd = -1;
	probe_close(p);
}

/* -EINTR is no failure of a wait: whoever waits does so again. */
static int wait_for(struct weir_reactor *r, struct weir_event *events,
		    weir_ns timeout)
{
	int n;

	do {
		n = weir_reactor_wait(r, events, 4, timeout);
	} while (n == -EINTR);
	return n;
}

static void watch(struct weir_reactor *r, struct probe *p, struct probe *level,
		  struct probe *plain)
{
	STEP(0, weir_source_add(r, p->fd, WEIR_READABLE, read_one, p,
				&p->token));
	STEP(0, weir_source_add_flags(r, level->fd, EPOLLIN | EPOLLONESHOT,
				      read_one, level, &level->token));
	STEP(0, weir_source_add(r, plain->fd, WEIR_READABLE, NULL, plain,
				&plain->token));
	STEP(0, weir_source_want(r, p->token, WEIR_READABLE | WEIR_WRITABLE));
	STEP(0, weir_source_want(r, p->token, WEIR_READABLE));
}

static void use(struct weir_reactor *r)
{
	static const struct weir_call call = { run_msg, NULL };
	struct probe p = { 0 }, level = { 0 }, plain = { 0 };
	struct weir_event events[4];
	struct weir_timer *t = NULL;
	int runs = 0, rings = 0;
	weir_token name;

	probe_pair(&p);
	probe_pair(&level);
	probe_pair(&plain);
	watch(r, &p, &level, &plain);
	STEP(0, weir_source_open(r, NULL, NULL, &name));
	STEP(0, weir_timer_new(r, stop, &rings, &t));
	STEP(0, weir_reactor_post(r, &call, &runs, 0));
	probe_send(&p, 1);
	probe_send(&level, 1);
	probe_send(&plain, 1);
	STEP(1, wait_for(r, events, WEIR_FOREVER));
	CHECK(events[0].data == &plain);
	STEP(0, weir_source_modify(r, level.token, EPOLLIN | EPOLLONESHOT));
	probe_send(&p, 1);
	probe_send(&level, 1);
	CHECK_EQ(weir_timer_start(t, WEIR_NS_PER_MSEC), 0);
	STEP(0, weir_reactor_run(r));
	/* If the run itself was what failed, the timer has not rung yet. */
	CHECK_EQ(rings, 1);
	CHECK_EQ(runs, 1);
	CHECK_EQ(p.calls, 2);
	CHECK_EQ(level.calls, 2);
	STEP(0, wait_for(r, events, 1));
	CHECK_EQ(weir_source_remove(r, plain.token), 0);
	CHECK_EQ(weir_source_remove(r, name), 0);
	probe_close(&plain);
	close_source(r, &p);
	close_source(r, &level);
	weir_timer_free(t);
	CHECK_EQ(weir__arena_count(r->arena), 0);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* In a process of its own.  Never returns. */
static void scenario(void)
{
	const int before = open_fds();
	struct weir_reactor *r = NULL;
	int err;

	weir__fault_hook = fail_nth;
	err = weir_reactor_new(NULL, &r);
	if (err < 0) {
		CHECK_EQ(err, injected());
		CHECK(!r);
		CHECK_EQ(open_fds(), before);
		STEP(0, weir_reactor_new(NULL, &r));
	}
	use(r);
	CHECK(!weir_reactor_free(r));
	CHECK_EQ(open_fds(), before);
	/* Not _exit(): a leak checker wants to be asked. */
	exit(fault.has_failed ? 1 : 0);
}

/* How many calls the scenario has. */
static int sweep(int error)
{
	for (int n = 1;; n++) {
		int status;
		pid_t pid;

		fault.countdown = n;
		fault.error = error;
		pid = fork();
		if (pid == 0)
			scenario();
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFEXITED(status));
		if (WEXITSTATUS(status) == 0)
			return n - 1;
		/* Else it is a leak, or a failed check. */
		CHECK_EQ(WEXITSTATUS(status), 1);
	}
}

TEST(each_call_may_fail_once)
{
	CHECK(sweep(-ENOMEM) > 25);
	CHECK(sweep(-EINTR) > 25);
}

/* A reactor that cannot wait says so each time, and does not turn in vain. */
TEST(a_broken_kernel_is_reported)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;

	fault.error = -ENOMEM;
	fault.failed = WEIR__CALL_EPOLL_WAIT;
	fault.has_failed = fault.is_for_good = true;
	weir__fault_hook = fail_nth;
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(weir_reactor_run(r), -ENOMEM);
		CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_FOREVER),
			 -ENOMEM);
	}
	CHECK(!weir_reactor_current());
	weir__fault_hook = NULL;
	probe_turn(r);
	weir_reactor_free(r);
}

/* Each thing it needs, by name: nothing is kept of the others. */
TEST(a_reactor_may_fail_to_be_made)
{
	static const enum weir__call needed[] = {
		WEIR__CALL_EPOLL_CREATE, WEIR__CALL_EVENTFD_NEW,
		WEIR__CALL_EPOLL_CTL, WEIR__CALL_ARENA_NEW,
	};

	fault.error = -ENOMEM;
	fault.has_failed = fault.is_for_good = true;
	weir__fault_hook = fail_nth;
	for (int i = 0; i < 4; i++) {
		struct weir_reactor *r = NULL;

		fault.failed = needed[i];
		CHECK_EQ(weir_reactor_new(NULL, &r), -ENOMEM);
		CHECK(!r);
	}
	/* No number for one more arena is left. */
	fault.error = -EAGAIN;
	fault.failed = WEIR__CALL_ARENA_NEW;
	CHECK_EQ(weir_reactor_new(NULL, &(struct weir_reactor *){ NULL }),
		 -ENOSPC);
}
