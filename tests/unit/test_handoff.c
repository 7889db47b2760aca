/* SPDX-License-Identifier: MIT */
/*
 * test_handoff.c - messages between the threads of a pool, and from outside
 */
#include <weir.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "pool/pool.h"

static struct weir_pool *start(unsigned workers)
{
	struct weir_pool *pool = fixture_pool(workers);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

/* A pool of @workers with the smallest queues there are. */
static struct weir_pool *start_small(unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = workers,
		.flags = WEIR_POOL_NO_SIGNALS,
		.inbox_messages = 64, .ring_messages = 64,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

/* Where one message went. */
struct parcel {
	struct weir_pool *pool;
	int to;
	weir_token token;
	int result;
	void *data;		/* of the token */
	int index;		/* of the thread that had it */
	int run, returned, why;
	sem_t done;
};

static void parcel_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct parcel *p = msg->arg;

	CHECK(weir_reactor_current() == r);
	CHECK_EQ(msg->word, 77);
	CHECK(weir_token_equal(msg->token, p->token));
	p->data = data;
	p->index = weir_reactor_index(r);
	p->run++;
	sem_post(&p->done);
}

static void parcel_returned(struct weir_reactor *r, const struct weir_msg *msg,
			    int why)
{
	struct parcel *p = msg->arg;

	CHECK(r && weir_reactor_current() == r);
	CHECK_EQ(msg->word, 77);
	p->index = weir_reactor_index(r);
	p->why = why;
	p->returned++;
	sem_post(&p->done);
}

static const struct weir_call parcel_call = {
	.run = parcel_run,
	.undeliverable = parcel_returned,
};

/* Post or send, from wherever this is called. */
static void parcel_dispatch(struct weir_reactor *r, void *parcel)
{
	struct parcel *p = parcel;

	(void)r;
	if (weir_token_is_none(p->token))
		p->result = weir_post(p->pool, p->to, &parcel_call, p, 77);
	else
		p->result = weir_send(p->pool, p->token, &parcel_call, p, 77);
}

static void open_token(struct weir_reactor *r, void *token)
{
	CHECK_EQ(weir_source_open(r, NULL, token, token), 0);
}

static void close_token(struct weir_reactor *r, void *token)
{
	CHECK_EQ(weir_source_close(r, *(weir_token *)token), 0);
}

enum { FOREIGN = -3 };

static void parcel_from(struct parcel *p, int from)
{
	sem_init(&p->done, 0, 0);
	if (from == FOREIGN)
		parcel_dispatch(NULL, p);
	else
		fixture_on(p->pool, from, parcel_dispatch, p);
	CHECK_EQ(p->result, 0);
	fixture_wait(&p->done);
	CHECK_EQ(p->run, 1);
	CHECK_EQ(p->index, p->to);
}

TEST(from_every_thread_to_every_thread)
{
	static const int froms[] = { FOREIGN, WEIR_CONTROL, 0, 1 };
	struct weir_pool *pool = start(2);
	weir_token tokens[3];

	for (int to = -1; to < 2; to++)
		fixture_on(pool, to, open_token, &tokens[to + 1]);
	for (int i = 0; i < 4; i++) {
		for (int to = -1; to < 2; to++) {
			struct parcel post = { .pool = pool, .to = to };
			struct parcel sent = {
				.pool = pool, .to = to,
				.token = tokens[to + 1],
			};

			parcel_from(&post, froms[i]);
			CHECK(!post.data);
			parcel_from(&sent, froms[i]);
			CHECK(sent.data == &tokens[to + 1]);
		}
	}
	fixture_pool_end(pool);
}

static void check_refused(struct weir_pool *pool, const struct weir_call *call,
			  int worker)
{
	CHECK_EQ(weir_post(pool, worker, call, NULL, 0), -EINVAL);
}

TEST(what_is_refused)
{
	static const struct weir_call empty = { .run = NULL };
	struct weir_pool *pool = start(2), *other = start(1);
	struct weir_reactor *alone;
	weir_token token, foreign, lonely, bad = { UINT64_C(5) };

	check_refused(pool, NULL, 0);
	check_refused(pool, &empty, 0);
	check_refused(pool, &parcel_call, 2);
	check_refused(pool, &parcel_call, -2);
	check_refused(pool, &parcel_call, INT32_MIN);
	fixture_on(pool, 1, open_token, &token);
	CHECK_EQ(weir_send(pool, token, NULL, NULL, 0), -EINVAL);
	CHECK_EQ(weir_send(pool, token, &empty, NULL, 0), -EINVAL);
	CHECK_EQ(weir_send(pool, weir_token_none(), &parcel_call, NULL, 0),
		 -EINVAL);
	CHECK_EQ(weir_send(pool, bad, &parcel_call, NULL, 0), -EINVAL);
	fixture_on(other, 0, open_token, &foreign);
	CHECK_EQ(weir_send(pool, foreign, &parcel_call, NULL, 0), -EINVAL);
	CHECK_EQ(weir_reactor_new(NULL, &alone), 0);
	open_token(alone, &lonely);
	CHECK_EQ(weir_send(pool, lonely, &parcel_call, NULL, 0), -EINVAL);
	weir_reactor_free(alone);
	fixture_on(pool, 1, close_token, &token);
	CHECK_EQ(weir_send(pool, token, &parcel_call, NULL, 0), -ESTALE);
	fixture_pool_end(other);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	for (int to = -1; to < 2; to++)
		CHECK_EQ(weir_post(pool, to, &parcel_call, NULL, 0),
			 -ECANCELED);
	weir_pool_free(pool);
}

/* --- full queues --- */

struct count {
	struct weir_pool *pool;
	int to;
	unsigned sent, run, returned, returned_late;
	int why, last;		/* last: the result of the last post */
	uint64_t next;		/* what is to come next */
	bool is_stopped;	/* the receiver's on_stop has run */
};

static void count_run(struct weir_reactor *r, const struct weir_msg *msg,
		      void *data)
{
	struct count *c = msg->arg;

	(void)data;
	CHECK(weir_reactor_current() == r);
	CHECK_EQ(msg->word, c->next);
	c->next++;
	c->run++;
}

static void count_returned(struct weir_reactor *r, const struct weir_msg *msg,
			   int why)
{
	struct count *c = msg->arg;

	CHECK(r && weir_reactor_current() == r);
	CHECK_EQ(weir_reactor_index(r), c->to);
	CHECK_EQ(msg->word, c->next);
	CHECK_EQ(weir_post(weir_reactor_pool(r), 0, msg->call, NULL, 0),
		 -ECANCELED);
	c->next++;
	c->why = why;
	c->returned++;
	c->returned_late += c->is_stopped;
}

static const struct weir_call count_call = {
	.run = count_run,
	.undeliverable = count_returned,
};

/* Post until the queue is full. */
static void fill(struct weir_reactor *r, void *count)
{
	struct count *c = count;

	(void)r;
	while ((c->last = weir_post(c->pool, c->to, &count_call, c,
				    c->sent)) == 0)
		c->sent++;
}

TEST(full_is_said_and_nothing_is_lost)
{
	static const int froms[] = { FOREIGN, WEIR_CONTROL, 0 };

	for (int n = 0; n < 3; n++) {
		struct weir_pool *pool = start_small(2);
		struct count c = { .pool = pool, .to = 1 };

		for (int i = 0; i < 3; i++) {
			struct hold hold = { .fn = NULL };

			hold_begin(&hold, pool, 1);
			if (froms[n] == FOREIGN)
				fill(NULL, &c);
			else
				fixture_on(pool, froms[n], fill, &c);
			CHECK_EQ(c.last, -EAGAIN);
			CHECK(c.sent - c.run > 64 - WEIR__RESERVE - 3);
			CHECK(c.sent - c.run <= 64 - WEIR__RESERVE);
			hold_end(&hold);
			fixture_settle(pool);
			fixture_settle(pool);
			CHECK_EQ(c.run, c.sent);
		}
		fixture_pool_end(pool);
		CHECK_EQ(c.returned, 0);
	}
}

TEST(the_library_has_room_of_its_own)
{
	struct weir_pool *pool = start_small(1);
	struct count c = { .pool = pool, .to = 0 };
	struct hold hold = { .fn = NULL };
	int more = 0;

	hold_begin(&hold, pool, 0);
	fill(NULL, &c);
	while (weir__post_reserved(pool, 0, &count_call, &c, c.sent) == 0) {
		c.sent++;
		more++;
	}
	CHECK_EQ(more, 16);
	hold_end(&hold);
	fixture_pool_end(pool);
	CHECK_EQ(c.run + c.returned, c.sent);
}

/* Twice what a ring holds: it has to be flushed meanwhile, and is. */
static void post_past_full(struct weir_reactor *r, void *count)
{
	struct count *c = count;

	while (c->sent < 2000) {
		int err = weir_post(c->pool, c->to, &count_call, c, c->sent);

		CHECK(err == 0 || err == -EAGAIN);
		c->sent += err == 0;
		if (err == -EAGAIN && c->to == weir_reactor_index(r))
			return;
	}
}

TEST(a_full_ring_is_flushed)
{
	struct weir_pool *pool = start_small(2);
	struct count away = { .pool = pool, .to = 1 };
	struct count self = { .pool = pool, .to = 0 };

	fixture_on(pool, 0, post_past_full, &away);
	CHECK_EQ(away.sent, 2000);
	for (int i = 0; self.sent < 2000; i++) {
		CHECK(i < 2000);
		fixture_on(pool, 0, post_past_full, &self);
	}
	fixture_settle(pool);
	fixture_pool_end(pool);
	CHECK_EQ(away.run + away.returned, 2000);
	CHECK_EQ(self.run + self.returned, 2000);
}

static void post_and_flush(struct weir_reactor *r, void *parcel)
{
	struct parcel *p = parcel;

	parcel_dispatch(r, p);
	CHECK_EQ(p->result, 0);
	CHECK_EQ(weir_flush(r), 0);
	/* It is run while we are still in the handler, or we wait for ever. */
	fixture_wait(&p->done);
}

TEST(a_flush_lets_messages_go)
{
	struct weir_pool *pool = start(2);
	struct parcel p = { .pool = pool, .to = 1 };

	sem_init(&p.done, 0, 0);
	fixture_on(pool, 0, post_and_flush, &p);
	CHECK_EQ(p.run, 1);
	fixture_pool_end(pool);
}

static void nested_run(struct weir_reactor *inner, const struct weir_msg *msg,
		       void *data)
{
	struct count *c = msg->arg;

	(void)data;
	CHECK_EQ(weir_post(c->pool, c->to, &count_call, c, c->sent++), 0);
	weir_reactor_stop(inner);
}

/* One order, also for what is posted from a reactor turned in a handler. */
static void post_nested(struct weir_reactor *r, void *count)
{
	static const struct weir_call call = { .run = nested_run };
	struct weir_reactor *inner;
	struct count *c = count;

	(void)r;
	CHECK_EQ(weir_post(c->pool, c->to, &count_call, c, c->sent++), 0);
	CHECK_EQ(weir_reactor_new(NULL, &inner), 0);
	CHECK_EQ(weir_reactor_post(inner, &call, c, 0), 0);
	CHECK_EQ(weir_reactor_run(inner), 0);
	weir_reactor_free(inner);
	CHECK_EQ(weir_post(c->pool, c->to, &count_call, c, c->sent++), 0);
}

TEST(a_thread_is_known_within_another_reactor)
{
	struct weir_pool *pool = start(2);
	struct count c = { .pool = pool, .to = 1 };

	for (int i = 0; i < 20; i++)
		fixture_on(pool, 0, post_nested, &c);
	fixture_settle(pool);
	fixture_pool_end(pool);
	CHECK_EQ(c.run, 60);
}

/* --- what cannot be delivered --- */

TEST(what_is_on_its_way_to_a_token_that_ends)
{
	enum { PARCELS = 20 };
	struct weir_pool *pool = start(2);
	struct hold hold = { .fn = close_token };
	struct parcel p[PARCELS];
	weir_token token, next;

	fixture_on(pool, 1, open_token, &token);
	hold.arg = &token;
	hold_begin(&hold, pool, 1);
	for (int i = 0; i < PARCELS; i++) {
		p[i] = (struct parcel){ .pool = pool, .token = token };
		sem_init(&p[i].done, 0, 0);
		if (i % 2)
			parcel_dispatch(NULL, &p[i]);
		else
			fixture_on(pool, i % 4 ? 0 : WEIR_CONTROL,
				   parcel_dispatch, &p[i]);
		CHECK_EQ(p[i].result, 0);
	}
	hold_end(&hold);
	/* The slot has a new tenant, who must not get them. */
	fixture_on(pool, 1, open_token, &next);
	CHECK_EQ(token.bits & 0xffffff, next.bits & 0xffffff);
	CHECK(!weir_token_equal(token, next));
	for (int i = 0; i < PARCELS; i++) {
		fixture_wait(&p[i].done);
		CHECK_EQ(p[i].run, 0);
		CHECK_EQ(p[i].returned, 1);
		CHECK_EQ(p[i].why, -ESTALE);
		CHECK_EQ(p[i].index, 1);
	}
	CHECK_EQ(weir_send(pool, token, &parcel_call, &p[0], 77), -ESTALE);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 1, undeliverable), PARCELS);
	fixture_pool_end(pool);
	for (int i = 0; i < PARCELS; i++)
		CHECK_EQ(p[i].returned, 1);
}

static struct count *watched[2];

static void note_stop(struct weir_reactor *r, void *data)
{
	(void)data;
	if (weir_reactor_index(r) == 1)
		for (int i = 0; i < 2; i++)
			watched[i]->is_stopped = true;
}

struct first {
	struct hold hold;
	struct count *count;
};

/* First what holds worker 1, behind it more than it takes in a turn. */
static void post_first(struct weir_reactor *r, void *first)
{
	struct first *f = first;
	struct count *c = f->count;

	hold_post(&f->hold, weir_reactor_pool(r), 1);
	while (c->sent < 600) {
		CHECK_EQ(weir_post(c->pool, 1, &count_call, c, c->sent), 0);
		c->sent++;
	}
}

/* More come while worker 1 is among the first ones, and then the end. */
TEST(what_is_left_when_the_pool_stops)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
		.on_stop = note_stop,
	};
	struct count inside = { .to = 1 }, outside = { .to = 1 };
	struct first first = { .count = &inside };
	struct weir_pool *pool;

	watched[0] = &inside;
	watched[1] = &outside;
	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	inside.pool = outside.pool = pool;
	fixture_on(pool, 0, post_first, &first);
	fixture_wait(&first.hold.is_in);
	fixture_on(pool, 0, fill, &inside);
	fill(NULL, &outside);
	CHECK_EQ(inside.last, -EAGAIN);
	CHECK_EQ(outside.last, -EAGAIN);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&first.hold);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK(inside.sent > 900 && outside.sent > 4000);
	CHECK(inside.returned > 0 && outside.returned > 0);
	CHECK_EQ(inside.run + inside.returned, inside.sent);
	CHECK_EQ(outside.run + outside.returned, outside.sent);
	CHECK_EQ(inside.returned_late + outside.returned_late, 0);
	CHECK_EQ(inside.why, -ECANCELED);
	CHECK_EQ(outside.why, -ECANCELED);
	weir_pool_free(pool);
	CHECK_EQ(inside.run + inside.returned, inside.sent);
}

/* A worker that is still in a handler posts to one that has left its loop. */
TEST(a_worker_that_ends_later_posts_to_one_that_has)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
		.on_stop = note_stop,
	};
	struct count c = { .to = 1 };
	struct hold hold = { .fn = fill, .arg = &c };
	struct weir_pool *pool;

	watched[0] = watched[1] = &c;
	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	c.pool = pool;
	hold_begin(&hold, pool, 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	/* Time for worker 1 to make a mistake. */
	fixture_sleep_ms(20);
	hold_end(&hold);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(c.last, -EAGAIN);
	CHECK(c.sent > 900);
	CHECK_EQ(c.returned, c.sent);
	CHECK_EQ(c.returned_late, 0);
	weir_pool_free(pool);
}

static int post_result, send_result;
static weir_token other_token;

static enum weir_verdict on_stopping(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	(void)data;
	if (!(event->facts & WEIR_STOPPING))
		return WEIR_DONE;
	post_result = weir_post(weir_reactor_pool(r), 1, &parcel_call, NULL, 0);
	send_result = weir_send(weir_reactor_pool(r), other_token,
				&parcel_call, NULL, 0);
	return WEIR_DONE;
}

static void open_stopping(struct weir_reactor *r, void *token)
{
	CHECK_EQ(weir_source_open(r, on_stopping, NULL, token), 0);
}

TEST(nothing_is_accepted_while_a_thread_ends)
{
	struct weir_pool *pool = start(2);
	weir_token token;

	fixture_on(pool, 1, open_token, &other_token);
	fixture_on(pool, 0, open_stopping, &token);
	fixture_pool_end(pool);
	CHECK_EQ(post_result, -ECANCELED);
	CHECK(send_result == -ECANCELED || send_result == -ESTALE);
}
