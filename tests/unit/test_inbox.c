/* SPDX-License-Identifier: MIT */
/*
 * test_inbox.c - many producers, one consumer, nothing lost, in order
 */
#include "sync/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "harness.h"
#include "stress.h"

enum { CAPACITY = 16 };

static int push(struct weir__inbox *inbox, uint64_t word, size_t reserve)
{
	const struct weir_msg msg = { .word = word };

	return weir__inbox_push(inbox, &msg, reserve);
}

static void take(struct weir__inbox *inbox, uint64_t word)
{
	struct weir_msg msg;

	CHECK(weir__inbox_take(inbox, &msg));
	CHECK_EQ(msg.word, word);
}

TEST(a_new_inbox_is_empty)
{
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);
	struct weir_msg msg;

	CHECK(inbox);
	CHECK(weir__inbox_is_empty(inbox));
	CHECK(!weir__inbox_take(inbox, &msg));
	CHECK_EQ(weir__inbox_head(inbox), weir__inbox_tail(inbox));
	weir__inbox_release(inbox);
	CHECK(!weir__inbox_free(inbox));
	CHECK(!weir__inbox_free(NULL));
}

TEST(all_of_a_message_arrives)
{
	static const struct weir_call call = { 0 };
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);
	const struct weir_msg sent = { &call, inbox, { 7 }, 8 };
	struct weir_msg got;

	CHECK_EQ(weir__inbox_push(inbox, &sent, 0), 0);
	CHECK(!weir__inbox_is_empty(inbox));
	CHECK_EQ(weir__inbox_tail(inbox), weir__inbox_head(inbox) + 1);
	CHECK(weir__inbox_take(inbox, &got));
	CHECK(got.call == &call && got.arg == inbox);
	CHECK(got.token.bits == 7 && got.word == 8);
	CHECK(weir__inbox_is_empty(inbox));
	weir__inbox_free(inbox);
}

/* Many laps: a mark of the last lap must not pass for one of this. */
TEST(it_is_a_queue_lap_after_lap)
{
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);
	struct weir_msg msg;
	uint64_t in = 0, out = 0;

	for (int round = 0; round < 10 * CAPACITY; round++) {
		for (int i = 0; i <= round % CAPACITY; i++)
			CHECK_EQ(push(inbox, in++, 0), 0);
		while (out < in)
			take(inbox, out++);
		CHECK(!weir__inbox_take(inbox, &msg));
		CHECK(weir__inbox_is_empty(inbox));
		CHECK_EQ(weir__inbox_head(inbox), out);
		weir__inbox_release(inbox);
	}
	weir__inbox_free(inbox);
}

TEST(a_full_inbox_refuses_until_it_is_released)
{
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);

	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK_EQ(push(inbox, i, 0), 0);
	CHECK_EQ(push(inbox, 99, 0), -EAGAIN);
	for (uint64_t i = 0; i < 3; i++)
		take(inbox, i);
	CHECK_EQ(push(inbox, 99, 0), -EAGAIN);
	weir__inbox_release(inbox);
	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(push(inbox, CAPACITY + i, 0), 0);
	CHECK_EQ(push(inbox, 99, 0), -EAGAIN);
	for (uint64_t i = 3; i < CAPACITY + 3; i++)
		take(inbox, i);
	CHECK(weir__inbox_is_empty(inbox));
	weir__inbox_free(inbox);
}

TEST(a_long_take_releases_on_its_way)
{
	enum { LARGE = 256 };
	struct weir__inbox *inbox = weir__inbox_new(LARGE);

	for (uint64_t i = 0; i < LARGE; i++)
		CHECK_EQ(push(inbox, i, 0), 0);
	for (uint64_t i = 0; i < LARGE / 2; i++)
		take(inbox, i);
	CHECK_EQ(push(inbox, LARGE, 0), 0);
	for (uint64_t i = LARGE / 2; i <= LARGE; i++)
		take(inbox, i);
	weir__inbox_free(inbox);
}

TEST(the_reserve_is_for_those_who_ask_for_less)
{
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);

	for (uint64_t i = 0; i < CAPACITY - 4; i++)
		CHECK_EQ(push(inbox, i, 4), 0);
	CHECK_EQ(push(inbox, 99, 4), -EAGAIN);
	for (uint64_t i = CAPACITY - 4; i < CAPACITY; i++)
		CHECK_EQ(push(inbox, i, 0), 0);
	CHECK_EQ(push(inbox, 99, 0), -EAGAIN);
	take(inbox, 0);
	weir__inbox_release(inbox);
	CHECK_EQ(push(inbox, 99, 4), -EAGAIN);
	CHECK_EQ(push(inbox, CAPACITY, 0), 0);
	weir__inbox_free(inbox);
}

TEST(a_closed_inbox_keeps_what_it_has)
{
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);

	CHECK_EQ(push(inbox, 0, 0), 0);
	CHECK_EQ(push(inbox, 1, 0), 0);
	weir__inbox_close(inbox);
	CHECK_EQ(push(inbox, 99, 0), -ECANCELED);
	CHECK_EQ(weir__inbox_tail(inbox), 2);
	CHECK(!weir__inbox_is_empty(inbox));
	take(inbox, 0);
	take(inbox, 1);
	CHECK_EQ(weir__inbox_head(inbox), weir__inbox_tail(inbox));
	weir__inbox_release(inbox);
	weir__inbox_close(inbox);
	CHECK_EQ(weir__inbox_tail(inbox), 2);
	CHECK_EQ(push(inbox, 99, 0), -ECANCELED);
	weir__inbox_free(inbox);
}

TEST(a_full_inbox_that_is_closed_says_closed)
{
	struct weir__inbox *inbox = weir__inbox_new(CAPACITY);

	for (uint64_t i = 0; i < CAPACITY; i++)
		CHECK_EQ(push(inbox, i, 0), 0);
	weir__inbox_close(inbox);
	CHECK_EQ(push(inbox, 99, 0), -ECANCELED);
	weir__inbox_free(inbox);
}

/*
 * The storm.  Every sender numbers its messages; the argument is plain memory
 * written before the push, and overwritten after the take.
 */
enum { SENDERS = 4, ARGS = 4 * CAPACITY };

static struct sender {
	pthread_t thread;
	uint64_t args[ARGS];
	uint64_t sent, sum;
} senders[SENDERS];

static struct storm {
	struct weir__inbox *inbox;
	weir_ns end;
	_Atomic int running;
	uint64_t got[SENDERS], sum[SENDERS];
} storm;

static void *produce(void *data)
{
	struct sender *s = data;
	int err = 0;

	while (err != -ECANCELED && !stress_is_over(storm.end)) {
		for (int i = 0; i < 200 && err != -ECANCELED; i++) {
			uint64_t *arg = &s->args[s->sent % ARGS];
			const struct weir_msg msg = {
				.arg = arg,
				.token = { (uint64_t)(s - senders) },
				.word = s->sent,
			};

			CHECK(s->sent < ARGS || *arg == ~(s->sent - ARGS));
			*arg = s->sent * s->sent;
			while ((err = weir__inbox_push(storm.inbox, &msg,
						       s->sent % 3)) == -EAGAIN)
				sched_yield();
			if (err < 0)
				break;
			s->sum += s->sent * s->sent;
			s->sent++;
		}
	}
	CHECK(err == 0 || err == -ECANCELED);
	storm.running--;
	return NULL;
}

static void begin_storm(weir_ns end)
{
	storm.inbox = weir__inbox_new(CAPACITY);
	storm.end = end;
	storm.running = SENDERS;
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_create(&senders[i].thread, NULL, produce,
					&senders[i]), 0);
}

static bool take_any(void)
{
	struct weir_msg msg;
	uint64_t *arg, from;

	if (!weir__inbox_take(storm.inbox, &msg))
		return false;
	from = msg.token.bits;
	CHECK(from < SENDERS);
	CHECK_EQ(msg.word, storm.got[from]);
	arg = msg.arg;
	CHECK(*arg == msg.word * msg.word);
	storm.sum[from] += *arg;
	*arg = ~msg.word;
	storm.got[from]++;
	return true;
}

static void end_storm(void)
{
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		CHECK(senders[i].sent > 0);
		CHECK_EQ(storm.got[i], senders[i].sent);
		CHECK(storm.sum[i] == senders[i].sum);
	}
	weir__inbox_free(storm.inbox);
}

TEST(senders_agree_with_the_consumer_on_every_message)
{
	begin_storm(stress_end());
	for (;;) {
		const bool is_over = storm.running == 0;
		unsigned n = 0;

		while (n < CAPACITY && take_any())
			n++;
		weir__inbox_release(storm.inbox);
		if (n == 0 && is_over)
			break;
		if (n == 0)
			sched_yield();
	}
	CHECK(weir__inbox_is_empty(storm.inbox));
	end_storm();
}

/* What was accepted before the close is there, and nothing else. */
TEST(a_close_in_the_storm_loses_nothing)
{
	begin_storm(WEIR_FOREVER);
	for (bool all = false; !all;) {
		if (!take_any())
			sched_yield();
		weir__inbox_release(storm.inbox);
		all = true;
		for (int i = 0; i < SENDERS; i++)
			all = all && storm.got[i] > 1000;
	}
	weir__inbox_close(storm.inbox);
	while (weir__inbox_head(storm.inbox) != weir__inbox_tail(storm.inbox))
		if (!take_any())
			sched_yield();
	end_storm();
}

TEST(a_place_claimed_for_a_token_that_has_moved_is_void)
{
	struct weir__inbox *inbox = weir__inbox_new(8);
	struct weir__token_cache cache = { 0 };
	struct weir__tokens *tokens;
	struct weir_msg msg = { 0 }, got;
	int object;
	size_t mark;

	CHECK(inbox);
	CHECK_EQ(weir__tokens_new(&tokens), 0);
	CHECK_EQ(weir__token_open(tokens, &cache, 1, &object, &msg.token), 0);
	msg.word = 7;
	CHECK_EQ(weir__inbox_send(inbox, &msg, 0, tokens, 1), 0);
	weir__token_give(tokens, msg.token, 2, &object);
	mark = weir__inbox_mark(inbox);
	CHECK_EQ(weir__inbox_send(inbox, &msg, 0, tokens, 1), -EXDEV);
	msg.word = 8;
	CHECK_EQ(weir__inbox_push(inbox, &msg, 0), 0);
	/* The first is below the mark, the void one is behind it. */
	CHECK(weir__inbox_head(inbox) < mark);
	CHECK(weir__inbox_take(inbox, &got));
	CHECK_EQ(got.word, 7);
	CHECK(weir__inbox_head(inbox) >= mark);
	CHECK(weir__inbox_take(inbox, &got));
	CHECK_EQ(got.word, 8);
	CHECK(!weir__inbox_take(inbox, &got));
	CHECK(weir__inbox_is_empty(inbox));
	weir__token_cache_done(tokens, &cache);
	weir__tokens_free(tokens);
	weir__inbox_free(inbox);
}
