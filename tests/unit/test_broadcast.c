/* SPDX-License-Identifier: MIT */
/*
 * test_broadcast.c - one message to every worker, and word when all had it
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "pool/pool.h"
#include "stress.h"

enum { WORKERS = 3, UNDER_WAY = 4, FOREIGN = -3 };

static struct weir_pool *make_small(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = WORKERS,
		.flags = WEIR_POOL_NO_SIGNALS,
		.inbox_messages = 64, .ring_messages = 64,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

/* What a broadcast has come to. */
struct census {
	struct weir_pool *pool;
	int result;
	atomic_int run[WORKERS], returned;
	atomic_int ended, missed;
	int ended_on;
	sem_t over;
};

static void census_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct census *c = msg->arg;

	CHECK(!data && weir_reactor_current() == r);
	CHECK(weir_token_is_none(msg->token));
	CHECK_EQ(msg->word, 5);
	CHECK(weir_reactor_index(r) >= 0);
	c->run[weir_reactor_index(r)]++;
}

static void census_returned(struct weir_reactor *r, const struct weir_msg *msg,
			    int why)
{
	struct census *c = msg->arg;

	(void)r;
	CHECK_EQ(why, -ECANCELED);
	CHECK_EQ(msg->word, 5);
	c->returned++;
}

static const struct weir_call census_call = {
	.run = census_run,
	.undeliverable = census_returned,
};

static int census_total(const struct census *c)
{
	int total = 0;

	for (int i = 0; i < WORKERS; i++)
		total += c->run[i];
	return total;
}

static void census_over(struct weir_reactor *r, void *arg, uint64_t word,
			unsigned missed)
{
	struct census *c = arg;

	CHECK_EQ(word, 5);
	CHECK_EQ(missed, c->returned);
	CHECK_EQ(census_total(c) + c->returned, WORKERS);
	c->ended_on = r ? weir_reactor_index(r) : FOREIGN;
	c->missed = (int)missed;
	c->ended++;
	sem_post(&c->over);
}

static void census_take(struct weir_reactor *r, void *census)
{
	struct census *c = census;

	(void)r;
	c->result = weir_broadcast(c->pool, &census_call, c, 5, census_over);
}

static void census_from(struct census *c, int from)
{
	sem_init(&c->over, 0, 0);
	if (from == FOREIGN)
		census_take(NULL, c);
	else
		fixture_on(c->pool, from, census_take, c);
}

TEST(every_worker_has_it_once_and_the_asker_hears_of_it)
{
	struct weir_pool *pool = fixture_pool(WORKERS);

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int from = FOREIGN; from < WORKERS; from++) {
		struct census c = { .pool = pool };

		if (from == -2)
			continue;
		census_from(&c, from);
		CHECK_EQ(c.result, 0);
		fixture_wait(&c.over);
		fixture_settle(pool);
		for (int i = 0; i < WORKERS; i++)
			CHECK_EQ(c.run[i], 1);
		CHECK_EQ(c.ended, 1);
		CHECK_EQ(c.missed, 0);
		CHECK(from == FOREIGN ? c.ended_on >= 0 : c.ended_on == from);
	}
	fixture_pool_end(pool);
}

TEST(what_is_refused)
{
	static const struct weir_call no_run = { .run = NULL };
	struct weir_pool *pool = make_small();

	CHECK_EQ(weir_broadcast(pool, NULL, NULL, 0, NULL), -EINVAL);
	CHECK_EQ(weir_broadcast(pool, &no_run, NULL, 0, NULL), -EINVAL);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(weir_broadcast(pool, &census_call, NULL, 5, NULL),
		 -ECANCELED);
	fixture_pool_end(pool);
}

/* Before the start it is kept; without a start it comes back. */
TEST(a_broadcast_before_the_start_is_kept)
{
	for (int starts = 0; starts < 2; starts++) {
		struct weir_pool *pool = make_small();
		struct census c = { .pool = pool };

		census_from(&c, FOREIGN);
		CHECK_EQ(c.result, 0);
		CHECK_EQ(c.ended, 0);
		if (starts) {
			CHECK_EQ(weir_pool_start(pool), 0);
			fixture_wait(&c.over);
		}
		fixture_pool_end(pool);
		CHECK_EQ(c.ended, 1);
		CHECK_EQ(c.missed, starts ? 0 : WORKERS);
		CHECK_EQ(census_total(&c), starts ? WORKERS : 0);
	}
}

static void filler_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static const struct weir_call filler = { .run = filler_run };

/* What is run behind all that this thread has sent before. */
static void nothing(struct weir_reactor *r, void *arg)
{
	(void)r;
	(void)arg;
}

static void fill(struct weir_reactor *r, void *pool)
{
	int err;

	(void)r;
	do {
		err = weir_post(pool, 1, &filler, NULL, 0);
	} while (err == 0);
	CHECK_EQ(err, -EAGAIN);
}

/* A worker that is asked to broadcast while one queue of its own is full. */
static void fill_and_take(struct weir_reactor *r, void *census)
{
	struct census *c = census;

	fill(r, c->pool);
	census_take(r, c);
}

/* One full ring: nobody gets it. */
TEST(it_is_not_done_by_halves)
{
	struct weir_pool *pool = make_small();
	struct hold hold = { .fn = NULL };
	struct census c = { .pool = pool };

	CHECK_EQ(weir_pool_start(pool), 0);
	sem_init(&c.over, 0, 0);
	hold_begin(&hold, pool, 1);
	fixture_on(pool, 0, fill_and_take, &c);
	CHECK_EQ(c.result, -EAGAIN);
	hold_end(&hold);
	fixture_settle(pool);
	CHECK_EQ(census_total(&c) + c.returned + c.ended, 0);
	/* And the ticket was given back. */
	for (int i = 0; i < 2 * UNDER_WAY; i++) {
		struct census again = { .pool = pool };

		census_from(&again, 0);
		CHECK_EQ(again.result, 0);
		fixture_wait(&again.over);
	}
	fixture_pool_end(pool);
}

/* Inboxes that users have filled have room for as many as there may be. */
TEST(foreign_broadcasts_have_room_of_their_own)
{
	struct weir_pool *pool = make_small();
	struct hold hold = { .fn = NULL };

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int round = 0; round < 50; round++) {
		struct census c[UNDER_WAY + 1];

		hold_begin(&hold, pool, 1);
		fill(NULL, pool);
		for (int i = 0; i <= UNDER_WAY; i++) {
			c[i] = (struct census){ .pool = pool };
			census_from(&c[i], FOREIGN);
			CHECK_EQ(c[i].result, i < UNDER_WAY ? 0 : -EAGAIN);
		}
		/* The others had it, also while one could not. */
		fixture_on(pool, 0, nothing, NULL);
		CHECK_EQ(c[0].run[0], 1);
		CHECK_EQ(c[0].ended, 0);
		hold_end(&hold);
		for (int i = 0; i < UNDER_WAY; i++)
			fixture_wait(&c[i].over);
		fixture_settle(pool);
		CHECK_EQ(census_total(&c[UNDER_WAY]), 0);
	}
	fixture_pool_end(pool);
}

/* Numbered messages to one worker, with broadcasts among them. */
struct sender {
	struct weir_pool *pool;
	uint64_t sent;
	uint64_t seen[WORKERS];	/* each that worker's own */
	atomic_int open;
	atomic_uint_fast64_t missed;
};

static void numbered_run(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data)
{
	struct sender *s = msg->arg;
	const int i = weir_reactor_index(r);

	(void)data;
	CHECK(msg->word > s->seen[i]);
	s->seen[i] = msg->word;
}

static const struct weir_call numbered = { .run = numbered_run };

static void numbered_over(struct weir_reactor *r, void *arg, uint64_t word,
			  unsigned missed)
{
	struct sender *s = arg;

	(void)r;
	(void)word;
	s->missed += missed;
	s->open--;
}

static void *send_numbers(void *sender)
{
	struct sender *s = sender;
	const weir_ns end = stress_end();
	int err = 0;

	while (err != -ECANCELED && !stress_is_over(end)) {
		const uint64_t n = s->sent + 1;

		if (n % 8 == 0) {
			s->open++;
			err = weir_broadcast(s->pool, &numbered, s, n,
					     numbered_over);
			if (err < 0)
				s->open--;
		} else {
			err = weir_post(s->pool, (int)(n % WORKERS), &numbered,
					s, n);
		}
		CHECK(err == 0 || err == -EAGAIN || err == -ECANCELED);
		s->sent += err == 0;
		if (err == -EAGAIN)
			fixture_sleep_ms(0);
	}
	return NULL;
}

static void storm(int stops)
{
	enum { SENDERS = 3 };
	struct weir_pool *pool = make_small();
	struct sender senders[SENDERS] = { { .pool = pool } };
	pthread_t threads[SENDERS];

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = 0; i < SENDERS; i++) {
		senders[i].pool = pool;
		CHECK_EQ(pthread_create(&threads[i], NULL, send_numbers,
					&senders[i]), 0);
	}
	if (stops) {
		fixture_sleep_ms(20);
		CHECK_EQ(weir_pool_stop(pool), 0);
	}
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	if (!stops)
		fixture_settle(pool);
	fixture_pool_end(pool);
	for (int i = 0; i < SENDERS; i++) {
		CHECK_EQ(senders[i].open, 0);
		CHECK(stops || senders[i].missed == 0);
		CHECK(senders[i].sent > 8);
	}
}

TEST(order_holds_with_the_senders_other_messages)
{
	storm(0);
}

TEST(a_stop_in_the_middle_ends_each_broadcast_once)
{
	storm(1);
}

/* Until these two have left their loops. */
static void wait_for_ends(struct weir_pool *pool)
{
	for (int i = 0; i < WORKERS; i += 2) {
		while (weir__inbox_post(weir__pool_reactor(pool, i),
					&(struct weir_msg){ .call = &filler },
					0) != -ECANCELED)
			fixture_sleep_ms(1);
	}
}

/* Two workers have ended, one has yet to: what they miss is told. */
TEST(a_stop_tells_what_was_missed)
{
	for (int inside = 0; inside < 2; inside++) {
		struct weir_pool *pool = make_small();
		struct census c = { .pool = pool };
		struct hold hold = { .arg = &c };

		if (inside)
			hold.fn = census_take;
		CHECK_EQ(weir_pool_start(pool), 0);
		hold_begin(&hold, pool, 1);
		sem_init(&c.over, 0, 0);
		CHECK_EQ(weir_pool_stop(pool), 0);
		wait_for_ends(pool);
		if (!inside)
			census_from(&c, FOREIGN);
		hold_end(&hold);
		fixture_pool_end(pool);
		CHECK_EQ(c.result, 0);
		CHECK_EQ(c.ended, 1);
		CHECK_EQ(c.run[0] + c.run[2], 0);
		CHECK(c.missed >= 2);
	}
}
