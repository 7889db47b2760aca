/* SPDX-License-Identifier: MIT */
/*
 * loop/ready.c - wanted and ready: the edge-triggered contract
 *
 * For each fact of a source:
 *
 *     wanted ready
 *       0      0     nothing to do
 *       0      1     remembered; the kernel will not say it again
 *       1      0     waiting for an edge
 *       1      1     the handler is called: by an event at once, else from the
 *                    ready list in the next turn
 *
 *     mark   an edge: the kernel said it, or weir_source_again()  ready = 1
 *     clear  EAGAIN was met, or the verdict was WEIR_DONE         ready = 0
 *     want   the handler, or a user, changes its mind             wanted = 0, 1
 *
 * K1  A source that is not being called is in the ready list exactly when one
 *     of its facts is wanted and ready.  So nothing is lost between an edge and
 *     the call that uses it up, and an idle source costs nothing.
 * K2  ERROR, HANGUP, MOVED, DRAINING and STOPPING are always wanted.
 * K3  A verdict speaks only of the facts that were given: others that became
 *     ready meanwhile stay.
 * K4  A handler that was replaced while it ran has no verdict: the facts are
 *     for the new one.
 * K5  A source without a handler waits in the held list while nobody collects
 *     events, so that a running reactor does not turn for it in vain.
 * K6  An event that stands in a caller's array is taken out of it if its source
 *     is removed or replaced before weir_reactor_wait() returns.
 *
 * K7  A level-triggered source without a handler, of which the kernel would say
 *     the same in each turn while nobody collects, is parked: it is registered
 *     as edge-triggered until somebody collects or it has a handler, when the
 *     kernel is asked to say again what holds.
 *
 * WEIR_MORE does not keep MOVED, DRAINING and STOPPING, which are said once.
 *
 * A level-triggered source is marked by each event and cleared after each
 * call, whatever the verdict: the kernel remembers for it.  A ONESHOT source
 * is none: after its event the kernel has forgotten it.
 *
 * Calls do not nest: a handler cannot turn its own reactor (-EBUSY).  So one
 * pointer says what a call must know afterwards: "called" is still its source,
 * unless that was removed or its handler replaced meanwhile.
 */
#include "loop/ready.h"

#include "loop/dispatch.h"
#include "loop/rebuild.h"
#include "loop/undrained.h"

#include <string.h>

/* The facts that have the kernel's values need no translation. */
_Static_assert(WEIR_READABLE == EPOLLIN && WEIR_PRIORITY == EPOLLPRI &&
	       WEIR_WRITABLE == EPOLLOUT && WEIR_ERROR == EPOLLERR &&
	       WEIR_HANGUP == EPOLLHUP && WEIR_RDHUP == EPOLLRDHUP,
	       "facts are epoll's bits");
_Static_assert(sizeof(struct weir_event) == 24, "an event is 24 bytes");

/*
 * No handler can miss an end: what hangs up or fails is also readable and
 * writable, and the read or write will say how.
 */
static uint16_t facts_of(uint32_t raw)
{
	const uint32_t known = WEIR_READABLE | WEIR_PRIORITY | WEIR_WRITABLE |
			       WEIR_ERROR | WEIR_HANGUP | WEIR_RDHUP;
	uint32_t facts = raw & known;

	if (__builtin_expect((raw & (EPOLLHUP | EPOLLERR)) != 0, 0)) {
		facts |= WEIR_READABLE | WEIR_WRITABLE;
		if (raw & EPOLLERR)
			facts |= WEIR_PRIORITY;
	}
	return (uint16_t)facts;
}

/* Restore K1. */
static void settle(struct weir_reactor *r, struct weir__source *s)
{
	if (!weir__ready_pending(s))
		weir__list_remove(&s->ready_link);
	else if (!weir__list_is_linked(&s->ready_link))
		weir__list_push(&r->ready, &s->ready_link);
}

void weir__ready_mark(struct weir_reactor *r, struct weir__source *s,
		      uint16_t facts)
{
	s->ready |= facts;
	if (s != r->called)
		settle(r, s);
}

void weir__ready_clear(struct weir_reactor *r, struct weir__source *s,
		       uint16_t facts)
{
	s->ready &= (uint16_t)~facts;
	if (s != r->called)
		settle(r, s);
}

void weir__ready_want(struct weir_reactor *r, struct weir__source *s,
		      uint16_t facts)
{
	s->wanted = facts;
	if (s != r->called)
		settle(r, s);
}

/* What this source is ready for the kernel will say again. */
static bool is_level(const struct weir__source *s)
{
	return s->fd >= 0 && !(s->registered & (EPOLLET | EPOLLONESHOT));
}

/* A source without a handler: its event goes into the caller's array. */
static void harvest(struct weir_reactor *r, struct weir__source *s,
		    const struct weir_event *event)
{
	struct weir__harvest *h = r->harvest;
	const bool has_room = h && h->count < h->capacity &&
			      s->harvested != r->turn;

	if (has_room) {
		h->events[h->count++] = *event;
		s->harvested = r->turn;
	}
	if (has_room || (event->raw != 0 && is_level(s)))
		s->ready &= (uint16_t)~event->facts;
	if (!h && is_level(s) && !s->is_parked)
		weir__source_park(r, s);
	weir__list_remove(&s->ready_link);
	if (weir__ready_pending(s))
		weir__list_push(h ? &r->ready : &r->held, &s->ready_link);
}

void weir__ready_withdraw(struct weir_reactor *r, struct weir__source *s)
{
	struct weir__harvest *h = r->harvest;
	struct weir_event *event, *end;

	if (!h || s->harvested != r->turn)
		return;
	end = h->events + h->count;
	for (event = h->events; event < end; event++) {
		if (!weir_token_equal(event->token, s->token))
			continue;
		s->ready |= event->facts;
		memmove(event, event + 1,
			(size_t)(end - event - 1) * sizeof(*event));
		h->count--;
		break;
	}
	s->harvested = 0;
}

void weir__ready_leave(struct weir_reactor *r, struct weir__source *s)
{
	if (s == r->called) {
		r->called = NULL;	/* K4 */
		s->ready &= (uint16_t)~WEIR__READY_ONCE;
	}
	weir__list_remove(&s->ready_link);
}

void weir__ready_replaced(struct weir_reactor *r, struct weir__source *s)
{
	if (s == r->called) {
		r->called = NULL;	/* K4 */
		return;
	}
	weir__ready_withdraw(r, s);
	/* Out of the held list, if it was there. */
	weir__list_remove(&s->ready_link);
	settle(r, s);
}

void weir__ready_judge(struct weir_reactor *r, struct weir__source *s,
		  weir_token token, uint16_t given)
{
	const bool is_replaced = r->called != s;
	uint16_t used = is_replaced ? 0 : given & WEIR__READY_ONCE;

	r->called = NULL;
	/* It may have removed itself; its memory may be another's by now. */
	if (is_replaced && weir__source_get(r, token) != s)
		return;
	if (is_level(s))
		used = given;
	s->ready &= (uint16_t)~used;
	settle(r, s);
}

/* Into the caller's array with it.  Not inlined: a handler is the rule. */
__attribute__((noinline))
static void report(struct weir_reactor *r, struct weir__source *s,
		   uint16_t given, uint32_t raw)
{
	const struct weir_event event = {
		s->token, given, (uint16_t)raw, s->fd, s->data,
	};

	harvest(r, s, &event);
}

/*
 * Call the handler, if it is to be called, or report to the caller's array.
 * Return: how many handlers were called.
 */
static unsigned call_or_report(struct weir_reactor *r, struct weir__source *s,
			       uint32_t raw)
{
	const uint16_t given = weir__ready_pending(s);

	if (!given)
		return 0;
	if (!s->fn) {
		report(r, s, given, raw);
		return 0;
	}
	weir__list_remove(&s->ready_link);
	weir__ready_enter(r, s, s->token, given, raw, !r->hooks);
	r->called = NULL;
	return 1;
}

void weir__ready_call(struct weir_reactor *r, struct weir__source *s)
{
	weir__stat_add(r, WEIR__STAT_CALLS, call_or_report(r, s, 0));
}

void weir__ready_odd(struct weir_reactor *r, weir_token token,
			 uint32_t raw, struct weir__batch *batch)
{
	struct weir__source *s;

	if (token.bits == WEIR__BELL) {
		batch->bells++;
		return;
	}
	s = weir__source_get(r, token);
	if (!s || s->is_lost) {
		weir__ghost_seen(r);
		batch->stale++;
		return;
	}
	s->is_disarmed = s->is_odd;
	s->ready |= facts_of(raw);
	if (call_or_report(r, s, raw) == 0)
		batch->silent++;
}

bool weir__ready_run(struct weir_reactor *r)
{
	struct weir__list *node;
	struct weir__list queue;
	unsigned done = 0, calls = 0;

	/* Who says WEIR_MORE again goes to r->ready, and so to the next turn. */
	weir__list_init(&queue);
	weir__list_splice(&queue, &r->ready);
	while (done < WEIR__BUDGET_READY &&
	       (node = weir__list_take(&queue)) != NULL) {
		calls += call_or_report(r, WEIR__CONTAINER(node,
					struct weir__source, ready_link), 0);
		done++;
	}
	weir__stat_add(r, WEIR__STAT_CALLS, calls);
	weir__stat_add(r, WEIR__STAT_CALLS_AGAIN, calls);
	/* Over budget: those go before the ones that had their turn. */
	weir__list_splice(&queue, &r->ready);
	weir__list_splice(&r->ready, &queue);
	return !weir__list_is_empty(&r->ready);
}
