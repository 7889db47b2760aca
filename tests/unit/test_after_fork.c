/* SPDX-License-Identifier: MIT */
/*
 * test_after_fork.c - a forked child takes a reactor over, or leaves it
 */
#include <weir/reactor.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/inotify.h>
#include <weir/sigfd.h>
#include <weir/timer.h>

#include "sys/fault.h"

#include "harness.h"
#include "probe.h"

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static int runs, returns, why;

static void run(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	(void)r;
	(void)msg;
	(void)data;
	runs++;
}

static void undeliverable(struct weir_reactor *r, const struct weir_msg *msg,
			  int error)
{
	(void)r;
	(void)msg;
	returns++;
	why = error;
}

static const struct weir_call call = { run, undeliverable };

static void ring(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r;
	(void)t;
	++*(int *)data;
}

/* Fork, run @child there, and see that it is content. */
static void in_a_child(void (*child)(struct weir_reactor *, struct probe *),
		       struct weir_reactor *r, struct probe *p)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		child(r, p);
		_exit(7);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void take_over(struct weir_reactor *r, struct probe *p)
{
	const int before = open_fds();
	struct weir_event none;

	CHECK_EQ(weir_reactor_wait(r, &none, 1, 0), -ECHILD);
	CHECK_EQ(weir_reactor_after_fork(r), 0);
	CHECK_EQ(open_fds(), before);
	CHECK_EQ(weir_reactor_after_fork(r), -EINVAL);
	CHECK_EQ(returns, 1);
	CHECK_EQ(why, -ECHILD);
	/* What is ready is said again, under the token that it had. */
	PROBE_TURN(r, p, 1, WEIR_READABLE);
	CHECK(weir_token_equal(p->last.token, p->token));
	CHECK_EQ(runs, 0);
	/* The bell is its own. */
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
	probe_turn(r);
	CHECK_EQ(runs, 1);
	CHECK_EQ(weir_source_remove(r, p->token), 0);
	weir_reactor_free(r);
}

TEST(a_child_takes_it_over)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	struct weir_timer *t;
	int rings = 0;

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_timer_new(r, ring, &rings, &t), 0);
	CHECK_EQ(weir_timer_start(t, 0), 0);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
	probe_send(&p, 1);
	CHECK_EQ(weir_reactor_after_fork(r), -EINVAL);
	in_a_child(take_over, r, &p);
	/* The parent has lost nothing by it. */
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(runs, 1);
	CHECK_EQ(returns, 0);
	CHECK_EQ(rings, 1);
	CHECK_EQ(probe_take(&p), 1);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

static void leave(struct weir_reactor *r, struct probe *p)
{
	const int before = open_fds();

	CHECK_EQ(weir_reactor_abandon(NULL), 0);
	CHECK_EQ(weir_reactor_abandon(r), 0);
	CHECK_EQ(open_fds(), before - 2);	/* the set and the bell */
	CHECK_EQ(returns, 1);
	CHECK_EQ(fcntl(p->fd, F_GETFD) >= 0, 1);
}

TEST(a_child_leaves_it)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
	CHECK_EQ(weir_reactor_abandon(r), -EINVAL);
	in_a_child(leave, r, &p);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(runs, 1);
	weir_reactor_free(r);
	probe_close(&p);
}

static struct weir_inotify *in;
static struct weir_sigfd *sigfd;
static int wd;

static void without_the_parents_own(struct weir_reactor *r, struct probe *p)
{
	struct weir_inotify_event e;
	struct signalfd_siginfo info;
	sigset_t now;

	(void)p;
	CHECK_EQ(weir_reactor_after_fork(r), 0);
	CHECK_EQ(weir_inotify_next(in, &e), -ECHILD);
	CHECK_EQ(weir_inotify_add(in, "/", IN_CREATE, NULL, &wd), -ECHILD);
	CHECK_EQ(weir_sigfd_read(sigfd, &info, 1), -ECHILD);
	weir_inotify_free(in);
	CHECK_EQ(weir_sigfd_close(sigfd), 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGUSR1));
	CHECK_EQ(weir_inotify_new(r, NULL, NULL, NULL, &in), 0);
	weir_reactor_free(r);
}

TEST(watches_and_signals_stay_the_parents)
{
	char path[] = "/tmp/weir-test-XXXXXX";
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify_event e;
	sigset_t set;
	int fd = mkstemp(path);

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(weir_sigfd_open(r, &set, 0, NULL, NULL, &sigfd), 0);
	CHECK_EQ(weir_inotify_new(r, NULL, NULL, NULL, &in), 0);
	CHECK_EQ(weir_inotify_add(in, path, IN_MODIFY, NULL, &wd), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	in_a_child(without_the_parents_own, r, NULL);
	CHECK_EQ(weir_inotify_next(in, &e), 1);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(weir_inotify_next(in, &e), 1);
	close(fd);
	unlink(path);
	weir_reactor_free(r);
}

static void fork_within(struct weir_reactor *r, struct probe *p)
{
	const pid_t pid = fork();
	int status;

	(void)p;
	if (pid == 0) {
		CHECK_EQ(weir_reactor_after_fork(r), -EBUSY);
		CHECK_EQ(weir_reactor_abandon(r), -EBUSY);
		_exit(7);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

TEST(not_within_a_handler)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = fork_within };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

static enum weir__call failing;
static int error;

static int fail_one(enum weir__call which)
{
	return which == failing ? error : 0;
}

static void fail_to_take_over(struct weir_reactor *r, struct probe *p)
{
	static const struct {
		enum weir__call call;
		int error;
	} cases[] = {
		{ WEIR__CALL_EVENTFD_NEW, -EMFILE },
		{ WEIR__CALL_EPOLL_CREATE, -ENFILE },
		{ WEIR__CALL_EPOLL_CTL, -ENOMEM },
		{ WEIR__CALL_EPOLL_CTL, -ENOSPC },
	};
	const int before = open_fds();

	weir__fault_hook = fail_one;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing = cases[i].call;
		error = cases[i].error;
		CHECK_EQ(weir_reactor_after_fork(r), error);
		CHECK_EQ(open_fds(), before);
		CHECK_EQ(weir_source_remove(r, p->token), -ECHILD);
	}
	weir__fault_hook = NULL;
	CHECK_EQ(weir_reactor_after_fork(r), 0);
	PROBE_TURN(r, p, 1, WEIR_READABLE);
	weir_reactor_free(r);
}

TEST(a_failure_leaves_it_the_parents)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	in_a_child(fail_to_take_over, r, &p);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}
