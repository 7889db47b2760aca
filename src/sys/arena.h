/* SPDX-License-Identifier: MIT */
/*
 * sys/arena.h - the allocator seam: memory that one thread owns
 *
 * With jemalloc an arena is a heap of its own: its blocks lie beside no other
 * arena's, a free puts nothing into another thread's cache, and freeing the
 * arena gives back all that is still in it.
 *
 * Without, it is malloc() with the same counters.  What is still in an arena
 * when it is freed then stays allocated, so that a leak checker sees it.
 *
 * Threads: one at a time.  An arena may be made by one thread and used by
 *          another later, if the hand-over orders the two; a block must be
 *          given back to the arena it came from.
 */
#ifndef WEIR_SYS_ARENA_H
#define WEIR_SYS_ARENA_H

#include <stddef.h>

struct weir__arena;

enum { WEIR__ARENA_SMALL = 256 };

/**
 * weir__arena_new() - make an empty arena
 *
 * Return: 0, -ENOMEM, or -EAGAIN (jemalloc has no number left: some 2,000
 *         arenas exist).
 */
int weir__arena_new(struct weir__arena **ret);

/**
 * weir__arena_free() - free an arena; with jemalloc, all its blocks too
 * @arena: the arena, or NULL
 *
 * Return: NULL.
 */
struct weir__arena *weir__arena_free(struct weir__arena *arena);

/**
 * weir__arena_alloc() - a block of at least @size bytes, aligned to 16
 * @size: 0 is taken for 1
 *
 * Return: the block, or NULL (out of memory).
 */
void *weir__arena_alloc(struct weir__arena *arena, size_t size);

/* As weir__arena_alloc(), and the @size bytes are 0. */
void *weir__arena_zalloc(struct weir__arena *arena, size_t size);

/**
 * weir__arena_dealloc() - give a block back
 * @block: from this arena, or NULL
 */
void weir__arena_dealloc(struct weir__arena *arena, void *block);

/**
 * weir__arena_take() - a small block, of a size that is known when it goes
 * @size: 1 .. WEIR__ARENA_SMALL
 *
 * What was given back is kept here for the next of its size, up to a limit: no
 * allocator is asked.  The first @size bytes are 0.
 *
 * Return: the block, or NULL (out of memory).
 */
void *weir__arena_take(struct weir__arena *arena, size_t size);

/**
 * weir__arena_give() - give back a block of weir__arena_take()
 * @size: as it was taken
 */
void weir__arena_give(struct weir__arena *arena, void *block, size_t size);

/* Bytes in blocks not given back, as the allocator rounded them up. */
size_t weir__arena_bytes(const struct weir__arena *arena);

/* Blocks not given back. */
size_t weir__arena_count(const struct weir__arena *arena);

#endif /* WEIR_SYS_ARENA_H */
