/* SPDX-License-Identifier: MIT */
/*
 * test_pool_faults.c - every system call and allocation of a pool fails in turn
 *
 * A whole life, new -> add -> start -> post -> drain -> join -> free, with the
 * n-th call failing, for n = 1, 2, ... until none is left to fail.  Each time
 * everything must end, nothing may leak (the harness and the sanitizers look),
 * each message must come to its end, and what failed must be said.
 *
 * The linker sends the library's allocations here (--wrap, in Makefile.am).
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "heap.h"
#include "sys/fault.h"

enum { HEAP = WEIR__CALL_COUNT, KINDS };

struct kind {
	int error;		/* 0: is not made to fail */
	bool is_quiet;		/* may be: there is another way */
};

static const struct kind kinds[KINDS] = {
	[WEIR__CALL_EPOLL_CREATE] = { EMFILE, false },
	[WEIR__CALL_EPOLL_CTL] = { ENOSPC, true },	/* also removals */
	[WEIR__CALL_EPOLL_WAIT] = { EINTR, true },
	[WEIR__CALL_EVENTFD_NEW] = { EMFILE, false },
	[WEIR__CALL_SIGNALFD_NEW] = { EMFILE, false },
	[WEIR__CALL_SIGNALFD_SET] = { EBADF, false },
	[WEIR__CALL_SIGNALFD_READ] = { EINTR, true },
	[WEIR__CALL_SIGMASK] = { EINVAL, true },	/* also at the end */
	[WEIR__CALL_INOTIFY_NEW] = { EMFILE, false },
	[WEIR__CALL_INOTIFY_ADD] = { ENOSPC, false },
	[WEIR__CALL_INOTIFY_REMOVE] = { EINVAL, true },
	[WEIR__CALL_READ] = { EIO, true },
	[WEIR__CALL_CLOSE] = { EIO, true },
	[WEIR__CALL_FCNTL] = { EBADF, false },
	[WEIR__CALL_OPEN] = { EMFILE, true },	/* also the control group's */
	[WEIR__CALL_OPENDIR] = { EMFILE, false },
	[WEIR__CALL_STAT] = { EACCES, true },
	[WEIR__CALL_PIDFD_OPEN] = { EMFILE, false },
	[WEIR__CALL_WAIT] = { ECHILD, true },
	[WEIR__CALL_THREAD_CREATE] = { EAGAIN, false },
	[WEIR__CALL_THREAD_PIN] = { EINVAL, false },
	[WEIR__CALL_TIMERSLACK] = { EINVAL, true },
	[WEIR__CALL_AFFINITY] = { EFAULT, false },
	[WEIR__CALL_FORK_PAGE] = { ENOMEM, true },
	[WEIR__CALL_ARENA_NEW] = { ENOMEM, false },
	[WEIR__CALL_ALLOC] = { ENOMEM, false },
	[WEIR__CALL_MMAP] = { ENOMEM, true },	/* also the shared one */
	[WEIR__CALL_MEMFD_NEW] = { EMFILE, true },
	[WEIR__CALL_MEMFD_SIZE] = { ENOMEM, true },
	[HEAP] = { ENOMEM, true },	/* also for what is tried again */
};

static struct {
	pthread_mutex_t lock;
	bool is_on;
	int left;		/* until the one that fails */
	int failed;		/* its kind */
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int meet(int kind)
{
	int r = 0;

	pthread_mutex_lock(&fault.lock);
	if (fault.is_on && kinds[kind].error && --fault.left == 0) {
		fault.failed = kind;
		r = -kinds[kind].error;
	}
	pthread_mutex_unlock(&fault.lock);
	return r;
}

static int hook(enum weir__call call)
{
	return meet((int)call);
}

static bool heap_refuses(void)
{
	return meet(HEAP) < 0;
}

static void fault_begin(int n)
{
	pthread_mutex_lock(&fault.lock);
	fault.is_on = true;
	fault.left = n;
	pthread_mutex_unlock(&fault.lock);
}

/* Return: whether a call failed. */
static bool fault_end(void)
{
	bool has_failed;

	pthread_mutex_lock(&fault.lock);
	fault.is_on = false;
	has_failed = fault.left <= 0;
	pthread_mutex_unlock(&fault.lock);
	return has_failed;
}

/* --- a life --- */

static struct {
	atomic_int error;	/* the first that was said */
	atomic_int accepted, run, returned;
	atomic_int snapshots;	/* objects that exist */
	struct weir_snapshot *snapshot;
	struct weir_counter *counter;
	pid_t child;
	atomic_bool is_reaped;
	bool is_child_added;
} life;

/* Note an error; return whether there was none. */
static bool said(int err)
{
	int none = 0;

	if (err < 0)
		atomic_compare_exchange_strong(&life.error, &none, err);
	return err >= 0;
}

static void on_run(struct weir_reactor *r, const struct weir_msg *msg,
		   void *data);

static void on_returned(struct weir_reactor *r, const struct weir_msg *msg,
			int why)
{
	(void)r;
	(void)msg;
	CHECK_EQ(why, -ECANCELED);
	life.returned++;
}

static const struct weir_call call = {
	.run = on_run,
	.undeliverable = on_returned,
};

static void post_all(struct weir_pool *pool, uint64_t hops)
{
	for (int i = -1; i < weir_pool_workers(pool); i++)
		life.accepted += said(weir_post(pool, i, &call, NULL, hops));
}

/* From each thread to each, so that all rings are made. */
static void on_run(struct weir_reactor *r, const struct weir_msg *msg,
		   void *data)
{
	(void)data;
	life.run++;
	if (msg->word > 0)
		post_all(weir_reactor_pool(r), msg->word - 1);
}

static void object_free(void *object, void *data)
{
	(void)object;
	(void)data;
	life.snapshots--;
}

static void on_reaped(struct weir_reactor *control,
		      const struct weir_child_status *status, void *data)
{
	(void)control;
	(void)data;
	CHECK_EQ(status->pid, life.child);
	life.is_reaped = true;
}

static void on_changed(struct weir_reactor *control, const char *path,
		       enum weir_watch_event event, void *data)
{
	(void)control;
	(void)path;
	(void)event;
	(void)data;
}

static void publish(struct weir_reactor *r, void *arg)
{
	static char object;

	(void)r;
	(void)arg;
	if (life.snapshot && said(weir_snapshot_publish(life.snapshot,
							&object)))
		life.snapshots++;
}

static int on_start(struct weir_reactor *r, void *data)
{
	weir_token token;
	int err = weir_source_open(r, NULL, NULL, &token);

	(void)data;
	return err;
}

static void add_things(struct weir_pool *pool)
{
	static const struct weir_watchdog_options dog = {
		.size = sizeof(dog), .limit = 100 * WEIR_NS_PER_SEC,
	};
	static char object;
	weir_token token;

	said(weir_watchdog_start(pool, &dog));
	said(weir_signal_add(pool, SIGUSR2, NULL, NULL));
	said(weir_watch_add(pool, "/tmp/weir-no-such-file", on_changed, NULL,
			    &token));
	life.is_child_added = said(weir_child_add(pool, life.child, on_reaped,
						  NULL, &token));
	if (said(weir_snapshot_new(pool, &object, object_free, NULL,
				   &life.snapshot)))
		life.snapshots++;
	said(weir_counter_new(pool, &life.counter));
}

static void check_ends(void)
{
	int status;

	if (!life.is_reaped)
		CHECK_EQ(waitpid(life.child, &status, 0), life.child);
	CHECK_EQ(life.snapshots, 0);
	CHECK_EQ(life.run + life.returned, life.accepted);
}

static void live(struct weir_pool *pool)
{
	add_things(pool);
	post_all(pool, 0);
	if (said(weir_pool_start(pool))) {
		post_all(pool, 2);
		fixture_on(pool, WEIR_CONTROL, publish, NULL);
		fixture_settle(pool);
		CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	} else {
		CHECK(strlen(weir_pool_error(pool)) > 0);
		CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	}
	CHECK_EQ(weir_pool_join(pool), 0);
	life.snapshot = weir_snapshot_free(life.snapshot);
	life.counter = weir_counter_free(life.counter);
}

/* Return: whether the n-th call was there to fail. */
static bool live_with_fault(int n)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
		.flags = WEIR_POOL_PIN, .on_start = on_start,
	};
	struct weir_pool *none = (void *)-1, *pool = none;
	bool has_failed;
	siginfo_t info;

	memset(&life, 0, sizeof(life));
	life.child = fork();
	if (life.child == 0)
		_exit(0);
	/* It has ended, and is there to be reaped. */
	waitid(P_PID, (id_t)life.child, &info, WEXITED | WNOWAIT);
	fault_begin(n);
	if (said(weir_pool_new(&options, &pool))) {
		live(pool);
		weir_pool_free(pool);
	} else {
		CHECK(pool == none);
	}
	has_failed = fault_end();
	check_ends();
	return has_failed;
}

/* What failed in the last life was said, if it had to be. */
static void check_said(int n)
{
	const struct kind *kind = &kinds[fault.failed];
	const char *name = fault.failed == HEAP ? "malloc" :
		weir__call_name((enum weir__call)fault.failed);

	if (life.error != 0 && life.error != -kind->error)
		test_fail(__FILE__, __LINE__, "call %d, %s: said %d, not %d",
			  n, name, life.error, -kind->error);
	if (life.error == 0 && !kind->is_quiet)
		test_fail(__FILE__, __LINE__, "call %d, %s: nothing was said",
			  n, name);
}

/* Every fourth: all together would be long for a busy machine. */
static void sweep(int first)
{
	int n = first;

	weir__fault_hook = hook;
	for (; live_with_fault(n); n += 4)
		check_said(n);
	/* The last one was a life without a fault. */
	CHECK_EQ(life.error, 0);
	CHECK(life.is_reaped);
	CHECK(n > 100);
}

TEST(each_call_fails_in_turn_1)
{
	sweep(1);
}

TEST(each_call_fails_in_turn_2)
{
	sweep(2);
}

TEST(each_call_fails_in_turn_3)
{
	sweep(3);
}

TEST(each_call_fails_in_turn_4)
{
	sweep(4);
}

static atomic_int waits;
static int waits_that_work;

static int fail_waits(enum weir__call which)
{
	return which == WEIR__CALL_EPOLL_WAIT && waits++ >= waits_that_work ?
		-EBADF : 0;
}

/* It does not turn in vain: it stops, and says why. */
TEST(a_pool_that_cannot_wait_stops)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	waits_that_work = 2;
	weir__fault_hook = fail_waits;
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_join(pool), -EBADF);
	CHECK_EQ(weir_pool_join(pool), -EBADF);
	weir__fault_hook = NULL;
	CHECK(strstr(weir_pool_error(pool), "wait") != NULL);
	CHECK(waits < 3 * 16 + 8);
	weir_pool_free(pool);
}
