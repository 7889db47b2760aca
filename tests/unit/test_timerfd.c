/* SPDX-License-Identifier: MIT */
/*
 * test_timerfd.c - timers of the kernel, on a clock of choice
 *
 * The machine's clocks are not touched.  A wall clock that was set is played
 * through the seam, suspend by what the linker puts in the place of
 * clock_gettime(), or by a time namespace.
 */
#include <weir.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>

#include "deny.h"
#include "fixture.h"
#include "noted.h"
#include "probe.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* --- the clocks that are asked --- */

static uint64_t asked;		/* bits: by number */
static time_t jump;		/* seconds, of all clocks but MONOTONIC */

int __real_clock_gettime(clockid_t clock, struct timespec *ts);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	const int r = __real_clock_gettime(clock, ts);

	if (jump != 0) {
		asked |= UINT64_C(1) << clock;
		if (clock != CLOCK_MONOTONIC &&
		    clock != CLOCK_MONOTONIC_COARSE)
			ts->tv_sec += jump;
	}
	return r;
}

static weir_ns clock_now(clockid_t clock)
{
	struct timespec ts;

	CHECK_EQ(__real_clock_gettime(clock, &ts), 0);
	return (weir_ns)ts.tv_sec * WEIR_NS_PER_SEC + (weir_ns)ts.tv_nsec;
}

static const clockid_t clocks[] = {
	CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME,
};

enum { CLOCKS = 3 };

TEST(once_and_never_early)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n[CLOCKS];

	for (int i = 0; i < CLOCKS; i++) {
		const weir_ns before = clock_now(CLOCK_MONOTONIC);

		make(r, clocks[i], &n[i]);
		CHECK_EQ(weir_timerfd_start(r, n[i].token, 3000000, 0, 0), 0);
		run_until(r, &n[i], 1);
		CHECK(clock_now(CLOCK_MONOTONIC) >= before + 3000000);
		CHECK_EQ(n[i].calls, 1);
		CHECK_EQ(n[i].error, 0);
		CHECK(!is_armed(r, &n[i]));
		CHECK_EQ(weir_timerfd_close(r, n[i].token), 0);
	}
	weir_reactor_free(r);
}

TEST(zero_is_at_once)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	for (int i = 0; i < CLOCKS; i++) {
		make(r, clocks[i], &n);
		CHECK_EQ(weir_timerfd_start(r, n.token, 0, 0, 0), 0);
		run_until(r, &n, 1);
		CHECK_EQ(weir_timerfd_start(r, n.token, 0, 0,
					    WEIR_TIMERFD_ABSOLUTE), 0);
		run_until(r, &n, 1);
		CHECK_EQ(n.calls, 2);
		CHECK_EQ(n.expirations, 2);
		CHECK_EQ(weir_timerfd_close(r, n.token), 0);
	}
	weir_reactor_free(r);
}

/* Deadlines by each clock: it is reached when the call comes, and not before. */
TEST(absolute_on_each_clock)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	for (int i = 0; i < CLOCKS; i++) {
		const weir_ns deadline = clock_now(clocks[i]) + 3000000;

		make(r, clocks[i], &n);
		CHECK_EQ(weir_timerfd_start(r, n.token, deadline, 0,
					    WEIR_TIMERFD_ABSOLUTE), 0);
		run_until(r, &n, 1);
		/* Somebody else may set the wall clock. */
		CHECK(n.error == -ECANCELED || clock_now(clocks[i]) >= deadline);
		CHECK_EQ(weir_timerfd_close(r, n.token), 0);
	}
	weir_reactor_free(r);
}

/* Ten periods and a half have gone by: eleven ends, and the grid stays. */
TEST(every_expiration_is_counted)
{
	const weir_ns period = 10 * WEIR_NS_PER_SEC;
	struct weir_reactor *r = probe_reactor();
	weir_ns first;
	struct noted n;

	make(r, CLOCK_MONOTONIC, &n);
	first = clock_now(CLOCK_MONOTONIC);
	if (first < 20 * period)
		SKIP("the machine has just been started");
	first -= 10 * period + period / 2;
	CHECK_EQ(weir_timerfd_start(r, n.token, first, period,
				    WEIR_TIMERFD_ABSOLUTE), 0);
	run_until(r, &n, 1);
	CHECK_EQ(n.calls, 1);
	CHECK(n.expirations >= 11);
	CHECK(n.expirations <=
	      (clock_now(CLOCK_MONOTONIC) - first) / period + 1);
	CHECK(is_armed(r, &n));
	weir_reactor_free(r);
}

TEST(again_and_again)
{
	const weir_ns period = WEIR_NS_PER_MSEC;
	struct weir_reactor *r = probe_reactor();
	const weir_ns before = clock_now(CLOCK_BOOTTIME);
	struct noted n;

	make(r, CLOCK_BOOTTIME, &n);
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, period, 0), 0);
	run_until(r, &n, 10);
	CHECK(n.expirations - 1 <=
	      (clock_now(CLOCK_BOOTTIME) - before) / period);
	CHECK_EQ(weir_timerfd_stop(r, n.token), 0);
	CHECK(!is_armed(r, &n));
	weir_reactor_free(r);
}

TEST(what_is_due_is_forgotten_by_a_stop)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	make(r, CLOCK_MONOTONIC, &n);
	CHECK_EQ(weir_timerfd_stop(r, n.token), 0);
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 1000, 0), 0);
	wait_due(r, &n);
	CHECK_EQ(weir_timerfd_stop(r, n.token), 0);
	for (int i = 0; i < 3; i++)
		probe_turn(r);
	CHECK_EQ(n.calls, 0);
	/* And so it is by a start. */
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 0, 0), 0);
	wait_due(r, &n);
	CHECK_EQ(weir_timerfd_start(r, n.token, WEIR_FOREVER, WEIR_FOREVER, 0),
		 0);
	for (int i = 0; i < 3; i++)
		probe_turn(r);
	CHECK_EQ(n.calls, 0);
	weir_reactor_free(r);
}

static void stop_other(struct weir_reactor *r, struct noted *n)
{
	if (n->error == 0)
		CHECK_EQ(weir_timerfd_stop(r, n->other->token), 0);
}

static void close_other(struct weir_reactor *r, struct noted *n)
{
	if (n->error == 0)
		CHECK_EQ(weir_timerfd_close(r, n->other->token), 0);
}

static void delay_other(struct weir_reactor *r, struct noted *n)
{
	if (n->error == 0)
		CHECK_EQ(weir_timerfd_start(r, n->other->token, WEIR_FOREVER,
					    0, 0), 0);
}

/* Both are in one batch: the first to be called sees to the second. */
TEST(another_of_the_same_batch_is_not_called)
{
	void (*const acts[])(struct weir_reactor *, struct noted *) = {
		stop_other, close_other, delay_other,
	};

	for (int i = 0; i < 3; i++) {
		struct weir_reactor *r = probe_reactor();
		struct noted n[2];

		for (int k = 0; k < 2; k++) {
			make(r, CLOCK_MONOTONIC, &n[k]);
			n[k].act = acts[i];
			n[k].other = &n[!k];
			CHECK_EQ(weir_timerfd_start(r, n[k].token, 0, 0, 0), 0);
			wait_due(r, &n[k]);
		}
		for (int k = 0; k < 3; k++)
			probe_turn(r);
		CHECK_EQ(n[0].calls + n[1].calls, 1);
		weir_reactor_free(r);
		/* Those that were left have heard of the end. */
		CHECK_EQ(n[0].calls + n[1].calls, acts[i] == close_other ? 2 : 3);
	}
}

static void close_self(struct weir_reactor *r, struct noted *n)
{
	CHECK_EQ(weir_timerfd_close(r, n->token), 0);
	CHECK_EQ(weir_timerfd_close(r, n->token), -ESTALE);
}

static void start_self(struct weir_reactor *r, struct noted *n)
{
	if (n->error == 0)
		CHECK_EQ(weir_timerfd_start(r, n->token, 1000, 0, 0), 0);
}

static void stop_self(struct weir_reactor *r, struct noted *n)
{
	if (n->error == 0 && n->expirations >= 3)
		CHECK_EQ(weir_timerfd_stop(r, n->token), 0);
}

TEST(a_call_may_start_stop_or_close_it)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	make(r, CLOCK_MONOTONIC, &n);
	n.act = start_self;
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 0, 0), 0);
	run_until(r, &n, 5);
	CHECK_EQ(n.calls, 5);
	n.act = stop_self;
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 1000, 0), 0);
	run_until(r, &n, 1);
	CHECK(!is_armed(r, &n));
	n.act = close_self;
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 1000, 0), 0);
	run_until(r, &n, 1);
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
	CHECK_EQ(n.error, 0);
}

TEST(what_is_left_ends_with_its_reactor)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	make(r, CLOCK_MONOTONIC, &n);
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 0, 0), 0);
	weir_reactor_free(r);
	CHECK_EQ(n.calls, 1);
	CHECK_EQ(n.error, -ESHUTDOWN);
}

/* --- clocks that jump --- */

TEST(a_wall_clock_that_was_set_is_told)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	make(r, CLOCK_REALTIME, &n);
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, WEIR_NS_PER_SEC,
				    WEIR_TIMERFD_ABSOLUTE), 0);
	deny_some(WEIR__CALL_READ, -ECANCELED, 0, 1);
	run_until(r, &n, 1);
	CHECK_EQ(n.error, -ECANCELED);
	CHECK_EQ(n.calls, 1);
	/* It stands, and can be started from within its call as well. */
	CHECK(!is_armed(r, &n));
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 0, WEIR_TIMERFD_ABSOLUTE),
		 0);
	run_until(r, &n, 1);
	CHECK_EQ(n.error, 0);
	weir_reactor_free(r);
}

/* The kernel arms it and says so: once, for that is a fact of the past. */
TEST(a_wall_clock_that_is_set_at_the_start_is_told)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	make(r, CLOCK_REALTIME, &n);
	deny_some(WEIR__CALL_TIMERFD_SET, -ECANCELED, 0, 1);
	CHECK_EQ(weir_timerfd_start(r, n.token, clock_now(CLOCK_REALTIME) +
				    1000 * WEIR_NS_PER_SEC, 0,
				    WEIR_TIMERFD_ABSOLUTE), 0);
	CHECK(is_armed(r, &n));
	probe_turn(r);
	CHECK_EQ(n.error, -ECANCELED);
	probe_turn(r);
	CHECK_EQ(n.calls, 1);
	CHECK(!is_armed(r, &n));
	/* Not if it is stopped meanwhile. */
	deny_some(WEIR__CALL_TIMERFD_SET, -ECANCELED, 0, 1);
	CHECK_EQ(weir_timerfd_start(r, n.token, 1000 * WEIR_NS_PER_SEC, 0, 0),
		 0);
	CHECK_EQ(weir_timerfd_stop(r, n.token), 0);
	probe_turn(r);
	CHECK_EQ(n.calls, 1);
	weir_reactor_free(r);
}

/* What /proc says of a timer: its flags, in octal. */
static unsigned settime_flags(struct weir_reactor *r, const struct noted *n)
{
	char path[64], line[128];
	unsigned flags = 0;
	FILE *f;
	int fd;

	CHECK_EQ(weir_source_fd(r, n->token, &fd), 0);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "settime flags: %o", &flags) == 1)
			break;
	fclose(f);
	return flags;
}

TEST(the_kernel_is_asked_to_tell)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	for (int i = 0; i < CLOCKS; i++) {
		const unsigned is_told = clocks[i] == CLOCK_REALTIME ?
					 TFD_TIMER_CANCEL_ON_SET : 0;

		make(r, clocks[i], &n);
		CHECK_EQ(weir_timerfd_start(r, n.token, WEIR_FOREVER, 0,
					    WEIR_TIMERFD_ABSOLUTE), 0);
		CHECK_EQ(settime_flags(r, &n), TFD_TIMER_ABSTIME | is_told);
		CHECK_EQ(weir_timerfd_start(r, n.token, WEIR_FOREVER, 0, 0), 0);
		CHECK_EQ(settime_flags(r, &n), 0);
		CHECK_EQ(weir_timerfd_close(r, n.token), 0);
	}
	weir_reactor_free(r);
}

static void count_call(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)t;
	++*(int *)data;
	CHECK_EQ(weir_reactor_stop(r), 0);
}

/* The wall clock is set, and the machine was suspended, for a year. */
TEST(timers_of_the_wheel_know_one_clock)
{
	const uint64_t monotonic = UINT64_C(1) << CLOCK_MONOTONIC |
				   UINT64_C(1) << CLOCK_MONOTONIC_COARSE;
	struct weir_reactor *r = probe_reactor();
	struct weir_timer *day, *soon;
	int days = 0, calls = 0;
	weir_ns before;

	CHECK_EQ(weir_timer_new(r, count_call, &days, &day), 0);
	CHECK_EQ(weir_timer_new(r, count_call, &calls, &soon), 0);
	CHECK_EQ(weir_timer_start(day, 86400 * WEIR_NS_PER_SEC), 0);
	jump = 365 * 86400;
	before = clock_now(CLOCK_MONOTONIC);
	CHECK_EQ(weir_timer_start_at(soon, before + 3000000), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK(clock_now(CLOCK_MONOTONIC) >= before + 3000000);
	/* And back again. */
	jump = -jump;
	CHECK_EQ(weir_timer_start(soon, 1000000), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK_EQ(weir_timer_start_every(soon, 100000), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK_EQ(calls, 3);
	CHECK_EQ(days, 0);
	CHECK(asked & monotonic);
	CHECK_EQ(asked & ~monotonic, 0);
	jump = 0;
	weir_reactor_free(r);
}

/* --- a machine that was suspended --- */

enum { SUSPENDED = 100000 };	/* seconds */

/* In a namespace whose BOOTTIME is so much ahead. */
static void after_a_suspend(void *arg)
{
	const weir_ns mono_outside = *(weir_ns *)arg;
	const weir_ns boot = clock_now(CLOCK_BOOTTIME);
	struct weir_reactor *r = probe_reactor();
	struct weir_timer *wheel;
	struct noted n, other;
	int calls = 0;

	CHECK(boot >= SUSPENDED * WEIR_NS_PER_SEC);
	make(r, CLOCK_BOOTTIME, &n);
	make(r, CLOCK_MONOTONIC, &other);
	CHECK_EQ(weir_timer_new(r, count_call, &calls, &wheel), 0);
	/* Came due in suspend: by the other clocks that is a day ahead. */
	CHECK_EQ(weir_timerfd_start(r, n.token, boot - WEIR_NS_PER_SEC, 0,
				    WEIR_TIMERFD_ABSOLUTE), 0);
	CHECK_EQ(weir_timerfd_start(r, other.token, mono_outside +
				    SUSPENDED * WEIR_NS_PER_SEC / 2, 0,
				    WEIR_TIMERFD_ABSOLUTE), 0);
	CHECK_EQ(weir_timer_start_at(wheel, mono_outside +
				     SUSPENDED * WEIR_NS_PER_SEC / 2), 0);
	run_until(r, &n, 1);
	/* And one to come. */
	CHECK_EQ(weir_timerfd_start(r, n.token, boot + 3000000, 0,
				    WEIR_TIMERFD_ABSOLUTE), 0);
	run_until(r, &n, 1);
	CHECK(clock_now(CLOCK_BOOTTIME) >= boot + 3000000);
	CHECK_EQ(n.calls, 2);
	CHECK_EQ(other.calls, 0);
	CHECK_EQ(calls, 0);
	CHECK_EQ(weir_timer_start(wheel, 1000), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK_EQ(calls, 1);
	weir_reactor_free(r);
}

TEST(what_came_due_in_suspend_is_told)
{
	char line[64];
	weir_ns mono = clock_now(CLOCK_MONOTONIC);
	int fd, n;

	if (unshare(CLONE_NEWTIME) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWTIME) < 0)
		SKIP("no time namespace can be made here");
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		SKIP("no time namespace can be set here");
	n = snprintf(line, sizeof(line), "boottime %d 0\n", SUSPENDED);
	n = (int)write(fd, line, (size_t)n);
	close(fd);
	if (n < 0)
		SKIP("no time namespace can be set here");
	in_a_child(after_a_suspend, &mono);
}

/* --- in a pool --- */

struct mover {
	weir_token token;
	int worker, error;
	sem_t done, ended;
};

static void on_mover(struct weir_reactor *r, weir_token token,
		     uint64_t expirations, int error, void *data)
{
	struct mover *m = data;

	CHECK(weir_token_equal(token, m->token));
	(void)expirations;
	m->worker = weir_reactor_index(r);
	m->error = error;
	sem_post(error == 0 ? &m->done : &m->ended);
}

static void open_and_move(struct weir_reactor *r, void *arg)
{
	struct mover *m = arg;

	CHECK_EQ(weir_timerfd_open(r, CLOCK_BOOTTIME, on_mover, m, &m->token),
		 0);
	CHECK_EQ(weir_timerfd_start(r, m->token, WEIR_NS_PER_MSEC,
				    WEIR_NS_PER_MSEC, 0), 0);
	CHECK_EQ(weir_source_move(r, m->token, 1), 0);
	CHECK_EQ(weir_timerfd_stop(r, m->token), -ESTALE);
}

/* A pool drains although it runs, and it is told of the end. */
TEST(it_moves_and_holds_up_no_drain)
{
	struct weir_pool *pool = fixture_pool(2);
	struct mover m;

	sem_init(&m.done, 0, 0);
	sem_init(&m.ended, 0, 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, 0, open_and_move, &m);
	for (int i = 0; i < 3; i++)
		fixture_wait(&m.done);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	fixture_wait(&m.ended);
	CHECK_EQ(m.worker, 1);
	CHECK_EQ(m.error, -ESHUTDOWN);
	weir_pool_free(pool);
}

static void open_and_fail_to_move(struct weir_reactor *r, void *arg)
{
	struct mover *m = arg;

	CHECK_EQ(weir_timerfd_open(r, CLOCK_BOOTTIME, on_mover, m, &m->token),
		 0);
	CHECK_EQ(weir_source_move(r, m->token, 1), 0);
}

static void deny_here(struct weir_reactor *r, void *arg)
{
	(void)r;
	if (arg)
		deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	else
		deny_nothing();
}

TEST(a_worker_that_cannot_watch_it_says_so)
{
	struct weir_pool *pool = fixture_pool(2);
	struct mover m;

	sem_init(&m.done, 0, 0);
	sem_init(&m.ended, 0, 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, 1, deny_here, pool);
	fixture_on(pool, 0, open_and_fail_to_move, &m);
	fixture_wait(&m.ended);
	CHECK_EQ(m.error, -ENOSPC);
	CHECK_EQ(m.worker, 1);
	fixture_on(pool, 1, deny_here, NULL);
	fixture_pool_end(pool);
}

/* --- after a fork --- */

struct forked {
	struct weir_reactor *r;
	struct noted n;
};

static void go_on(void *arg)
{
	struct forked *f = arg;

	CHECK_EQ(weir_reactor_after_fork(f->r), 0);
	CHECK_EQ(weir_timerfd_stop(f->r, f->n.token), -ESTALE);
	CHECK_EQ(weir_source_count(f->r), 0);
	weir_reactor_free(f->r);
	CHECK_EQ(f->n.calls, 0);
}

static void give_up(void *arg)
{
	struct forked *f = arg;

	CHECK_EQ(weir_timerfd_stop(f->r, f->n.token), -ECHILD);
	CHECK_EQ(weir_reactor_abandon(f->r), 0);
	CHECK_EQ(f->n.error, -ESHUTDOWN);
}

TEST(a_forked_child_leaves_it_to_its_parent)
{
	struct forked f = { .r = probe_reactor() };

	make(f.r, CLOCK_BOOTTIME, &f.n);
	CHECK_EQ(weir_timerfd_start(f.r, f.n.token, 0, 0, 0), 0);
	wait_due(f.r, &f.n);
	in_a_child(go_on, &f);
	in_a_child(give_up, &f);
	probe_turn(f.r);
	CHECK_EQ(f.n.expirations, 1);
	weir_reactor_free(f.r);
}
