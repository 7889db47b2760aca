/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <assert.h>
#include <string.h>

/*
 * The @n bytes of the ring from @from on, as pieces.  Kept to one comparison:
 * @from is below twice the capacity, so one subtraction wraps it.
 */
static int pieces(const struct weir__bytes *b, size_t from, size_t n,
		  struct iovec iov[2])
{
	size_t to_end;

	if (n == 0)
		return 0;
	if (from >= b->capacity)
		from -= b->capacity;
	to_end = b->capacity - from;
	if (n <= to_end) {
		iov[0] = (struct iovec){ b->mem + from, n };
		return 1;
	}
	iov[0] = (struct iovec){ b->mem + from, to_end };
	iov[1] = (struct iovec){ b->mem, n - to_end };
	return 2;
}

size_t weir__bytes_push(struct weir__bytes *b, const void *src, size_t n)
{
	const uint8_t *from = src;
	struct iovec iov[2];
	int count = weir__bytes_space(b, iov);
	size_t done = 0;

	for (int i = 0; i < count && done < n; i++) {
		size_t len = iov[i].iov_len;

		len = len < n - done ? len : n - done;
		memcpy(iov[i].iov_base, from + done, len);
		done += len;
	}
	weir__bytes_commit(b, done);
	return done;
}

int weir__bytes_peek(const struct weir__bytes *b, struct iovec iov[2])
{
	return pieces(b, b->head, b->len, iov);
}

int weir__bytes_space(const struct weir__bytes *b, struct iovec iov[2])
{
	return pieces(b, b->head + b->len, weir__bytes_room(b), iov);
}

void weir__bytes_commit(struct weir__bytes *b, size_t n)
{
	assert(n <= weir__bytes_room(b));
	b->len += n;
}

void weir__bytes_drop(struct weir__bytes *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	b->head += n;
	if (b->len == 0)
		b->head = 0;
	else if (b->head >= b->capacity)
		b->head -= b->capacity;
}
