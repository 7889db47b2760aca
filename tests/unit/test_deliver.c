/* SPDX-License-Identifier: MIT */
/*
 * test_deliver.c - messages to a reactor that stands alone
 */
#include "loop/reactor.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "harness.h"
#include "probe.h"
#include "stress.h"

/* What became of messages: which words, in which order, and how. */
static struct seen {
	int run, returned;
	uint64_t words[2000];
	struct weir_msg last;
	void *data;
	int why;
} seen;

static void run(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	CHECK(weir_reactor_current() == r);
	seen.words[seen.run++] = msg->word;
	seen.last = *msg;
	seen.data = data;
}

static void give_back(struct weir_reactor *r, const struct weir_msg *msg,
		      int why)
{
	CHECK(r);
	seen.returned++;
	seen.last = *msg;
	seen.why = why;
}

static const struct weir_call call = { run, give_back };
static const struct weir_call call_only = { run, NULL };

static struct weir_reactor *small_reactor(void)
{
	const struct weir_reactor_options options = {
		.size = sizeof(options),
		.inbox_messages = 16,
	};
	struct weir_reactor *r;

	CHECK_EQ(weir_reactor_new(&options, &r), 0);
	return r;
}

TEST(a_post_needs_a_function)
{
	static const struct weir_call nothing = { NULL, give_back };
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_reactor_post(r, NULL, NULL, 0), -EINVAL);
	CHECK_EQ(weir_reactor_post(r, &nothing, NULL, 0), -EINVAL);
	CHECK_EQ(weir_reactor_send(r, p.token, NULL, NULL, 0), -EINVAL);
	CHECK_EQ(weir_reactor_send(r, p.token, &nothing, NULL, 0), -EINVAL);
	probe_turn(r);
	weir_reactor_free(r);
	CHECK_EQ(seen.returned, 0);
	probe_close(&p);
}

TEST(posts_run_once_and_in_order)
{
	struct weir_reactor *r = probe_reactor();
	int arg;

	for (uint64_t i = 0; i < 100; i++)
		CHECK_EQ(weir_reactor_post(r, &call, &arg, i), 0);
	CHECK_EQ(seen.run, 0);
	probe_turn(r);
	CHECK_EQ(seen.run, 100);
	for (uint64_t i = 0; i < 100; i++)
		CHECK_EQ(seen.words[i], i);
	CHECK(seen.last.call == &call && seen.last.arg == &arg);
	CHECK(weir_token_is_none(seen.last.token));
	CHECK(!seen.data);
	probe_turn(r);
	weir_reactor_free(r);
	CHECK_EQ(seen.run, 100);
	CHECK_EQ(seen.returned, 0);
}

TEST(a_send_comes_with_the_data_of_its_source)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	int other;

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_reactor_send(r, p.token, &call, &other, 5), 0);
	probe_turn(r);
	CHECK_EQ(seen.run, 1);
	CHECK(seen.data == &p && seen.last.arg == &other);
	CHECK(weir_token_equal(seen.last.token, p.token));
	/* What it is when the message arrives, not when it was sent. */
	CHECK_EQ(weir_reactor_send(r, p.token, &call, NULL, 6), 0);
	CHECK_EQ(weir_source_set(r, p.token, probe_called, &other), 0);
	probe_turn(r);
	CHECK_EQ(seen.run, 2);
	CHECK(seen.data == &other);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_send_to_nobody_is_refused)
{
	struct weir_reactor *r = probe_reactor(), *s = probe_reactor();
	weir_token token, foreign;

	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	CHECK_EQ(weir_source_open(s, NULL, NULL, &foreign), 0);
	CHECK_EQ(weir_reactor_send(r, weir_token_none(), &call, NULL, 0),
		 -EINVAL);
	CHECK_EQ(weir_reactor_send(r, foreign, &call, NULL, 0), -EINVAL);
	CHECK_EQ(weir_source_remove(r, token), 0);
	CHECK_EQ(weir_reactor_send(r, token, &call, NULL, 0), -ESTALE);
	weir_reactor_free(r);
	weir_reactor_free(s);
	CHECK_EQ(seen.run + seen.returned, 0);
}

/* Its slot and its memory have a new tenant by then. */
TEST(a_send_to_who_is_gone_comes_back)
{
	struct weir_reactor *r = probe_reactor();
	weir_token token, next;

	CHECK_EQ(weir_source_open(r, NULL, &token, &token), 0);
	CHECK_EQ(weir_reactor_send(r, token, &call, &seen, 9), 0);
	CHECK_EQ(weir_reactor_send(r, token, &call_only, NULL, 0), 0);
	CHECK_EQ(weir_source_remove(r, token), 0);
	CHECK_EQ(weir_source_open(r, NULL, &next, &next), 0);
	probe_turn(r);
	CHECK_EQ(seen.run, 0);
	CHECK_EQ(seen.returned, 1);
	CHECK_EQ(seen.why, -ESTALE);
	CHECK(seen.last.arg == &seen && seen.last.word == 9);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_UNDELIVERABLE), 2);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_MESSAGES_IN), 0);
	weir_reactor_free(r);
	CHECK_EQ(seen.returned, 1);
}

TEST(a_full_queue_says_so)
{
	struct weir_reactor *r = small_reactor();
	weir_token token;

	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	for (int round = 1; round <= 3; round++) {
		for (uint64_t i = 0; i < 16; i++)
			CHECK_EQ(weir_reactor_post(r, &call, NULL, i), 0);
		CHECK_EQ(weir_reactor_post(r, &call, NULL, 99), -EAGAIN);
		CHECK_EQ(weir_reactor_send(r, token, &call, NULL, 99),
			 -EAGAIN);
		probe_turn(r);
		CHECK_EQ(seen.run, 16 * round);
	}
	weir_reactor_free(r);
}

TEST(free_gives_back_what_is_left)
{
	struct weir_reactor *r = probe_reactor();
	weir_token token;

	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 1), 0);
	CHECK_EQ(weir_reactor_send(r, token, &call, NULL, 2), 0);
	CHECK_EQ(weir_reactor_post(r, &call_only, NULL, 3), 0);
	weir_reactor_free(r);
	CHECK_EQ(seen.run, 0);
	CHECK_EQ(seen.returned, 2);
	CHECK_EQ(seen.why, -ECANCELED);
	CHECK_EQ(seen.last.word, 2);
}

/* Who gets a message back at the end can do little, and does no harm. */
static void try_all(struct weir_reactor *r, const struct weir_msg *msg,
		    int why)
{
	struct weir_event event;
	weir_token token;

	give_back(r, msg, why);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), -ECANCELED);
	CHECK_EQ(weir_source_add(r, 0, WEIR_READABLE, NULL, NULL, &token),
		 -EPERM);
	CHECK_EQ(weir_source_add_flags(r, 0, EPOLLIN, NULL, NULL, &token),
		 -ECANCELED);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), -EBUSY);
	CHECK(!weir_reactor_free(r));
	CHECK_EQ(weir_source_remove(r, msg->token), 0);
}

TEST(at_the_end_nothing_begins)
{
	static const struct weir_call last_call = { run, try_all };
	struct weir_reactor *r = probe_reactor();
	weir_token token;

	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	CHECK_EQ(weir_reactor_send(r, token, &last_call, NULL, 1), 0);
	weir_reactor_free(r);
	CHECK_EQ(seen.returned, 1);
}

/* A message that posts the next one, at once. */
static void run_and_post(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data)
{
	run(r, msg, data);
	CHECK_EQ(weir_reactor_post(r, msg->call, NULL, msg->word + 1), 0);
}

TEST(who_posts_anew_waits_a_turn)
{
	static const struct weir_call again = { run_and_post, NULL };
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_reactor_post(r, &again, NULL, 0), 0);
	for (int turn = 1; turn <= 50; turn++) {
		probe_send(&p, 1);
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
		CHECK_EQ(seen.run, turn);
	}
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(many_messages_do_not_starve_an_event)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	for (uint64_t i = 0; i < 4 * WEIR__BUDGET_MESSAGES; i++)
		CHECK_EQ(weir_reactor_post(r, &call, NULL, i), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(seen.run, WEIR__BUDGET_MESSAGES);
	/* And what is left over is not slept upon. */
	weir__reactor_enter(r);
	for (int turn = 0; turn < 3; turn++)
		CHECK(weir__reactor_turn(r, WEIR_FOREVER) >= 0);
	weir__reactor_leave();
	CHECK_EQ(seen.run, 4 * WEIR__BUDGET_MESSAGES);
	for (uint64_t i = 0; i < 4 * WEIR__BUDGET_MESSAGES; i++)
		CHECK_EQ(seen.words[i], i);
	weir_reactor_free(r);
	probe_close(&p);
}

/* Posted too late for this turn, but not for its sleep. */
static void post_late(struct weir_reactor *r, struct probe *p)
{
	(void)p;
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
}

TEST(who_has_mail_does_not_sleep)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = post_late };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_source_again(r, p.token, WEIR_READABLE), 0);
	weir__reactor_enter(r);
	CHECK_EQ(weir__reactor_turn(r, WEIR_FOREVER), 0);
	CHECK_EQ(p.calls, 1);
	/* And nobody is made to pay for waking it. */
	CHECK(!weir__doorbell_ring(&r->bell));
	CHECK_EQ(weir__reactor_turn(r, 0), 0);
	weir__reactor_leave();
	CHECK_EQ(seen.run, 1);
	weir_reactor_free(r);
	probe_close(&p);
}

/*
 * Threads post to a reactor that sleeps, turns and stops as it likes.  What was
 * accepted is run or given back: each once, and each sender's in order.
 */
enum { SENDERS = 3 };

static struct sender {
	pthread_t thread;
	uint64_t accepted;
	uint64_t seen;		/* the reactor's side, and plain memory */
} senders[SENDERS];

static struct storm {
	struct weir_reactor *r;
	weir_token token;
	weir_ns end;
	_Atomic int running;
	uint64_t run, returned;
} storm;

static void see(const struct weir_msg *msg)
{
	struct sender *s = msg->arg;

	CHECK_EQ(msg->word, s->seen);
	s->seen++;
}

static void storm_run(struct weir_reactor *r, const struct weir_msg *msg,
		      void *data)
{
	(void)r;
	CHECK(weir_token_is_none(msg->token) ? !data : data == &storm);
	see(msg);
	storm.run++;
}

static void storm_return(struct weir_reactor *r, const struct weir_msg *msg,
			 int why)
{
	(void)r;
	CHECK_EQ(why, -ECANCELED);
	see(msg);
	storm.returned++;
}

static const struct weir_call storm_call = { storm_run, storm_return };

static void *send_all(void *data)
{
	struct sender *s = data;

	while (!stress_is_over(storm.end)) {
		for (int i = 0; i < 50; i++) {
			int err = i % 2 ?
				weir_reactor_post(storm.r, &storm_call, s,
						  s->accepted) :
				weir_reactor_send(storm.r, storm.token,
						  &storm_call, s, s->accepted);

			CHECK(err == 0 || err == -EAGAIN);
			s->accepted += err == 0;
		}
		sched_yield();
	}
	if (--storm.running == 0)
		CHECK_EQ(weir_reactor_stop(storm.r), 0);
	return NULL;
}

TEST(what_is_accepted_is_run_or_given_back)
{
	uint64_t accepted = 0;

	storm.r = small_reactor();
	storm.end = stress_end();
	storm.running = SENDERS;
	CHECK_EQ(weir_source_open(storm.r, NULL, &storm, &storm.token), 0);
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_create(&senders[i].thread, NULL, send_all,
					&senders[i]), 0);
	CHECK_EQ(weir_reactor_run(storm.r), 0);
	for (int i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		accepted += senders[i].accepted;
	}
	while (weir_reactor_post(storm.r, &storm_call, &senders[0],
				 senders[0].accepted) == 0) {
		senders[0].accepted++;
		accepted++;
	}
	weir_reactor_free(storm.r);
	CHECK(storm.run > 0);
	CHECK_EQ(storm.run + storm.returned, accepted);
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(senders[i].seen, senders[i].accepted);
}

/*
 * Two reactors throw a message to and fro, and sleep in between.  A wake-up
 * that is lost is a test that does not end.
 */
enum { THROWS = 5000 };

static void throw_back(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data);

static const struct weir_call throw_call = { throw_back, NULL };

static void throw_back(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct weir_reactor *to = msg->arg;

	(void)data;
	if (msg->word > 0)
		CHECK_EQ(weir_reactor_post(to, &throw_call, r, msg->word - 1),
			 0);
	if (msg->word <= 1)
		CHECK_EQ(weir_reactor_stop(r), 0);
}

static _Atomic(struct weir_reactor *) partner;
static _Atomic bool may_go;

static void *play_back(void *unused)
{
	struct weir_reactor *r = probe_reactor();

	(void)unused;
	partner = r;
	CHECK_EQ(weir_reactor_run(r), 0);
	while (!may_go)
		sched_yield();
	weir_reactor_free(r);
	return NULL;
}

TEST(no_wake_up_is_lost)
{
	struct weir_reactor *r = probe_reactor();
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, play_back, NULL), 0);
	while (!partner)
		sched_yield();
	CHECK_EQ(weir_reactor_post(partner, &throw_call, r, THROWS), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK(weir__stat_get(r, WEIR__STAT_SLEEPS) > 0);
	may_go = true;
	pthread_join(thread, NULL);
	weir_reactor_free(r);
}
