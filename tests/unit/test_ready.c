/* SPDX-License-Identifier: MIT */
/*
 * test_ready.c - wanted and ready: no edge is lost, nothing starves
 *
 * Everything is counted in turns.
 */
#include "loop/ready.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "probe.h"

TEST(done_waits_for_an_edge)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	for (int i = 0; i < 3; i++) {
		probe_send(&p, 1);
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
		CHECK_EQ(p.last.raw, EPOLLIN);
		PROBE_TURN(r, &p, 0, 0);
	}
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(more_is_called_once_a_turn_until_done)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	for (int i = 0; i < 10; i++) {
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
		CHECK_EQ(p.last.raw, 0);
		CHECK_EQ(p.last.fd, p.fd);
		CHECK(weir_token_equal(p.last.token, p.token));
	}
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_CALLS), 11);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_CALLS_AGAIN), 10);
	p.verdict = WEIR_DONE;
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* What is counted: events of sources, and calls of handlers, made again. */
TEST(what_is_no_call_is_not_counted)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	struct probe p = { 0 };
	weir_token token;

	probe_pair(&p);
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, NULL, &p, &token), 0);
	probe_send(&p, 1);
	CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(weir_source_again(r, token, WEIR_READABLE), 0);
		CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 1);
	}
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_EVENTS), 1);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_CALLS), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_CALLS_AGAIN), 0);
	/* The doorbell's event is no source's. */
	weir__doorbell_write(&r->bell);
	probe_turn(r);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_EVENTS), 1);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_STALE_EVENTS), 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* A reactor with something on its list does not sleep upon it. */
TEST(more_is_not_slept_upon)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	weir__reactor_enter(r);
	for (int i = 1; i <= 5; i++) {
		CHECK(weir__reactor_turn(r, WEIR_FOREVER) >= 0);
		CHECK_EQ(p.calls, i);
	}
	weir__reactor_leave();
	weir_reactor_free(r);
	probe_close(&p);
}

enum { CROWD = 12 };

/* Some never have enough; the others have one event a turn. */
TEST(nobody_starves)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p[CROWD] = { { 0 } };

	for (int i = 0; i < CROWD; i++) {
		p[i].verdict = i % 3 ? WEIR_DONE : WEIR_MORE;
		probe_add(r, &p[i], WEIR_READABLE);
		probe_send(&p[i], 1);
	}
	for (int turn = 1; turn <= 20; turn++) {
		probe_turn(r);
		for (int i = 0; i < CROWD; i++) {
			CHECK_EQ(p[i].calls, turn);
			if (p[i].verdict == WEIR_DONE)
				probe_send(&p[i], 1);
		}
	}
	weir_reactor_free(r);
	for (int i = 0; i < CROWD; i++)
		probe_close(&p[i]);
}

/* More than fit into a turn: each is called before any is called again. */
TEST(a_list_over_budget_goes_round)
{
	enum { MANY = WEIR__BUDGET_READY + 100 };
	static struct probe p[MANY];
	struct weir_reactor *r = probe_reactor();
	int fewest = 1 << 30, most = 0, all = 0;

	for (int i = 0; i < MANY; i++) {
		p[i].verdict = WEIR_MORE;
		p[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		p[i].peer = -1;
		if (p[i].fd < 0)
			p[i].fd = -1;
	}
	if (p[MANY - 1].fd < 0) {
		weir_reactor_free(r);
		for (int i = 0; i < MANY; i++)
			probe_close(&p[i]);
		SKIP("too few descriptors");
	}
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(weir_source_add(r, p[i].fd, WEIR_READABLE,
					 probe_called, &p[i], &p[i].token), 0);
		CHECK_EQ(weir_source_again(r, p[i].token, WEIR_READABLE), 0);
	}
	for (int turn = 1; turn <= 10; turn++) {
		probe_turn(r);
		fewest = 1 << 30;
		most = all = 0;
		for (int i = 0; i < MANY; i++) {
			fewest = p[i].calls < fewest ? p[i].calls : fewest;
			most = p[i].calls > most ? p[i].calls : most;
			all += p[i].calls;
		}
		CHECK_EQ(all, turn * WEIR__BUDGET_READY);
		CHECK(most - fewest <= 1);
	}
	weir_reactor_free(r);
	for (int i = 0; i < MANY; i++)
		probe_close(&p[i]);
}

TEST(a_hangup_is_readable_too)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };
	int fds[2];

	/* The end of a pipe says HUP alone. */
	CHECK_EQ(pipe(fds), 0);
	p.fd = fds[0];
	CHECK_EQ(weir_source_add_flags(r, p.fd, EPOLLIN | EPOLLET, probe_called,
				       &p, &p.token), 0);
	close(fds[1]);
	PROBE_TURN(r, &p, 1, WEIR_READABLE | WEIR_HANGUP);
	CHECK_EQ(p.last.raw, EPOLLHUP);
	PROBE_TURN(r, &p, 0, 0);
	probe_add(r, &q, WEIR_READABLE | WEIR_WRITABLE);
	PROBE_TURN(r, &q, 1, WEIR_WRITABLE);
	close(q.peer);
	PROBE_TURN(r, &q, 1, WEIR_READABLE | WEIR_WRITABLE | WEIR_HANGUP |
			     WEIR_RDHUP);
	weir_reactor_free(r);
	p.peer = q.peer = -1;
	probe_close(&p);
	probe_close(&q);
}

TEST(an_error_is_readable_and_writable_and_priority)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	int fds[2];

	/* A pipe nobody reads says ERR, and OUT to those who asked. */
	CHECK_EQ(pipe(fds), 0);
	p.fd = fds[1];
	p.peer = -1;
	close(fds[0]);
	CHECK_EQ(weir_source_add_flags(r, p.fd, EPOLLIN | EPOLLPRI | EPOLLET,
				       probe_called, &p, &p.token), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE | WEIR_PRIORITY | WEIR_ERROR);
	CHECK_EQ(p.last.raw, EPOLLERR);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLOUT | EPOLLET), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE | WEIR_ERROR);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_half_close_is_seen)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_add(r, &q, WEIR_READABLE);
	CHECK_EQ(weir_source_want(r, q.token, WEIR_READABLE), 0);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE | WEIR_RDHUP);
	CHECK_EQ(shutdown(q.peer, SHUT_WR), 0);
	PROBE_TURN(r, &q, 1, WEIR_READABLE);
	CHECK(q.last.raw & EPOLLRDHUP);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

/* Who wants nothing still learns of the end, once, and of the rest later. */
TEST(an_end_is_always_wanted)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	close(p.peer);
	p.peer = -1;
	PROBE_TURN(r, &p, 1, WEIR_HANGUP);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE | WEIR_RDHUP), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE | WEIR_RDHUP);
	CHECK_EQ(p.last.raw, 0);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(what_is_not_wanted_is_remembered)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	PROBE_TURN(r, &p, 0, 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(p.last.raw, EPOLLIN | EPOLLOUT);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	CHECK_EQ(p.last.raw, 0);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(want_widens_what_is_registered)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_WRITABLE);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	/* For good: the way out is still watched. */
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_ERROR), -EINVAL);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_DRAINING), -EINVAL);
	CHECK_EQ(weir_source_want(r, p.token, 1u << 16), -EINVAL);
	weir_reactor_free(r);
	probe_close(&p);
}

/* EAGAIN was met elsewhere than in the handler. */
TEST(what_is_cleared_waits_for_an_edge)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	PROBE_TURN(r, &p, 0, 0);
	probe_fill(&p);
	CHECK_EQ(weir_source_clear(r, p.token, WEIR_WRITABLE), 0);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &p, 0, 0);
	probe_drain(&p);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	/* From the list too: marked, and cleared before its turn. */
	CHECK_EQ(weir_source_again(r, p.token, WEIR_WRITABLE), 0);
	CHECK_EQ(weir_source_clear(r, p.token, WEIR_WRITABLE), 0);
	CHECK(weir__list_is_empty(&r->ready));
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(again_is_once_and_only_if_wanted)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(weir_source_again(r, p.token, WEIR_READABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_again(r, p.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

static void mark_writable(struct weir_reactor *r, struct probe *p)
{
	p->act = NULL;
	CHECK_EQ(weir_source_again(r, p->token, WEIR_WRITABLE), 0);
}

TEST(a_verdict_is_about_what_was_given)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = mark_writable };

	probe_add(r, &p, WEIR_READABLE | WEIR_WRITABLE);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	PROBE_TURN(r, &p, 0, 0);
	/* Given one fact, and marked as ready for another. */
	CHECK_EQ(weir_source_again(r, p.token, WEIR_READABLE), 0);
	p.act = mark_writable;
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* The other is marked, and then has an event of its own in the same batch. */
static void mark_other(struct weir_reactor *r, struct probe *p)
{
	struct probe *other = p->arg;

	if (other->calls == 0)
		CHECK_EQ(weir_source_again(r, other->token, WEIR_READABLE), 0);
}

TEST(who_is_marked_and_then_called_is_done)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = mark_other }, q = { .act = mark_other };

	probe_both(r, &p, &q);
	probe_turn(r);
	CHECK_EQ(p.calls, 1);
	CHECK_EQ(q.calls, 1);
	CHECK(weir__list_is_empty(&r->ready));
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 2);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

static void want_nothing(struct weir_reactor *r, struct probe *p)
{
	CHECK_EQ(weir_source_want(r, p->token, 0), 0);
}

static void use_up(struct weir_reactor *r, struct probe *p)
{
	CHECK_EQ(weir_source_clear(r, p->token, WEIR_READABLE), 0);
}

TEST(a_handler_may_change_its_mind)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = want_nothing, .verdict = WEIR_MORE };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	p.act = use_up;
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

static void give_to(struct weir_reactor *r, struct probe *p)
{
	struct probe *heir = p->arg;

	heir->token = p->token;
	CHECK_EQ(weir_source_set(r, p->token, probe_called, heir), 0);
}

/* The old one says DONE, but it has used up nothing. */
TEST(a_replaced_handler_has_no_verdict)
{
	struct weir_reactor *r = probe_reactor();
	struct probe heir = { 0 };
	struct probe p = { .act = give_to, .arg = &heir };

	probe_add(r, &p, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &heir, 1, WEIR_READABLE);
	PROBE_TURN(r, &heir, 0, 0);
	CHECK_EQ(p.calls, 1);
	/* Set to what it is: no other one. */
	heir.act = give_to;
	heir.arg = &heir;
	probe_send(&p, 1);
	PROBE_TURN(r, &heir, 1, WEIR_READABLE);
	PROBE_TURN(r, &heir, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(what_is_ready_stays_ready_for_the_next_handler)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE }, heir = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(weir_source_set(r, p.token, probe_called, &heir), 0);
	PROBE_TURN(r, &heir, 1, WEIR_READABLE);
	PROBE_TURN(r, &heir, 0, 0);
	CHECK_EQ(p.calls, 1);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_level_triggered_source_is_called_while_it_holds)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	for (int i = 0; i < 2; i++) {
		/* Whatever it says, the kernel knows. */
		p.verdict = i ? WEIR_MORE : WEIR_DONE;
		probe_add_flags(r, &p, EPOLLIN);
		probe_send(&p, 2);
		for (int turn = 0; turn < 5; turn++) {
			PROBE_TURN(r, &p, 1, WEIR_READABLE);
			CHECK_EQ(p.last.raw, EPOLLIN);
		}
		CHECK_EQ(probe_take(&p), 2);
		PROBE_TURN(r, &p, 0, 0);
		CHECK_EQ(weir_source_remove(r, p.token), 0);
		probe_close(&p);
	}
	weir_reactor_free(r);
}

/* Else the kernel would say in every turn what nobody wants to hear. */
TEST(an_unwanted_level_is_not_asked_for)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add_flags(r, &p, EPOLLIN);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	for (int turn = 0; turn < 5; turn++)
		PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_EVENTS), 1);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(probe_take(&p), 1);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* Its event stands in the batch in which it becomes unwanted. */
static void want_nothing_of_other(struct weir_reactor *r, struct probe *p)
{
	struct probe *other = p->arg;

	p->act = other->act = NULL;
	CHECK_EQ(weir_source_want(r, other->token, 0), 0);
	CHECK_EQ(probe_take(other), 1);
}

TEST(an_unwanted_level_is_not_remembered)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = want_nothing_of_other };
	struct probe q = { .act = want_nothing_of_other }, *other;

	p.arg = &q;
	q.arg = &p;
	probe_add_flags(r, &p, EPOLLIN);
	probe_add_flags(r, &q, EPOLLIN);
	probe_send(&p, 1);
	probe_send(&q, 1);
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 1);
	other = p.calls ? &q : &p;
	CHECK_EQ(weir_source_want(r, other->token, WEIR_READABLE), 0);
	PROBE_TURN(r, other, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

TEST(a_drain_is_said_once)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE }, q = { 0 }, late = { 0 };
	weir_token nobody;

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_source_open(r, probe_called, &q, &q.token), 0);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &nobody), 0);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	weir__reactor_drain(r);
	PROBE_TURN(r, &p, 1, WEIR_DRAINING);
	CHECK_EQ(q.calls, 1);
	CHECK_EQ(q.last.facts, WEIR_DRAINING);
	CHECK_EQ(q.last.fd, -1);
	/* Whatever the verdict was. */
	PROBE_TURN(r, &p, 0, 0);
	PROBE_TURN(r, &q, 0, 0);
	/* Who comes later hears it too. */
	probe_add(r, &late, WEIR_READABLE);
	PROBE_TURN(r, &late, 1, WEIR_DRAINING);
	PROBE_TURN(r, &late, 0, 0);
	probe_send(&late, 1);
	PROBE_TURN(r, &late, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&late);
}
