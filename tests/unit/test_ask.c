/* SPDX-License-Identifier: MIT */
/*
 * test_ask.c - a foreign thread calls a function on a worker and waits
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "stress.h"
#include "sys/fault.h"

static struct weir_pool *start(unsigned workers)
{
	struct weir_pool *pool = fixture_pool(workers);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

static int64_t where(struct weir_reactor *r, void *arg, void *data)
{
	if (arg)
		*(void **)arg = data;
	CHECK(weir_reactor_current() == r);
	return 100 + weir_reactor_index(r);
}

TEST(the_answer_comes_back)
{
	struct weir_pool *pool = start(2);
	int64_t answer;

	for (int i = WEIR_CONTROL; i < 2; i++) {
		answer = -1;
		CHECK_EQ(weir_ask(pool, i, where, NULL, NULL, WEIR_FOREVER,
				  &answer), 0);
		CHECK_EQ(answer, 100 + i);
	}
	CHECK_EQ(weir_ask(pool, 0, where, NULL, NULL, WEIR_FOREVER, NULL), 0);
	fixture_pool_end(pool);
}

static void open_token(struct weir_reactor *r, void *token)
{
	CHECK_EQ(weir_source_open(r, NULL, token, token), 0);
}

static void close_token(struct weir_reactor *r, void *token)
{
	CHECK_EQ(weir_source_close(r, *(weir_token *)token), 0);
}

TEST(a_token_is_asked_where_it_lives)
{
	struct weir_pool *pool = start(2);
	weir_token token;
	void *data = NULL;
	int64_t answer = -1;

	fixture_on(pool, 1, open_token, &token);
	CHECK_EQ(weir_ask_token(pool, token, where, &data, NULL, WEIR_FOREVER,
				&answer), 0);
	CHECK_EQ(answer, 101);
	CHECK(data == &token);
	fixture_on(pool, 1, close_token, &token);
	answer = -1;
	CHECK_EQ(weir_ask_token(pool, token, where, NULL, NULL, WEIR_FOREVER,
				&answer), -ESTALE);
	CHECK_EQ(answer, -1);
	fixture_pool_end(pool);
}

static void ask_inside(struct weir_reactor *r, void *result)
{
	*(int *)result = weir_ask(weir_reactor_pool(r), 0, where, NULL, NULL,
				  WEIR_FOREVER, NULL);
}

TEST(no_thread_of_the_pool_may_ask)
{
	struct weir_pool *pool = start(2);
	int result;

	for (int i = WEIR_CONTROL; i < 2; i++) {
		result = 0;
		fixture_on(pool, i, ask_inside, &result);
		CHECK_EQ(result, -EDEADLK);
	}
	fixture_pool_end(pool);
}

static void ask_other(struct weir_reactor *r, void *other)
{
	int64_t answer = 0;

	(void)r;
	CHECK_EQ(weir_ask(other, 0, where, NULL, NULL, WEIR_FOREVER, &answer),
		 0);
	CHECK_EQ(answer, 100);
}

TEST(a_thread_of_another_pool_may_ask)
{
	struct weir_pool *a = start(1), *b = start(1);

	fixture_on(a, 0, ask_other, b);
	fixture_pool_end(a);
	fixture_pool_end(b);
}

TEST(what_is_refused)
{
	struct weir_pool *pool = start(1);
	int64_t answer = 7;
	int status;
	pid_t child;

	CHECK_EQ(weir_ask(pool, 0, NULL, NULL, NULL, 0, &answer), -EINVAL);
	CHECK_EQ(weir_ask(pool, 1, where, NULL, NULL, 0, &answer), -EINVAL);
	CHECK_EQ(weir_ask_token(pool, weir_token_none(), where, NULL, NULL, 0,
				&answer), -EINVAL);
	child = fork();
	if (child == 0)
		_exit(weir_ask(pool, 0, where, NULL, NULL, 0, NULL) !=
		      -ECHILD);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(weir_ask(pool, 0, where, NULL, NULL, WEIR_FOREVER, &answer),
		 -ECANCELED);
	CHECK_EQ(answer, 7);
	fixture_pool_end(pool);
}

static int64_t must_not_run(struct weir_reactor *r, void *arg, void *data)
{
	(void)r;
	(void)arg;
	(void)data;
	CHECK_STR("called", "never, as its asker had been told");
	return 0;
}

static void must_not_release(void *arg)
{
	(void)arg;
	CHECK_STR("released", "never: it is the asker's");
}

/* The question is still in the queue when its asker's stack is gone. */
TEST(a_limit_before_it_begins)
{
	struct weir_pool *pool = start(1);
	struct hold hold = { .fn = NULL };

	hold_begin(&hold, pool, 0);
	CHECK_EQ(weir_ask(pool, 0, must_not_run, NULL, NULL, 0, NULL),
		 -ETIMEDOUT);
	CHECK_EQ(weir_ask(pool, 0, must_not_run, NULL, must_not_release,
			  WEIR_NS_PER_MSEC, NULL), -ETIMEDOUT);
	hold_end(&hold);
	fixture_pool_end(pool);
}

/* A function that stays until it is let go. */
struct stay {
	sem_t is_in, may_go;
	atomic_int released;
	struct weir_pool *pool;
	weir_ask_release_fn *release;
	weir_ns limit;
	int result;
};

static int64_t stay_run(struct weir_reactor *r, void *arg, void *data)
{
	struct stay *s = arg;

	(void)r;
	(void)data;
	sem_post(&s->is_in);
	fixture_wait(&s->may_go);
	CHECK_EQ(s->released, 0);
	return 3;
}

static void stay_release(void *arg)
{
	struct stay *s = arg;

	s->released++;
}

static void *stay_ask(void *arg)
{
	struct stay *s = arg;
	int64_t answer = 0;

	s->result = weir_ask(s->pool, 0, stay_run, s, s->release, s->limit,
			     &answer);
	CHECK_EQ(answer, s->result == 0 ? 3 : 0);
	return NULL;
}

static void *let_go(void *arg)
{
	struct stay *s = arg;

	fixture_wait(&s->is_in);
	/* Well past the limit; what is right does not depend on it. */
	fixture_sleep_ms(20);
	sem_post(&s->may_go);
	return NULL;
}

/* With a release function the asker goes, and what it left is released. */
TEST(a_limit_while_it_runs)
{
	struct weir_pool *pool = start(1);
	struct stay s = { .pool = pool, .release = stay_release,
			  .limit = WEIR_NS_PER_SEC / 10 };

	sem_init(&s.is_in, 0, 0);
	sem_init(&s.may_go, 0, 0);
	stay_ask(&s);
	CHECK(s.result == -EINPROGRESS || s.result == -ETIMEDOUT);
	if (s.result == -ETIMEDOUT)
		SKIP("the worker did not get to it in 100 ms");
	CHECK_EQ(s.released, 0);
	sem_post(&s.may_go);
	fixture_pool_end(pool);
	CHECK_EQ(s.released, 1);
}

/* Without one it stays, as its stack is in use. */
TEST(a_limit_without_a_release_waits_for_the_function)
{
	struct weir_pool *pool = start(1);
	struct stay s = { .pool = pool, .limit = WEIR_NS_PER_MSEC * 5 };
	pthread_t thread;

	sem_init(&s.is_in, 0, 0);
	sem_init(&s.may_go, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, let_go, &s), 0);
	stay_ask(&s);
	CHECK(s.result == 0 || s.result == -ETIMEDOUT);
	if (s.result == -ETIMEDOUT)
		sem_post(&s.is_in);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	fixture_pool_end(pool);
}

/* The pool stops while somebody waits for an answer. */
TEST(a_stop_answers_whoever_waits)
{
	struct weir_pool *pool = start(1);
	struct stay s = { .pool = pool, .limit = WEIR_FOREVER };
	struct hold hold = { .fn = NULL };
	pthread_t thread;

	sem_init(&s.is_in, 0, 0);
	sem_init(&s.may_go, 0, 1);
	hold_begin(&hold, pool, 0);
	CHECK_EQ(pthread_create(&thread, NULL, stay_ask, &s), 0);
	fixture_sleep_ms(5);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&hold);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	/* The message behind the hold is of the same turn. */
	CHECK(s.result == 0 || s.result == -ECANCELED);
	fixture_pool_end(pool);
}

/* Limits that race with the answer: the object is freed once, by the last. */
static int64_t quick(struct weir_reactor *r, void *arg, void *data)
{
	(void)r;
	(void)data;
	(*(atomic_int *)arg)++;
	return 9;
}

static void quick_release(void *arg)
{
	(void)arg;
}

static void *ask_often(void *arg)
{
	struct weir_pool *pool = arg;
	const weir_ns end = stress_end();
	static atomic_int sink;

	for (weir_ns limit = 0; !stress_is_over(end); limit++) {
		atomic_int mine = 0;
		int64_t answer = 0;
		int err = weir_ask(pool, 0, quick, &mine, NULL,
				   limit % 64 * 500, &answer);

		CHECK(err == 0 || err == -ETIMEDOUT || err == -EAGAIN);
		CHECK_EQ(answer, err == 0 ? 9 : 0);
		CHECK_EQ(mine, err == 0);
		err = weir_ask(pool, 0, quick, &sink, quick_release,
			       limit % 64 * 500, NULL);
		CHECK(err == 0 || err == -ETIMEDOUT || err == -EINPROGRESS ||
		      err == -EAGAIN);
	}
	return NULL;
}

TEST(limits_that_race_with_answers)
{
	struct weir_pool *pool = start(1);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_often, pool),
			 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	fixture_pool_end(pool);
}

static atomic_int interruptions;

static int interrupt_wait(enum weir__call call)
{
	if (call != WEIR__CALL_FUTEX_WAIT || interruptions >= 3)
		return 0;
	interruptions++;
	return -EINTR;
}

TEST(an_interrupted_wait_goes_on)
{
	struct weir_pool *pool;
	struct hold hold = { .fn = NULL };
	struct stay s = { .limit = WEIR_FOREVER };
	pthread_t thread;

	weir__fault_hook = interrupt_wait;
	pool = start(1);
	s.pool = pool;
	sem_init(&s.is_in, 0, 0);
	sem_init(&s.may_go, 0, 1);
	hold_begin(&hold, pool, 0);
	CHECK_EQ(pthread_create(&thread, NULL, stay_ask, &s), 0);
	while (interruptions < 3)
		fixture_sleep_ms(1);
	hold_end(&hold);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(s.result, 0);
	fixture_pool_end(pool);
	weir__fault_hook = NULL;
}
