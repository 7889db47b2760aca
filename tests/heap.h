/* SPDX-License-Identifier: MIT */
/*
 * tests/heap.h - a heap that refuses when a test wants it to
 *
 * One file of a program includes it and says when: it has the functions that
 * the linker puts in the place of malloc() and its kin (wrap_ldflags).
 */
#ifndef WEIR_TESTS_HEAP_H
#define WEIR_TESTS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* The includer's: whether this block is refused.  Any thread. */
static bool heap_refuses(void);

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
	return heap_refuses() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return heap_refuses() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return heap_refuses() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return heap_refuses() ? NULL : __real_aligned_alloc(alignment, size);
}

#endif /* WEIR_TESTS_HEAP_H */
