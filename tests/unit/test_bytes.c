/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { GUARD = 8 };

static uint64_t random_state;

static size_t random_below(size_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return limit ? (size_t)(random_state % limit) : 0;
}

/*
 * The model: the n-th byte that ever went in has the value pattern(n), so two
 * counters say all that a queue must hold.
 */
struct model {
	struct weir__bytes bytes;
	uint8_t *mem;		/* with a guard on both sides */
	size_t in, out;
};

static uint8_t pattern(size_t n)
{
	return (uint8_t)(n * 167 + n / 251);
}

static void model_init(struct model *m, size_t capacity)
{
	*m = (struct model){ .mem = malloc(capacity + 2 * GUARD) };
	CHECK(m->mem);
	memset(m->mem, 0xa5, capacity + 2 * GUARD);
	weir__bytes_init(&m->bytes, m->mem + GUARD, capacity);
}

static void model_done(struct model *m)
{
	for (size_t i = 0; i < GUARD; i++) {
		CHECK_EQ(m->mem[i], 0xa5);
		CHECK_EQ(m->mem[GUARD + m->bytes.capacity + i], 0xa5);
	}
	free(m->mem);
}

/* Each piece is within the memory and not empty.  Return: their sum. */
static size_t check_pieces(const struct model *m, const struct iovec *iov,
			   int count)
{
	size_t sum = 0;

	CHECK(count >= 0 && count <= 2);
	for (int i = 0; i < count; i++) {
		size_t at = (size_t)((uint8_t *)iov[i].iov_base - m->mem);

		CHECK(iov[i].iov_len > 0);
		CHECK(at >= GUARD);
		CHECK(at + iov[i].iov_len <= GUARD + m->bytes.capacity);
		sum += iov[i].iov_len;
	}
	return sum;
}

static void model_check(const struct model *m)
{
	struct iovec iov[2];
	size_t len = m->in - m->out, n = m->out;
	int count;

	CHECK(m->bytes.head < m->bytes.capacity);
	CHECK(len > 0 || m->bytes.head == 0);
	CHECK_EQ(weir__bytes_len(&m->bytes), len);
	CHECK_EQ(weir__bytes_room(&m->bytes), m->bytes.capacity - len);
	count = weir__bytes_peek(&m->bytes, iov);
	CHECK_EQ(check_pieces(m, iov, count), len);
	for (int i = 0; i < count; i++)
		for (size_t j = 0; j < iov[i].iov_len; j++)
			CHECK_EQ(((uint8_t *)iov[i].iov_base)[j],
				 pattern(n++));
	count = weir__bytes_space(&m->bytes, iov);
	CHECK_EQ(check_pieces(m, iov, count), m->bytes.capacity - len);
	if (len == 0)
		CHECK(count <= 1);
}

static void do_push(struct model *m, size_t n)
{
	uint8_t src[64];
	size_t room = weir__bytes_room(&m->bytes), done;

	for (size_t i = 0; i < n; i++)
		src[i] = pattern(m->in + i);
	done = weir__bytes_push(&m->bytes, src, n);
	CHECK_EQ(done, n < room ? n : room);
	m->in += done;
}

/* As readv would. */
static void do_fill(struct model *m, size_t n)
{
	struct iovec iov[2];
	int count = weir__bytes_space(&m->bytes, iov);
	size_t done = 0;

	for (int i = 0; i < count; i++)
		for (size_t j = 0; j < iov[i].iov_len && done < n; j++)
			((uint8_t *)iov[i].iov_base)[j] =
				pattern(m->in + done++);
	weir__bytes_commit(&m->bytes, done);
	m->in += done;
}

static void do_drop(struct model *m, size_t n)
{
	weir__bytes_drop(&m->bytes, n);
	m->out += n;
}

TEST(a_new_queue_is_empty)
{
	struct model m;

	model_init(&m, 16);
	model_check(&m);
	model_done(&m);
}

TEST(no_capacity_takes_nothing)
{
	struct weir__bytes b;
	struct iovec iov[2];

	weir__bytes_init(&b, NULL, 0);
	CHECK_EQ(weir__bytes_room(&b), 0);
	CHECK_EQ(weir__bytes_push(&b, "x", 1), 0);
	CHECK_EQ(weir__bytes_push(&b, NULL, 0), 0);
	CHECK_EQ(weir__bytes_space(&b, iov), 0);
	CHECK_EQ(weir__bytes_peek(&b, iov), 0);
	weir__bytes_commit(&b, 0);
	weir__bytes_drop(&b, 0);
	CHECK_EQ(weir__bytes_len(&b), 0);
}

TEST(push_takes_as_much_as_fits)
{
	struct model m;

	model_init(&m, 10);
	do_push(&m, 7);
	do_push(&m, 7);
	CHECK_EQ(m.in, 10);
	model_check(&m);
	do_push(&m, 1);
	CHECK_EQ(m.in, 10);
	model_check(&m);
	model_done(&m);
}

TEST(bytes_across_the_end_are_two_pieces)
{
	struct model m;
	struct iovec iov[2];

	model_init(&m, 10);
	do_push(&m, 8);
	do_drop(&m, 6);
	CHECK_EQ(weir__bytes_space(&m.bytes, iov), 2);
	CHECK_EQ(iov[0].iov_len, 2);
	CHECK_EQ(iov[1].iov_len, 6);
	do_fill(&m, 8);
	CHECK_EQ(weir__bytes_peek(&m.bytes, iov), 2);
	CHECK_EQ(iov[0].iov_len, 4);
	CHECK_EQ(iov[1].iov_len, 6);
	model_check(&m);
	model_done(&m);
}

TEST(an_emptied_queue_starts_anew)
{
	struct model m;
	struct iovec iov[2];

	model_init(&m, 10);
	do_push(&m, 7);
	do_drop(&m, 3);
	do_drop(&m, 4);
	CHECK_EQ(weir__bytes_space(&m.bytes, iov), 1);
	CHECK(iov[0].iov_base == m.bytes.mem);
	CHECK_EQ(iov[0].iov_len, 10);
	model_done(&m);
}

TEST(any_sequence_matches_the_model)
{
	static const size_t capacities[] = { 1, 2, 3, 7, 16, 33, 64 };
	struct model m;

	random_state = 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]);
	     i++) {
		size_t most = capacities[i] + 1 < 64 ? capacities[i] + 1 : 64;

		model_init(&m, capacities[i]);
		for (int step = 0; step < 20000; step++) {
			size_t len = weir__bytes_len(&m.bytes);

			switch (random_below(3)) {
			case 0:
				do_push(&m, random_below(most + 1));
				break;
			case 1:
				do_fill(&m, random_below(most + 1));
				break;
			default:
				do_drop(&m, random_below(4) ?
					    random_below(len + 1) : len);
			}
			model_check(&m);
		}
		CHECK(m.out > 20 * capacities[i]);
		model_done(&m);
	}
}
