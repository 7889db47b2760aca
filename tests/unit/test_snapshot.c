/* SPDX-License-Identifier: MIT */
/*
 * test_snapshot.c - read-mostly objects, freed when nobody can see them
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "stress.h"

/* An object that can tell whether it is whole. */
struct object {
	uint64_t number;
	uint64_t words[14];
	uint64_t sum;
};

static atomic_int freed, freed_elsewhere;
static atomic_bool is_running;
static atomic_ullong last_freed;

static uint64_t sum_of(const struct object *o)
{
	uint64_t sum = o->number * 31;

	for (int i = 0; i < 14; i++)
		sum = sum * 33 + o->words[i];
	return sum;
}

static struct object *object_new(uint64_t number)
{
	struct object *o = malloc(sizeof(*o));

	CHECK(o);
	o->number = number;
	for (unsigned i = 0; i < 14; i++)
		o->words[i] = number * i + 7;
	o->sum = sum_of(o);
	return o;
}

static void object_free(void *object, void *data)
{
	const struct weir_reactor *r = weir_reactor_current();
	struct object *o = object;

	CHECK(data == &freed);
	CHECK_EQ(o->sum, sum_of(o));
	last_freed = o->number;
	/* Whoever still looks at it sees that it is broken. */
	o->sum++;
	free(o);
	/* While the pool runs, on control; later, where it ends. */
	if (is_running && (!r || weir_reactor_index(r) != WEIR_CONTROL))
		freed_elsewhere++;
	freed++;
}

static struct weir_snapshot *make(struct weir_pool *pool, void *object)
{
	struct weir_snapshot *s;

	CHECK_EQ(weir_snapshot_new(pool, object, object_free, &freed, &s), 0);
	return s;
}

static void start(struct weir_pool *pool)
{
	CHECK_EQ(weir_pool_start(pool), 0);
	is_running = true;
}

struct edition {
	struct weir_snapshot *snapshot;
	void *object;
	int result;
};

static void publish_here(struct weir_reactor *r, void *edition)
{
	struct edition *e = edition;

	(void)r;
	e->result = weir_snapshot_publish(e->snapshot, e->object);
}

static void publish(struct weir_pool *pool, struct weir_snapshot *s,
		    void *object)
{
	struct edition e = { s, object, 1 };

	fixture_on(pool, WEIR_CONTROL, publish_here, &e);
	CHECK_EQ(e.result, 0);
}

static void end(struct weir_pool *pool, struct weir_snapshot *s)
{
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	is_running = false;
	weir_snapshot_free(s);
	weir_pool_free(pool);
	CHECK_EQ(freed_elsewhere, 0);
}

static void wait_for_freed(int n)
{
	while (freed < n)
		fixture_sleep_ms(1);
}

struct look {
	struct weir_snapshot *snapshot;
	uint64_t number;
};

static void look_here(struct weir_reactor *r, void *look)
{
	struct look *l = look;
	const struct object *o = weir_snapshot_get(l->snapshot);

	(void)r;
	l->number = o ? o->number : 0;
	if (o)
		CHECK_EQ(o->sum, sum_of(o));
}

TEST(published_and_read)
{
	struct weir_pool *pool = fixture_pool(2);
	struct weir_snapshot *s = make(pool, NULL);
	struct look look = { .snapshot = s };

	CHECK(!weir_snapshot_get(s));
	CHECK_EQ(weir_snapshot_publish(s, object_new(1)), 0);
	CHECK_EQ(freed, 0);
	start(pool);
	for (uint64_t n = 2; n < 20; n++) {
		for (int i = -1; i < 2; i++) {
			fixture_on(pool, i, look_here, &look);
			CHECK_EQ(look.number, n - 1);
		}
		publish(pool, s, object_new(n));
	}
	wait_for_freed(18);
	CHECK_EQ(last_freed, 18);
	publish(pool, s, NULL);
	fixture_on(pool, 0, look_here, &look);
	CHECK_EQ(look.number, 0);
	wait_for_freed(19);
	publish(pool, s, object_new(20));
	end(pool, s);
	CHECK_EQ(freed, 20);
}

TEST(never_started)
{
	struct weir_pool *pool = fixture_pool(2);
	struct weir_snapshot *s = make(pool, object_new(1));

	CHECK_EQ(weir_snapshot_publish(s, object_new(2)), 0);
	CHECK_EQ(weir_snapshot_publish(s, object_new(3)), 0);
	end(pool, s);
	CHECK_EQ(freed, 3);
}

TEST(replaced_before_the_start)
{
	struct weir_pool *pool = fixture_pool(1);
	struct weir_snapshot *s = make(pool, object_new(1));

	CHECK_EQ(weir_snapshot_publish(s, object_new(2)), 0);
	start(pool);
	wait_for_freed(1);
	end(pool, s);
	CHECK_EQ(freed, 2);
}

/* A worker that looks, waits to be let go, and looks at the same again. */
struct reader {
	struct hold hold;
	struct weir_snapshot *snapshot;
};

static void read_and_wait(struct weir_reactor *r, const struct weir_msg *msg,
			  void *data)
{
	struct reader *reader = msg->arg;
	const struct object *o = weir_snapshot_get(reader->snapshot);

	(void)r;
	(void)data;
	sem_post(&reader->hold.is_in);
	fixture_wait(&reader->hold.may_go);
	CHECK_EQ(o->number, 1);
	CHECK_EQ(o->sum, sum_of(o));
}

TEST(a_worker_in_a_handler_keeps_it_alive)
{
	static const struct weir_call call = { .run = read_and_wait };
	struct weir_pool *pool = fixture_pool(2);
	struct reader reader = { .snapshot = make(pool, object_new(1)) };
	struct look look = { .snapshot = reader.snapshot };

	sem_init(&reader.hold.is_in, 0, 0);
	sem_init(&reader.hold.may_go, 0, 0);
	start(pool);
	CHECK_EQ(weir_post(pool, 1, &call, &reader, 0), 0);
	fixture_wait(&reader.hold.is_in);
	for (uint64_t n = 2; n <= 10; n++)
		publish(pool, reader.snapshot, object_new(n));
	/* Everybody else goes on, and has time to make a mistake. */
	for (int i = 0; i < 20; i++) {
		fixture_on(pool, i % 2 - 1, look_here, &look);
		CHECK_EQ(look.number, 10);
		fixture_sleep_ms(1);
	}
	CHECK_EQ(freed, 0);
	hold_end(&reader.hold);
	wait_for_freed(9);
	end(pool, reader.snapshot);
	CHECK_EQ(freed, 10);
}

/* So does control itself, which published the new one. */
static void replace_and_look(struct weir_reactor *r, void *snapshot)
{
	const struct object *o = weir_snapshot_get(snapshot);

	(void)r;
	CHECK_EQ(weir_snapshot_publish(snapshot, object_new(2)), 0);
	fixture_sleep_ms(20);
	CHECK_EQ(o->number, 1);
	CHECK_EQ(o->sum, sum_of(o));
	CHECK_EQ(freed, 0);
}

TEST(control_keeps_it_alive_too)
{
	struct weir_pool *pool = fixture_pool(1);
	struct weir_snapshot *s = make(pool, object_new(1));

	start(pool);
	fixture_on(pool, WEIR_CONTROL, replace_and_look, s);
	wait_for_freed(1);
	end(pool, s);
}

/* A stop does not wait for what nobody can see any more, nor lose it. */
TEST(a_stop_right_after)
{
	const weir_ns deadline = stress_end();
	int expected = 0;

	do {
		struct weir_pool *pool = fixture_pool(2);
		struct weir_snapshot *s = make(pool, object_new(1));

		start(pool);
		for (uint64_t n = 2; n < 5; n++)
			publish(pool, s, object_new(n));
		end(pool, s);
		expected += 4;
		CHECK_EQ(freed, expected);
	} while (!stress_is_over(deadline));
}

TEST(sleeping_workers_hold_up_nothing)
{
	struct weir_pool *pool = fixture_pool(3);
	struct weir_snapshot *s = make(pool, object_new(1));

	start(pool);
	for (uint64_t n = 2; n < 30; n++) {
		publish(pool, s, object_new(n));
		/* Nobody turns but control. */
		wait_for_freed((int)n - 1);
	}
	end(pool, s);
}

/* --- all at once --- */

static struct weir_snapshot *shared;
static atomic_ullong reads;
static atomic_bool is_over;

static void read_on(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	const struct object *o = weir_snapshot_get(shared);
	const uint64_t number = o->number;

	(void)data;
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(o->sum, sum_of(o));
		CHECK_EQ(o->number, number);
	}
	reads++;
	if (!is_over)
		CHECK_EQ(weir_reactor_post(r, msg->call, NULL, 0), 0);
}

static void publish_on(struct weir_reactor *r, struct weir_timer *timer,
		       void *data)
{
	static uint64_t number = 1;

	(void)r;
	(void)data;
	for (int i = 0; i < 10; i++)
		CHECK_EQ(weir_snapshot_publish(shared, object_new(++number)),
			 0);
	if (!is_over)
		CHECK_EQ(weir_timer_start(timer, 50 * WEIR_NS_PER_USEC), 0);
}

static void begin_publishing(struct weir_reactor *r, void *arg)
{
	struct weir_timer *timer;

	(void)arg;
	CHECK_EQ(weir_timer_new(r, publish_on, NULL, &timer), 0);
	CHECK_EQ(weir_timer_start(timer, 0), 0);
}

TEST(readers_and_a_writer)
{
	static const struct weir_call call = { .run = read_on };
	struct weir_pool *pool = fixture_pool(3);
	const weir_ns deadline = stress_end();

	shared = make(pool, object_new(1));
	start(pool);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(weir_post(pool, i, &call, NULL, 0), 0);
	fixture_on(pool, WEIR_CONTROL, begin_publishing, NULL);
	while (!stress_is_over(deadline) || freed < 100)
		fixture_sleep_ms(1);
	is_over = true;
	fixture_settle(pool);
	end(pool, shared);
	NOTE("%llu reads, %d freed", (unsigned long long)reads, freed);
	CHECK(reads > 100);
}

TEST(what_is_refused)
{
	struct weir_pool *pool = fixture_pool(1);
	struct weir_snapshot *s = make(pool, object_new(1)), *none = NULL;
	struct object *object = object_new(2);

	CHECK_EQ(weir_snapshot_new(pool, object, NULL, NULL, &none), -EINVAL);
	start(pool);
	CHECK_EQ(weir_snapshot_new(pool, object, object_free, NULL, &none),
		 -EBUSY);
	CHECK_EQ(weir_snapshot_publish(s, object), -EBUSY);
	CHECK(!none);
	/* It stayed ours. */
	free(object);
	end(pool, s);
	CHECK(!weir_snapshot_free(NULL));
}
