/* SPDX-License-Identifier: MIT */
/*
 * test_spin.c - when a thread looks for messages before it sleeps
 *
 * The waits are made up: r->now is set to when they ended.
 */
#include "loop/spin.h"

#include <semaphore.h>
#include <weir/pool.h>

#include "loop/reactor.h"
#include "pool/pool.h"

#include "harness.h"

enum { LIMIT = 1000 };

static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	(void)r, (void)msg, (void)data;
}

static const struct weir_call message = { .run = on_message };

static struct weir_reactor *new_reactor(weir_ns limit)
{
	struct weir_reactor *r;

	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	r->spin = (struct weir__spin){
		.may_linger = true, .limit = limit, .need = 1,
	};
	return r;
}

/* A wait that took @ns. */
static void wait_was(struct weir_reactor *r, weir_ns ns, bool by_message)
{
	const weir_ns begin = r->now;

	r->now += ns;
	weir__spin_learn(r, begin, by_message);
}

/* Whether it spins now: then it finds what is in its inbox. */
static bool spins(struct weir_reactor *r)
{
	struct weir_event event;
	bool has_spun;

	CHECK_EQ(weir_reactor_post(r, &message, NULL, 0), 0);
	weir_reactor_update_now(r);
	has_spun = weir__spin(r, WEIR_FOREVER);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), 0);
	return has_spun;
}

TEST(short_waits_make_it_spin)
{
	struct weir_reactor *r = new_reactor(LIMIT * WEIR_NS_PER_MSEC);

	CHECK(!spins(r));
	for (int i = 0; i < 4; i++)
		wait_was(r, 10, true);
	CHECK(spins(r));
	CHECK(spins(r));
	weir_reactor_free(r);
}

TEST(long_waits_and_those_for_descriptors_do_not)
{
	struct weir_reactor *r = new_reactor(LIMIT * WEIR_NS_PER_MSEC);

	for (int i = 0; i < 100; i++) {
		wait_was(r, 10, true);
		wait_was(r, LIMIT * WEIR_NS_PER_MSEC + 1, true);
		CHECK(!spins(r));
		wait_was(r, 10, true);
		wait_was(r, 10, false);
		CHECK(!spins(r));
	}
	weir_reactor_free(r);
}

/* Each vain one makes the next rarer. */
TEST(spinning_in_vain_makes_it_wary)
{
	struct weir_reactor *r = new_reactor(LIMIT);
	int waits, before = 0;

	for (int i = 0; i < 6; i++) {
		for (waits = 0; r->spin.good < 4 ||
				r->spin.good < r->spin.need; waits++)
			wait_was(r, 10, true);
		CHECK(!weir__spin(r, WEIR_FOREVER));
		CHECK_EQ(r->spin.good, 0);
		CHECK(waits >= before);
		before = waits;
	}
	CHECK(before >= 32);
	weir_reactor_free(r);
}

TEST(the_kernel_is_asked_in_between)
{
	struct weir_reactor *r = new_reactor(LIMIT * WEIR_NS_PER_MSEC);
	int asked = 0;

	for (int i = 0; i < 4; i++)
		wait_was(r, 10, true);
	for (int i = 0; i < 320; i++)
		asked += !spins(r);
	CHECK_EQ(asked, 10);
	weir_reactor_free(r);
}

TEST(a_flood_is_lingered_for_until_that_is_in_vain)
{
	struct weir_reactor *r = new_reactor(0);
	int lingered = 0;

	r->spin.taken = 63;
	CHECK(!spins(r));
	for (int i = 0; i < 10; i++) {
		r->spin.taken = 256;
		CHECK(spins(r));
	}
	for (int i = 0; i < 64; i++) {
		const weir_ns begin = weir_reactor_update_now(r);

		r->spin.taken = 256;
		CHECK(!weir__spin(r, WEIR_FOREVER));
		lingered += r->now != begin;
	}
	CHECK_EQ(lingered, 3);
	r->spin.may_linger = false;
	r->spin.taken = 256;
	r->spin.vain = 0;
	CHECK(!spins(r));
	weir_reactor_free(r);
}

TEST(a_deadline_ends_it)
{
	struct weir_reactor *r = new_reactor(WEIR_FOREVER / 2);
	weir_ns begin;

	for (int i = 0; i < 4; i++)
		wait_was(r, 10, true);
	begin = weir_reactor_update_now(r);
	CHECK(!weir__spin(r, begin + 1));
	CHECK(r->now > begin);
	weir_reactor_free(r);
}

TEST(a_pool_without_cores_for_it_does_not_spin)
{
	struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS,
		.spin_ns = 50000,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(pool->threads[0].reactor->spin.limit,
		 pool->has_cores ? 50000 : 0);
	CHECK_EQ(pool->threads[1].reactor->spin.limit, 0);
	weir_pool_free(pool);
	options.workers = 1024;
	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK(!pool->has_cores);
	CHECK_EQ(pool->threads[0].reactor->spin.limit, 0);
	CHECK(!pool->threads[0].reactor->spin.may_linger);
	weir_pool_free(pool);
	options.spin_ns = WEIR_NS_PER_MSEC + 1;
	CHECK_EQ(weir_pool_new(&options, &pool), -EINVAL);
}

/* Two that spin: nothing is lost between spinning, asking and sleeping. */
enum { THROWS = 20000 };

struct game {
	struct weir_pool *pool;
	sem_t over;
};

static void on_throw(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	static const struct weir_call throw = { .run = on_throw };
	struct game *game = msg->arg;

	(void)data;
	if (msg->word == 0)
		sem_post(&game->over);
	else
		CHECK_EQ(weir_post(game->pool, !weir_reactor_index(r), &throw,
				   game, msg->word - 1), 0);
}

TEST(no_wake_up_is_lost)
{
	static const struct weir_call throw = { .run = on_throw };
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
		.spin_ns = 2000,
	};
	struct game game;

	sem_init(&game.over, 0, 0);
	CHECK_EQ(weir_pool_new(&options, &game.pool), 0);
	CHECK_EQ(weir_pool_start(game.pool), 0);
	CHECK_EQ(weir_post(game.pool, 0, &throw, &game, THROWS), 0);
	sem_wait(&game.over);
	weir_pool_free(game.pool);
	sem_destroy(&game.over);
}
