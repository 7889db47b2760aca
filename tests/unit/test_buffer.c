/* SPDX-License-Identifier: MIT */
/*
 * test_buffer.c - bounded buffers with a high and a low mark
 */
#include <weir/buffer.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/unix.h>

#include "fixture.h"
#include "harness.h"
#include "heap.h"

static bool is_out_of_memory;

static bool heap_refuses(void)
{
	return is_out_of_memory;
}

static int try_new(size_t size, size_t capacity, size_t high, size_t low,
		   struct weir_buffer **ret_buffer)
{
	const struct weir_buffer_options options = {
		.size = size,
		.capacity = capacity,
		.high = high,
		.low = low,
	};

	return weir_buffer_new(&options, ret_buffer);
}

static struct weir_buffer *make(size_t capacity, size_t high, size_t low)
{
	struct weir_buffer *b;

	CHECK_EQ(try_new(sizeof(struct weir_buffer_options), capacity, high,
			 low, &b), 0);
	return b;
}

TEST(what_is_out_of_range)
{
	const size_t size = sizeof(struct weir_buffer_options);
	struct weir_buffer *b = NULL;

	CHECK_ERRNO(weir_buffer_new, EINVAL, try_new(0, 10, 0, 0, &b));
	CHECK_EQ(try_new(size, 10, 11, 0, &b), -EINVAL);
	CHECK_EQ(try_new(size, 10, 5, 5, &b), -EINVAL);
	CHECK_EQ(try_new(size, ((size_t)1 << 30) + 1, 0, 0, &b), -EINVAL);
	is_out_of_memory = true;
	CHECK_EQ(weir_buffer_new(NULL, &b), -ENOMEM);
	is_out_of_memory = false;
	CHECK(!b);
	CHECK(!weir_buffer_free(NULL));
	CHECK_EQ(try_new(size, 1, 0, 0, &b), 0);
	CHECK_EQ(weir_buffer_push(b, "ab", 2), 1);
	CHECK(weir_buffer_is_high(b));
	CHECK(!weir_buffer_free(b));
	CHECK_EQ(weir_buffer_new(NULL, &b), 0);
	CHECK(!weir_buffer_free(b));
}

/* Between the marks it is what it was. */
TEST(it_is_high_from_one_mark_down_to_the_other)
{
	struct weir_buffer *b = make(100, 80, 20);
	static char some[100];

	for (int round = 0; round < 3; round++) {
		CHECK_EQ(weir_buffer_push(b, some, 79), 79);
		CHECK(!weir_buffer_is_high(b));
		CHECK_EQ(weir_buffer_push(b, some, 1), 1);
		CHECK(weir_buffer_is_high(b));
		CHECK_EQ(weir_buffer_push(b, some, 100), 20);
		CHECK_EQ(weir_buffer_len(b), 100);
		CHECK_EQ(weir_buffer_take(b, NULL, 79), 79);
		CHECK(weir_buffer_is_high(b));
		CHECK_EQ(weir_buffer_take(b, some, 1), 1);
		CHECK(!weir_buffer_is_high(b));
		CHECK_EQ(weir_buffer_push(b, some, 59), 59);
		CHECK(!weir_buffer_is_high(b));
		CHECK_EQ(weir_buffer_take(b, some, 1000), 79);
	}
	weir_buffer_free(b);
}

TEST(what_goes_in_comes_out_in_order)
{
	struct weir_buffer *b = make(97, 0, 0);
	uint64_t in = 0, out = 0, random = 42;
	uint8_t piece[64];

	while (out < 100000) {
		const size_t n = fixture_random(&random, sizeof(piece));
		size_t done;

		for (size_t i = 0; i < n; i++)
			piece[i] = fixture_byte(3, in + i);
		in += weir_buffer_push(b, piece, n);
		done = weir_buffer_take(b, piece,
					fixture_random(&random, sizeof(piece)));
		for (size_t i = 0; i < done; i++)
			CHECK_EQ(piece[i], fixture_byte(3, out + i));
		out += done;
		CHECK_EQ(weir_buffer_len(b), in - out);
	}
	weir_buffer_free(b);
}

TEST(a_slow_receiver_stops_a_fast_sender)
{
	struct weir_buffer *b = make(1000, 600, 100);
	int from[2], to[2];
	ssize_t n;

	CHECK_EQ(weir_unix_pair(SOCK_STREAM, from), 0);
	fixture_unix_pair(to);
	CHECK_EQ(weir_buffer_flush(b, to[1]), 0);
	CHECK_EQ(weir_buffer_fill(b, from[0]), -EAGAIN);
	fixture_send(from[1], 1, 0, 5000);
	while ((n = weir_buffer_fill(b, from[0])) > 0)
		continue;
	CHECK_EQ(n, -ENOSPC);
	CHECK_EQ(weir_buffer_fill(b, from[0]), -ENOSPC);
	CHECK(weir_buffer_is_high(b));
	for (uint64_t got = 0; got < 5000; got += (uint64_t)n) {
		n = weir_buffer_flush(b, to[1]);
		CHECK(n > 0);
		CHECK_EQ(fixture_receive(to[0], 1, got, got + (uint64_t)n,
					 NULL), got + (uint64_t)n);
		CHECK(!weir_buffer_is_high(b));
		weir_buffer_fill(b, from[0]);
	}
	close(from[1]);
	CHECK_EQ(weir_buffer_fill(b, from[0]), 0);
	/* What cannot be written is still there. */
	CHECK_EQ(weir_buffer_push(b, "xyz", 3), 3);
	close(to[0]);
	CHECK_EQ(weir_buffer_flush(b, to[1]), -EPIPE);
	CHECK_EQ(weir_buffer_flush(b, -1), -EBADF);
	CHECK_EQ(weir_buffer_fill(b, -1), -EBADF);
	CHECK_EQ(weir_buffer_len(b), 3);
	weir_buffer_free(b);
	close(from[0]);
	close(to[1]);
}

TEST(a_socket_without_room_leaves_the_bytes)
{
	struct weir_buffer *b = make(1 << 20, 0, 0);
	static char big[1 << 20];
	size_t written = 0;
	ssize_t n;
	int to[2];

	CHECK_EQ(weir_unix_pair(SOCK_STREAM, to), 0);
	do {
		weir_buffer_push(b, big, sizeof(big));
		n = weir_buffer_flush(b, to[0]);
		written += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	CHECK_ERRNO(weir_buffer_flush, EAGAIN, n);
	CHECK(written > 0);
	CHECK_EQ(weir_buffer_len(b), sizeof(big));
	weir_buffer_free(b);
	close(to[0]);
	close(to[1]);
}

TEST(a_reset_is_said_by_the_fill)
{
	struct weir_buffer *b = make(10, 0, 0);
	int fds[2];

	fixture_tcp_pair(fds);
	fixture_reset_on_close(fds[0]);
	close(fds[0]);
	CHECK_EQ(weir_buffer_fill(b, fds[1]), -ECONNRESET);
	CHECK_EQ(weir_buffer_push(b, "x", 1), 1);
	CHECK_EQ(weir_buffer_flush(b, fds[1]), -EPIPE);
	weir_buffer_free(b);
	close(fds[1]);
}
