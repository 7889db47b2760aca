/* SPDX-License-Identifier: MIT */
/*
 * test_token.c - a token names its own object, or nothing
 */
#include "sync/token.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness.h"
#include "stress.h"

enum { ME = 1, OTHER = 2, MANY = 10000 };

static struct weir__tokens *new_table(void)
{
	struct weir__tokens *t;

	CHECK_EQ(weir__tokens_new(&t), 0);
	return t;
}

static weir_token open_one(struct weir__tokens *t, struct weir__token_cache *c,
			   uint32_t owner, void *obj)
{
	weir_token token = weir_token_none();

	CHECK_EQ(weir__token_open(t, c, owner, obj, &token), 0);
	CHECK(!weir_token_is_none(token));
	return token;
}

static uint64_t index_of(weir_token token)
{
	return token.bits & WEIR__TOKEN_INDEX;
}

static void end(struct weir__tokens *t, struct weir__token_cache *c)
{
	weir__token_cache_done(t, c);
	CHECK(!weir__tokens_free(t));
}

TEST(a_token_names_its_object_while_it_is_open)
{
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	int object;
	weir_token token = open_one(t, &c, ME, &object);

	CHECK(weir__token_get(t, ME, token) == &object);
	CHECK_EQ(weir__token_owner(t, token), ME);
	weir__token_close(t, &c, token);
	CHECK(!weir__token_get(t, ME, token));
	CHECK_EQ(weir__token_owner(t, token), -ESTALE);
	end(t, &c);
}

TEST(only_its_owner_gets_the_object)
{
	const uint32_t last = WEIR__TOKEN_OWNERS - 1;
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	int object;
	weir_token token = open_one(t, &c, last, &object);

	CHECK(weir__token_get(t, last, token) == &object);
	CHECK(!weir__token_get(t, ME, token));
	CHECK_EQ(weir__token_owner(t, token), last);
	weir__token_close(t, &c, token);
	end(t, &c);
}

TEST(what_is_no_token_of_the_table_is_invalid)
{
	struct weir__tokens *t = new_table(), *u = new_table();
	struct weir__token_cache c = { 0 }, d = { 0 };
	int object, other;
	weir_token token = open_one(t, &c, ME, &object);
	weir_token foreign = open_one(u, &d, ME, &other);
	weir_token unmade = { token.bits | WEIR__TOKEN_INDEX };
	weir_token even = { token.bits + WEIR__TOKEN_INDEX + 1 };

	CHECK_EQ(weir__token_owner(t, weir_token_none()), -EINVAL);
	CHECK(!weir__token_get(t, ME, weir_token_none()));
	CHECK_EQ(weir__token_owner(t, foreign), -EINVAL);
	CHECK(!weir__token_get(t, ME, foreign));
	/* The slot is not made; it is made but free; the token is even. */
	CHECK_EQ(weir__token_owner(t, unmade), -EINVAL);
	CHECK(!weir__token_get(t, ME, unmade));
	unmade.bits = (token.bits & ~WEIR__TOKEN_INDEX) | 4095;
	CHECK_EQ(weir__token_owner(t, unmade), -ESTALE);
	CHECK(!weir__token_get(t, ME, unmade));
	CHECK_EQ(weir__token_owner(t, even), -ESTALE);
	weir__token_close(t, &c, token);
	CHECK_EQ(weir__token_owner(t, even), -ESTALE);
	CHECK(!weir__token_get(t, ME, even));
	weir__token_close(u, &d, foreign);
	end(t, &c);
	end(u, &d);
}

/* One slot, used again and again: a cache is last in, first out. */
TEST(a_slot_used_again_has_another_token)
{
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	weir_token old[100];
	int object;

	for (int i = 0; i < 100; i++) {
		old[i] = open_one(t, &c, ME, &object);
		CHECK_EQ(index_of(old[i]), index_of(old[0]));
		for (int j = 0; j < i; j++) {
			CHECK(!weir_token_equal(old[i], old[j]));
			CHECK(!weir__token_get(t, ME, old[j]));
			CHECK_EQ(weir__token_owner(t, old[j]), -ESTALE);
		}
		weir__token_close(t, &c, old[i]);
	}
	end(t, &c);
}

TEST(a_worn_out_slot_is_never_used_again)
{
	const uint64_t two_gens = 2 * (WEIR__TOKEN_INDEX + 1);
	const uint64_t gens = (UINT64_C(1) << (WEIR__TOKEN_GEN_BITS +
					       WEIR__TOKEN_INDEX_BITS)) - 1;
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	int object;
	weir_token first = open_one(t, &c, ME, &object), last, next;
	struct weir__slot *slot = weir__token_slot(t, first);
	uint64_t word;

	weir__token_close(t, &c, first);
	/* As after 2^27 - 1 lives. */
	word = atomic_load(&slot->word);
	atomic_store(&slot->word, word | (gens - two_gens + 1));
	last = open_one(t, &c, ME, &object);
	CHECK_EQ(index_of(last), index_of(first));
	CHECK_EQ(last.bits & gens & ~WEIR__TOKEN_INDEX,
		 gens & ~WEIR__TOKEN_INDEX);
	CHECK(weir__token_get(t, ME, last) == &object);
	weir__token_close(t, &c, last);
	CHECK(!weir__token_get(t, ME, last));
	CHECK_EQ(weir__token_owner(t, last), -ESTALE);
	CHECK_EQ(weir__token_owner(t, first), -ESTALE);
	for (int i = 0; i < MANY; i++) {
		next = open_one(t, &c, ME, &object);
		CHECK(index_of(next) != index_of(first));
	}
	end(t, &c);
}

/* More than one chunk, and more than a cache holds, in both directions. */
TEST(many_are_open_at_once)
{
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	static weir_token tokens[MANY];
	static char seen[2 * MANY], objects[MANY];

	for (int i = 0; i < MANY; i++)
		tokens[i] = open_one(t, &c, ME, &objects[i]);
	for (int i = 0; i < MANY; i++) {
		CHECK(weir__token_get(t, ME, tokens[i]) == &objects[i]);
		CHECK(index_of(tokens[i]) < 2 * MANY);
		CHECK_EQ(seen[index_of(tokens[i])]++, 0);
	}
	for (int i = 0; i < MANY; i += 2)
		weir__token_close(t, &c, tokens[i]);
	for (int i = 0; i < MANY; i++)
		CHECK(weir__token_get(t, ME, tokens[i]) ==
		      (i % 2 ? &objects[i] : NULL));
	/* What was closed is used before new slots are. */
	for (int i = 0; i < MANY; i += 2) {
		tokens[i] = open_one(t, &c, ME, &objects[i]);
		CHECK(index_of(tokens[i]) < MANY + WEIR__TOKEN_BATCH);
	}
	end(t, &c);
}

TEST(slots_wander_from_one_cache_to_another)
{
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 }, d = { 0 };
	weir_token mine[4 * WEIR__TOKEN_BATCH], other;
	const int n = 4 * WEIR__TOKEN_BATCH;
	int object, met = 0;

	for (int i = 0; i < n; i++)
		mine[i] = open_one(t, &c, ME, &object);
	for (int i = 0; i < n; i++)
		weir__token_close(t, &c, mine[i]);
	CHECK(c.count <= 2 * WEIR__TOKEN_BATCH);
	for (int i = 0; i < n; i++) {
		other = open_one(t, &d, OTHER, &object);
		for (int j = 0; j < n; j++) {
			CHECK(!weir__token_get(t, ME, mine[j]));
			met += index_of(other) == index_of(mine[j]);
		}
	}
	CHECK(met > 0);
	weir__token_cache_done(t, &d);
	end(t, &c);
}

TEST(a_failed_open_writes_nothing)
{
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	weir_token token = weir_token_none();
	const struct rlimit none = { 0, RLIM_INFINITY };
	struct rlimit before;
	int object, err = 0;

	if (HAS_SANITIZER)
		SKIP("a sanitizer does not live with RLIMIT_AS");
	CHECK_EQ(getrlimit(RLIMIT_AS, &before), 0);
	CHECK_EQ(setrlimit(RLIMIT_AS, &none), 0);
	for (int i = 0; i < 1 << 24 && err == 0; i++) {
		token = weir_token_none();
		err = weir__token_open(t, &c, ME, &object, &token);
	}
	CHECK_EQ(setrlimit(RLIMIT_AS, &before), 0);
	CHECK_EQ(err, -ENOMEM);
	CHECK(weir_token_is_none(token));
	token = open_one(t, &c, ME, &object);
	CHECK(weir__token_get(t, ME, token) == &object);
	end(t, &c);
}

/* All 2^24 slots: 256 MiB, so only if time and room were asked for. */
TEST(a_full_table_says_so)
{
	struct weir__tokens *t = new_table();
	struct weir__token_cache c = { 0 };
	weir_token token, last = weir_token_none();
	uint32_t n = 0;
	int object, err;

	if (!getenv("WEIR_STRESS_SECONDS")) {
		end(t, &c);
		SKIP("only with WEIR_STRESS_SECONDS");
	}
	while ((err = weir__token_open(t, &c, ME, &object, &token)) == 0) {
		last = token;
		n++;
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(n, 1 << WEIR__TOKEN_INDEX_BITS);
	weir__token_close(t, &c, last);
	token = open_one(t, &c, ME, &object);
	CHECK_EQ(index_of(token), index_of(last));
	end(t, &c);
}

TEST(there_are_4095_tables)
{
	static struct weir__tokens *tables[4096];
	int n = 0, err = 0;
	uint32_t id;

	while (n < 4096 && err == 0) {
		err = weir__tokens_new(&tables[n]);
		n += err == 0;
	}
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(n, 4095);
	CHECK(!tables[4095]);
	id = tables[1000]->id;
	CHECK(!weir__tokens_free(tables[1000]));
	tables[1000] = new_table();
	CHECK_EQ(tables[1000]->id, id);
	while (n > 0)
		weir__tokens_free(tables[--n]);
	CHECK(!weir__tokens_free(NULL));
}

/* Else a token of a table that is gone would soon name an object of another. */
TEST(a_table_freed_does_not_lend_its_number)
{
	enum { TABLES = 50 };
	weir_token old[TABLES];
	int object;

	for (int i = 0; i < TABLES; i++) {
		struct weir__tokens *t = new_table();
		struct weir__token_cache c = { 0 };

		old[i] = open_one(t, &c, ME, &object);
		for (int j = 0; j < i; j++) {
			CHECK_EQ(weir__token_owner(t, old[j]), -EINVAL);
			CHECK(!weir__token_get(t, ME, old[j]));
		}
		end(t, &c);
	}
}

/* What the threads of the storm show each other. */
enum { SHOWN = 64, THREADS = 3 };

static struct storm {
	struct weir__tokens *tokens;
	weir_ns end;
	_Atomic uint64_t shown[THREADS][SHOWN];
	_Atomic uint64_t others_seen;
} storm;

/* Look at what the others have shown: it is theirs, or it is over. */
static void look(uint32_t owner)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		for (int j = 0; j < SHOWN && i + 1 != owner; j++) {
			weir_token token = {
				atomic_load_explicit(&storm.shown[i][j],
						     memory_order_relaxed)
			};
			int at;

			CHECK(!weir__token_get(storm.tokens, owner, token));
			if (weir_token_is_none(token))
				continue;
			at = weir__token_owner(storm.tokens, token);
			CHECK(at == -ESTALE || at == (int)i + 1);
			seen += at > 0;
		}
	}
	storm.others_seen += seen;
}

static void *open_and_close(void *arg)
{
	const uint32_t owner = (uint32_t)(uintptr_t)arg;
	struct weir__token_cache c = { 0 };
	weir_token mine[SHOWN] = { 0 };
	int objects[SHOWN];
	unsigned i = 0;

	while (!stress_is_over(storm.end)) {
		for (int n = 0; n < 1000; n++, i = (i * 5 + 1) % SHOWN) {
			if (!weir_token_is_none(mine[i])) {
				CHECK(weir__token_get(storm.tokens, owner,
						      mine[i]) == &objects[i]);
				weir__token_close(storm.tokens, &c, mine[i]);
				CHECK(!weir__token_get(storm.tokens, owner,
						       mine[i]));
			}
			mine[i] = open_one(storm.tokens, &c, owner,
					   &objects[i]);
			atomic_store_explicit(&storm.shown[owner - 1][i],
					      mine[i].bits,
					      memory_order_relaxed);
		}
		/* The slots wander. */
		weir__token_cache_done(storm.tokens, &c);
		look(owner);
		sched_yield();
	}
	weir__token_cache_done(storm.tokens, &c);
	return NULL;
}

/* What is passed on says nothing of the chunk it lies in: the table must. */
static void *follow(void *unused)
{
	uint64_t seen = 0;

	(void)unused;
	while (seen < MANY) {
		weir_token token = {
			atomic_load_explicit(&storm.shown[0][0],
					     memory_order_relaxed)
		};

		if (weir_token_is_none(token))
			continue;
		CHECK_EQ(weir__token_owner(storm.tokens, token), ME);
		seen = index_of(token) + 1;
		/* Its neighbours too, which nobody may have touched since. */
		for (uint64_t i = 1; i <= WEIR__TOKEN_BATCH; i++) {
			weir_token next = { token.bits + i };
			int at = weir__token_owner(storm.tokens, next);

			CHECK(at == ME || at == -ESTALE || at == -EINVAL);
		}
	}
	return NULL;
}

TEST(who_sees_a_chunk_sees_it_zeroed)
{
	struct weir__token_cache c = { 0 };
	pthread_t thread;
	int object;

	storm.tokens = new_table();
	CHECK_EQ(pthread_create(&thread, NULL, follow, NULL), 0);
	for (int i = 0; i < MANY + WEIR__TOKEN_BATCH; i++) {
		atomic_store_explicit(&storm.shown[0][0],
				      open_one(storm.tokens, &c, ME,
					       &object).bits,
				      memory_order_relaxed);
		if (i % 64 == 0)
			sched_yield();
	}
	pthread_join(thread, NULL);
	end(storm.tokens, &c);
}

TEST(threads_never_meet_in_a_slot)
{
	pthread_t threads[THREADS];

	storm.tokens = new_table();
	storm.end = stress_end();
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, open_and_close,
					(void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(storm.others_seen > 0);
	weir__tokens_free(storm.tokens);
}

TEST(a_token_changes_owners)
{
	struct weir__token_cache cache = { 0 };
	struct weir__tokens *t;
	weir_token token;
	int object, parcel;

	CHECK_EQ(weir__tokens_new(&t), 0);
	CHECK_EQ(weir__token_open(t, &cache, 1, &object, &token), 0);
	CHECK(!weir__token_arriving(t, 1, token));
	weir__token_give(t, token, 2, &parcel);
	CHECK(!weir__token_get(t, 1, token));
	CHECK(!weir__token_get(t, 2, token));
	CHECK_EQ(weir__token_owner(t, token), 2);
	CHECK(weir__token_is_at(t, token, 2));
	CHECK(!weir__token_is_at(t, token, 1));
	CHECK(weir__token_arriving(t, 2, token) == &parcel);
	CHECK(!weir__token_arriving(t, 1, token));
	/* Refused already on its way. */
	weir__token_refuse(t, token, true);
	CHECK_EQ(weir__token_owner(t, token), -EAGAIN);
	CHECK(weir__token_arriving(t, 2, token) == &parcel);
	weir__token_settle(t, 2, token, &object);
	CHECK(!weir__token_arriving(t, 2, token));
	CHECK(weir__token_get(t, 2, token) == &object);
	CHECK_EQ(weir__token_owner(t, token), -EAGAIN);
	weir__token_refuse(t, token, false);
	CHECK_EQ(weir__token_owner(t, token), 2);
	weir__token_close(t, &cache, token);
	CHECK_EQ(weir__token_owner(t, token), -ESTALE);
	/* Who finds it ended has not to look elsewhere. */
	CHECK(weir__token_is_at(t, token, 1));
	weir__token_cache_done(t, &cache);
	weir__tokens_free(t);
}
