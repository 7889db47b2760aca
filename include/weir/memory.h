/* SPDX-License-Identifier: MIT */
#ifndef WEIR_MEMORY_H
#define WEIR_MEMORY_H

/*
 * weir/memory.h - memory that is local to a reactor's thread
 *
 * Each reactor has a jemalloc arena of its own: no lock, no false sharing with
 * other workers, accounted per worker, and given back as a whole when the
 * reactor ends.  What another thread is done with goes back to its owner as a
 * message.  Built --without-jemalloc, it is malloc.
 */
#include <stddef.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;

/**
 * weir_malloc() - allocate from a reactor's arena
 * @r:    the reactor
 * @size: bytes, at least 1
 *
 * Threads: owner only.
 * Owns:    the caller; free it with weir_mfree() on the same reactor.
 * Return:  memory aligned to 16 bytes, or NULL.
 */
void *weir_malloc(struct weir_reactor *r, size_t size);

/**
 * weir_mzalloc() - as weir_malloc(), filled with zeroes
 * @r:    the reactor
 * @size: bytes, at least 1
 *
 * Threads: owner only.
 * Return:  memory, or NULL.
 */
void *weir_mzalloc(struct weir_reactor *r, size_t size);

/**
 * weir_mfree() - give memory back to a reactor's arena
 * @r:   the reactor it came from
 * @ptr: the memory, or NULL
 *
 * Threads: owner only.
 */
void weir_mfree(struct weir_reactor *r, void *ptr);

WEIR_END_DECLS

#endif /* WEIR_MEMORY_H */
