/* SPDX-License-Identifier: MIT */
/*
 * test_sys_arena.c - blocks, their counters, and whose memory it is
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sys/arena.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef WEIR_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#include "harness.h"

enum { BLOCKS = 400 };

struct block {
	unsigned char *at;
	size_t size;
	unsigned char fill;
};

static uint64_t random_state = 88172645463325252u;

static size_t random_below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state % limit);
}

static struct weir__arena *new_arena(void)
{
	struct weir__arena *arena = NULL;

	CHECK_EQ(weir__arena_new(&arena), 0);
	CHECK(arena);
	CHECK_EQ(weir__arena_bytes(arena), 0);
	CHECK_EQ(weir__arena_count(arena), 0);
	return arena;
}

TEST(null_is_nothing_to_free)
{
	struct weir__arena *arena = new_arena();

	weir__arena_dealloc(arena, NULL);
	CHECK_EQ(weir__arena_count(arena), 0);
	CHECK(!weir__arena_free(arena));
	CHECK(!weir__arena_free(NULL));
}

TEST(blocks_are_aligned_and_counted)
{
	struct weir__arena *arena = new_arena();

	for (size_t size = 0; size <= 70000; size += 1 + size / 16) {
		unsigned char *block = weir__arena_alloc(arena, size);
		size_t bytes = weir__arena_bytes(arena);

		CHECK(block);
		CHECK_EQ((uintptr_t)block % 16, 0);
		CHECK(bytes >= size && bytes > 0);
		CHECK_EQ(weir__arena_count(arena), 1);
		memset(block, 0xa5, size);
		weir__arena_dealloc(arena, block);
		CHECK_EQ(weir__arena_bytes(arena), 0);
		CHECK_EQ(weir__arena_count(arena), 0);
	}
	weir__arena_free(arena);
}

/* Many at a time: one block alone may be aligned by luck. */
TEST(small_blocks_are_all_aligned)
{
	struct weir__arena *arena = new_arena();
	void *blocks[64];

	for (size_t size = 0; size <= 48; size++) {
		for (int i = 0; i < 64; i++) {
			blocks[i] = weir__arena_alloc(arena, size);
			CHECK(blocks[i]);
			CHECK_EQ((uintptr_t)blocks[i] % 16, 0);
		}
		for (int i = 0; i < 64; i++)
			weir__arena_dealloc(arena, blocks[i]);
	}
	weir__arena_free(arena);
}

TEST(zalloc_clears_what_was_used_before)
{
	struct weir__arena *arena = new_arena();

	for (size_t size = 1; size <= 70000; size *= 3) {
		unsigned char *block = weir__arena_alloc(arena, size);

		CHECK(block);
		memset(block, 0xa5, size);
		weir__arena_dealloc(arena, block);
		block = weir__arena_zalloc(arena, size);
		CHECK(block);
		CHECK_EQ((uintptr_t)block % 16, 0);
		for (size_t i = 0; i < size; i++)
			CHECK_EQ(block[i], 0);
		weir__arena_dealloc(arena, block);
	}
	weir__arena_free(arena);
}

TEST(too_much_is_null)
{
	struct weir__arena *arena = new_arena();
	static const size_t sizes[] = {
		SIZE_MAX, SIZE_MAX - 14, SIZE_MAX - 15, SIZE_MAX / 2 + 1,
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK(!weir__arena_alloc(arena, sizes[i]));
		CHECK(!weir__arena_zalloc(arena, sizes[i]));
	}
	CHECK_EQ(weir__arena_bytes(arena), 0);
	CHECK_EQ(weir__arena_count(arena), 0);
	weir__arena_free(arena);
}

static void fill_slot(struct weir__arena *arena, struct block *b)
{
	b->size = random_below(random_below(16) ? 600 : 100000);
	b->fill = (unsigned char)random_below(256);
	b->at = weir__arena_alloc(arena, b->size);
	CHECK(b->at);
	memset(b->at, b->fill, b->size);
}

static size_t empty_slot(struct weir__arena *arena, struct block *b)
{
	size_t before = weir__arena_bytes(arena);

	for (size_t i = 0; i < b->size; i++)
		CHECK_EQ(b->at[i], b->fill);
	weir__arena_dealloc(arena, b->at);
	b->at = NULL;
	CHECK(before - weir__arena_bytes(arena) >= b->size);
	return before - weir__arena_bytes(arena);
}

TEST(a_random_walk_keeps_its_counters)
{
	static struct block blocks[BLOCKS];
	struct weir__arena *arena = new_arena();
	size_t live = 0;

	for (int i = 0; i < 40000; i++) {
		struct block *b = &blocks[random_below(BLOCKS)];

		if (b->at) {
			empty_slot(arena, b);
			live--;
		} else {
			fill_slot(arena, b);
			live++;
		}
		CHECK_EQ(weir__arena_count(arena), live);
	}
	for (int i = 0; i < BLOCKS; i++)
		if (blocks[i].at)
			empty_slot(arena, &blocks[i]);
	CHECK_EQ(weir__arena_bytes(arena), 0);
	CHECK_EQ(weir__arena_count(arena), 0);
	weir__arena_free(arena);
}

static void *use_arena(void *data)
{
	struct weir__arena *arena = data;
	void *blocks[100];

	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 100; i++) {
			blocks[i] = weir__arena_alloc(arena, 64);
			CHECK(blocks[i]);
		}
		for (int i = 0; i < 100; i++)
			weir__arena_dealloc(arena, blocks[i]);
	}
	return weir__arena_alloc(arena, 100);
}

TEST(an_arena_goes_from_thread_to_thread)
{
	struct weir__arena *arena = new_arena();
	pthread_t thread;
	void *block;

	for (int i = 0; i < 4; i++) {
		CHECK_EQ(pthread_create(&thread, NULL, use_arena, arena), 0);
		pthread_join(thread, &block);
		CHECK_EQ(weir__arena_count(arena), 1);
		weir__arena_dealloc(arena, block);
	}
	weir__arena_free(arena);
}

TEST(threads_use_their_own)
{
	struct weir__arena *arenas[4];
	pthread_t threads[4];
	void *block;

	for (int i = 0; i < 4; i++) {
		arenas[i] = new_arena();
		CHECK_EQ(pthread_create(&threads[i], NULL, use_arena,
					arenas[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &block);
		weir__arena_dealloc(arenas[i], block);
		CHECK_EQ(weir__arena_count(arenas[i]), 0);
		weir__arena_free(arenas[i]);
	}
}

#ifdef WEIR_HAVE_JEMALLOC

static size_t allocated(void)
{
	uint64_t epoch = 1;
	size_t bytes = 0;
	size_t size = sizeof(bytes);

	/* Statistics are as old as the last write of the epoch. */
	CHECK_EQ(mallctl("epoch", NULL, NULL, &epoch, sizeof(epoch)), 0);
	CHECK_EQ(mallctl("stats.allocated", &bytes, &size, NULL, 0), 0);
	return bytes;
}

static unsigned int heap_of(void *block)
{
	unsigned int index = 0;
	size_t size = sizeof(index);

	CHECK_EQ(mallctl("arenas.lookup", &index, &size, &block,
			 sizeof(block)), 0);
	return index;
}

TEST(freeing_an_arena_gives_all_back)
{
	size_t before = allocated();

	for (int round = 0; round < 3; round++) {
		struct weir__arena *arena = new_arena();

		for (size_t i = 0; i < 1000; i++)
			CHECK(weir__arena_alloc(arena, 16 + i * 40));
		CHECK(allocated() > before + 1000 * 1000 * 19);
		weir__arena_free(arena);
		CHECK(allocated() < before + 1000 * 1000);
	}
}

TEST(arenas_can_be_made_without_end)
{
	for (int i = 0; i < 6000; i++) {
		struct weir__arena *arena = new_arena();

		CHECK(weir__arena_alloc(arena, 64));
		weir__arena_free(arena);
	}
}

/* Some 2,000 are what jemalloc's flags have room for. */
TEST(arenas_at_a_time_are_limited)
{
	static struct weir__arena *arenas[5000];
	int n = 0;
	int r = 0;

	while (n < 5000 && (r = weir__arena_new(&arenas[n])) == 0)
		n++;
	CHECK_EQ(r, -EAGAIN);
	CHECK(n > 1000);
	CHECK(!arenas[n]);
	CHECK(weir__arena_alloc(arenas[n - 1], 64));
	while (n > 0)
		weir__arena_free(arenas[--n]);
	weir__arena_free(new_arena());
}

/* Through the cache or past it, no block comes from the other arena. */
TEST(arenas_do_not_mix)
{
	struct weir__arena *arenas[2] = { new_arena(), new_arena() };
	static struct block blocks[2][BLOCKS];
	unsigned int heaps[2];

	for (int i = 0; i < 2; i++) {
		void *block = weir__arena_alloc(arenas[i], 1);

		heaps[i] = heap_of(block);
		weir__arena_dealloc(arenas[i], block);
	}
	CHECK(heaps[0] != heaps[1]);
	for (int n = 0; n < 40000; n++) {
		int i = (int)random_below(2);
		struct block *b = &blocks[i][random_below(BLOCKS)];

		if (b->at) {
			empty_slot(arenas[i], b);
			continue;
		}
		fill_slot(arenas[i], b);
		CHECK_EQ(heap_of(b->at), heaps[i]);
	}
	weir__arena_free(arenas[0]);	/* with all that is still in it */
	for (int i = 0; i < BLOCKS; i++)
		if (blocks[1][i].at)
			empty_slot(arenas[1], &blocks[1][i]);
	CHECK_EQ(weir__arena_bytes(arenas[1]), 0);
	weir__arena_free(arenas[1]);
}

/* malloc() on the same thread gets nothing of ours, nor we of it. */
TEST(the_threads_own_heap_stays_apart)
{
	struct weir__arena *arena = new_arena();
	void *mine = weir__arena_alloc(arena, 64);
	unsigned int heap = heap_of(mine);

	for (int i = 0; i < 1000; i++) {
		void *block = malloc(64);

		CHECK(block && heap_of(block) != heap);
		free(block);
		weir__arena_dealloc(arena, mine);
		mine = weir__arena_alloc(arena, 64);
		CHECK_EQ(heap_of(mine), heap);
	}
	weir__arena_free(arena);
}

#endif

/* Small blocks of a known size: cleared, counted, and kept for the next. */
TEST(small_blocks_are_kept)
{
	enum { COUNT = 5000 };	/* more than are kept */
	static unsigned char *blocks[COUNT];
	struct weir__arena *arena;

	CHECK_EQ(weir__arena_new(&arena), 0);
	for (size_t size = 1; size <= WEIR__ARENA_SMALL; size += 51) {
		for (int i = 0; i < COUNT; i++) {
			blocks[i] = weir__arena_take(arena, size);
			CHECK(blocks[i]);
			CHECK_EQ((uintptr_t)blocks[i] % 16, 0);
			for (size_t at = 0; at < size; at++)
				CHECK_EQ(blocks[i][at], 0);
			memset(blocks[i], 0xa5, size);
		}
		CHECK_EQ(weir__arena_count(arena), COUNT);
		CHECK(weir__arena_bytes(arena) >= COUNT * size);
		for (int i = 0; i < COUNT; i++) {
			CHECK_EQ(blocks[i][size - 1], 0xa5);
			weir__arena_give(arena, blocks[i], size);
		}
		CHECK_EQ(weir__arena_count(arena), 0);
		CHECK_EQ(weir__arena_bytes(arena), 0);
	}
	weir__arena_free(arena);
}
