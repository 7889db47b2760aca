/* SPDX-License-Identifier: MIT */
/*
 * test_remove.c - no event for a token after its removal
 *
 * Not from the kernel, not from the batch in hand, not from the ready list, not
 * from a caller's array; not when the descriptor, the memory and the slot have
 * a new tenant.
 */
#include "loop/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/timer.h>

#include "harness.h"
#include "probe.h"
#include "stress.h"

static void remove_other(struct weir_reactor *r, struct probe *p)
{
	struct probe *other = p->arg;

	CHECK_EQ(weir_source_remove(r, other->token), 0);
	other->act = NULL;
}

/* Both are in one batch: the first to be called removes the other. */
TEST(not_from_the_batch_in_hand)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = remove_other }, q = { .act = remove_other };

	probe_both(r, &p, &q);
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 1);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_STALE_EVENTS), 1);
	probe_turn(r);
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 1);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

TEST(not_from_the_ready_list)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE }, q = { .verdict = WEIR_MORE };

	probe_both(r, &p, &q);
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 2);
	/* Both are on the list.  The first of them removes the second. */
	p.act = q.act = remove_other;
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 3);
	p.act = q.act = NULL;
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 4);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

/*
 * Who takes the place of the other: the same descriptors, and, as allocators
 * are, the same memory and slot.
 */
struct tenant {
	struct probe *old;
	struct probe fresh;
	bool has_same_fd;
};

static void replace_other(struct weir_reactor *r, struct probe *p)
{
	struct tenant *t = p->arg;
	const int fd = t->old->fd, peer = t->old->peer;

	CHECK_EQ(weir_source_close(r, t->old->token), 0);
	close(peer);
	t->old->fd = t->old->peer = -1;
	probe_add(r, &t->fresh, WEIR_READABLE);
	t->has_same_fd = t->fresh.fd == fd || t->fresh.fd == peer;
}

TEST(not_for_the_next_tenant)
{
	struct weir_reactor *r = probe_reactor();
	struct tenant of_p = { 0 }, of_q = { 0 };
	struct probe p = { .act = replace_other, .arg = &of_q };
	struct probe q = { .act = replace_other, .arg = &of_p };
	struct tenant *t;

	of_p.old = &p;
	of_q.old = &q;
	probe_add(r, &p, WEIR_READABLE);
	probe_add(r, &q, WEIR_READABLE);
	probe_send(&p, 1);
	probe_send(&q, 1);
	probe_turn(r);
	CHECK_EQ(p.calls + q.calls, 1);
	t = p.calls ? &of_q : &of_p;
	CHECK(t->has_same_fd);
	CHECK_EQ(t->fresh.calls, 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_STALE_EVENTS), 1);
	CHECK(!weir_token_equal(t->fresh.token, t->old->token));
	CHECK_EQ(weir_source_remove(r, t->old->token), -ESTALE);
	/* It has its own events. */
	probe_send(&t->fresh, 1);
	PROBE_TURN(r, &t->fresh, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&t->fresh);
	probe_close(&p);
	probe_close(&q);
}

/* In its own handler; the verdict must not fall on who lives there then. */
static void replace_self(struct weir_reactor *r, struct probe *p)
{
	struct probe *fresh = p->arg;
	const struct weir__source *old = weir__source_get(r, p->token);

	CHECK_EQ(weir_source_remove(r, p->token), 0);
	CHECK_EQ(weir_source_add(r, p->fd, WEIR_READABLE, probe_called, fresh,
				 &fresh->token), 0);
	fresh->arg = (void *)old;	/* only compared */
	CHECK_EQ(weir_source_again(r, fresh->token, WEIR_READABLE), 0);
}

static void check_replaces_self(enum weir_verdict verdict)
{
	struct weir_reactor *r = probe_reactor();
	struct probe fresh = { .peer = -1 };
	struct probe p = {
		.act = replace_self, .arg = &fresh, .verdict = verdict,
	};

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	/* By source_again(), and by the kernel: it found it readable. */
	PROBE_TURN(r, &fresh, 2, WEIR_READABLE);
	CHECK_EQ(p.calls, 1);
	PROBE_TURN(r, &fresh, 0, 0);
	if (weir__source_get(r, fresh.token) != fresh.arg)
		NOTE("the memory is another one: nothing proved");
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(not_by_the_verdict_of_who_was_there)
{
	check_replaces_self(WEIR_DONE);
	check_replaces_self(WEIR_MORE);
}

static void close_self(struct weir_reactor *r, struct probe *p)
{
	CHECK_EQ(weir_source_close(r, p->token), 0);
	close(p->peer);
	free(p);
}

TEST(a_handler_may_free_all_it_has)
{
	struct weir_reactor *r = probe_reactor();

	for (int i = 0; i < 2; i++) {
		struct probe *p = calloc(1, sizeof(*p));

		p->act = close_self;
		p->verdict = i ? WEIR_MORE : WEIR_DONE;
		probe_add(r, p, WEIR_READABLE);
		probe_send(p, 1);
		probe_turn(r);
		probe_turn(r);
	}
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_CALLS), 2);
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
}

static void remove_others(struct weir_reactor *r, struct probe *p)
{
	struct probe *others = p->arg;

	for (int i = 0; i < 3; i++)
		CHECK_EQ(weir_source_remove(r, others[i].token), 0);
}

/* One way or the other the event may stand in the caller's array already. */
TEST(not_from_a_callers_array)
{
	struct weir_reactor *r = probe_reactor();
	struct probe others[3] = { { 0 } };
	struct probe p = { .act = remove_others, .arg = others };
	struct probe after = { 0 };
	struct weir_event events[8];

	for (int i = 0; i < 3; i++) {
		probe_pair(&others[i]);
		CHECK_EQ(weir_source_add(r, others[i].fd, WEIR_READABLE, NULL,
					 &others[i], &others[i].token), 0);
		probe_send(&others[i], 1);
	}
	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	probe_pair(&after);
	CHECK_EQ(weir_source_add(r, after.fd, WEIR_READABLE, NULL, &after,
				 &after.token), 0);
	probe_send(&after, 1);
	CHECK_EQ(weir_reactor_wait(r, events, 8, WEIR_FOREVER), 1);
	CHECK_EQ(p.calls, 1);
	CHECK(events[0].data == &after);
	CHECK_EQ(weir_reactor_wait(r, events, 8, 0), 0);
	weir_reactor_free(r);
	for (int i = 0; i < 3; i++)
		probe_close(&others[i]);
	probe_close(&after);
	probe_close(&p);
}

TEST(a_removed_source_leaves_its_descriptor)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK(fcntl(p.fd, F_GETFD) >= 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	/* And can be watched again, under another name. */
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, probe_called, &p,
				 &p.token), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	CHECK(fcntl(p.fd, F_GETFD) >= 0);
	probe_close(&p);
}

TEST(closed_behind_our_back_it_still_ends)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	close(p.fd);
	p.fd = -1;
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK_EQ(weir_source_remove(r, p.token), -ESTALE);
	weir_reactor_free(r);
	probe_close(&p);
}

/* The kernel watches the open file: a duplicate would keep it watched. */
TEST(a_duplicate_says_nothing_after_the_close)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	int copy;

	probe_add(r, &p, WEIR_READABLE);
	copy = dup(p.fd);
	CHECK_EQ(weir_source_close(r, p.token), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_EVENTS), 0);
	close(copy);
	p.fd = -1;
	weir_reactor_free(r);
	probe_close(&p);
}

/* A timer and a message remove as well as a handler does. */
static void remove_by_timer(struct weir_reactor *r, struct weir_timer *t,
			    void *data)
{
	struct probe *p = data;

	(void)t;
	CHECK_EQ(weir_source_remove(r, p->token), 0);
}

TEST(not_when_a_timer_has_removed_it)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };
	struct weir_timer *t;

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_timer_new(r, remove_by_timer, &p, &t), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(weir_timer_start(t, 0), 0);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/*
 * The storm.  Every handler does something at random to any source: ends it,
 * makes another in its place, feeds it.  The data of a source is memory of its
 * own, freed when it ends, and says which life it is.
 */
enum { PLACES = 24, TURNS = 3000 };

struct life {
	int place;
	weir_token token;
	int peer;
};

static struct storm {
	struct life *lives[PLACES];
	uint64_t random, calls, ends;
} storm = { .random = 88172645463325252u };

static unsigned draw(unsigned limit)
{
	storm.random ^= storm.random << 13;
	storm.random ^= storm.random >> 7;
	storm.random ^= storm.random << 17;
	return (unsigned)(storm.random >> 33) % limit;
}

static weir_source_fn live;

static void begin_life(struct weir_reactor *r, int place)
{
	struct life *l = malloc(sizeof(*l));
	struct probe p;

	probe_pair(&p);
	l->place = place;
	l->peer = p.peer;
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE | WEIR_WRITABLE, live,
				 l, &l->token), 0);
	storm.lives[place] = l;
}

static void end_life(struct weir_reactor *r, int place)
{
	struct life *l = storm.lives[place];
	const weir_token token = l->token;

	CHECK_EQ(weir_source_close(r, token), 0);
	close(l->peer);
	storm.lives[place] = NULL;
	storm.ends++;
	l->place = -1;
	free(l);
	CHECK_EQ(weir_source_again(r, token, WEIR_READABLE), -ESTALE);
}

static void do_something(struct weir_reactor *r)
{
	const int place = (int)draw(PLACES);
	struct life *l = storm.lives[place];

	if (!l) {
		begin_life(r, place);
		return;
	}
	switch (draw(6)) {
	case 0:
		end_life(r, place);
		break;
	case 1:
		end_life(r, place);
		begin_life(r, place);
		break;
	case 2:
		CHECK_EQ(weir_source_again(r, l->token, WEIR_READABLE), 0);
		break;
	case 3:
		CHECK_EQ(weir_source_want(r, l->token, draw(2) ?
					  WEIR_READABLE :
					  WEIR_READABLE | WEIR_WRITABLE), 0);
		break;
	case 4:
		CHECK_EQ(weir_source_modify(r, l->token,
					    EPOLLIN | EPOLLOUT | EPOLLET), 0);
		break;
	default:
		CHECK_EQ(send(l->peer, "x", 1, MSG_NOSIGNAL), 1);
		break;
	}
}

static enum weir_verdict live(struct weir_reactor *r,
			      const struct weir_event *event, void *data)
{
	struct life *l = data;

	/* It is alive: its memory is, and it stands in its place. */
	CHECK(l->place >= 0 && storm.lives[l->place] == l);
	CHECK(weir_token_equal(event->token, l->token));
	storm.calls++;
	for (unsigned n = draw(3); n > 0; n--)
		do_something(r);
	return draw(2) ? WEIR_MORE : WEIR_DONE;
}

TEST(storm_of_lives_and_deaths)
{
	struct weir_reactor *r = probe_reactor();
	const weir_ns end = stress_end();
	int turns = 0;

	for (int i = 0; i < PLACES; i++)
		begin_life(r, i);
	while (turns++ < TURNS || !stress_is_over(end)) {
		do_something(r);
		probe_turn(r);
	}
	CHECK(storm.calls > 0 && storm.ends > 0);
	CHECK(weir__stat_get(r, WEIR__STAT_STALE_EVENTS) > 0);
	for (int i = 0; i < PLACES; i++)
		if (storm.lives[i])
			end_life(r, i);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
}
