/* SPDX-License-Identifier: MIT */
/*
 * base/wheel.h - hierarchical timing wheel
 *
 * Keeps any number of deadlines and gives back those that have passed.  Pure
 * data structure: it reads no clock, calls nothing back, takes no memory and
 * knows no threads.  wheel.c opens with how it works.
 *
 *	weir__wheel_advance(w, now_ns);
 *	while ((n = weir__wheel_take(w)))
 *		...;		may start and stop any node, @n included
 *	sleep until weir__wheel_next_ns(w), or for ever if it is UINT64_MAX;
 *
 * What is promised
 *
 * P1  Never early: a node is taken only after an advance to a now_ns that is
 *     at or after its deadline.
 * P2  Late by less than one tick (65,536 ns), plus the caller's own lateness
 *     in advancing.  A deadline that has passed when the node is started is
 *     due at the very next advance, even at one to the same now_ns.
 * P3  Order: by deadline, rounded up to a tick.  (A deadline that has passed
 *     when the node is started counts as the tick the wheel stands at.)
 *     Nodes of the same tick come in the order they were started, save those
 *     armed already when last started: these may come anywhere among the
 *     nodes of their tick.
 * P4  A node that is stopped or restarted after it became due, but before it
 *     was taken, is not given out for the old deadline.
 * P5  A loop that takes until NULL ends: what is started meanwhile is not due
 *     before the next advance.
 *
 * Cost: start, stop, take and next are O(1).  An advance is O(nodes that become
 * due or change level), however much time has passed; a node does so at most
 * 9 times after each start.
 */
#ifndef WEIR_BASE_WHEEL_H
#define WEIR_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum {
	/*
	 * A tick is 2^16 ns, 65.5 us: just above the 50 us of slack that the
	 * kernel gives a thread's sleeps by default, so a finer one would not
	 * be seen.  And it leaves 48 bits, which is a whole number of levels.
	 */
	WEIR__WHEEL_TICK_BITS = 16,

	/* 64 slots a level, so that one word says which are occupied. */
	WEIR__WHEEL_SLOT_BITS = 6,

	/* 16 + 8 * 6 = 64: every deadline has a slot, none "overflows". */
	WEIR__WHEEL_LEVELS = 8,

	/* The slots of the levels, and three more: see wheel.c, "The top". */
	WEIR__WHEEL_SLOTS = (WEIR__WHEEL_LEVELS << WEIR__WHEEL_SLOT_BITS) + 3,
};

/* Embedded in the caller's timer.  Read @deadline_ns freely, write nothing. */
struct weir__wheel_node {
	struct weir__list link;
	uint64_t deadline_ns;

	/*
	 * A restart to a deadline after this one needs no new slot.
	 * UINT64_MAX while the node is in no level: no deadline is after it.
	 */
	uint64_t stay_after_ns;
};

/* 8.3 KiB, to be embedded.  Private. */
struct weir__wheel {
	uint64_t occupied[WEIR__WHEEL_LEVELS + 1];
	uint64_t tick;		/* now_ns, rounded down */
	uint64_t now_ns;	/* of the last advance */
	size_t count;
	struct weir__list slots[WEIR__WHEEL_SLOTS];
};

/* An empty wheel, standing at @now_ns. */
void weir__wheel_init(struct weir__wheel *w, uint64_t now_ns);

/* Each node, once, before its first use. */
void weir__wheel_node_init(struct weir__wheel_node *n);

/* True from start until stop or take; thus also while due and not yet taken. */
static inline bool weir__wheel_is_armed(const struct weir__wheel_node *n)
{
	return weir__list_is_linked(&n->link);
}

/* The part of weir__wheel_start() that is not in line: @n needs a new slot. */
void weir__wheel_put(struct weir__wheel *w, struct weir__wheel_node *n,
		     uint64_t deadline_ns);

/*
 * Start @n, or restart it: afterwards it has this deadline and no other.
 *
 * Restarting to a later deadline, as an idle timeout does with each byte that
 * comes in, writes one word and leaves the node in its slot; the node moves on
 * when that slot comes up.  weir__wheel_next_ns() may therefore be early.
 *
 * UINT64_MAX, like the 65,535 values below it, is never.
 *
 * Owns: @n is lent to @w until it is stopped or taken.
 */
static inline void weir__wheel_start(struct weir__wheel *w,
				     struct weir__wheel_node *n,
				     uint64_t deadline_ns)
{
	const bool stays = deadline_ns > n->stay_after_ns;

	n->deadline_ns = deadline_ns;
	if (!stays)
		weir__wheel_put(w, n, deadline_ns);
}

/* Stop @n; nothing happens if it is not armed. */
void weir__wheel_stop(struct weir__wheel *w, struct weir__wheel_node *n);

/*
 * A lower bound of when the next node is due: none is before it.  It is the
 * time itself if that lies in the wheel's present run of 64 ticks (4.2 ms) and
 * no node before it was restarted to later.  Whoever sleeps until it and
 * advances makes at least one node due, or brings one to a lower level.
 *
 * While nodes are due already it is the now_ns of the last advance.
 *
 * Return: a time, or UINT64_MAX if none will ever be due.
 */
uint64_t weir__wheel_next_ns(const struct weir__wheel *w);

/*
 * Make due all nodes whose deadline is at or before @now_ns, rounded as in P2.
 * A @now_ns before that of the last advance counts as the same.
 */
void weir__wheel_advance(struct weir__wheel *w, uint64_t now_ns);

/* The next due node, no longer armed and the caller's again, or NULL. */
struct weir__wheel_node *weir__wheel_take(struct weir__wheel *w);

/* The time of the last advance. */
static inline uint64_t weir__wheel_now(const struct weir__wheel *w)
{
	return w->now_ns;
}

/* How many nodes are armed. */
static inline size_t weir__wheel_count(const struct weir__wheel *w)
{
	return w->count;
}

#endif /* WEIR_BASE_WHEEL_H */
