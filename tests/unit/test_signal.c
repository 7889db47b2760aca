/* SPDX-License-Identifier: MIT */
/*
 * test_signal.c - signals as calls on the control thread
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "pool/pool.h"

/* What was logged; the log function of a test may do more. */
static struct {
	pthread_mutex_t lock;
	char text[8192];
	fixture_fn *fn;
	void *arg;
} logged = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void log_line(int level, const char *text, void *data)
{
	size_t length;

	(void)data;
	pthread_mutex_lock(&logged.lock);
	length = strlen(logged.text);
	snprintf(logged.text + length, sizeof(logged.text) - length, "%d %s\n",
		 level, text);
	pthread_mutex_unlock(&logged.lock);
	if (logged.fn)
		logged.fn(weir_reactor_current(), logged.arg);
}

static bool has_logged(const char *text)
{
	bool has;

	pthread_mutex_lock(&logged.lock);
	has = strstr(logged.text, text) != NULL;
	pthread_mutex_unlock(&logged.lock);
	return has;
}

static void wait_for_log(const char *text)
{
	while (!has_logged(text))
		fixture_sleep_ms(1);
}

static struct weir_pool *make(unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = workers, .name = "sig",
		.log = log_line,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

static struct weir_pool *start(unsigned workers)
{
	struct weir_pool *pool = make(workers);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

static void send_signal(int signo)
{
	CHECK_EQ(kill(getpid(), signo), 0);
}

TEST(term_and_int_drain)
{
	static const int signals[] = { SIGTERM, SIGINT };

	for (int i = 0; i < 2; i++) {
		struct weir_pool *pool = start(2);

		send_signal(signals[i]);
		CHECK_EQ(weir_pool_join(pool), 0);
		weir_pool_free(pool);
	}
	CHECK(has_logged("6 SIGTERM: draining\n"));
	CHECK(has_logged("6 SIGINT: draining\n"));
}

static enum weir_verdict stay(struct weir_reactor *r,
			      const struct weir_event *event, void *data)
{
	(void)r;
	(void)event;
	(void)data;
	return WEIR_DONE;
}

static void add_stay(struct weir_reactor *r, void *fd)
{
	weir_token token;

	CHECK_EQ(weir_source_add(r, *(int *)fd, WEIR_READABLE, stay, NULL,
				 &token), 0);
}

TEST(term_has_the_limit_of_the_options)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1,
		.drain_ns = 10 * WEIR_NS_PER_MSEC,
	};
	struct weir_pool *pool;
	int fds[2];

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_unix_pair(fds);
	fixture_on(pool, 0, add_stay, &fds[1]);
	send_signal(SIGTERM);
	CHECK_EQ(weir_pool_join(pool), -ETIMEDOUT);
	weir_pool_free(pool);
	close(fds[0]);
	close(fds[1]);
}

TEST(term_before_the_start_is_kept)
{
	struct weir_pool *pool = make(1);

	send_signal(SIGTERM);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

static void post_nothing(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static const struct weir_call nothing = { .run = post_nothing };

/* Its queue to itself has no room when the signal is read, a moment later. */
static void fill_own_queue(struct weir_reactor *r, struct weir_timer *t,
			   void *data)
{
	(void)t;
	(void)data;
	while (weir__post_reserved(weir_reactor_pool(r), WEIR_CONTROL, &nothing,
				   NULL, 0) == 0)
		;
	send_signal(SIGTERM);
}

static void fill_later(struct weir_reactor *r, void *arg)
{
	struct weir_timer *t;

	(void)arg;
	CHECK_EQ(weir_timer_new(r, fill_own_queue, NULL, &t), 0);
	CHECK_EQ(weir_timer_start(t, 1), 0);
}

TEST(term_needs_no_room)
{
	struct weir_pool *pool = start(1);

	fixture_on(pool, WEIR_CONTROL, fill_later, NULL);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

/* --- handlers --- */

enum { HEARD_MAX = 256 };

struct ear {
	sem_t heard;
	atomic_int count;
	int signo[HEARD_MAX], value[HEARD_MAX];
	_Atomic pid_t pid;
};

static void on_signal(struct weir_reactor *control,
		      const struct signalfd_siginfo *info, void *data)
{
	struct ear *ear = data;

	CHECK(weir_reactor_current() == control);
	CHECK_EQ(weir_reactor_index(control), WEIR_CONTROL);
	CHECK(ear->count < HEARD_MAX);
	ear->signo[ear->count] = (int)info->ssi_signo;
	ear->value[ear->count] = info->ssi_int;
	ear->pid = (pid_t)info->ssi_pid;
	ear->count++;
	sem_post(&ear->heard);
}

static void ear_init(struct ear *ear)
{
	memset(ear, 0, sizeof(*ear));
	sem_init(&ear->heard, 0, 0);
}

/* To be called on the control thread. */
struct change {
	int signo;
	weir_signal_fn *fn;
	void *data;
	int result;
};

static void add_here(struct weir_reactor *r, void *change)
{
	struct change *c = change;

	c->result = weir_signal_add(weir_reactor_pool(r), c->signo, c->fn,
				    c->data);
}

static void remove_here(struct weir_reactor *r, void *change)
{
	struct change *c = change;

	c->result = weir_signal_remove(weir_reactor_pool(r), c->signo);
}

static int add(struct weir_pool *pool, int signo, weir_signal_fn *fn,
	       void *data)
{
	struct change c = { signo, fn, data, 1 };

	fixture_on(pool, WEIR_CONTROL, add_here, &c);
	return c.result;
}

static int rem(struct weir_pool *pool, int signo)
{
	struct change c = { .signo = signo, .result = 1 };

	fixture_on(pool, WEIR_CONTROL, remove_here, &c);
	return c.result;
}

TEST(a_handler_in_the_place_of_the_default)
{
	struct weir_pool *pool = make(1);
	struct ear ear, second;

	ear_init(&ear);
	ear_init(&second);
	CHECK_EQ(weir_signal_add(pool, SIGTERM, on_signal, &ear), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = 1; i <= 3; i++) {
		send_signal(SIGTERM);
		fixture_wait(&ear.heard);
		CHECK_EQ(ear.count, i);
		CHECK_EQ(ear.signo[i - 1], SIGTERM);
		CHECK_EQ(ear.pid, getpid());
	}
	CHECK_EQ(add(pool, SIGTERM, on_signal, &second), 0);
	send_signal(SIGTERM);
	fixture_wait(&second.heard);
	/* Read and ignored; the other one is not, and comes behind it. */
	CHECK_EQ(add(pool, SIGTERM, NULL, NULL), 0);
	CHECK_EQ(add(pool, SIGUSR1, on_signal, &ear), 0);
	send_signal(SIGTERM);
	fixture_settle(pool);
	send_signal(SIGUSR1);
	fixture_wait(&ear.heard);
	CHECK_EQ(ear.signo[3], SIGUSR1);
	CHECK_EQ(second.count, 1);
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_RUNNING);
	CHECK_EQ(rem(pool, SIGTERM), 0);
	CHECK_EQ(rem(pool, SIGTERM), -ENOENT);
	send_signal(SIGTERM);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

TEST(what_is_refused)
{
	static const int bad[] = {
		-1, 0, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
		SIGTRAP, 32, 33, 65, 1000,
	};
	struct weir_pool *pool = make(1), *without = fixture_pool(1);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(weir_signal_add(pool, bad[i], on_signal, NULL),
			 -EINVAL);
		CHECK_EQ(weir_signal_remove(pool, bad[i]), -ENOENT);
	}
	CHECK_EQ(weir_signal_remove(pool, SIGTERM), -ENOENT);
	CHECK_EQ(weir_signal_add(without, SIGTERM, on_signal, NULL), -EPERM);
	CHECK_EQ(weir_signal_remove(without, SIGTERM), -ENOENT);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_signal_add(pool, SIGTERM, on_signal, NULL), -EBUSY);
	CHECK_EQ(weir_signal_remove(pool, SIGTERM), -EBUSY);
	/* SIGWINCH is blocked nowhere, and it is too late for that. */
	CHECK_EQ(add(pool, SIGWINCH, on_signal, NULL), -EPERM);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	weir_pool_free(without);
}

TEST(a_signal_that_is_blocked_can_be_added_later)
{
	struct weir_pool *pool;
	struct ear ear;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	pool = start(2);
	ear_init(&ear);
	CHECK_EQ(add(pool, SIGWINCH, on_signal, &ear), 0);
	send_signal(SIGWINCH);
	fixture_wait(&ear.heard);
	CHECK_EQ(ear.signo[0], SIGWINCH);
	fixture_pool_end(pool);
	/* It was the caller who blocked it. */
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
	CHECK(sigismember(&set, SIGWINCH));
}

TEST(real_time_signals_have_values)
{
	enum { TIMES = 50 };
	struct weir_pool *pools[2] = { make(1), make(1) };
	struct ear ears[2];

	for (int i = 0; i < 2; i++) {
		ear_init(&ears[i]);
		CHECK_EQ(weir_signal_add(pools[i], SIGRTMIN + 3, on_signal,
					 &ears[i]), 0);
		CHECK_EQ(weir_signal_add(pools[i], SIGRTMAX, on_signal,
					 &ears[i]), 0);
		CHECK_EQ(weir_pool_start(pools[i]), 0);
	}
	for (int n = 0; n < TIMES; n++) {
		const union sigval value = { .sival_int = n };

		CHECK_EQ(sigqueue(getpid(), n % 10 ? SIGRTMIN + 3 : SIGRTMAX,
				  value), 0);
	}
	for (int i = 0; i < 2; i++) {
		int sum = 0;

		for (int n = 0; n < TIMES; n++) {
			fixture_wait(&ears[i].heard);
			sum += ears[i].value[n];
		}
		CHECK_EQ(sum, TIMES * (TIMES - 1) / 2);
		CHECK_EQ(ears[i].count, TIMES);
		fixture_pool_end(pools[i]);
	}
}

/* --- more than one pool --- */

TEST(each_pool_gets_each_signal)
{
	enum { POOLS = 3 };
	struct weir_pool *pools[POOLS];
	struct ear ears[POOLS], only;

	ear_init(&only);
	for (int i = 0; i < POOLS; i++) {
		pools[i] = make(1);
		ear_init(&ears[i]);
		CHECK_EQ(weir_signal_add(pools[i], SIGUSR1, on_signal,
					 &ears[i]), 0);
	}
	CHECK_EQ(weir_signal_add(pools[1], SIGUSR2, on_signal, &only), 0);
	for (int i = 0; i < POOLS; i++)
		CHECK_EQ(weir_pool_start(pools[i]), 0);
	for (int n = 1; n <= 20; n++) {
		send_signal(SIGUSR1);
		for (int i = 0; i < POOLS; i++) {
			fixture_wait(&ears[i].heard);
			CHECK_EQ(ears[i].count, n);
		}
		send_signal(SIGUSR2);
		fixture_wait(&only.heard);
		CHECK_EQ(only.count, n);
	}
	/* One that has ended is not missed. */
	CHECK_EQ(weir_pool_stop(pools[0]), 0);
	CHECK_EQ(weir_pool_join(pools[0]), 0);
	send_signal(SIGUSR1);
	fixture_wait(&ears[1].heard);
	fixture_wait(&ears[2].heard);
	CHECK(!has_logged("no room"));
	weir_pool_free(pools[0]);
	send_signal(SIGTERM);
	for (int i = 1; i < POOLS; i++) {
		CHECK_EQ(weir_pool_join(pools[i]), 0);
		weir_pool_free(pools[i]);
	}
}

static void change_signals(struct weir_reactor *r, void *arg)
{
	struct change c = { SIGUSR2, NULL, NULL, 1 };

	(void)arg;
	if (!has_logged("no room"))
		return;
	/* The log is called without a lock: the library may be called. */
	add_here(r, &c);
	CHECK_EQ(c.result, 0);
}

TEST(a_pool_without_room_misses_a_signal)
{
	struct hold hold = { .fn = NULL };
	struct weir_pool *a, *b;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	logged.fn = change_signals;
	a = start(1);
	b = start(1);
	hold_begin(&hold, b, WEIR_CONTROL);
	while (weir__post_reserved(b, WEIR_CONTROL, &nothing, NULL, 0) == 0)
		;
	send_signal(SIGHUP);
	wait_for_log("4 no room to pass signal 1 on to 1 other");
	hold_end(&hold);
	fixture_pool_end(b);
	fixture_pool_end(a);
}

TEST(usr1_writes_the_numbers)
{
	struct weir_pool *pool = start(2);

	send_signal(SIGUSR1);
	wait_for_log("6 sig/0: turns=");
	wait_for_log("6 sig/1: turns=");
	wait_for_log("6 sig/ctl: turns=");
	CHECK(!has_logged("sig/2"));
	CHECK(has_logged(" turn_max_ns="));
	fixture_pool_end(pool);
}
