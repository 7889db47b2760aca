/* SPDX-License-Identifier: MIT */
/*
 * arena.c - the allocator seam: memory that one thread owns
 *
 * A1  Every call names our arena and our thread cache, both explicit.  The
 *     cache fills from the arena named in the call that finds it empty, and
 *     takes in the blocks that are given back here.  Hence it holds this
 *     arena's blocks only, and nobody else's cache holds one.
 * A2  The cache is destroyed before the arena, as it would otherwise hold
 *     blocks of an arena that is gone.  No thread is ever bound to the arena
 *     (thread.arena), which would make its destruction fail.
 * A3  Sizes are rounded up to 16: then every size class that can serve them is
 *     a multiple of 16, and blocks lie at multiples of their class.
 *
 * A4  Small blocks of a size that is known are kept in a list for each 16
 *     bytes. What is in a list counts as given back.
 *
 * To take and give back 64 bytes costs 20 ns, 7 of them for asking their size
 * twice, where malloc() and free() cost 6 (jemalloc) or 9 (glibc).  By A4 it
 * costs 2.
 */
#include "sys/arena.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef WEIR_HAVE_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif

#include "sys/fault.h"

#define ALIGNMENT 16
#define LINE 128	/* two lines: the CPU fetches them in pairs */

/* Under a sanitizer what is given back must not be found again. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_MOST 0u
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEP_MOST 0u
#endif
#endif
#ifndef KEEP_MOST
#define KEEP_MOST 4096u	/* of each size: half a MiB of what is usual */
#endif

/* What was given back, last first. */
struct kept {
	struct kept *next;
};

struct bin {
	struct kept *first;
	unsigned count;
};

/* Alone on its lines: each allocation writes it. */
struct weir__arena {
	_Alignas(LINE) size_t bytes;
	size_t count;
	struct bin bins[WEIR__ARENA_SMALL / ALIGNMENT];
	unsigned int index;	/* jemalloc's numbers, and */
	unsigned int cache;
	int flags;		/* both as mallocx() wants them */
};

#ifdef WEIR_HAVE_JEMALLOC

/* The largest that MALLOCX_ARENA() can shift into an int. */
#define MAX_INDEX ((INT_MAX >> 20) - 1)

/* "name.<i>.verb" with a number: mallctl() knows no other way. */
static void control(const char *format, unsigned int i)
{
	char name[32];

	snprintf(name, sizeof(name), format, i);
	mallctl(name, NULL, NULL, NULL, 0);
}

static int heap_init(struct weir__arena *arena)
{
	size_t size = sizeof(arena->index);
	int r = 0;

	/* It says EAGAIN, but our own limit below comes before jemalloc's. */
	if (mallctl("arenas.create", &arena->index, &size, NULL, 0))
		return -ENOMEM;
	size = sizeof(arena->cache);
	if (arena->index > MAX_INDEX)
		r = -EAGAIN;
	else if (mallctl("tcache.create", &arena->cache, &size, NULL, 0))
		r = -ENOMEM;
	if (r < 0) {
		control("arena.%u.destroy", arena->index);
		return r;
	}
	arena->flags = (int)MALLOCX_ARENA(arena->index) |
		       MALLOCX_TCACHE((int)arena->cache);
	return 0;
}

static void heap_done(struct weir__arena *arena)
{
	mallctl("tcache.destroy", NULL, NULL, &arena->cache,
		sizeof(arena->cache));
	control("arena.%u.destroy", arena->index);
}

static void *heap_take(struct weir__arena *arena, size_t size, bool zero)
{
	return mallocx(size, arena->flags | (zero ? MALLOCX_ZERO : 0));
}

static size_t heap_size(void *block)
{
	return sallocx(block, 0);
}

static void heap_give(struct weir__arena *arena, void *block)
{
	dallocx(block, arena->flags);
}

#else

static int heap_init(struct weir__arena *arena)
{
	(void)arena;
	return 0;
}

static void heap_done(struct weir__arena *arena)
{
	(void)arena;
}

static void *heap_take(struct weir__arena *arena, size_t size, bool zero)
{
	void *block;

	(void)arena;
	if (_Alignof(max_align_t) >= ALIGNMENT)
		return zero ? calloc(1, size) : malloc(size);
	block = aligned_alloc(ALIGNMENT, size);
	if (block && zero)
		memset(block, 0, size);
	return block;
}

static size_t heap_size(void *block)
{
	return malloc_usable_size(block);
}

static void heap_give(struct weir__arena *arena, void *block)
{
	(void)arena;
	free(block);
}

#endif

int weir__arena_new(struct weir__arena **ret)
{
	struct weir__arena *arena;
	int r = weir__fault(WEIR__CALL_ARENA_NEW);

	if (r < 0)
		return r;
	arena = aligned_alloc(LINE, sizeof(*arena));
	if (!arena)
		return -ENOMEM;
	*arena = (struct weir__arena){ 0 };
	r = heap_init(arena);
	if (r < 0) {
		free(arena);
		return r;
	}
	*ret = arena;
	return 0;
}

static void empty_bins(struct weir__arena *arena)
{
	for (size_t i = 0; i < WEIR__ARENA_SMALL / ALIGNMENT; i++) {
		struct kept *block;

		while ((block = arena->bins[i].first) != NULL) {
			arena->bins[i].first = block->next;
			heap_give(arena, block);
		}
	}
}

struct weir__arena *weir__arena_free(struct weir__arena *arena)
{
	if (!arena)
		return NULL;
	empty_bins(arena);
	heap_done(arena);
	free(arena);
	return NULL;
}

static void *take(struct weir__arena *arena, size_t size, bool zero)
{
	void *block;

	if (weir__fault(WEIR__CALL_ALLOC) < 0 || size > PTRDIFF_MAX)
		return NULL;
	size = size ? (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) :
		      ALIGNMENT;
	block = heap_take(arena, size, zero);
	if (!block)
		return NULL;
	arena->bytes += heap_size(block);
	arena->count++;
	return block;
}

void *weir__arena_alloc(struct weir__arena *arena, size_t size)
{
	return take(arena, size, false);
}

void *weir__arena_zalloc(struct weir__arena *arena, size_t size)
{
	return take(arena, size, true);
}

void weir__arena_dealloc(struct weir__arena *arena, void *block)
{
	if (!block)
		return;
	arena->bytes -= heap_size(block);
	arena->count--;
	heap_give(arena, block);
}

static size_t class_of(size_t size)
{
	return (size - 1) / ALIGNMENT;
}

static size_t class_size(size_t size)
{
	return (class_of(size) + 1) * ALIGNMENT;
}

void *weir__arena_take(struct weir__arena *arena, size_t size)
{
	struct bin *bin = &arena->bins[class_of(size)];
	struct kept *block = bin->first;

	if (weir__fault(WEIR__CALL_ALLOC) < 0)
		return NULL;
	if (block) {
		bin->first = block->next;
		bin->count--;
	} else {
		block = heap_take(arena, class_size(size), false);
	}
	if (!block)
		return NULL;
	arena->bytes += class_size(size);
	arena->count++;
	return memset(block, 0, size);
}

void weir__arena_give(struct weir__arena *arena, void *block, size_t size)
{
	struct bin *bin = &arena->bins[class_of(size)];
	struct kept *kept = block;

	arena->bytes -= class_size(size);
	arena->count--;
	if (bin->count + 1 > KEEP_MOST) {
		heap_give(arena, block);
		return;
	}
	kept->next = bin->first;
	bin->first = kept;
	bin->count++;
}

size_t weir__arena_bytes(const struct weir__arena *arena)
{
	return arena->bytes;
}

size_t weir__arena_count(const struct weir__arena *arena)
{
	return arena->count;
}
