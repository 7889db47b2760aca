/* SPDX-License-Identifier: MIT */
/*
 * test_rebuild.c - descriptors that were closed behind our back
 */
#include "loop/rebuild.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/epoll.h"
#include "sys/fault.h"

#include "harness.h"
#include "probe.h"

static uint64_t rebuilds(const struct weir_reactor *r)
{
	return weir__stat_get(r, WEIR__STAT_REBUILDS);
}

static uint64_t lost(const struct weir_reactor *r)
{
	return weir__stat_get(r, WEIR__STAT_SOURCES_LOST);
}

static uint64_t events(const struct weir_reactor *r)
{
	return weir__stat_get(r, WEIR__STAT_EVENTS);
}

/*
 * A source that is gone, while its registration lives on in the kernel: the
 * file stays open by a duplicate, and its number is free.
 *
 * Return: the duplicate.
 */
static int make_ghost(struct weir_reactor *r, struct probe *p, uint32_t flags)
{
	int copy;

	probe_add_flags(r, p, flags);
	copy = dup(p->fd);
	close(p->fd);
	CHECK_EQ(weir_source_remove(r, p->token), 0);
	p->fd = -1;
	return copy;
}

TEST(a_ghost_is_laid)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	int copy = make_ghost(r, &p, EPOLLIN);
	uint64_t before;

	/* It says so in every turn, and nobody can remove it. */
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(rebuilds(r), 1);
	CHECK(weir__stat_get(r, WEIR__STAT_STALE_EVENTS) > 0);
	before = events(r);
	for (int i = 0; i < 5; i++)
		PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(events(r), before);
	CHECK_EQ(rebuilds(r), 1);
	CHECK_EQ(lost(r), 0);
	weir_reactor_free(r);
	close(copy);
	probe_close(&p);
}

/* All ways to be registered, each of which must survive. */
struct others {
	struct probe edge, level, oneshot, rearmed, spent, plain;
};

static void add_others(struct weir_reactor *r, struct others *o)
{
	probe_add(r, &o->edge, WEIR_READABLE);
	probe_add_flags(r, &o->level, EPOLLIN);
	probe_add_flags(r, &o->oneshot, EPOLLIN | EPOLLONESHOT);
	probe_add_flags(r, &o->rearmed, EPOLLIN | EPOLLONESHOT);
	probe_add_flags(r, &o->spent, EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(weir_source_open(r, probe_called, &o->plain, &o->plain.token),
		 0);
	o->plain.fd = o->plain.peer = -1;
	probe_send(&o->spent, 1);
	probe_send(&o->rearmed, 1);
	PROBE_TURN(r, &o->spent, 1, WEIR_READABLE);
	CHECK_EQ(o->rearmed.calls, 1);
	CHECK_EQ(probe_take(&o->rearmed), 1);
	CHECK_EQ(weir_source_modify(r, o->rearmed.token,
				    EPOLLIN | EPOLLONESHOT), 0);
}

static void check_others(struct weir_reactor *r, struct others *o)
{
	probe_send(&o->edge, 1);
	probe_send(&o->level, 1);
	probe_send(&o->oneshot, 1);
	probe_send(&o->rearmed, 1);
	probe_send(&o->spent, 1);
	o->edge.calls = o->level.calls = o->oneshot.calls = 0;
	PROBE_TURN(r, &o->spent, 0, 0);
	PROBE_TURN(r, &o->spent, 0, 0);
	CHECK_EQ(o->edge.calls, 1);
	CHECK_EQ(o->level.calls, 2);
	CHECK_EQ(o->oneshot.calls, 1);
	CHECK_EQ(o->rearmed.calls, 2);
	CHECK(weir_token_equal(o->edge.last.token, o->edge.token));
	CHECK_EQ(weir_source_modify(r, o->spent.token, EPOLLIN | EPOLLONESHOT),
		 0);
	PROBE_TURN(r, &o->spent, 1, WEIR_READABLE);
	/* And the bell is heard. */
	CHECK_EQ(weir_reactor_stop(r), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	weir__doorbell_arm(&r->bell);
	CHECK(weir__doorbell_ring(&r->bell));
	weir__reactor_enter(r);
	CHECK(weir__reactor_turn(r, WEIR_FOREVER) >= 1);
	weir__reactor_leave();
}

static void close_others(struct others *o)
{
	probe_close(&o->edge);
	probe_close(&o->level);
	probe_close(&o->oneshot);
	probe_close(&o->rearmed);
	probe_close(&o->spent);
}

TEST(the_others_survive)
{
	struct weir_reactor *r = probe_reactor();
	struct others o = { 0 };
	struct probe p = { 0 };
	int copy = make_ghost(r, &p, EPOLLIN);

	add_others(r, &o);
	probe_send(&p, 1);
	while (rebuilds(r) == 0)
		probe_turn(r);
	check_others(r, &o);
	CHECK_EQ(rebuilds(r), 1);
	weir_reactor_free(r);
	close(copy);
	probe_close(&p);
	close_others(&o);
}

/* What was ready, and drained by nobody, is ready in the new set too. */
TEST(no_edge_is_lost_on_the_way)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { .verdict = WEIR_MORE };
	int copy = make_ghost(r, &p, EPOLLIN);

	probe_add(r, &q, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_want(r, q.token, WEIR_READABLE), 0);
	probe_send(&q, 1);
	probe_send(&p, 1);
	while (rebuilds(r) == 0)
		probe_turn(r);
	PROBE_TURN(r, &q, 2, WEIR_READABLE);
	q.verdict = WEIR_DONE;
	probe_turn(r);
	PROBE_TURN(r, &q, 0, 0);
	CHECK_EQ(weir_source_want(r, q.token, WEIR_WRITABLE), 0);
	PROBE_TURN(r, &q, 1, WEIR_WRITABLE);
	weir_reactor_free(r);
	close(copy);
	probe_close(&p);
	probe_close(&q);
}

/* Removed in the turn of its event, or before it: no ghost. */
static void remove_other(struct weir_reactor *r, struct probe *p)
{
	struct probe *other = p->arg;

	CHECK_EQ(weir_source_remove(r, other->token), 0);
	other->act = NULL;
}

TEST(a_stale_event_is_no_ghost)
{
	struct weir_reactor *r = probe_reactor();
	struct probe suspect = { 0 };
	int copy = make_ghost(r, &suspect, EPOLLIN | EPOLLET);

	for (int i = 0; i < 20; i++) {
		struct probe p = { .act = remove_other };
		struct probe q = { .act = remove_other };

		p.arg = &q;
		q.arg = &p;
		probe_add(r, &p, WEIR_READABLE);
		probe_add(r, &q, WEIR_READABLE);
		probe_send(&p, 1);
		probe_send(&q, 1);
		probe_turn(r);
		CHECK_EQ(p.calls + q.calls, 1);
		CHECK_EQ(weir_source_remove(r, p.calls ? p.token : q.token), 0);
		probe_close(&p);
		probe_close(&q);
		probe_turn(r);
	}
	CHECK(weir__stat_get(r, WEIR__STAT_STALE_EVENTS) >= 20);
	CHECK_EQ(rebuilds(r), 0);
	weir_reactor_free(r);
	close(copy);
	probe_close(&suspect);
}

/* The number is used again, and watched: the first source has lost it. */
TEST(who_has_lost_its_descriptor_is_told_once)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };
	int copy;

	probe_add(r, &p, WEIR_READABLE);
	probe_pair(&q);
	copy = dup(p.fd);
	CHECK_EQ(dup2(q.fd, p.fd), p.fd);
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, probe_called, &q,
				 &q.token), 0);
	CHECK_EQ(lost(r), 1);
	probe_turn(r);
	/* Nothing that would make it read: the number is another's. */
	CHECK_EQ(p.calls, 1);
	CHECK_EQ(p.last.facts, WEIR_ERROR);
	CHECK_EQ(p.last.fd, -1);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN), -EBADF);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), -EBADF);
	/* Its ghost is heard no more than once. */
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(rebuilds(r), 1);
	/* The other one has the number, whatever becomes of the first. */
	CHECK_EQ(weir_source_close(r, p.token), 0);
	probe_send(&q, 1);
	PROBE_TURN(r, &q, 1, WEIR_READABLE);
	CHECK(fcntl(p.fd, F_GETFD) >= 0);
	CHECK_EQ(weir_source_remove(r, q.token), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);
	weir_reactor_free(r);
	close(copy);
	probe_close(&p);
	probe_close(&q);
}

/* Closed and not removed: found when the set is made anew. */
TEST(who_is_closed_is_found_by_the_rebuild)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };
	int copy = make_ghost(r, &p, EPOLLIN);

	probe_add(r, &q, WEIR_READABLE);
	close(q.fd);
	q.fd = -1;
	probe_send(&p, 1);
	while (rebuilds(r) == 0)
		probe_turn(r);
	CHECK_EQ(lost(r), 1);
	probe_turn(r);
	CHECK_EQ(q.calls, 1);
	CHECK_EQ(q.last.facts, WEIR_ERROR);
	CHECK_EQ(q.last.fd, -1);
	CHECK_EQ(weir_source_remove(r, q.token), 0);
	weir_reactor_free(r);
	close(copy);
	probe_close(&p);
	probe_close(&q);
}

/* The n-th call from now on fails, once. */
static int countdown;
static enum weir__call failing;

static int fail_nth(enum weir__call call)
{
	return call == failing && countdown > 0 && --countdown == 0 ?
		-ENOSPC : 0;
}

static void check_fails(enum weir__call call, int nth)
{
	struct weir_reactor *r = probe_reactor();
	struct others o = { 0 };
	struct probe p = { 0 };
	int copy = make_ghost(r, &p, EPOLLIN);
	bool has_failed;

	add_others(r, &o);
	failing = call;
	countdown = nth;
	weir__fault_hook = fail_nth;
	probe_send(&p, 1);
	for (int i = 0; i < 3; i++)
		probe_turn(r);
	has_failed = countdown == 0;
	countdown = 0;
	CHECK(has_failed);
	/* The old set has served meanwhile, and the ghost is laid by now. */
	CHECK_EQ(rebuilds(r), 1);
	weir__fault_hook = NULL;
	check_others(r, &o);
	weir_reactor_free(r);
	close(copy);
	probe_close(&p);
	close_others(&o);
}

TEST(a_rebuild_that_fails_is_tried_again)
{
	check_fails(WEIR__CALL_EPOLL_CREATE, 1);
	/* The bell, and five sources with a descriptor. */
	for (int nth = 1; nth <= 6; nth++)
		check_fails(WEIR__CALL_EPOLL_CTL, nth);
}

TEST(numbers_may_be_high)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };
	int high;

	probe_add(r, &p, WEIR_READABLE);
	probe_pair(&q);
	high = fcntl(q.fd, F_DUPFD_CLOEXEC, 900);
	if (high < 0) {
		probe_close(&p);
		probe_close(&q);
		weir_reactor_free(r);
		SKIP("no high numbers");
	}
	close(q.fd);
	q.fd = high;
	CHECK_EQ(weir_source_add(r, q.fd, WEIR_READABLE, probe_called, &q,
				 &q.token), 0);
	probe_send(&p, 1);
	probe_send(&q, 1);
	PROBE_TURN(r, &q, 1, WEIR_READABLE);
	CHECK_EQ(p.calls, 1);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK_EQ(weir_source_remove(r, q.token), 0);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

/*
 * Watched, duplicated, closed; its events go on; it cannot be removed, neither
 * by its number nor by the duplicate's; the number is used again, and both
 * fire.  With @is_forked it is a child that keeps the file open.
 */
static void walk_the_steps(bool is_forked)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };
	int copy = -1, life[2], old;
	pid_t child = -1;

	CHECK_EQ(pipe(life), 0);
	probe_add(r, &p, WEIR_READABLE);
	if (is_forked)
		child = fork();
	if (child == 0) {	/* until the other end is closed */
		close(life[1]);
		_exit(read(life[0], &old, 1) != 0);
	}
	if (!is_forked)
		copy = dup(p.fd);
	/* 1 and 2: closed, and its events go on under the old token */
	old = p.fd;
	close(p.fd);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	/* 3 and 4: not by the number, not by the duplicate */
	CHECK_EQ(weir__epoll_ctl(r->epfd, EPOLL_CTL_DEL, old, 0, 0),
		 -EBADF);
	if (copy >= 0)
		CHECK_EQ(weir__epoll_ctl(r->epfd, EPOLL_CTL_DEL, copy, 0, 0),
			 -ENOENT);
	/* 5: used again; only the new one is heard */
	probe_pair(&q);
	CHECK_EQ(dup2(q.fd, old), old);
	CHECK_EQ(weir_source_add(r, old, WEIR_READABLE, probe_called, &q,
				 &q.token), 0);
	probe_turn(r);
	CHECK_EQ(p.last.facts, WEIR_ERROR);
	CHECK_EQ(lost(r), 1);
	CHECK_EQ(weir_source_close(r, p.token), 0);
	for (int i = 0; i < 3; i++) {
		probe_send(&p, 1);
		probe_send(&q, 1);
		p.calls = 0;
		PROBE_TURN(r, &q, 1, WEIR_READABLE);
		CHECK_EQ(p.calls, 0);
	}
	CHECK_EQ(rebuilds(r), 1);
	CHECK_EQ(weir_source_close(r, q.token), 0);
	weir_reactor_free(r);
	close(life[1]);
	if (is_forked)
		CHECK_EQ(waitpid(child, NULL, 0), child);
	close(life[0]);
	if (copy >= 0)
		close(copy);
	p.fd = -1;
	probe_close(&p);
	probe_close(&q);
}

TEST(all_steps_with_a_duplicate)
{
	walk_the_steps(false);
}

TEST(all_steps_with_a_child)
{
	walk_the_steps(true);
}
