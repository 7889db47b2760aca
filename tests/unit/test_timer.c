/* SPDX-License-Identifier: MIT */
/*
 * test_timer.c - timers of a reactor: never early, in order, and as told
 */
#include <weir/timer.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/reactor.h"
#include "sys/fault.h"

#include "harness.h"
#include "probe.h"
#include "stress.h"

#define MSEC WEIR_NS_PER_MSEC

/* A timer that notes its calls, and may do something. */
struct bell {
	struct weir_timer *t;
	int calls;
	weir_ns due;			/* 0: unknown */
	int order;			/* the how manieth call of all */
	void (*act)(struct weir_reactor *r, struct bell *b);
	struct bell *other;
};

static int all_calls;

static void ring(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct bell *b = data;

	CHECK(b->t == t);
	CHECK(weir_reactor_current() == r);
	CHECK(weir_clock() >= b->due);
	CHECK(weir_reactor_now(r) >= b->due);
	b->calls++;
	b->order = ++all_calls;
	if (b->act)
		b->act(r, b);
}

static void add(struct weir_reactor *r, struct bell *b)
{
	CHECK_EQ(weir_timer_new(r, ring, b, &b->t), 0);
	CHECK(!weir_timer_is_running(b->t));
}

static void start(struct weir_reactor *r, struct bell *b, weir_ns delay)
{
	CHECK_EQ(weir_timer_start(b->t, delay), 0);
	CHECK(weir_timer_is_running(b->t));
	b->due = weir_reactor_now(r) + delay;
}

/* Turn until @b has been called @calls times. */
static void await(struct weir_reactor *r, const struct bell *b, int calls)
{
	struct weir_event event;

	while (b->calls < calls)
		CHECK(weir_reactor_wait(r, &event, 1, MSEC) == 0);
}

/* The time goes on by at least this much. */
static void pass(weir_ns time)
{
	const weir_ns end = weir_clock() + time;

	while (weir_clock() < end)
		usleep(100);
}

static int no_memory(enum weir__call call)
{
	return call == WEIR__CALL_ALLOC ? -ENOMEM : 0;
}

TEST(a_timer_needs_a_function_and_memory)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_timer *t = NULL;

	CHECK_EQ(weir_timer_new(r, NULL, NULL, &t), -EINVAL);
	weir__fault_hook = no_memory;
	CHECK_EQ(weir_timer_new(r, ring, NULL, &t), -ENOMEM);
	weir__fault_hook = NULL;
	CHECK(!t);
	CHECK(!weir_timer_free(NULL));
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
}

TEST(never_early)
{
	static const weir_ns delays[] = {
		1, 1000, 65535, 65536, 65537, 100000, MSEC, 2 * MSEC + 1,
		5 * MSEC,
	};
	enum { N = sizeof(delays) / sizeof(delays[0]) };
	struct weir_reactor *r = probe_reactor();
	struct bell b[N] = { { 0 } };

	for (int i = 0; i < N; i++) {
		add(r, &b[i]);
		start(r, &b[i], delays[i]);
	}
	for (int i = 0; i < N; i++) {
		await(r, &b[i], 1);
		CHECK(!weir_timer_is_running(b[i].t));
	}
	probe_turn(r);
	for (int i = 0; i < N; i++)
		CHECK_EQ(b[i].calls, 1);
	weir_reactor_free(r);
}

TEST(a_reactor_sleeps_until_its_timers)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;
	struct bell b = { 0 };

	add(r, &b);
	start(r, &b, 20 * MSEC);
	while (b.calls == 0)
		CHECK_EQ(weir_reactor_wait(r, &event, 1, 30 * MSEC), 0);
	/* Some for the levels of the wheel, not one for each tick. */
	CHECK(weir__stat_get(r, WEIR__STAT_TURNS) < 20);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_TIMERS), 1);
	weir_reactor_free(r);
}

TEST(in_the_order_of_their_deadlines)
{
	static const int ticks[] = { 5, 1, 90, 30, 2, 70, 3, 50, 4, 10 };
	enum { N = sizeof(ticks) / sizeof(ticks[0]) };
	struct weir_reactor *r = probe_reactor();
	struct bell b[N] = { { 0 } };

	for (int i = 0; i < N; i++) {
		add(r, &b[i]);
		start(r, &b[i], (weir_ns)ticks[i] << 17);
	}
	/* All at once, and one by one. */
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			pass(20 * MSEC);
		await(r, &b[2], round + 1);
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++)
				CHECK(ticks[i] >= ticks[j] ||
				      b[i].order < b[j].order);
		for (int i = 0; i < N && round == 0; i++)
			start(r, &b[i], (weir_ns)ticks[i] << 17);
	}
	weir_reactor_free(r);
}

TEST(now_is_in_the_next_turn)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { 0 };

	add(r, &b);
	for (int i = 1; i <= 20; i++) {
		start(r, &b, 0);
		probe_turn(r);
		CHECK_EQ(b.calls, i);
	}
	for (int i = 21; i <= 40; i++) {
		const weir_ns now = weir_clock();

		b.due = now - 1;
		CHECK_EQ(weir_timer_start_at(b.t, now - 1), 0);
		probe_turn(r);
		CHECK_EQ(b.calls, i);
		CHECK_EQ(weir_timer_start_at(b.t, 0), 0);
		probe_turn(r);
		CHECK_EQ(b.calls, ++i);
	}
	probe_turn(r);
	CHECK_EQ(b.calls, 40);
	weir_reactor_free(r);
}

/* Also from a handler, where the wheel has not seen the time yet. */
static void start_bell(struct weir_reactor *r, struct probe *p)
{
	struct bell *b = p->arg;

	start(r, b, 0);
	CHECK_EQ(b->calls, p->calls - 1);
}

TEST(from_a_handler_too)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { 0 }, idle = { 0 };
	struct probe p = { .act = start_bell, .arg = &b };

	add(r, &b);
	add(r, &idle);
	start(r, &idle, 3600 * WEIR_NS_PER_SEC);
	probe_add(r, &p, WEIR_READABLE);
	for (int i = 1; i <= 50; i++) {
		probe_send(&p, 1);
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
		CHECK_EQ(b.calls, i - 1);
		probe_turn(r);
		CHECK_EQ(b.calls, i);
	}
	weir_reactor_free(r);
	probe_close(&p);
}

/* One that is due already comes before one that has just been started. */
TEST(now_does_not_overtake)
{
	struct weir_reactor *r = probe_reactor();
	struct bell early = { 0 }, late = { 0 };

	add(r, &early);
	add(r, &late);
	for (int i = 1; i <= 10; i++) {
		start(r, &early, MSEC);
		pass(2 * MSEC);
		start(r, &late, 0);
		probe_turn(r);
		CHECK_EQ(early.calls, i);
		CHECK_EQ(late.calls, i);
		CHECK(early.order < late.order);
	}
	weir_reactor_free(r);
}

static void start_self(struct weir_reactor *r, struct bell *b)
{
	start(r, b, 0);
}

TEST(a_timer_started_in_its_call_waits_a_turn)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { .act = start_self };

	add(r, &b);
	start(r, &b, 0);
	for (int i = 1; i <= 20; i++) {
		probe_turn(r);
		CHECK_EQ(b.calls, i);
	}
	weir_reactor_free(r);
}

TEST(a_stopped_timer_does_not_fire)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { 0 };

	add(r, &b);
	CHECK_EQ(weir_timer_stop(b.t), 0);
	start(r, &b, MSEC);
	CHECK_EQ(weir_timer_stop(b.t), 0);
	CHECK(!weir_timer_is_running(b.t));
	pass(2 * MSEC);
	probe_turn(r);
	CHECK_EQ(b.calls, 0);
	/* Nor if it was due already. */
	start(r, &b, 0);
	CHECK_EQ(weir_timer_stop(b.t), 0);
	probe_turn(r);
	CHECK_EQ(b.calls, 0);
	weir_reactor_free(r);
}

static void stop_other(struct weir_reactor *r, struct bell *b)
{
	(void)r;
	CHECK_EQ(weir_timer_stop(b->other->t), 0);
}

static void free_other(struct weir_reactor *r, struct bell *b)
{
	(void)r;
	b->other->t = weir_timer_free(b->other->t);
	CHECK(!b->other->t);
	b->act = NULL;
}

static void put_off_other(struct weir_reactor *r, struct bell *b)
{
	start(r, b->other, 5 * MSEC);
	b->act = NULL;
}

/* Both are due; the first to fire keeps the second from it. */
TEST(a_call_may_stop_free_or_restart_another)
{
	static void (*const acts[])(struct weir_reactor *, struct bell *) = {
		stop_other, put_off_other, free_other,
	};
	struct weir_reactor *r = probe_reactor();
	struct bell a = { 0 }, b = { 0 };

	a.other = &b;
	add(r, &a);
	add(r, &b);
	for (int i = 0; i < 3; i++) {
		a.act = acts[i];
		start(r, &a, MSEC);
		start(r, &b, MSEC + 65536);
		pass(3 * MSEC);
		probe_turn(r);
		CHECK_EQ(a.calls, i + 1);
		CHECK_EQ(b.calls, i == 2);
		if (i == 1)
			await(r, &b, 1);
	}
	probe_turn(r);
	CHECK_EQ(b.calls, 1);
	CHECK(!b.t);
	weir_reactor_free(r);
}

static void free_self(struct weir_reactor *r, struct bell *b)
{
	(void)r;
	weir_timer_free(b->t);
	free(b);
}

TEST(a_call_may_free_its_own)
{
	struct weir_reactor *r = probe_reactor();

	for (int i = 0; i < 2; i++) {
		struct bell *b = calloc(1, sizeof(*b));

		b->act = free_self;
		add(r, b);
		if (i == 0)
			start(r, b, 0);
		else
			CHECK_EQ(weir_timer_start_every(b->t, 1), 0);
		while (weir__stat_get(r, WEIR__STAT_TIMERS) <= (uint64_t)i)
			probe_turn(r);
	}
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
}

/* As an idle timeout is: put off again and again. */
TEST(a_restart_counts_from_the_last)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { 0 };

	add(r, &b);
	for (int i = 0; i < 10; i++) {
		start(r, &b, 10 * MSEC);
		probe_turn(r);
		pass(MSEC);
	}
	await(r, &b, 1);
	/* And to earlier. */
	start(r, &b, 3600 * WEIR_NS_PER_SEC);
	start(r, &b, MSEC);
	await(r, &b, 2);
	probe_turn(r);
	CHECK_EQ(b.calls, 2);
	weir_reactor_free(r);
}

static void check_running(struct weir_reactor *r, struct bell *b)
{
	(void)r;
	CHECK(weir_timer_is_running(b->t));
	b->due += MSEC;
}

TEST(every_period_counts_from_the_start)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { .act = check_running };
	weir_ns begin;

	add(r, &b);
	CHECK_EQ(weir_timer_start_every(b.t, 0), -EINVAL);
	CHECK(!weir_timer_is_running(b.t));
	CHECK_EQ(weir_timer_start_every(b.t, MSEC), 0);
	begin = weir_reactor_now(r);
	b.due = begin + MSEC;
	await(r, &b, 5);
	/* As many as there were periods, but those that were missed. */
	CHECK((weir_ns)b.calls <= (weir_clock() - begin) / MSEC);
	b.act = NULL;
	b.due = 0;
	b.calls = 0;
	pass(10 * MSEC);
	probe_turn(r);
	CHECK_EQ(b.calls, 1);
	CHECK_EQ(weir_timer_stop(b.t), 0);
	pass(2 * MSEC);
	probe_turn(r);
	CHECK_EQ(b.calls, 1);
	weir_reactor_free(r);
}

/* The wheel's part of a timer comes first. */
static weir_ns deadline_of(const struct bell *b)
{
	return ((const struct weir__wheel_node *)(const void *)b->t)
		->deadline_ns;
}

static weir_ns begun_at;

static void check_next(struct weir_reactor *r, struct bell *b)
{
	const weir_ns now = weir_reactor_now(r);
	const weir_ns next = deadline_of(b);

	CHECK_EQ((next - begun_at) % MSEC, 0);
	CHECK(next > now && next - now <= MSEC);
	b->due = next;
	/* Late is the next call then, and by more than a period at times. */
	pass((weir_ns)b->calls % 3 * MSEC);
}

TEST(a_late_call_does_not_shift_the_next)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { .act = check_next };

	add(r, &b);
	CHECK_EQ(weir_timer_start_every(b.t, MSEC), 0);
	begun_at = weir_reactor_now(r);
	CHECK(deadline_of(&b) == begun_at + MSEC);
	await(r, &b, 20);
	weir_reactor_free(r);
}

static void start_once(struct weir_reactor *r, struct bell *b)
{
	b->act = NULL;
	start(r, b, MSEC);
}

TEST(a_periodic_timer_may_become_another)
{
	struct weir_reactor *r = probe_reactor();
	struct bell b = { .act = start_once };

	add(r, &b);
	CHECK_EQ(weir_timer_start_every(b.t, MSEC), 0);
	await(r, &b, 2);
	CHECK(!weir_timer_is_running(b.t));
	pass(3 * MSEC);
	probe_turn(r);
	CHECK_EQ(b.calls, 2);
	weir_reactor_free(r);
}

TEST(beyond_the_end_of_time_is_never)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;
	struct bell b[5] = { { 0 } };

	for (int i = 0; i < 5; i++)
		add(r, &b[i]);
	CHECK_EQ(weir_timer_start(b[0].t, WEIR_FOREVER), 0);
	CHECK_EQ(weir_timer_start(b[1].t, WEIR_FOREVER - 1000), 0);
	CHECK_EQ(weir_timer_start_at(b[2].t, WEIR_FOREVER), 0);
	CHECK_EQ(weir_timer_start_every(b[3].t, WEIR_FOREVER), 0);
	CHECK_EQ(weir_timer_start(b[4].t, INT64_MAX), 0);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 3 * MSEC), 0);
	CHECK(weir__stat_get(r, WEIR__STAT_TURNS) < 20);
	for (int i = 0; i < 5; i++) {
		CHECK(weir_timer_is_running(b[i].t));
		CHECK_EQ(b[i].calls, 0);
	}
	weir_reactor_free(r);
}

enum { CROWD = 2 * WEIR__BUDGET_TIMERS + 100 };

TEST(many_timers_do_not_starve_an_event)
{
	static struct bell b[CROWD];
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	for (int i = 0; i < CROWD; i++) {
		add(r, &b[i]);
		start(r, &b[i], 0);
	}
	for (int turn = 1; turn <= 3; turn++) {
		const int expected = turn * WEIR__BUDGET_TIMERS;

		probe_send(&p, 1);
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
		CHECK_EQ(all_calls, expected < CROWD ? expected : CROWD);
	}
	for (int i = 0; i < CROWD; i++)
		CHECK_EQ(b[i].order, i + 1);
	weir_reactor_free(r);
	probe_close(&p);
}

/* They are due one after the other, and it does not sleep in between. */
TEST(what_is_over_budget_is_not_slept_upon)
{
	static struct bell b[CROWD];
	struct weir_reactor *r = probe_reactor();

	for (int i = 0; i < CROWD; i++) {
		add(r, &b[i]);
		start(r, &b[i], 0);
	}
	weir__reactor_enter(r);
	for (int turn = 0; turn < 2; turn++)
		CHECK(weir__reactor_turn(r, WEIR_FOREVER) >= 0);
	weir__reactor_leave();
	CHECK_EQ(all_calls, 2 * WEIR__BUDGET_TIMERS);
	weir_reactor_free(r);
}

/* Started, restarted, stopped and freed at random, from within calls. */
enum { PLACES = 200 };

static struct bell *places[PLACES];
static uint64_t random_state = 88172645463325252u;

static unsigned draw(unsigned limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % limit;
}

static void do_something(struct weir_reactor *r, struct bell *unused)
{
	const unsigned i = draw(PLACES);
	struct bell *b = places[i];

	(void)unused;
	switch (b ? draw(8) : 9) {
	case 0:
		weir_timer_free(b->t);
		free(b);
		places[i] = NULL;
		break;
	case 1:
		CHECK_EQ(weir_timer_stop(b->t), 0);
		b->due = WEIR_FOREVER;
		break;
	case 9:
		b = places[i] = calloc(1, sizeof(*b));
		b->act = do_something;
		add(r, b);
		/* fall through */
	default:
		start(r, b, draw(4) ? draw(2000000) : 0);
		break;
	}
}

TEST(storm_of_timers)
{
	struct weir_reactor *r = probe_reactor();
	const weir_ns end = stress_end();

	while (!stress_is_over(end)) {
		for (int i = 0; i < 20; i++)
			do_something(r, NULL);
		probe_turn(r);
	}
	CHECK(all_calls > 0);
	for (int i = 0; i < PLACES; i++) {
		if (places[i])
			weir_timer_free(places[i]->t);
		free(places[i]);
	}
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
}
