/* SPDX-License-Identifier: MIT */
/*
 * test_sigfd.c - signals as events, on any reactor
 */
#include <weir/sigfd.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/reactor.h>

#include "loop/reactor.h"
#include "sys/fault.h"

#include "harness.h"
#include "probe.h"

struct told {
	int calls, records;
	int signos[256], values[256];
};

static void on_signals(struct weir_reactor *r, struct weir_sigfd *s,
		       const struct signalfd_siginfo *infos, unsigned count,
		       void *data)
{
	struct told *t = data;

	CHECK(weir_reactor_current() == r);
	CHECK(s != NULL);
	CHECK(count >= 1 && count <= 16);
	t->calls++;
	for (unsigned i = 0; i < count && t->records < 256; i++) {
		t->signos[t->records] = (int)infos[i].ssi_signo;
		t->values[t->records++] = infos[i].ssi_int;
	}
}

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b > 0)
		sigaddset(&set, b);
	return set;
}

static struct weir_sigfd *make(struct weir_reactor *r, int a, int b,
			       struct told *t)
{
	const sigset_t set = set_of(a, b);
	struct weir_sigfd *s = NULL;

	if (t)
		memset(t, 0, sizeof(*t));
	CHECK_EQ(weir_sigfd_open(r, &set, 0, t ? on_signals : NULL, t, &s), 0);
	return s;
}

static bool is_blocked(int signo)
{
	sigset_t now;

	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	return sigismember(&now, signo) == 1;
}

static void send_value(int signo, int value)
{
	CHECK_EQ(sigqueue(getpid(), signo, (union sigval){ value }), 0);
}

TEST(signals_come_with_their_records)
{
	struct weir_reactor *r = probe_reactor();
	struct told t, other;
	struct weir_sigfd *s = make(r, SIGUSR1, SIGRTMIN, &t);

	make(r, SIGCHLD, 0, &other);
	for (int i = 0; i < 100; i++)
		send_value(SIGRTMIN, i);
	raise(SIGUSR1);
	raise(SIGUSR1);		/* coalesces */
	probe_turn(r);
	probe_turn(r);
	CHECK_EQ(t.records, 101);
	CHECK_EQ(t.calls, 7);	/* 16 at once */
	for (int i = 0, n = 0; i < t.records; i++)
		if (t.signos[i] == SIGRTMIN)
			CHECK_EQ(t.values[i], n++);
	CHECK_EQ(other.records, 0);
	raise(SIGCHLD);
	probe_turn(r);
	CHECK_EQ(other.records, 1);
	CHECK_EQ(weir_sigfd_close(s), 0);
	weir_reactor_free(r);
	CHECK(!is_blocked(SIGCHLD));
}

/* The default of SIGTERM is to kill. */
static int send_meanwhile(enum weir__call call)
{
	if (call == WEIR__CALL_SIGNALFD_NEW || call == WEIR__CALL_EPOLL_CTL)
		kill(getpid(), SIGTERM);
	return 0;
}

TEST(what_comes_while_it_opens_is_not_lost)
{
	struct weir_reactor *r = probe_reactor();
	struct told outer, inner;
	struct weir_sigfd *a, *b;

	weir__fault_hook = send_meanwhile;
	a = make(r, SIGTERM, 0, &outer);
	weir__fault_hook = NULL;
	probe_turn(r);
	CHECK_EQ(outer.records, 1);
	/* One within another: whoever is left is told. */
	b = make(r, SIGTERM, 0, &inner);
	CHECK_EQ(weir_sigfd_close(b), 0);
	kill(getpid(), SIGTERM);
	probe_turn(r);
	CHECK_EQ(outer.records, 2);
	CHECK_EQ(weir_sigfd_close(a), 0);
	weir_reactor_free(r);
}

TEST(a_wait_says_so_and_a_read_has_them)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_sigfd *s = make(r, SIGRTMIN, 0, NULL);
	struct signalfd_siginfo infos[3];
	struct weir_event event;

	CHECK_EQ(weir_sigfd_read(s, infos, 3), 0);
	for (int i = 0; i < 5; i++)
		send_value(SIGRTMIN, i);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_FOREVER), 1);
	CHECK(weir_token_equal(event.token, weir_sigfd_token(s)));
	CHECK_EQ(weir_sigfd_read(s, infos, 3), 3);
	CHECK_EQ(infos[2].ssi_int, 2);
	CHECK_EQ(weir_sigfd_read(s, infos, 3), 2);
	CHECK_EQ(weir_sigfd_read(s, infos, 3), 0);
	CHECK_EQ(weir_sigfd_read(s, infos, 0), -EINVAL);
	CHECK_EQ(weir_sigfd_read(s, infos, 1001), -EINVAL);
	CHECK_EQ(weir_sigfd_close(s), 0);
	weir_reactor_free(r);
}

/* Five exits are one record at the least, and all five can be waited for. */
TEST(a_child_signal_means_at_least_one)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event none;
	struct told t;
	int reaped = 0;

	make(r, SIGCHLD, 0, &t);
	for (int i = 0; i < 5; i++)
		if (fork() == 0)
			_exit(0);
	while (reaped < 5) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			reaped++;
		if (reaped < 5)
			CHECK_EQ(weir_reactor_wait(r, &none, 1,
						   WEIR_NS_PER_MSEC), 0);
	}
	probe_turn(r);
	CHECK(t.records >= 1);
	weir_reactor_free(r);
}

TEST(owners_share_the_mask)
{
	struct weir_reactor *r = probe_reactor(), *r2 = probe_reactor();
	struct weir_sigfd *a, *b, *c;
	sigset_t set = set_of(SIGHUP, 0);
	struct told t;

	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	a = make(r, SIGUSR1, SIGHUP, &t);
	b = make(r2, SIGUSR1, SIGUSR2, &t);
	c = make(r, SIGUSR2, 0, &t);
	CHECK_EQ(weir_sigfd_close(a), 0);
	CHECK(is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
	/* It was blocked before: not ours to clear. */
	CHECK(is_blocked(SIGHUP));
	/* What the caller does meanwhile stays. */
	set = set_of(SIGWINCH, 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(weir_sigfd_close(b), 0);
	CHECK(!is_blocked(SIGUSR1) && is_blocked(SIGUSR2));
	CHECK_EQ(weir_sigfd_close(c), 0);
	CHECK(!is_blocked(SIGUSR2));
	CHECK(is_blocked(SIGHUP) && is_blocked(SIGWINCH));
	weir_reactor_free(r);
	weir_reactor_free(r2);
}

TEST(what_is_pending_at_the_end_does_not_kill)
{
	struct weir_reactor *r = probe_reactor();
	struct told t;
	struct weir_sigfd *s = make(r, SIGTERM, 0, &t);

	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(weir_sigfd_close(s), 0);
	CHECK(!is_blocked(SIGTERM));
	CHECK_EQ(t.records, 0);
	weir_reactor_free(r);
}

static void close_it(struct weir_reactor *r, struct weir_sigfd *s,
		     const struct signalfd_siginfo *infos, unsigned count,
		     void *data)
{
	(void)r;
	(void)infos;
	(void)count;
	++*(int *)data;
	CHECK_EQ(weir_sigfd_close(s), 0);
}

TEST(its_function_may_close_it)
{
	struct weir_reactor *r = probe_reactor();
	const sigset_t set = set_of(SIGRTMIN, 0);
	struct weir_sigfd *s;
	int calls = 0;

	CHECK_EQ(weir_sigfd_open(r, &set, 0, close_it, &calls, &s), 0);
	for (int i = 0; i < 40; i++)
		send_value(SIGRTMIN, i);
	probe_turn(r);
	CHECK_EQ(calls, 1);
	CHECK(!is_blocked(SIGRTMIN));
	weir_reactor_free(r);
}

struct elsewhere {
	struct weir_reactor *r;
	struct weir_sigfd *s;
	sem_t opened, closed;
};

static void *open_here(void *data)
{
	struct elsewhere *e = data;
	struct told t;

	e->r = probe_reactor();
	e->s = make(e->r, SIGUSR1, 0, &t);
	sem_post(&e->opened);
	while (sem_wait(&e->closed) < 0)
		;
	/* Nobody else could: it is as we left it. */
	CHECK(is_blocked(SIGUSR1));
	return NULL;
}

TEST(another_thread_cannot_unblock)
{
	struct elsewhere e = { 0 };
	sigset_t set = set_of(SIGUSR1, 0);
	struct weir_event none;
	pthread_t thread;

	sem_init(&e.opened, 0, 0);
	sem_init(&e.closed, 0, 0);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(pthread_sigmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(pthread_create(&thread, NULL, open_here, &e), 0);
	while (sem_wait(&e.opened) < 0)
		;
	/* The reactor goes over to this thread. */
	weir__reactor_enter(e.r);
	weir__reactor_leave();
	CHECK_EQ(weir_reactor_wait(e.r, &none, 1, 0), 0);
	CHECK_EQ(weir_sigfd_close(e.s), -EPERM);
	CHECK(!is_blocked(SIGUSR1));
	weir_reactor_free(e.r);
	sem_post(&e.closed);
	pthread_join(thread, NULL);
}

static void *be_open(void *data)
{
	sem_t *sems = data;

	sem_post(&sems[0]);
	while (sem_wait(&sems[1]) < 0)
		;
	return NULL;
}

TEST(every_thread_must_block_if_asked)
{
	struct weir_reactor *r = probe_reactor();
	const sigset_t set = set_of(SIGUSR1, 0);
	struct weir_sigfd *s = NULL;
	pthread_t thread;
	char name[16];
	sem_t sems[2];
	int signo = 0;
	pid_t tid = 0;

	sem_init(&sems[0], 0, 0);
	sem_init(&sems[1], 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, be_open, sems), 0);
	while (sem_wait(&sems[0]) < 0)
		;
	CHECK_EQ(weir_sigfd_open(r, &set, WEIR_SIGFD_EVERY_THREAD, NULL, NULL,
				 &s), -EPERM);
	CHECK(s == NULL);
	CHECK(!is_blocked(SIGUSR1));
	/* Unasked, it is the caller's affair; and this is how to find out. */
	CHECK_EQ(weir_sigfd_open(r, &set, 0, NULL, NULL, &s), 0);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name), 1);
	CHECK(tid != 0 && tid != getpid());
	CHECK_EQ(signo, SIGUSR1);
	CHECK_EQ(weir_sigfd_close(s), 0);
	sem_post(&sems[1]);
	pthread_join(thread, NULL);
	CHECK_EQ(weir_sigfd_open(r, &set, WEIR_SIGFD_EVERY_THREAD, NULL, NULL,
				 &s), 0);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name), 0);
	weir_reactor_free(r);
}

/* --- refused, and rolled back --- */

static enum weir__call failing;
static int error;

static int fail_one(enum weir__call call)
{
	return call == failing ? error : 0;
}

TEST(a_failure_leaves_the_mask_as_it_was)
{
	static const struct {
		enum weir__call call;
		int error;
	} cases[] = {
		{ WEIR__CALL_SIGNALFD_NEW, -EMFILE },
		{ WEIR__CALL_SIGNALFD_NEW, -ENFILE },
		{ WEIR__CALL_SIGNALFD_NEW, -ENOMEM },
		{ WEIR__CALL_EPOLL_CTL, -ENOSPC },
		{ WEIR__CALL_OPENDIR, -ENOENT },
		{ WEIR__CALL_OPENDIR, -EACCES },
	};
	struct weir_reactor *r = probe_reactor();
	const sigset_t set = set_of(SIGUSR1, SIGUSR2);
	struct weir_sigfd *s = NULL;
	struct signalfd_siginfo info;
	char name[16];
	pid_t tid;
	int signo;

	weir__fault_hook = fail_one;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing = cases[i].call;
		error = cases[i].error;
		CHECK_EQ(weir_sigfd_open(r, &set, WEIR_SIGFD_EVERY_THREAD,
					 NULL, NULL, &s), error);
		CHECK(s == NULL);
		CHECK(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2));
		if (failing == WEIR__CALL_OPENDIR)
			CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo,
							     name), error);
	}
	error = 0;
	CHECK_EQ(weir_sigfd_open(r, &set, 0, NULL, NULL, &s), 0);
	failing = WEIR__CALL_SIGNALFD_READ;
	error = -EIO;
	CHECK_EQ(weir_sigfd_read(s, &info, 1), -EIO);
	error = 0;
	weir_reactor_free(r);
}

TEST(what_is_refused)
{
	static const int cannot[] = {
		SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
	};
	struct weir_reactor *r = probe_reactor();
	struct weir_sigfd *s = NULL;
	struct signalfd_siginfo info;
	struct told t;
	sigset_t set;

	sigemptyset(&set);
	CHECK_EQ(weir_sigfd_open(r, &set, 0, NULL, NULL, &s), -EINVAL);
	CHECK_EQ(weir_sigfd_open(r, NULL, 0, NULL, NULL, &s), -EINVAL);
	for (size_t i = 0; i < sizeof(cannot) / sizeof(cannot[0]); i++) {
		set = set_of(SIGUSR1, cannot[i]);
		CHECK_EQ(weir_sigfd_open(r, &set, 0, NULL, NULL, &s), -EINVAL);
	}
	set = set_of(SIGUSR1, 0);
	CHECK_EQ(weir_sigfd_open(r, &set, 2, NULL, NULL, &s), -EINVAL);
	CHECK(s == NULL);
	CHECK(!is_blocked(SIGUSR1));
	s = make(r, SIGUSR1, 0, &t);
	CHECK_EQ(weir_sigfd_read(s, &info, 1), -EINVAL);
	weir_reactor_free(r);
}

TEST(a_forked_child_leaves_the_mask_alone)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_sigfd *s, *own = NULL;
	struct signalfd_siginfo info;
	const sigset_t set = set_of(SIGUSR1, 0);
	struct told t;
	int status;
	pid_t pid;

	s = make(r, SIGUSR1, 0, &t);
	pid = fork();
	if (pid == 0) {
		CHECK_EQ(weir_sigfd_close(s), -ECHILD);
		CHECK_EQ(weir_sigfd_read(s, &info, 1), -ECHILD);
		CHECK_EQ(weir_sigfd_open(r, &set, 0, NULL, NULL, &own),
			 -ECHILD);
		weir_reactor_free(r);
		CHECK(is_blocked(SIGUSR1));
		/* One of its own counts from what it has inherited. */
		r = probe_reactor();
		own = make(r, SIGUSR1, 0, &t);
		raise(SIGUSR1);
		probe_turn(r);
		CHECK_EQ(t.records, 1);
		CHECK_EQ(weir_sigfd_close(own), 0);
		CHECK(is_blocked(SIGUSR1));
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(weir_sigfd_close(s), 0);
	CHECK(!is_blocked(SIGUSR1));
	weir_reactor_free(r);
}
