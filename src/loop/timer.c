/* SPDX-License-Identifier: MIT */
/*
 * loop/timer.c - timers on the reactor's wheel
 *
 * A timer counts from the time at which the turn last looked at the clock, so
 * that starting one costs no clock reading; outside a turn there is no such
 * time, and the clock is read.
 */
#include <weir/timer.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/ns.h"
#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/clock.h"

struct weir_timer {
	struct weir__wheel_node node;
	struct weir_reactor *reactor;
	weir_ns period;			/* 0: fires once */
	weir_timer_fn *fn;
	void *data;
	struct weir__list all_link;	/* in reactor.timers, or its source's */
	bool is_attached;		/* to a source */
};

/* All of @t is 0. */
static void set_up(struct weir_timer *t, struct weir_reactor *r,
		   weir_timer_fn *fn, void *data)
{
	weir__wheel_node_init(&t->node);
	t->reactor = r;
	t->fn = fn;
	t->data = data;
}

int weir_timer_new(struct weir_reactor *r, weir_timer_fn *fn, void *data,
		   struct weir_timer **ret_timer)
{
	struct weir_timer *t;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!fn)
		return -EINVAL;
	t = weir__arena_take(r->arena, sizeof(*t));
	if (!t)
		return -ENOMEM;
	set_up(t, r, fn, data);
	weir__list_push(&r->timers, &t->all_link);
	r->is_memory_stale = true;
	*ret_timer = t;
	return 0;
}

int weir_timer_new_for(struct weir_reactor *r, weir_token token,
		       weir_timer_fn *fn, void *data,
		       struct weir_timer **ret_timer)
{
	struct weir__source *s;
	struct weir_timer *t;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!fn)
		return -EINVAL;
	s = weir__source_get(r, token);
	if (!s)
		return -ESTALE;
	/* Not of the arena: it may come to be freed on another thread. */
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	set_up(t, r, fn, data);
	t->is_attached = true;
	weir__list_push(&s->timers, &t->all_link);
	*ret_timer = t;
	return 0;
}

/* Stopped, and in no list. */
static void dispose(struct weir_timer *t)
{
	if (t->is_attached) {
		free(t);
		return;
	}
	t->reactor->is_memory_stale = true;
	weir__arena_give(t->reactor->arena, t, sizeof(*t));
}

struct weir_timer *weir_timer_free(struct weir_timer *t)
{
	if (!t || weir__reactor_check(t->reactor) < 0)
		return NULL;
	weir__wheel_stop(&t->reactor->wheel, &t->node);
	weir__list_remove(&t->all_link);
	dispose(t);
	return NULL;
}

static weir_ns base_of(struct weir_reactor *r)
{
	return r->is_turning ? weir__reactor_now(r) :
			       weir_reactor_update_now(r);
}

/*
 * One that has passed is due in the next turn, and not at the end of its tick:
 * the wheel must know that it has passed.
 */
__attribute__((noinline))
static int start_passed(struct weir_timer *t, weir_ns now, weir_ns deadline,
			weir_ns period)
{
	struct weir_reactor *r = t->reactor;

	if (deadline > weir__wheel_now(&r->wheel))
		weir__wheel_advance(&r->wheel, now);
	t->period = period;
	weir__wheel_start(&r->wheel, &t->node, deadline);
	return 0;
}

static inline int start(struct weir_timer *t, weir_ns now, weir_ns deadline,
			weir_ns period)
{
	if (__builtin_expect(deadline <= now, 0))
		return start_passed(t, now, deadline, period);
	t->period = period;
	weir__wheel_start(&t->reactor->wheel, &t->node, deadline);
	return 0;
}

/* Apart, so that the way of weir_timer_start() through a turn is short. */
__attribute__((noinline))
static int start_checked(struct weir_timer *t, weir_ns delay, weir_ns period)
{
	int err = weir__reactor_check(t->reactor);
	weir_ns now;

	if (err < 0)
		return err;
	now = base_of(t->reactor);
	return start(t, now, weir__ns_add(now, delay), period);
}

int weir_timer_start(struct weir_timer *t, weir_ns delay)
{
	const struct weir_reactor *r = t->reactor;

	if (__builtin_expect(!weir__reactor_in_turn(r) || r->now == 0, 0))
		return start_checked(t, delay, 0);
	return start(t, r->now, weir__ns_add(r->now, delay), 0);
}

int weir_timer_start_at(struct weir_timer *t, weir_ns deadline)
{
	int err = weir__reactor_check(t->reactor);

	if (err < 0)
		return err;
	return start(t, base_of(t->reactor), deadline, 0);
}

int weir_timer_start_every(struct weir_timer *t, weir_ns period)
{
	if (period == 0) {
		int err = weir__reactor_check(t->reactor);

		return err < 0 ? err : -EINVAL;
	}
	return start_checked(t, period, period);
}

int weir_timer_stop(struct weir_timer *t)
{
	struct weir_reactor *r = t->reactor;

	if (__builtin_expect(!weir__reactor_in_turn(r), 0)) {
		int err = weir__reactor_check(r);

		if (err < 0)
			return err;
	}
	weir__wheel_stop(&r->wheel, &t->node);
	return 0;
}

int weir_timer_is_running(const struct weir_timer *t)
{
	return weir__wheel_is_armed(&t->node);
}

/* The first multiple of the period after the deadline that is yet to come. */
static weir_ns next_deadline(const struct weir_timer *t, weir_ns now)
{
	const weir_ns due = t->node.deadline_ns;
	const weir_ns missed = now > due ? (now - due) / t->period : 0;

	return weir__ns_add(due, (missed + 1) * t->period);
}

void weir__timers_fire(struct weir_reactor *r)
{
	struct weir__wheel_node *node;
	unsigned fired = 0;

	weir__wheel_advance(&r->wheel, weir__reactor_now(r));
	while (fired < WEIR__BUDGET_TIMERS &&
	       (node = weir__wheel_take(&r->wheel)) != NULL) {
		struct weir_timer *t = WEIR__CONTAINER(node, struct weir_timer,
						       node);
		const weir_ns lag = r->now - node->deadline_ns;

		/* Started before the call, so that the call can stop it. */
		if (t->period > 0)
			weir__wheel_start(&r->wheel, node,
					  next_deadline(t, r->now));
		weir__view_count(r->view, WEIR_SHM_TIMER_LAG_NS, lag);
		weir__view_record(r->view, WEIR_SHM_TIMER, lag,
				  (uintptr_t)t->fn, 0);
		WEIR__PROBE4(handler_start, r->owner, 0, t->fn, lag);
		t->fn(r, t, t->data);
		weir__trace_end(r, 0);
		fired++;
	}
	weir__stat_add(r, WEIR__STAT_TIMERS, fired);
}

void weir__timers_free(struct weir_reactor *r)
{
	struct weir__list *node;

	while ((node = weir__list_take(&r->timers)) != NULL) {
		struct weir_timer *t = WEIR__CONTAINER(node, struct weir_timer,
						       all_link);

		weir__wheel_stop(&r->wheel, &t->node);
		dispose(t);
	}
}

static struct weir_timer *timer_of(struct weir__list *node)
{
	return WEIR__CONTAINER(node, struct weir_timer, all_link);
}

void weir__timers_end(struct weir_reactor *r, struct weir__source *s)
{
	struct weir__list *node;

	while ((node = weir__list_take(&s->timers)) != NULL) {
		struct weir_timer *t = timer_of(node);

		weir__wheel_stop(&r->wheel, &t->node);
		dispose(t);
	}
}

void weir__timers_depart(struct weir_reactor *r, struct weir__source *s)
{
	struct weir__list *node;

	for (node = s->timers.next; node != &s->timers; node = node->next) {
		struct weir_timer *t = timer_of(node);

		/* In transit a deadline other than WEIR_FOREVER means: runs. */
		if (!weir__wheel_is_armed(&t->node))
			t->node.deadline_ns = WEIR_FOREVER;
		weir__wheel_stop(&r->wheel, &t->node);
	}
}

void weir__timers_arrive(struct weir_reactor *r, struct weir__source *s)
{
	struct weir__list *node;

	for (node = s->timers.next; node != &s->timers; node = node->next) {
		struct weir_timer *t = timer_of(node);

		t->reactor = r;
		if (t->node.deadline_ns != WEIR_FOREVER)
			start(t, base_of(r), t->node.deadline_ns, t->period);
	}
}
