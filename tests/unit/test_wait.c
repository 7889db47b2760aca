/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - events in the caller's array
 */
#include "loop/reactor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <weir/timer.h>

#include "harness.h"
#include "probe.h"

enum { MANY = 10 };

/* A source without a handler. */
static void add(struct weir_reactor *r, struct probe *p, uint32_t flags)
{
	probe_pair(p);
	CHECK_EQ(weir_source_add_flags(r, p->fd, flags, NULL, p, &p->token), 0);
}

static int wait_now(struct weir_reactor *r, struct weir_event *events,
		    size_t capacity)
{
	return weir_reactor_wait(r, events, capacity, 0);
}

TEST(an_event_says_all_there_is)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[2];
	struct probe p = { 0 };

	memset(events, 0xff, sizeof(events));
	add(r, &p, EPOLLIN | EPOLLRDHUP | EPOLLET);
	CHECK_EQ(wait_now(r, events, 2), 0);
	probe_send(&p, 1);
	CHECK_EQ(wait_now(r, events, 2), 1);
	CHECK(weir_token_equal(events[0].token, p.token));
	CHECK(events[0].data == &p);
	CHECK_EQ(events[0].fd, p.fd);
	CHECK_EQ(events[0].facts, WEIR_READABLE);
	CHECK_EQ(events[0].raw, EPOLLIN);
	CHECK_EQ(events[1].fd, -1);
	CHECK_EQ(wait_now(r, events, 2), 0);
	close(p.peer);
	p.peer = -1;
	CHECK_EQ(wait_now(r, events, 2), 1);
	CHECK_EQ(events[0].facts, WEIR_READABLE | WEIR_RDHUP | WEIR_HANGUP);
	weir_reactor_free(r);
	probe_close(&p);
}

/* What does not fit comes with the next call, and nothing comes twice. */
static void check_capacity(uint32_t flags)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[MANY];
	struct probe p[MANY] = { { 0 } };
	int all = 0, n;

	for (int i = 0; i < MANY; i++) {
		add(r, &p[i], flags);
		probe_send(&p[i], 1);
	}
	while ((n = wait_now(r, events, 3)) > 0) {
		all += n;
		/* The kernel is asked for no more than fits. */
		CHECK_EQ(weir__stat_get(r, WEIR__STAT_EVENTS), all);
		CHECK_EQ(n, all < MANY ? 3 : 1);
		for (int i = 0; i < n; i++) {
			struct probe *at = events[i].data;

			CHECK_EQ(at->calls++, 0);
			CHECK_EQ(probe_take(at), 1);
		}
	}
	CHECK_EQ(n, 0);
	CHECK_EQ(all, MANY);
	weir_reactor_free(r);
	for (int i = 0; i < MANY; i++)
		probe_close(&p[i]);
}

TEST(what_does_not_fit_comes_next)
{
	check_capacity(EPOLLIN | EPOLLET);
	check_capacity(EPOLLIN);
}

TEST(again_stands_in_the_array_too)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[MANY];
	struct probe p[MANY] = { { 0 } };

	for (int i = 0; i < MANY; i++) {
		add(r, &p[i], EPOLLIN | EPOLLET);
		CHECK_EQ(weir_source_again(r, p[i].token, WEIR_READABLE), 0);
	}
	CHECK_EQ(weir_reactor_wait(r, events, 4, WEIR_FOREVER), 4);
	CHECK_EQ(events[0].raw, 0);
	CHECK_EQ(weir_reactor_wait(r, events, MANY, WEIR_FOREVER), MANY - 4);
	CHECK_EQ(wait_now(r, events, MANY), 0);
	weir_reactor_free(r);
	for (int i = 0; i < MANY; i++)
		probe_close(&p[i]);
}

/* Marked and rung in one turn: once in this array, once in the next. */
TEST(a_source_is_reported_once_a_call)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 };

	add(r, &p, EPOLLIN | EPOLLET);
	CHECK_EQ(weir_source_again(r, p.token, WEIR_READABLE), 0);
	probe_send(&p, 1);
	CHECK_EQ(wait_now(r, events, 4), 1);
	CHECK_EQ(wait_now(r, events, 4), 1);
	CHECK_EQ(wait_now(r, events, 4), 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* The kernel says a level again: what we remember would be said for nothing. */
TEST(a_level_is_not_reported_when_it_is_gone)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 };

	add(r, &p, EPOLLIN);
	CHECK_EQ(weir_source_again(r, p.token, WEIR_READABLE), 0);
	probe_send(&p, 1);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(wait_now(r, events, 4), 1);
	CHECK_EQ(probe_take(&p), 1);
	CHECK_EQ(wait_now(r, events, 4), 0);
	weir_reactor_free(r);
	probe_close(&p);
}

static void stop(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)t;
	(void)data;
	CHECK_EQ(weir_reactor_stop(r), 0);
}

static void run_for(struct weir_reactor *r, weir_ns time)
{
	struct weir_timer *t;

	CHECK_EQ(weir_timer_new(r, stop, NULL, &t), 0);
	CHECK_EQ(weir_timer_start(t, time), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	weir_timer_free(t);
}

/* Nobody collects while it runs: the event waits, and the reactor sleeps. */
TEST(a_running_reactor_holds_events)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 };

	add(r, &p, EPOLLIN | EPOLLET);
	probe_send(&p, 1);
	run_for(r, 20 * WEIR_NS_PER_MSEC);
	CHECK(weir__stat_get(r, WEIR__STAT_TURNS) < 20);
	CHECK_EQ(wait_now(r, events, 4), 1);
	CHECK(events[0].data == &p);
	CHECK_EQ(wait_now(r, events, 4), 0);
	weir_reactor_free(r);
	probe_close(&p);
}

static void run_with_level(uint32_t flags)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 }, gone = { 0 };

	add(r, &p, flags);
	add(r, &gone, flags);
	probe_send(&p, 1);
	probe_send(&gone, 1);
	for (int i = 0; i < 2; i++) {
		run_for(r, 20 * WEIR_NS_PER_MSEC);
		CHECK(weir__stat_get(r, WEIR__STAT_TURNS) < 60);
		/* What is gone when somebody collects is not reported. */
		CHECK_EQ(probe_take(&gone), i == 0);
		CHECK_EQ(wait_now(r, events, 4), 1);
		CHECK(events[0].data == &p);
		/* And to who collects a level is one. */
		CHECK_EQ(wait_now(r, events, 4), 1);
	}
	/* A handler hears of it, too. */
	run_for(r, 0);
	CHECK_EQ(weir_source_set(r, p.token, probe_called, &p), 0);
	run_for(r, 0);
	CHECK(p.calls >= 1);
	CHECK_EQ(p.last.facts, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&gone);
}

/* A level, which the kernel would say in each turn, is no exception. */
TEST(a_running_reactor_does_not_turn_for_a_level)
{
	run_with_level(EPOLLIN);
}

/* Nor one that epoll does not let modify. */
TEST(a_running_reactor_does_not_turn_for_an_exclusive_level)
{
	run_with_level(EPOLLIN | EPOLLEXCLUSIVE);
}

TEST(what_is_held_is_for_the_handler_that_comes)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	add(r, &p, EPOLLIN | EPOLLET);
	probe_send(&p, 1);
	run_for(r, 0);
	CHECK_EQ(weir_source_set(r, p.token, probe_called, &p), 0);
	run_for(r, 0);
	CHECK_EQ(p.calls, 1);
	CHECK_EQ(p.last.facts, WEIR_READABLE);
	run_for(r, 0);
	CHECK_EQ(p.calls, 1);
	/* And back again: without one, it is collected. */
	probe_send(&p, 1);
	CHECK_EQ(weir_source_set(r, p.token, NULL, &p), 0);
	CHECK_EQ(wait_now(r, &p.last, 1), 1);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(what_is_held_can_be_removed)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 };

	add(r, &p, EPOLLIN | EPOLLET);
	probe_send(&p, 1);
	run_for(r, 0);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK_EQ(wait_now(r, events, 4), 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* It got its event in this turn, and a handler in the same turn. */
static void give_handler(struct weir_reactor *r, struct probe *p)
{
	struct probe *other = p->arg;

	CHECK_EQ(weir_source_set(r, other->token, probe_called, other), 0);
}

TEST(a_handler_set_in_the_same_turn_gets_the_event)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe other = { 0 };
	struct probe p = { .act = give_handler, .arg = &other };

	add(r, &other, EPOLLIN | EPOLLET);
	probe_add(r, &p, WEIR_READABLE);
	probe_send(&other, 1);
	probe_send(&p, 1);
	CHECK_EQ(wait_now(r, events, 4), 0);
	CHECK_EQ(p.calls, 1);
	PROBE_TURN(r, &other, 1, WEIR_READABLE);
	PROBE_TURN(r, &other, 0, 0);
	weir_reactor_free(r);
	probe_close(&other);
	probe_close(&p);
}

/* Handlers, timers and messages are served, but end no wait. */
static void count_run(struct weir_reactor *r, const struct weir_msg *msg,
		      void *data)
{
	int *n = msg->arg;

	(void)r;
	(void)data;
	++*n;
}

static void send_byte(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	static const struct weir_call call = { count_run, NULL };
	struct probe *p = data;

	(void)t;
	if (++p->calls == 3)
		probe_send(p, 1);
	CHECK_EQ(weir_reactor_post(r, &call, &p->last.fd, 0), 0);
}

TEST(a_wait_serves_all_the_others)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 }, handled = { .verdict = WEIR_MORE };
	struct weir_timer *t;

	add(r, &p, EPOLLIN | EPOLLET);
	probe_add(r, &handled, WEIR_READABLE);
	probe_send(&handled, 1);
	CHECK_EQ(weir_timer_new(r, send_byte, &p, &t), 0);
	CHECK_EQ(weir_timer_start_every(t, WEIR_NS_PER_MSEC), 0);
	CHECK_EQ(weir_reactor_wait(r, events, 4, WEIR_FOREVER), 1);
	CHECK(events[0].data == &p);
	CHECK_EQ(p.calls, 3);
	CHECK(handled.calls > 3);
	CHECK(p.last.fd >= 2);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&handled);
}

TEST(a_deadline_is_a_point_in_time)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;
	weir_ns deadline = weir_clock() + 3 * WEIR_NS_PER_MSEC;

	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, deadline, NULL), 0);
	CHECK(weir_clock() >= deadline);
	/* One that has passed does not wait, and still looks. */
	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, deadline, NULL), 0);
	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, 0, NULL), 0);
	CHECK_EQ(weir_reactor_wait_until(r, &event, 0, WEIR_FOREVER, NULL), 0);
	CHECK_EQ(weir_reactor_wait_until(r, NULL, 1, 0, NULL), -EINVAL);
	CHECK_EQ(weir_reactor_stop(r), 0);
	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, WEIR_FOREVER, NULL),
		 -ECANCELED);
	weir_reactor_free(r);
}

static volatile sig_atomic_t signalled;

static void on_usr1(int signo)
{
	signalled = signo;
}

/* Blocked but while it sleeps: no moment at which it could be missed. */
TEST(a_mask_holds_while_it_sleeps)
{
	struct weir_reactor *r = probe_reactor();
	struct sigaction action = { .sa_handler = on_usr1 };
	struct weir_event event;
	sigset_t usr1, open_mask, now;
	struct probe p = { 0 };

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &usr1, &open_mask), 0);
	raise(SIGUSR1);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_MSEC), 0);
	CHECK_EQ(signalled, 0);
	/* In nanoseconds, and for ever. */
	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, weir_clock() +
					 WEIR_NS_PER_SEC * 60, &open_mask),
		 -EINTR);
	CHECK_EQ(signalled, SIGUSR1);
	signalled = 0;
	raise(SIGUSR1);
	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, WEIR_FOREVER,
					 &open_mask), -EINTR);
	CHECK_EQ(signalled, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	CHECK(sigismember(&now, SIGUSR1));
	/* An event is worth more than a signal, and takes nothing from it. */
	probe_pair(&p);
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, NULL, NULL, &p.token),
		 0);
	probe_send(&p, 1);
	CHECK_EQ(weir_reactor_wait_until(r, &event, 1, WEIR_FOREVER,
					 &open_mask), 1);
	weir_reactor_free(r);
	probe_close(&p);
}
