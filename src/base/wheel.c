/* SPDX-License-Identifier: MIT */
/*
 * wheel.c - hierarchical timing wheel
 *
 * After G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels",
 * SOSP 1987, scheme 7, with a word of occupancy bits for each level so that
 * empty slots cost nothing, and with restarts that leave a node where it is.
 *
 * A tick is a 48-bit number; read it as eight digits of base 64.  A node's
 * tick is its deadline rounded up, so that no rounding makes it early.  The
 * node stands on the level of the highest digit in which its tick differs from
 * the wheel's, in the slot that this digit of its tick names:
 *
 *     wheel's tick       0 0 0 0  3 17  5 60
 *     node's tick        0 0 0 0  3 17  9 41    level 1, slot 9
 *                                       ^
 * W1  A node's tick is after the wheel's.  Hence its digit is greater than
 *     the wheel's, and each slot stands for one span of time, not for one in
 *     each lap: its span begins at the wheel's digits above, the slot's number,
 *     and zeros below.  That is later than the wheel's tick.
 * W2  All of a level comes before all of the next one, as the next differs in
 *     a higher digit.  Hence the first occupied slot of the first occupied
 *     level begins first, and no two slots begin at the same tick.
 * W3  The slot depends only on the node's tick and the wheel's.  Hence nodes
 *     of one tick share a slot at any moment, and as slots are queues, they
 *     keep the order in which they came: P3 of the header.
 * W4  To advance is to go from one slot's beginning to the next (W2), setting
 *     the wheel's tick to it and putting that slot's nodes where they belong
 *     now: in a lower level, or among the due.  Between two beginnings nothing
 *     needs to be touched: on a node's level the wheel's digit may grow, but
 *     remains below the node's, and the digits above it remain equal.  Hence
 *     a gap of years costs no more than one of a tick.
 *
 * Staying.  A node may stand in a slot that begins before the span its tick
 * belongs to: W4 looks at its deadline when the slot begins, and not before.
 * So a restart to a deadline at or after the slot's beginning just stores it,
 * and the node goes wherever that belongs when the slot begins.  Until then it
 * is not where W3 wants it, and that is P3's exception.
 *
 * The top.  Above the eight levels stand three lists that are slots only in
 * so far as a bit says whether they are occupied.  So a node can be pulled from
 * wherever it is in one way: if its two neighbours are one, that is the head
 * of a list now empty, and its place in slots[] tells which bit to clear.
 *
 * DUE     Reached by an advance, waiting to be taken.
 * PAST    Started with a deadline that had passed.  Moved to DUE by the next
 *         advance, ahead of all that this one reaches; not earlier, for P5.
 * NEVER   Deadlines that cannot be rounded up within 64 bits: tick 2^48, which
 *         differs from any other in its ninth digit.  That is 1, hence the
 *         number of this slot; the other two have what is left.
 */
#include "base/wheel.h"

#define TOP	WEIR__WHEEL_LEVELS
#define DUE	((unsigned)TOP << WEIR__WHEEL_SLOT_BITS)
#define NEVER	(DUE + 1)
#define PAST	(DUE + 2)

#define SLOT_MASK	((1u << WEIR__WHEEL_SLOT_BITS) - 1)
#define BIT(slot)	(UINT64_C(1) << ((slot) & SLOT_MASK))

_Static_assert(WEIR__WHEEL_TICK_BITS +
	       WEIR__WHEEL_LEVELS * WEIR__WHEEL_SLOT_BITS == 64,
	       "the digits of a tick are all there is");
_Static_assert(PAST + 1 == WEIR__WHEEL_SLOTS, "slots[] ends with the top");

static inline struct weir__wheel_node *node_of(struct weir__list *link)
{
	return WEIR__CONTAINER(link, struct weir__wheel_node, link);
}

/*
 * Rounds up, to 2^48 at most.  @deadline_ns is not 0, as it is after the time
 * of some wheel; taking 1 first, not adding first, so that nothing wraps.
 */
static inline uint64_t tick_of(uint64_t deadline_ns)
{
	return ((deadline_ns - 1) >> WEIR__WHEEL_TICK_BITS) + 1;
}

/* Into slot @at of @level. */
static inline void put(struct weir__wheel *w, struct weir__wheel_node *n,
		       unsigned level, unsigned at, uint64_t stay_after_ns)
{
	struct weir__list *head =
		&w->slots[level << WEIR__WHEEL_SLOT_BITS] + at;

	weir__list_push(head, &n->link);
	w->occupied[level] |= UINT64_C(1) << at;
	n->stay_after_ns = stay_after_ns;
}

/* Out of its slot; its link is then to be used for another, or initialised. */
static inline void pull(struct weir__wheel *w, struct weir__wheel_node *n)
{
	struct weir__list *next = n->link.next;
	struct weir__list *prev = n->link.prev;

	next->prev = prev;
	prev->next = next;
	if (prev == next) {
		unsigned slot = (unsigned)(next - w->slots);

		w->occupied[slot >> WEIR__WHEEL_SLOT_BITS] &= ~BIT(slot);
	}
}

/* Put @n where its @tick, which is after the wheel's, belongs. */
static inline void place(struct weir__wheel *w, struct weir__wheel_node *n,
			 uint64_t tick)
{
	unsigned high_bit = 63u - (unsigned)__builtin_clzll(tick ^ w->tick);
	unsigned level = high_bit / WEIR__WHEEL_SLOT_BITS;
	unsigned shift = level * WEIR__WHEEL_SLOT_BITS;
	uint64_t digits = tick >> shift;
	uint64_t begin_ns = digits << shift << WEIR__WHEEL_TICK_BITS;

	/* NEVER begins at 2^64, which is 0: its nodes never stay, as is right. */
	put(w, n, level, (unsigned)digits & SLOT_MASK, begin_ns - 1);
}

/* The slot that begins first, or NEVER. */
static unsigned first_slot(const struct weir__wheel *w)
{
	for (unsigned level = 0; level < WEIR__WHEEL_LEVELS; level++)
		if (w->occupied[level])
			return level << WEIR__WHEEL_SLOT_BITS |
			       (unsigned)__builtin_ctzll(w->occupied[level]);
	return NEVER;
}

/* The tick at which @slot begins (W1).  For NEVER that is 2^48 too. */
static uint64_t slot_tick(const struct weir__wheel *w, unsigned slot)
{
	unsigned shift = (slot >> WEIR__WHEEL_SLOT_BITS) *
			 WEIR__WHEEL_SLOT_BITS;
	uint64_t above = w->tick >> shift & ~(uint64_t)SLOT_MASK;

	return (above | (slot & SLOT_MASK)) << shift;
}

/* The wheel stands where @slot begins: empty it.  Nothing comes back to it. */
static void turn_slot(struct weir__wheel *w, unsigned slot)
{
	struct weir__list *link;

	while ((link = weir__list_first(&w->slots[slot]))) {
		struct weir__wheel_node *n = node_of(link);
		uint64_t tick = tick_of(n->deadline_ns);

		pull(w, n);
		if (tick > w->tick)
			place(w, n, tick);
		else
			put(w, n, TOP, DUE & SLOT_MASK, UINT64_MAX);
	}
}

void weir__wheel_init(struct weir__wheel *w, uint64_t now_ns)
{
	*w = (struct weir__wheel){
		.tick = now_ns >> WEIR__WHEEL_TICK_BITS,
		.now_ns = now_ns,
	};
	for (unsigned slot = 0; slot < WEIR__WHEEL_SLOTS; slot++)
		weir__list_init(&w->slots[slot]);
}

void weir__wheel_node_init(struct weir__wheel_node *n)
{
	*n = (struct weir__wheel_node){ .stay_after_ns = UINT64_MAX };
	weir__list_init(&n->link);
}

void weir__wheel_put(struct weir__wheel *w, struct weir__wheel_node *n,
		     uint64_t deadline_ns)
{
	if (weir__wheel_is_armed(n))
		pull(w, n);
	else
		w->count++;
	/* The wheel's time, not its tick: between the two, tick_of() is next. */
	if (__builtin_expect(deadline_ns > w->now_ns, 1))
		place(w, n, tick_of(deadline_ns));
	else
		put(w, n, TOP, PAST & SLOT_MASK, UINT64_MAX);
}

void weir__wheel_stop(struct weir__wheel *w, struct weir__wheel_node *n)
{
	if (!weir__wheel_is_armed(n))
		return;
	pull(w, n);
	weir__list_init(&n->link);
	n->stay_after_ns = UINT64_MAX;
	w->count--;
}

uint64_t weir__wheel_next_ns(const struct weir__wheel *w)
{
	unsigned slot;

	if (w->occupied[TOP] & (BIT(DUE) | BIT(PAST)))
		return w->now_ns;
	slot = first_slot(w);
	if (slot == NEVER)
		return UINT64_MAX;
	return slot_tick(w, slot) << WEIR__WHEEL_TICK_BITS;
}

void weir__wheel_advance(struct weir__wheel *w, uint64_t now_ns)
{
	uint64_t now = now_ns >> WEIR__WHEEL_TICK_BITS;

	if (w->occupied[TOP] & BIT(PAST)) {
		weir__list_splice(&w->slots[DUE], &w->slots[PAST]);
		w->occupied[TOP] ^= BIT(PAST);
		w->occupied[TOP] |= BIT(DUE);
	}
	if (now_ns > w->now_ns)
		w->now_ns = now_ns;
	while (w->tick < now) {
		unsigned slot = first_slot(w);
		uint64_t begin = slot_tick(w, slot);

		if (begin > now) {
			w->tick = now;
			break;
		}
		w->tick = begin;
		turn_slot(w, slot);
	}
}

struct weir__wheel_node *weir__wheel_take(struct weir__wheel *w)
{
	struct weir__list *link = weir__list_first(&w->slots[DUE]);

	if (!link)
		return NULL;
	pull(w, node_of(link));
	weir__list_init(link);
	w->count--;
	return node_of(link);
}
