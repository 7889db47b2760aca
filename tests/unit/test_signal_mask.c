/* SPDX-License-Identifier: MIT */
/*
 * test_signal_mask.c - which threads block what, and what it is like afterwards
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "sys/fault.h"

static const int served[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD };

static struct weir_pool *make(unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = workers,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

static void on_signal(struct weir_reactor *control,
		      const struct signalfd_siginfo *info, void *heard)
{
	(void)control;
	CHECK_EQ(info->ssi_signo, SIGUSR2);
	sem_post(heard);
}

static void get_mask(sigset_t *set)
{
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, set), 0);
}

static bool is_same(const sigset_t *a, const sigset_t *b)
{
	for (int signo = 1; signo <= 64; signo++)
		if (sigismember(a, signo) != sigismember(b, signo))
			return false;
	return true;
}

TEST(the_mask_is_restored_bit_by_bit)
{
	struct weir_pool *pool, *other;
	sigset_t before, now;

	sigemptyset(&before);
	sigaddset(&before, SIGHUP);
	sigaddset(&before, SIGRTMIN + 1);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	pool = make(1);
	get_mask(&now);
	for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++)
		CHECK(sigismember(&now, served[i]));
	CHECK(!sigismember(&now, SIGUSR2));
	CHECK_EQ(weir_signal_add(pool, SIGUSR2, on_signal, NULL), 0);
	get_mask(&now);
	CHECK(sigismember(&now, SIGUSR2));
	other = make(1);
	/* What the caller changes meanwhile stays as he wants it. */
	sigemptyset(&now);
	sigaddset(&now, SIGWINCH);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &now, NULL), 0);
	sigaddset(&before, SIGWINCH);
	weir_pool_free(pool);
	get_mask(&now);
	CHECK(sigismember(&now, SIGTERM));
	CHECK(!sigismember(&now, SIGUSR2));
	CHECK_EQ(weir_pool_start(other), 0);
	weir_pool_free(other);
	get_mask(&now);
	CHECK(is_same(&before, &now));
	pool = fixture_pool(1);
	get_mask(&now);
	CHECK(is_same(&before, &now));
	weir_pool_free(pool);
}

static void *free_elsewhere(void *pool)
{
	sigset_t before, now;

	get_mask(&before);
	weir_pool_free(pool);
	get_mask(&now);
	CHECK(is_same(&before, &now));
	return NULL;
}

TEST(another_thread_frees_it)
{
	struct weir_pool *pool = make(1);
	pthread_t thread;
	sigset_t now;

	CHECK_EQ(pthread_create(&thread, NULL, free_elsewhere, pool), 0);
	pthread_join(thread, NULL);
	get_mask(&now);
	CHECK(sigismember(&now, SIGTERM));
}

TEST(what_is_pending_at_the_end_does_not_kill)
{
	struct weir_pool *pool = make(1), *other;
	sigset_t now;

	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(kill(getpid(), SIGTERM), 0);
	CHECK_EQ(kill(getpid(), SIGHUP), 0);
	other = make(1);
	weir_pool_free(pool);
	weir_pool_free(other);
	get_mask(&now);
	CHECK(!sigismember(&now, SIGTERM));
	sigpending(&now);
	CHECK(!sigismember(&now, SIGTERM));
}

static void *be_open(void *sem)
{
	prctl(PR_SET_NAME, "rogue");
	sem_post(&((sem_t *)sem)[0]);
	fixture_wait(&((sem_t *)sem)[1]);
	return NULL;
}

TEST(a_thread_that_does_not_block)
{
	struct weir_pool *pool;
	pthread_t thread;
	sem_t sems[2];

	sem_init(&sems[0], 0, 0);
	sem_init(&sems[1], 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, be_open, sems), 0);
	fixture_wait(&sems[0]);
	pool = make(2);
	CHECK_EQ(weir_pool_start(pool), -EPERM);
	CHECK(strstr(weir_pool_error(pool), "(rogue) does not block SIGHUP"));
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	/* Without signals nobody cares. */
	pool = fixture_pool(1);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_pool_end(pool);
	sem_post(&sems[1]);
	pthread_join(thread, NULL);
}

static enum weir__call failing;

static int fail_call(enum weir__call call)
{
	return call == failing ? -EINVAL : 0;
}

TEST(a_signal_that_cannot_be_added_is_not)
{
	static const enum weir__call calls[] = {
		WEIR__CALL_SIGNALFD_SET, WEIR__CALL_SIGMASK,
	};
	struct weir_pool *pool = make(1);
	sigset_t now;
	sem_t heard;

	sem_init(&heard, 0, 0);
	for (int i = 0; i < 2; i++) {
		failing = calls[i];
		weir__fault_hook = fail_call;
		CHECK_EQ(weir_signal_add(pool, SIGUSR2, on_signal, &heard),
			 -EINVAL);
		weir__fault_hook = NULL;
		get_mask(&now);
		CHECK(!sigismember(&now, SIGUSR2));
		CHECK_EQ(weir_signal_remove(pool, SIGUSR2), -ENOENT);
	}
	CHECK_EQ(weir_signal_add(pool, SIGUSR2, on_signal, &heard), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(kill(getpid(), SIGUSR2), 0);
	fixture_wait(&heard);
	fixture_pool_end(pool);
	get_mask(&now);
	CHECK(!sigismember(&now, SIGUSR2));
}
