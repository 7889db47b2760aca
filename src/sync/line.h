/* SPDX-License-Identifier: MIT */
/*
 * sync/line.h - how far apart two threads' data must lie
 *
 * 128 bytes, not 64: x86 prefetches lines in pairs, and some arm64 cores have
 * lines of 128.
 */
#ifndef WEIR_SYNC_LINE_H
#define WEIR_SYNC_LINE_H

#include <stddef.h>
#include <stdlib.h>

#define WEIR__LINE 128

/**
 * weir__line_alloc() - memory that begins a line and shares none
 *
 * Owns:   the caller, who frees it with free().
 * Return: memory, not cleared, or NULL.
 */
static inline void *weir__line_alloc(size_t size)
{
	/* aligned_alloc() wants a multiple of the alignment. */
	return aligned_alloc(WEIR__LINE, (size + WEIR__LINE - 1) /
					 WEIR__LINE * WEIR__LINE);
}

/*
 * A line that will be written soon, and that another CPU had last: have it
 * fetched, for writing.  The compiler's own hint fetches it for reading where
 * it must not assume more of an x86 than the first of them had; the store then
 * waits all the same.  One that does not know the instruction takes it for a
 * nop.
 */
static inline void weir__line_fetch(const void *at)
{
#if defined(__x86_64__)
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1);
#endif
}

#endif /* WEIR_SYNC_LINE_H */
