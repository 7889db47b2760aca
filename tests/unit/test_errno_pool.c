/* SPDX-License-Identifier: MIT */
/*
 * test_errno_pool.c - each error of a pool and of the messages in it
 */
#include "pool/pool.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <weir.h>

#include "deaf.h"
#include "deny.h"
#include "fixture.h"
#include "hold.h"

static weir_token token;

static const struct weir_call call = { .run = run_nothing };

/* Queues of 64. */
static struct weir_pool *small_pool(unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = workers,
		.flags = WEIR_POOL_NO_SIGNALS,
		.inbox_messages = 64,
		.ring_messages = 64,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

static void open_name(struct weir_reactor *r, void *arg)
{
	CHECK_EQ(weir_source_open(r, NULL, NULL, arg), 0);
}

/* Fill the queue from the calling thread to @worker. */
static void fill(struct weir_pool *pool, int worker)
{
	while (weir_post(pool, worker, &call, NULL, 0) == 0)
		;
	CHECK_EQ(weir_post(pool, worker, &call, NULL, 0), -EAGAIN);
}

/* --- made and started --- */

TEST(a_pool_is_not_made)
{
	struct weir_pool *pool = NULL;

	deny_descriptors(true);
	CHECK_EQ(weir_pool_new(NULL, &pool), -EMFILE);
	deny_descriptors(false);
	deny_call(WEIR__CALL_EPOLL_CREATE, -ENFILE);
	CHECK_EQ(weir_pool_new(NULL, &pool), -ENFILE);
	deny_memory();
	CHECK_EQ(weir_pool_new(NULL, &pool), -ENOMEM);
	deny_nothing();
	/* What jemalloc says when it has no number left for an arena. */
	deny_call(WEIR__CALL_ARENA_NEW, -EAGAIN);
	CHECK_EQ(weir_pool_new(NULL, &pool), -ENOSPC);
	deny_nothing();
	CHECK(!pool);
}

static struct weir_pool *signal_pool(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

static struct weir_pool *pinned_pool(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS | WEIR_POOL_PIN,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

TEST(a_pool_is_not_started)
{
	static const int of_proc[] = { -EMFILE, -ENFILE, -ENOENT, -EACCES };
	struct weir_pool *pool;
	int results[4];

	for (int i = 0; i < 4; i++) {
		pool = signal_pool();
		deny_call(WEIR__CALL_OPENDIR, of_proc[i]);
		results[i] = weir_pool_start(pool);
		deny_nothing();
		CHECK(strlen(weir_pool_error(pool)) > 0);
		CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
		weir_pool_free(pool);
	}
	CHECK_ERRNO(weir_pool_start, EMFILE, results[0]);
	CHECK_ERRNO(weir_pool_start, ENFILE, results[1]);
	CHECK_ERRNO(weir_pool_start, ENOENT, results[2]);
	CHECK_ERRNO(weir_pool_start, EACCES, results[3]);
	pool = fixture_pool(1);
	deny_call(WEIR__CALL_THREAD_CREATE, -EAGAIN);
	CHECK_EQ(weir_pool_start(pool), -EAGAIN);
	weir_pool_free(pool);
	pool = fixture_pool(1);
	deny_nothing();
	deny_heap(0);
	CHECK_EQ(weir_pool_start(pool), -ENOMEM);
	deny_nothing();
	weir_pool_free(pool);
	pool = pinned_pool();
	deny_call(WEIR__CALL_THREAD_PIN, -EINVAL);
	CHECK_EQ(weir_pool_start(pool), -EINVAL);
	deny_nothing();
	weir_pool_free(pool);
}

/* What deny.h denies is a thread's own: this one is refused to the control. */
static int no_room(enum weir__call which)
{
	return which == WEIR__CALL_EPOLL_CTL ? -ENOSPC : 0;
}

TEST(a_started_thread_may_find_no_room)
{
	struct weir_pool *pool = signal_pool();

	weir__fault_hook = no_room;
	CHECK_EQ(weir_pool_start(pool), -ENOSPC);
	weir_pool_free(pool);
}

static int no_wait(enum weir__call which)
{
	return which == WEIR__CALL_EPOLL_WAIT ? -ENOMEM : 0;
}

TEST(a_thread_cannot_wait_any_more)
{
	struct weir_pool *pool = fixture_pool(1);

	weir__fault_hook = no_wait;
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_join(pool), -ENOMEM);
	CHECK(strlen(weir_pool_error(pool)) > 0);
	weir_pool_free(pool);
}

/* --- messages --- */

struct pair {
	struct weir_pool *pool;
	struct weir_reactor *other;
	weir_token name;	/* on worker 1 */
};

static void note_reactor(struct weir_reactor *r, void *arg)
{
	struct pair *pair = arg;

	pair->other = r;
	open_name(r, &pair->name);
}

/* The first message from worker 0 to worker 1 needs a ring. */
static void no_ring(struct weir_reactor *r, void *arg)
{
	const struct pair *pair = arg;
	struct weir_pool *pool = weir_reactor_pool(r);

	deny_heap(0);
	CHECK_EQ(weir_post(pool, 1, &call, NULL, 0), -ENOMEM);
	CHECK_EQ(weir_send(pool, pair->name, &call, NULL, 0), -ENOMEM);
	CHECK_EQ(weir_reactor_post(pair->other, &call, NULL, 0), -ENOMEM);
	CHECK_EQ(weir_reactor_send(pair->other, pair->name, &call, NULL, 0),
		 -ENOMEM);
	CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), -ENOMEM);
	CHECK_EQ(weir_pool_evacuate(pool, 1, &call, NULL), -ENOMEM);
	CHECK_EQ(weir_pool_drain(pool, 0), -ENOMEM);
	deny_nothing();
}

TEST(a_ring_cannot_be_made)
{
	struct pair pair = { .pool = fixture_pool(2) };

	CHECK_EQ(weir_pool_start(pair.pool), 0);
	fixture_on(pair.pool, 1, note_reactor, &pair);
	fixture_on(pair.pool, 0, no_ring, &pair);
	fixture_pool_end(pair.pool);
}

static int64_t answer(struct weir_reactor *r, void *arg, void *data)
{
	(void)r;
	(void)arg;
	(void)data;
	return 0;
}

/* Each way of sending to a queue that is full, from a thread of no pool. */
TEST(an_inbox_is_full)
{
	struct weir_pool *pool = small_pool(2);
	struct hold hold = { 0 }, control = { 0 };
	struct pair pair;
	int i = 0, err;

	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, 0, note_reactor, &pair);
	hold_begin(&hold, pool, 0);
	hold_begin(&control, pool, WEIR_CONTROL);
	fill(pool, 0);
	CHECK_EQ(weir_send(pool, pair.name, &call, NULL, 0), -EAGAIN);
	CHECK_EQ(weir_reactor_post(pair.other, &call, NULL, 0), -EAGAIN);
	CHECK_EQ(weir_reactor_send(pair.other, pair.name, &call, NULL, 0),
		 -EAGAIN);
	CHECK_EQ(weir_ask(pool, 0, answer, NULL, NULL, 0, NULL), -EAGAIN);
	CHECK_EQ(weir_ask_token(pool, pair.name, answer, NULL, NULL, 0, NULL),
		 -EAGAIN);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &call, NULL), -EAGAIN);
	/* There is room for four, whatever else is in the queue. */
	for (i = 0; i < 4; i++)
		CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), 0);
	CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), -EAGAIN);
	do {
		err = weir_pool_drain(pool, WEIR_FOREVER);
	} while (err == 0);
	CHECK_ERRNO(weir_pool_drain, EAGAIN, err);
	hold_end(&hold);
	hold_end(&control);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

/* The queue of a reactor that stands alone. */
TEST(a_reactors_queue_is_full)
{
	struct weir_reactor *r;
	weir_token name;

	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &name), 0);
	while (weir_reactor_post(r, &call, NULL, 0) == 0)
		;
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), -EAGAIN);
	CHECK_EQ(weir_reactor_send(r, name, &call, NULL, 0), -EAGAIN);
	weir_reactor_free(r);
}

/* Each way, from one worker to another. */
static void ring_is_full(struct weir_reactor *r, void *arg)
{
	struct weir_pool *pool = weir_reactor_pool(r);
	const struct pair *pair = arg;
	weir_token moving;

	fill(pool, 1);
	CHECK_EQ(weir_send(pool, pair->name, &call, NULL, 0), -EAGAIN);
	CHECK_EQ(weir_reactor_post(pair->other, &call, NULL, 0), -EAGAIN);
	CHECK_EQ(weir_reactor_send(pair->other, pair->name, &call, NULL, 0),
		 -EAGAIN);
	CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), -EAGAIN);
	CHECK_EQ(weir_pool_evacuate(pool, 1, &call, NULL), -EAGAIN);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &moving), 0);
	CHECK_EQ(weir_source_move(r, moving, 1), -EAGAIN);
	CHECK_EQ(weir_source_remove(r, moving), 0);
}

TEST(a_ring_is_full)
{
	struct hold hold = { 0 };
	struct pair pair = { .pool = small_pool(2) };

	CHECK_EQ(weir_pool_start(pair.pool), 0);
	fixture_on(pair.pool, 1, note_reactor, &pair);
	hold_begin(&hold, pair.pool, 1);
	fixture_on(pair.pool, 0, ring_is_full, &pair);
	hold_end(&hold);
	fixture_settle(pair.pool);
	fixture_pool_end(pair.pool);
}

/* --- a token or a pool that has ended --- */

static int stopping_calls;

/* The pool stops; this source is still there while it is told. */
static enum weir_verdict on_stopping(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	struct weir_pool *pool = weir_reactor_pool(r);
	struct weir_room room;

	(void)data;
	if (!(event->facts & WEIR_STOPPING))
		return WEIR_DONE;
	stopping_calls++;
	CHECK_EQ(weir_post(pool, 0, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_send(pool, event->token, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_reactor_send(r, event->token, &call, NULL, 0),
		 -ECANCELED);
	CHECK_EQ(weir_room_ask(pool, 0, &room, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_room_ask_for(pool, event->token, &room, &call, NULL, 0),
		 -ECANCELED);
	CHECK_EQ(weir_source_move(r, event->token, 0), -ECANCELED);
	return WEIR_DONE;
}

static void open_stopping(struct weir_reactor *r, void *arg)
{
	CHECK_EQ(weir_source_open(r, on_stopping, NULL, arg), 0);
}

TEST(a_token_or_its_pool_has_ended)
{
	struct weir_pool *pool = fixture_pool(2);
	weir_token stopping = weir_token_none();
	struct weir_room room;

	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, 0, open_stopping, &stopping);
	token = stopping;
	token.bits += UINT64_C(1) << 48;
	CHECK_EQ(weir_send(pool, token, &call, NULL, 0), -ESTALE);
	CHECK_EQ(weir_room_ask_for(pool, token, &room, &call, NULL, 0),
		 -ESTALE);
	CHECK_EQ(weir_ask_token(pool, token, answer, NULL, NULL, 0, NULL),
		 -ESTALE);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(stopping_calls, 1);
	CHECK_EQ(weir_post(pool, 0, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_room_ask(pool, 0, &room, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_ask(pool, 0, answer, NULL, NULL, 0, NULL), -ECANCELED);
	CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), -ECANCELED);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &call, NULL), -ECANCELED);
	CHECK_EQ(weir_pool_start(pool), -EBUSY);
	weir_pool_free(pool);
}

/* --- questions --- */

struct asking {
	struct weir_pool *pool;
	weir_token name;
	sem_t is_in, may_go, is_over;
	int result;
};

static int64_t answer_late(struct weir_reactor *r, void *arg, void *data)
{
	struct asking *a = arg;

	(void)r;
	(void)data;
	sem_post(&a->is_in);
	fixture_wait(&a->may_go);
	return 0;
}

static void released(void *arg)
{
	sem_post(&((struct asking *)arg)->is_over);
}

static void ask_oneself(struct weir_reactor *r, void *arg)
{
	const struct asking *a = arg;

	(void)r;
	CHECK_EQ(weir_ask(a->pool, 0, answer, NULL, NULL, 0, NULL), -EDEADLK);
	CHECK_EQ(weir_ask_token(a->pool, a->name, answer, NULL, NULL, 0, NULL),
		 -EDEADLK);
}

static void asking_begin(struct asking *a)
{
	a->pool = fixture_pool(1);
	CHECK_EQ(weir_pool_start(a->pool), 0);
	fixture_on(a->pool, 0, open_name, &a->name);
	sem_init(&a->is_in, 0, 0);
	sem_init(&a->may_go, 0, 0);
	sem_init(&a->is_over, 0, 0);
}

/* The limit is met while the question is asked: it is in a handler by then. */
TEST(a_question_goes_on_without_the_asker)
{
	struct asking a;

	asking_begin(&a);
	do {
		a.result = weir_ask(a.pool, 0, answer_late, &a, released,
				    5 * WEIR_NS_PER_MSEC, NULL);
	} while (a.result == -ETIMEDOUT);
	CHECK_ERRNO(weir_ask, EINPROGRESS, a.result);
	sem_post(&a.may_go);
	fixture_wait(&a.is_over);
	do {
		a.result = weir_ask_token(a.pool, a.name, answer_late, &a,
					  released, 5 * WEIR_NS_PER_MSEC, NULL);
	} while (a.result == -ETIMEDOUT);
	CHECK_ERRNO(weir_ask_token, EINPROGRESS, a.result);
	sem_post(&a.may_go);
	fixture_wait(&a.is_over);
	fixture_pool_end(a.pool);
}

TEST(a_question_is_not_asked)
{
	struct hold hold = { 0 };
	struct asking a;

	asking_begin(&a);
	fixture_on(a.pool, 0, ask_oneself, &a);
	deny_heap(0);
	CHECK_EQ(weir_ask(a.pool, 0, answer, NULL, NULL, 0, NULL), -ENOMEM);
	CHECK_EQ(weir_ask_token(a.pool, a.name, answer, NULL, NULL, 0, NULL),
		 -ENOMEM);
	deny_nothing();
	hold_begin(&hold, a.pool, 0);
	CHECK_EQ(weir_ask(a.pool, 0, answer, NULL, NULL, 0, NULL),
		 -ETIMEDOUT);
	CHECK_EQ(weir_ask_token(a.pool, a.name, answer, NULL, NULL, 0, NULL),
		 -ETIMEDOUT);
	hold_end(&hold);
	fixture_pool_end(a.pool);
}

static void *ask_from_a_thread(void *arg)
{
	struct asking *a = arg;

	a->result = weir_ask_token(a->pool, a->name, answer, NULL, NULL,
				   WEIR_FOREVER, NULL);
	return NULL;
}

/* It is in the queue, and the pool stops. */
TEST(a_question_comes_back)
{
	struct hold hold = { 0 };
	struct asking a;
	pthread_t thread;
	struct weir_reactor *r;

	asking_begin(&a);
	hold_begin(&hold, a.pool, 0);
	CHECK_EQ(pthread_create(&thread, NULL, ask_from_a_thread, &a), 0);
	r = weir__pool_reactor(a.pool, 0);
	while (weir__inbox_head(r->inbox) == weir__inbox_tail(r->inbox))
		fixture_sleep_ms(1);
	CHECK_EQ(weir_pool_stop(a.pool), 0);
	hold_end(&hold);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_ERRNO(weir_ask_token, ECANCELED, a.result);
	CHECK_EQ(weir_pool_join(a.pool), 0);
	weir_pool_free(a.pool);
}

/* --- memory, and what was closed --- */

static void no_memory(struct weir_reactor *r, void *arg)
{
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int other;

	(void)arg;
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, on_stopping, NULL,
				 &token), 0);
	deny_heap(0);
	CHECK_EQ(weir_source_move(r, token, 1), -ENOMEM);
	deny_nothing();
	other = dup(fd);
	close(fd);
	CHECK_EQ(weir_source_move(r, token, 1), -EBADF);
	CHECK_EQ(weir_source_remove(r, token), 0);
	close(other);
}

TEST(a_source_cannot_leave)
{
	struct weir_pool *pool = fixture_pool(2);

	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, 0, no_memory, NULL);
	fixture_pool_end(pool);
}

static void free_nothing(void *object, void *data)
{
	(void)object;
	(void)data;
}

TEST(there_is_no_memory)
{
	const struct weir_watchdog_options dog = { .size = sizeof(dog) };
	struct weir_snapshot *snapshot = NULL;
	struct weir_pool *pool = fixture_pool(2);
	struct weir_counter *counter = NULL;
	struct weir_record records[1];

	deny_memory();
	CHECK_EQ(weir_pool_records(pool, 0, records, 1), -ENOMEM);
	CHECK_EQ(weir_shm_records(pool->shm, 0, records, 1), -ENOMEM);
	CHECK_EQ(weir_counter_new(pool, &counter), -ENOMEM);
	CHECK_EQ(weir_watchdog_start(pool, &dog), -ENOMEM);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &call, NULL), -ENOMEM);
	CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), -ENOMEM);
	CHECK_EQ(weir_snapshot_new(pool, pool, free_nothing, NULL, &snapshot),
		 -ENOMEM);
	deny_nothing();
	CHECK(!counter && !snapshot);
	CHECK_EQ(weir_snapshot_new(pool, pool, free_nothing, NULL, &snapshot),
		 0);
	deny_heap(0);
	CHECK_EQ(weir_snapshot_publish(snapshot, NULL), -ENOMEM);
	deny_nothing();
	CHECK(weir_snapshot_get(snapshot) == pool);
	weir_snapshot_free(snapshot);
	weir_pool_free(pool);
}
