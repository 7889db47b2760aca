/* SPDX-License-Identifier: MIT */
/*
 * test_ring.c - one producer, one consumer, nothing lost, in order
 */
#include "sync/ring.h"

#include <pthread.h>
#include <sched.h>

#include "harness.h"
#include "stress.h"

enum { CAPACITY = 16 };

static bool push(struct weir__ring *ring, uint64_t word, size_t reserve)
{
	if (!weir__ring_has_room(ring, reserve))
		weir__ring_look(ring);
	if (!weir__ring_has_room(ring, reserve))
		return false;
	weir__ring_push(ring, (struct weir_msg){ .word = word });
	return true;
}

static const struct weir_msg *oldest(const struct weir__ring *ring)
{
	size_t count = 1;

	return weir__ring_span(ring, &count);
}

static void take(struct weir__ring *ring, uint64_t word)
{
	CHECK_EQ(oldest(ring)->word, word);
	weir__ring_drop(ring, 1);
}

TEST(a_new_ring_is_empty)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);

	CHECK(ring);
	CHECK_EQ(weir__ring_count(ring), 0);
	CHECK(!weir__ring_publish(ring));
	CHECK(!weir__ring_free(ring));
	CHECK(!weir__ring_free(NULL));
}

TEST(each_side_has_lines_of_its_own)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);

	CHECK_EQ((uintptr_t)ring % WEIR__LINE, 0);
	CHECK_EQ(offsetof(struct weir__ring, tail_shared) % WEIR__LINE, 0);
	CHECK_EQ(offsetof(struct weir__ring, head) % WEIR__LINE, 0);
	CHECK_EQ(offsetof(struct weir__ring, head_shared) % WEIR__LINE, 0);
	CHECK_EQ(offsetof(struct weir__ring, slots) % sizeof(struct weir_msg),
		 0);
	weir__ring_free(ring);
}

TEST(all_of_a_message_arrives)
{
	static const struct weir_call call = { 0 };
	struct weir__ring *ring = weir__ring_new(CAPACITY);
	const struct weir_msg sent = { &call, ring, { 7 }, 8 };
	const struct weir_msg *got;

	weir__ring_push(ring, sent);
	CHECK_EQ(weir__ring_publish(ring), 1);
	CHECK_EQ(weir__ring_count(ring), 1);
	got = oldest(ring);
	CHECK(got->call == &call && got->arg == ring);
	CHECK(got->token.bits == 7 && got->word == 8);
	weir__ring_free(ring);
}

TEST(a_message_is_seen_once_it_is_published)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);

	CHECK(push(ring, 1, 0));
	CHECK(push(ring, 2, 0));
	CHECK_EQ(weir__ring_count(ring), 0);
	CHECK(weir__ring_publish(ring));
	CHECK(!weir__ring_publish(ring));
	CHECK_EQ(weir__ring_count(ring), 2);
	take(ring, 1);
	take(ring, 2);
	CHECK_EQ(weir__ring_count(ring), 0);
	weir__ring_free(ring);
}

TEST(a_full_ring_refuses)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);

	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK(push(ring, i, 0));
	CHECK(!push(ring, 99, 0));
	weir__ring_publish(ring);
	CHECK(!push(ring, 99, 0));
	CHECK_EQ(weir__ring_count(ring), CAPACITY);
	for (uint64_t i = 0; i < CAPACITY; i++) {
		take(ring, i);
		CHECK(push(ring, CAPACITY + i, 0));
		CHECK(!push(ring, 99, 0));
	}
	weir__ring_publish(ring);
	for (uint64_t i = 0; i < CAPACITY; i++) {
		CHECK_EQ(weir__ring_count(ring), CAPACITY - i);
		take(ring, CAPACITY + i);
	}
	weir__ring_free(ring);
}

TEST(the_reserve_is_for_those_who_ask_for_less)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);

	for (uint64_t i = 0; i < CAPACITY - 4; i++)
		CHECK(push(ring, i, 4));
	CHECK(!push(ring, 99, 4));
	CHECK(push(ring, CAPACITY - 4, 3));
	CHECK(!push(ring, 99, 4));
	CHECK(!push(ring, 99, 3));
	for (uint64_t i = CAPACITY - 3; i < CAPACITY; i++)
		CHECK(push(ring, i, 0));
	CHECK(!push(ring, 99, 0));
	weir__ring_publish(ring);
	/* Taking one gives back one of the reserve, not one for everybody. */
	CHECK(weir__ring_count(ring) > 0);
	take(ring, 0);
	CHECK(!push(ring, 99, 4));
	CHECK(push(ring, 99, 0));
	weir__ring_free(ring);
}

/* What is looked at stays in its slot until it is dropped. */
TEST(a_slot_is_the_consumers_until_it_is_dropped)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);
	const struct weir_msg *span;
	size_t count = CAPACITY;

	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK(push(ring, i, 0));
	CHECK_EQ(weir__ring_publish(ring), CAPACITY);
	CHECK_EQ(weir__ring_count(ring), CAPACITY);
	span = weir__ring_span(ring, &count);
	CHECK_EQ(count, CAPACITY);
	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK_EQ(span[i].word, i);
	CHECK(!push(ring, 99, 0));
	weir__ring_drop(ring, 5);
	CHECK_EQ(weir__ring_count(ring), CAPACITY - 5);
	CHECK_EQ(oldest(ring)->word, 5);
	for (int i = 0; i < 5; i++)
		CHECK(push(ring, 99, 0));
	CHECK(!push(ring, 99, 0));
	/* The row ends with the array. */
	weir__ring_publish(ring);
	count = weir__ring_count(ring);
	CHECK_EQ(count, CAPACITY);
	CHECK_EQ(weir__ring_span(ring, &count)->word, 5);
	CHECK_EQ(count, CAPACITY - 5);
	weir__ring_free(ring);
}

TEST(indices_may_wrap)
{
	struct weir__ring *ring = weir__ring_new(CAPACITY);
	const size_t near_end = SIZE_MAX - 5;

	ring->tail = ring->published = ring->head_seen = near_end;
	ring->head = near_end;
	atomic_store(&ring->tail_shared, near_end);
	atomic_store(&ring->head_shared, near_end);
	for (uint64_t round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < CAPACITY; i++)
			CHECK(push(ring, round + i, 0));
		CHECK(!push(ring, 99, 0));
		CHECK(weir__ring_publish(ring));
		CHECK_EQ(weir__ring_count(ring), CAPACITY);
		for (uint64_t i = 0; i < CAPACITY; i++)
			take(ring, round + i);
		CHECK_EQ(weir__ring_count(ring), 0);
	}
	weir__ring_free(ring);
}

/*
 * The storm.  Each message has an argument that is plain memory, written by the
 * producer before the push and overwritten by the consumer after the take.  It
 * is used again when the ring says that it must have been taken.
 */
enum { ARGS = 4 * CAPACITY };

static struct storm {
	struct weir__ring *ring;
	weir_ns end;
	uint64_t args[ARGS];
	uint64_t sent, sum_sent;
	_Atomic bool is_over;
} storm;

static void *produce(void *unused)
{
	uint64_t n = 0, sum = 0;

	(void)unused;
	while (!stress_is_over(storm.end)) {
		for (int i = 0; i < 1000; i++) {
			uint64_t *arg = &storm.args[n % ARGS];
			CHECK(n < ARGS || *arg == ~(n - ARGS));
			*arg = n * n;
			while (!weir__ring_has_room(storm.ring, n % 3)) {
				weir__ring_publish(storm.ring);
				sched_yield();
				weir__ring_look(storm.ring);
			}
			weir__ring_push(storm.ring, (struct weir_msg){
					.arg = arg, .word = n });
			sum += n * n;
			n++;
			if (n % 7 == 0)
				weir__ring_publish(storm.ring);
		}
	}
	weir__ring_publish(storm.ring);
	storm.sent = n;
	storm.sum_sent = sum;
	storm.is_over = true;
	return NULL;
}

TEST(two_threads_agree_on_every_message)
{
	uint64_t got = 0, sum = 0;
	pthread_t thread;

	storm.ring = weir__ring_new(CAPACITY);
	storm.end = stress_end();
	CHECK_EQ(pthread_create(&thread, NULL, produce, NULL), 0);
	for (;;) {
		const bool is_over = storm.is_over;
		size_t count = weir__ring_count(storm.ring);

		CHECK(count <= CAPACITY);
		if (count == 0 && is_over)
			break;
		if (count == 0)
			sched_yield();
		for (; count > 0; count--, got++) {
			const struct weir_msg *msg =
				oldest(storm.ring);
			uint64_t *arg;

			CHECK_EQ(msg->word, got);
			arg = msg->arg;
			CHECK(arg == &storm.args[got % ARGS]);
			CHECK(*arg == got * got);
			sum += *arg;
			*arg = ~got;
			weir__ring_drop(storm.ring, 1);
		}
	}
	pthread_join(thread, NULL);
	CHECK_EQ(got, storm.sent);
	CHECK(got > 0 && sum == storm.sum_sent);
	weir__ring_free(storm.ring);
}
