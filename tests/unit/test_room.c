/* SPDX-License-Identifier: MIT */
/*
 * test_room.c - a sender that met a full queue is told of room, once
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "fixture.h"
#include "harness.h"
#include "stress.h"

enum { MESSAGES = 64, SENDERS = 3 };

static struct weir_pool *new_pool(unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = workers,
		.flags = WEIR_POOL_NO_SIGNALS,
		.inbox_messages = MESSAGES,
		.ring_messages = MESSAGES,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

static _Atomic int told, returned;

static void on_room(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	CHECK(r && !data && msg->word == 7);
	told++;
}

static void on_no_room(struct weir_reactor *r, const struct weir_msg *msg,
		       int why)
{
	(void)r, (void)msg;
	CHECK_EQ(why, -ECANCELED);
	returned++;
}

static const struct weir_call room_call = { on_room, on_no_room };

TEST(wrong_requests_are_refused)
{
	struct weir_pool *pool = new_pool(1);
	static const struct weir_call empty;
	struct weir_room room;

	CHECK_EQ(weir_room_ask(pool, 1, &room, &room_call, NULL, 7), -EINVAL);
	CHECK_EQ(weir_room_ask(pool, 0, NULL, &room_call, NULL, 7), -EINVAL);
	CHECK_EQ(weir_room_ask(pool, 0, &room, NULL, NULL, 7), -EINVAL);
	CHECK_EQ(weir_room_ask(pool, 0, &room, &empty, NULL, 7), -EINVAL);
	CHECK_EQ(weir_room_ask_for(pool, weir_token_none(), &room, &room_call,
				   NULL, 7), -EINVAL);
	weir_pool_free(pool);
	CHECK_EQ(told + returned, 0);
}

TEST(a_pool_that_never_ran_gives_it_back)
{
	struct weir_pool *pool = new_pool(1);
	struct weir_room room;

	CHECK_EQ(weir_room_ask(pool, 0, &room, &room_call, NULL, 7), 0);
	weir_pool_free(pool);
	CHECK_EQ(told, 0);
	CHECK_EQ(returned, 1);
}

/* Each sender sends until it is refused, and goes on only when it is told. */
struct sender {
	struct weir_pool *pool;
	struct weir_room room;
	pthread_t thread;
	sem_t may_go;
	uint64_t sent, got;		/* the sender's, the receiver's */
	uint64_t asked;
	_Atomic uint64_t told, returned;
};

static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct sender *s = msg->arg;

	(void)data;
	CHECK_EQ(weir_reactor_index(r), 0);
	CHECK_EQ(msg->word, s->got);
	s->got++;
}

static void on_no_message(struct weir_reactor *r, const struct weir_msg *msg,
			  int why)
{
	(void)r, (void)why;
	((struct sender *)msg->arg)->got++;
}

static const struct weir_call message = { on_message, on_no_message };

static void on_told(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	struct sender *s = msg->arg;

	(void)data;
	CHECK_EQ(weir_reactor_index(r), 0);
	CHECK_EQ(msg->word, s->asked);
	s->told++;
	sem_post(&s->may_go);
}

static void on_returned(struct weir_reactor *r, const struct weir_msg *msg,
			int why)
{
	struct sender *s = msg->arg;

	(void)r;
	CHECK_EQ(why, -ECANCELED);
	s->returned++;
	sem_post(&s->may_go);
}

static const struct weir_call tell = { on_told, on_returned };

/* A request that is lost is a test that does not end. */
static void *send_all(void *data)
{
	struct sender *s = data;
	int err = 0;

	while (err != -ECANCELED) {
		err = weir_post(s->pool, 0, &message, s, s->sent);
		if (err == 0) {
			s->sent++;
			continue;
		}
		if (err != -EAGAIN)
			break;
		s->asked++;
		err = weir_room_ask(s->pool, 0, &s->room, &tell, s, s->asked);
		if (err == 0)
			fixture_wait(&s->may_go);
		else
			s->asked--;
	}
	CHECK_EQ(err, -ECANCELED);
	return NULL;
}

/* The same on worker 1, as a chain of calls on its own thread. */
static struct sender inside;

static void send_inside(struct weir_reactor *r);

static void on_told_inside(struct weir_reactor *r, const struct weir_msg *msg,
			   void *data)
{
	(void)data;
	CHECK_EQ(weir_reactor_index(r), 1);
	CHECK(weir_reactor_current() == r);
	CHECK_EQ(msg->word, inside.asked);
	inside.told++;
	send_inside(r);
}

static void send_inside(struct weir_reactor *r)
{
	static const struct weir_call call = { on_told_inside, on_returned };
	int err;

	while ((err = weir_post(inside.pool, 0, &message, &inside,
				inside.sent)) == 0)
		inside.sent++;
	if (err != -EAGAIN)
		return;
	(void)r;
	inside.asked++;
	if (weir_room_ask(inside.pool, 0, &inside.room, &call, &inside,
			  inside.asked) < 0)
		inside.asked--;
}

static void begin_inside(struct weir_reactor *r, void *arg)
{
	(void)arg;
	send_inside(r);
}

static void check(const struct sender *s)
{
	CHECK(s->sent > MESSAGES && s->told > 0);
	CHECK_EQ(s->got, s->sent);
	CHECK_EQ(s->told + s->returned, s->asked);
}

TEST(each_request_is_answered_once_also_at_the_stop)
{
	static struct sender senders[SENDERS];
	struct weir_pool *pool = new_pool(2);
	const weir_ns end = stress_end();

	CHECK_EQ(weir_pool_start(pool), 0);
	inside.pool = pool;
	sem_init(&inside.may_go, 0, 0);
	fixture_on(pool, 1, begin_inside, NULL);
	for (int i = 0; i < SENDERS; i++) {
		senders[i].pool = pool;
		sem_init(&senders[i].may_go, 0, 0);
		CHECK_EQ(pthread_create(&senders[i].thread, NULL, send_all,
					&senders[i]), 0);
	}
	while (!stress_is_over(end) || inside.told == 0 ||
	       senders[0].told == 0 || senders[1].told == 0 ||
	       senders[2].told == 0)
		sched_yield();
	CHECK_EQ(weir_pool_stop(pool), 0);
	for (int i = 0; i < SENDERS; i++)
		pthread_join(senders[i].thread, NULL);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
	for (int i = 0; i < SENDERS; i++)
		check(&senders[i]);
	check(&inside);
}
