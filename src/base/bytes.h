/* SPDX-License-Identifier: MIT */
/*
 * base/bytes.h - bounded byte queue over memory of the caller's
 *
 * A ring: bytes are never moved, and what is in it, or free in it, is at most
 * two pieces.  Those pieces are given out as iovecs, so that one readv fills
 * it and one writev empties it, whatever the position.  Taking out the last
 * byte moves the position back to the start of the memory: a relay that keeps
 * up thus sees one piece, over the same cache lines again and again.
 *
 * B1  head < capacity, or both are 0.
 * B2  len <= capacity; the bytes are mem[head], mem[head + 1], ... and go on
 *     at mem[0] after the end.
 * B3  head is 0 when len is 0.
 */
#ifndef WEIR_BASE_BYTES_H
#define WEIR_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Private, but for tests. */
struct weir__bytes {
	uint8_t *mem;
	size_t capacity, head, len;
};

/*
 * An empty queue.  @mem may be NULL if @capacity is 0.
 *
 * Owns: @mem stays the caller's, who frees it when done with @b.
 */
static inline void weir__bytes_init(struct weir__bytes *b, void *mem,
				    size_t capacity)
{
	*b = (struct weir__bytes){ .mem = mem, .capacity = capacity };
}

/* Bytes in the queue. */
static inline size_t weir__bytes_len(const struct weir__bytes *b)
{
	return b->len;
}

/* Bytes that fit in. */
static inline size_t weir__bytes_room(const struct weir__bytes *b)
{
	return b->capacity - b->len;
}

/* Copy in as much of @src as fits.  Return: how much that was. */
size_t weir__bytes_push(struct weir__bytes *b, const void *src, size_t n);

/*
 * Where the bytes are, oldest first, to be written out from there.
 * Return: how many of @iov were filled, 0 .. 2; each is at least a byte long.
 */
int weir__bytes_peek(const struct weir__bytes *b, struct iovec iov[2]);

/*
 * Where the free space is, to be read into from its start on.
 * Return: how many of @iov were filled, 0 .. 2; each is at least a byte long.
 */
int weir__bytes_space(const struct weir__bytes *b, struct iovec iov[2]);

/* The first @n bytes of the space were filled; @n is at most the room. */
void weir__bytes_commit(struct weir__bytes *b, size_t n);

/* The first @n bytes are done with; @n is at most the length. */
void weir__bytes_drop(struct weir__bytes *b, size_t n);

#endif /* WEIR_BASE_BYTES_H */
