/* SPDX-License-Identifier: MIT */
/*
 * net/buffer.c - bytes between two descriptors, never more than so many
 *
 * Two marks, so that one who writes a byte and one who reads a byte do not
 * start and stop the sender with each of them.
 */
#include <weir/buffer.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <weir/fd.h>

#include "base/bytes.h"

enum { CAPACITY_DEFAULT = 64 * 1024, CAPACITY_MAX = 1 << 30 };

struct weir_buffer {
	struct weir__bytes bytes;
	size_t high, low;
	bool is_high;
	uint8_t mem[];
};

/* Return: 0 or -EINVAL; all of @o is set then. */
static int take_options(struct weir_buffer_options *o,
			const struct weir_buffer_options *options)
{
	*o = (struct weir_buffer_options){ .size = sizeof(*o) };
	if (options && options->size != sizeof(*o))
		return -EINVAL;
	if (options)
		*o = *options;
	if (o->capacity == 0)
		o->capacity = CAPACITY_DEFAULT;
	if (o->high == 0)
		o->high = o->capacity - o->capacity / 4;
	if (o->low == 0 && o->high > o->capacity / 4)
		o->low = o->capacity / 4;
	if (o->capacity > CAPACITY_MAX || o->high > o->capacity ||
	    o->low >= o->high)
		return -EINVAL;
	return 0;
}

int weir_buffer_new(const struct weir_buffer_options *options,
		    struct weir_buffer **ret_buffer)
{
	struct weir_buffer_options o;
	struct weir_buffer *b;
	int err = take_options(&o, options);

	if (err < 0)
		return err;
	b = malloc(sizeof(*b) + o.capacity);
	if (!b)
		return -ENOMEM;
	weir__bytes_init(&b->bytes, b->mem, o.capacity);
	b->high = o.high;
	b->low = o.low;
	b->is_high = false;
	*ret_buffer = b;
	return 0;
}

struct weir_buffer *weir_buffer_free(struct weir_buffer *b)
{
	free(b);
	return NULL;
}

size_t weir_buffer_len(const struct weir_buffer *b)
{
	return weir__bytes_len(&b->bytes);
}

int weir_buffer_is_high(const struct weir_buffer *b)
{
	return b->is_high;
}

static void look(struct weir_buffer *b)
{
	const size_t len = weir__bytes_len(&b->bytes);

	if (len >= b->high)
		b->is_high = true;
	else if (len <= b->low)
		b->is_high = false;
}

size_t weir_buffer_push(struct weir_buffer *b, const void *src, size_t n)
{
	const size_t done = weir__bytes_push(&b->bytes, src, n);

	look(b);
	return done;
}

size_t weir_buffer_take(struct weir_buffer *b, void *dst, size_t n)
{
	struct iovec iov[2];
	const int count = weir__bytes_peek(&b->bytes, iov);
	size_t done = 0;

	for (int i = 0; i < count && done < n; i++) {
		const size_t part = iov[i].iov_len < n - done ?
				    iov[i].iov_len : n - done;

		if (dst)
			memcpy((uint8_t *)dst + done, iov[i].iov_base, part);
		done += part;
	}
	weir__bytes_drop(&b->bytes, done);
	look(b);
	return done;
}

ssize_t weir_buffer_fill(struct weir_buffer *b, int fd)
{
	struct iovec iov[2];
	const int count = weir__bytes_space(&b->bytes, iov);
	ssize_t n;

	if (count == 0)
		return -ENOSPC;
	n = weir_fd_readv(fd, iov, count);
	if (n > 0)
		weir__bytes_commit(&b->bytes, (size_t)n);
	look(b);
	return n;
}

ssize_t weir_buffer_flush(struct weir_buffer *b, int fd)
{
	struct iovec iov[2];
	const int count = weir__bytes_peek(&b->bytes, iov);
	ssize_t n;

	if (count == 0)
		return 0;
	n = weir_fd_writev(fd, iov, count);
	if (n > 0)
		weir__bytes_drop(&b->bytes, (size_t)n);
	look(b);
	return n;
}
