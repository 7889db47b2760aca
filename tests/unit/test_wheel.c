/* SPDX-License-Identifier: MIT */
/*
 * test_wheel.c - the wheel beside a model of its promises
 *
 * The model keeps each node's deadline, tick and turn in a plain array and
 * searches it.  A random walk drives both; after every step the wheel must be
 * well formed (check_form) and say what the model says.  The small tests at the
 * end each show one promise by itself.
 */
#include "base/wheel.h"

#include <inttypes.h>

#include "harness.h"

#define TICK	(UINT64_C(1) << WEIR__WHEEL_TICK_BITS)
#define NEVER_TICK	(UINT64_C(1) << (64 - WEIR__WHEEL_TICK_BITS))

enum { NODES = 24 };

struct entry {
	struct weir__wheel_node node;
	bool is_armed, is_due, is_past;
	bool is_fresh;		/* not armed when last started */
	uint64_t deadline_ns, tick, turn;
};

static struct weir__wheel wheel;
static struct entry entries[NODES];
static uint64_t now_ns, turns, taken, seed, random_state;

/* A CHECK that also says in which walk, and where in it. */
#define WALK_CHECK(cond)						\
	do {								\
		if (!(cond)) {						\
			NOTE("seed %" PRIu64 ", turn %" PRIu64,		\
			     seed, turns);				\
			test_fail(__FILE__, __LINE__, "%s", #cond);	\
		}							\
	} while (0)

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t random_below(uint64_t limit)
{
	return random_word() % limit;
}

/* Of any magnitude of up to @bits, each as likely as the others. */
static uint64_t random_span(unsigned bits)
{
	unsigned some = (unsigned)random_below(bits + 1);

	return some ? random_word() >> (64 - some) : 0;
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* By division, and apart from the wheel's own way. */
static uint64_t round_up(uint64_t ns)
{
	return ns / TICK + (ns % TICK ? 1 : 0);
}

static struct entry *entry_of(struct weir__wheel_node *n)
{
	return WEIR__CONTAINER(n, struct entry, node);
}

static void setup(uint64_t start_ns)
{
	now_ns = start_ns;
	turns = 0;
	weir__wheel_init(&wheel, now_ns);
	for (int i = 0; i < NODES; i++) {
		entries[i] = (struct entry){ .is_armed = false };
		weir__wheel_node_init(&entries[i].node);
	}
}

/* The slot's bit, its list, W1 and the place of each of its nodes. */
static size_t check_slot(unsigned level, unsigned digit)
{
	struct weir__list *head = &wheel.slots[level * 64 + digit], *l;
	uint64_t above = level < 7 ? wheel.tick >> 6 * level >> 6 : 0;
	uint64_t begin = ((above << 6) + digit) << 6 * level;
	size_t count = 0;

	WALK_CHECK(!weir__list_is_empty(head) ==
		   (wheel.occupied[level] >> digit & 1));
	for (l = head->next; l != head; l = l->next, count++) {
		uint64_t deadline_ns = WEIR__CONTAINER(
			l, struct weir__wheel_node, link)->deadline_ns;

		WALK_CHECK(l->next->prev == l);
		WALK_CHECK(level == WEIR__WHEEL_LEVELS ||
			   (begin > wheel.tick &&
			    round_up(deadline_ns) >= begin));
	}
	return count;
}

static void check_form(void)
{
	size_t count = 0;

	for (unsigned slot = 0; slot < WEIR__WHEEL_SLOTS; slot++)
		count += check_slot(slot / 64, slot % 64);
	WALK_CHECK(count == weir__wheel_count(&wheel));
}

static void do_start(struct entry *e, uint64_t deadline_ns)
{
	e->is_fresh = !e->is_armed;
	e->is_armed = true;
	e->is_due = false;
	e->is_past = deadline_ns <= now_ns;
	e->deadline_ns = deadline_ns;
	e->tick = e->is_past ? now_ns / TICK : round_up(deadline_ns);
	e->turn = ++turns;
	weir__wheel_start(&wheel, &e->node, deadline_ns);
}

static void do_stop(struct entry *e)
{
	e->is_armed = e->is_due = false;
	turns++;
	weir__wheel_stop(&wheel, &e->node);
}

static void do_advance(uint64_t to_ns)
{
	if (to_ns > now_ns)
		now_ns = to_ns;
	turns++;
	for (int i = 0; i < NODES; i++)
		if (entries[i].is_armed &&
		    (entries[i].is_past || entries[i].tick <= now_ns / TICK))
			entries[i].is_due = true;
	weir__wheel_advance(&wheel, to_ns);
}

/* Return: whether one was due. */
static bool do_take(void)
{
	struct weir__wheel_node *n = weir__wheel_take(&wheel);
	struct entry *e = n ? entry_of(n) : NULL;

	turns++;
	WALK_CHECK(!e || (e->is_armed && e->is_due));
	WALK_CHECK(!e || e->deadline_ns <= now_ns);
	for (int i = 0; i < NODES; i++) {
		struct entry *o = &entries[i];

		if (!o->is_due || o == e)
			continue;
		WALK_CHECK(e && e->tick <= o->tick);
		WALK_CHECK(e->tick < o->tick || !e->is_fresh ||
			   !o->is_fresh || e->turn < o->turn);
	}
	if (e) {
		e->is_armed = e->is_due = false;
		taken++;
	}
	return e;
}

/* What the wheel says, against what the model knows. */
static void check_state(void)
{
	uint64_t next_ns = weir__wheel_next_ns(&wheel), tick = NEVER_TICK;
	bool any_due = false, all_fresh = true;
	size_t count = 0;

	for (int i = 0; i < NODES; i++) {
		struct entry *e = &entries[i];

		WALK_CHECK(weir__wheel_is_armed(&e->node) == e->is_armed);
		if (!e->is_armed)
			continue;
		count++;
		any_due |= e->is_due || e->is_past;
		all_fresh &= e->is_fresh;
		tick = e->tick < tick ? e->tick : tick;
	}
	WALK_CHECK(count == weir__wheel_count(&wheel));
	if (any_due) {
		WALK_CHECK(next_ns == now_ns);
		return;
	}
	WALK_CHECK(next_ns > now_ns || next_ns == UINT64_MAX);
	WALK_CHECK(tick == NEVER_TICK || next_ns <= tick * TICK);
	if (count == 0 || (all_fresh && tick == NEVER_TICK))
		WALK_CHECK(next_ns == UINT64_MAX);
	if (all_fresh && tick / 64 == now_ns / TICK / 64)
		WALK_CHECK(next_ns == tick * TICK);
}

static uint64_t random_deadline(void)
{
	struct entry *other = &entries[random_below(NODES)];

	switch (random_below(8)) {
	case 0:	/* passed, or now */
		return now_ns - random_below(2) * random_below(now_ns);
	case 1:	/* the last there are, and never */
		return UINT64_MAX - random_span(20);
	case 2:	/* the same tick as another, for P3 */
	case 3:
		return add_saturated(other->deadline_ns / TICK * TICK,
				     random_below(2));
	case 4:	/* about a tick's edge */
		return add_saturated(now_ns / TICK * TICK +
				     random_below(200) * TICK - 1,
				     random_below(3));
	default:
		return add_saturated(now_ns, random_span(64));
	}
}

/* Rarely far ahead: once the end of time is reached, little can happen. */
static uint64_t random_now(void)
{
	uint64_t next_ns = weir__wheel_next_ns(&wheel);

	switch (random_below(8)) {
	case 0:	/* just before, at, or after */
	case 1:
	case 2:
		if (next_ns - now_ns < UINT64_C(1) << 50)
			return next_ns - 1 + random_below(3);
		return now_ns;
	case 3:	/* backwards */
		return random_below(now_ns);
	case 4:
		if (random_below(20) == 0)
			return random_word();
		return now_ns;
	default:
		return add_saturated(now_ns, random_span(40));
	}
}

static void walk_step(void)
{
	struct entry *e = &entries[random_below(NODES)];

	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		do_start(e, random_deadline());
		break;
	case 3:	/* as an idle timeout does */
		do_start(e, add_saturated(e->is_armed ? e->deadline_ns : now_ns,
					  random_span(36)));
		break;
	case 4:
		do_stop(e);
		break;
	case 5:
		do_advance(random_now());
		break;
	case 6:
		do_take();
		break;
	default:
		while (do_take())
			if (random_below(4) == 0)
				return;
	}
}

static void walk(uint64_t start_ns, int steps)
{
	setup(start_ns);
	for (int i = 0; i < steps; i++) {
		walk_step();
		check_form();
		check_state();
	}
}

TEST(any_walk_matches_the_model)
{
	for (seed = 1; seed <= 1000; seed++) {
		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		walk(1 + random_span(64), 400);
	}
	CHECK(taken > 1000 * 20);
}

TEST(any_walk_near_the_end_of_time_matches_the_model)
{
	for (seed = 1; seed <= 400; seed++) {
		random_state = seed * UINT64_C(0xbf58476d1ce4e5b9);
		walk(UINT64_MAX - random_span(40), 200);
	}
}

TEST(any_walk_from_a_level_s_last_tick_matches_the_model)
{
	for (seed = 1; seed <= 400; seed++) {
		unsigned level = (unsigned)(seed % WEIR__WHEEL_LEVELS);

		random_state = seed * UINT64_C(0x94d049bb133111eb);
		walk((TICK << 6 * level) - 1 - random_below(TICK), 200);
	}
	CHECK(taken > 400 * 10);
}

/* No seconds are counted: going by ticks, this would not end within days. */
TEST(gaps_cost_nothing)
{
	setup(0);
	for (int round = 0; round < 100000; round++) {
		do_start(&entries[0], UINT64_MAX - TICK);
		weir__wheel_advance(&wheel, UINT64_MAX - TICK - 1);
		CHECK(!weir__wheel_take(&wheel));
		weir__wheel_advance(&wheel, UINT64_MAX);
		CHECK(weir__wheel_take(&wheel) == &entries[0].node);
		setup(0);
	}
}

TEST(never_early_and_less_than_a_tick_late)
{
	for (seed = 1; seed <= 20000; seed++) {
		uint64_t deadline_ns;

		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		setup(random_span(50));
		deadline_ns = now_ns + 1 + random_span(50);
		weir__wheel_start(&wheel, &entries[0].node, deadline_ns);
		weir__wheel_advance(&wheel, deadline_ns - 1);
		WALK_CHECK(!weir__wheel_take(&wheel));
		weir__wheel_advance(&wheel, deadline_ns + TICK - 1);
		WALK_CHECK(weir__wheel_take(&wheel) == &entries[0].node);
	}
}

TEST(a_deadline_on_a_tick_is_due_on_time)
{
	setup(5 * TICK + 7);
	weir__wheel_start(&wheel, &entries[0].node, 6 * TICK);
	weir__wheel_start(&wheel, &entries[1].node, 6 * TICK + 1);
	CHECK_EQ(weir__wheel_next_ns(&wheel), 6 * TICK);
	weir__wheel_advance(&wheel, 6 * TICK - 1);
	CHECK(!weir__wheel_take(&wheel));
	weir__wheel_advance(&wheel, 6 * TICK);
	CHECK(weir__wheel_take(&wheel) == &entries[0].node);
	CHECK(!weir__wheel_take(&wheel));
	CHECK_EQ(weir__wheel_next_ns(&wheel), 7 * TICK);
}

TEST(what_has_passed_is_due_at_the_next_advance)
{
	setup(5 * TICK + 7);
	weir__wheel_start(&wheel, &entries[0].node, 5 * TICK + 7);
	weir__wheel_start(&wheel, &entries[1].node, 0);
	CHECK_EQ(weir__wheel_next_ns(&wheel), now_ns);
	CHECK(!weir__wheel_take(&wheel));
	weir__wheel_advance(&wheel, now_ns);
	CHECK_EQ(weir__wheel_next_ns(&wheel), now_ns);
	CHECK(weir__wheel_take(&wheel) == &entries[0].node);
	CHECK(weir__wheel_take(&wheel) == &entries[1].node);
	CHECK(!weir__wheel_take(&wheel));
	CHECK_EQ(weir__wheel_next_ns(&wheel), UINT64_MAX);
}

/* Also when that is a restart of a node in the very next slot. */
TEST(a_restart_to_what_has_passed_is_due_at_the_next_advance)
{
	setup(5 * TICK + 7);
	weir__wheel_start(&wheel, &entries[0].node, 6 * TICK);
	weir__wheel_start(&wheel, &entries[0].node, 5 * TICK + 3);
	weir__wheel_advance(&wheel, now_ns);
	CHECK(weir__wheel_take(&wheel) == &entries[0].node);
}

TEST(starting_from_within_take_does_not_go_on_for_ever)
{
	struct weir__wheel_node *n;

	setup(TICK);
	weir__wheel_start(&wheel, &entries[0].node, 2 * TICK);
	for (int i = 0; i < 10; i++) {
		weir__wheel_advance(&wheel, 2 * TICK);
		while ((n = weir__wheel_take(&wheel))) {
			weir__wheel_start(&wheel, n, 2 * TICK);
			taken++;
		}
	}
	CHECK_EQ(taken, 10);
}

TEST(a_later_restart_leaves_the_node_in_its_slot)
{
	struct weir__wheel_node *n = &entries[0].node;
	struct weir__list *neighbour;

	setup(0);
	weir__wheel_start(&wheel, n, 3 * TICK);
	neighbour = n->link.next;
	weir__wheel_start(&wheel, n, 3000 * TICK);
	CHECK(n->link.next == neighbour);
	CHECK_EQ(weir__wheel_next_ns(&wheel), 3 * TICK);
	weir__wheel_start(&wheel, n, 5 * TICK);
	CHECK(n->link.next == neighbour);

	weir__wheel_advance(&wheel, 4 * TICK);
	CHECK(!weir__wheel_take(&wheel));
	CHECK_EQ(weir__wheel_next_ns(&wheel), 5 * TICK);
	weir__wheel_advance(&wheel, 5 * TICK);
	CHECK(weir__wheel_take(&wheel) == n);
}

TEST(an_earlier_restart_is_due_earlier)
{
	setup(0);
	weir__wheel_start(&wheel, &entries[0].node, 3000 * TICK);
	weir__wheel_start(&wheel, &entries[0].node, 2 * TICK);
	CHECK_EQ(weir__wheel_next_ns(&wheel), 2 * TICK);
	weir__wheel_advance(&wheel, 2 * TICK);
	CHECK(weir__wheel_take(&wheel) == &entries[0].node);
	weir__wheel_advance(&wheel, 4000 * TICK);
	CHECK(!weir__wheel_take(&wheel));
}

TEST(what_is_due_can_still_be_stopped_and_restarted)
{
	setup(0);
	for (int i = 0; i < 4; i++)
		weir__wheel_start(&wheel, &entries[i].node, TICK);
	weir__wheel_advance(&wheel, TICK);
	CHECK(weir__wheel_is_armed(&entries[1].node));
	weir__wheel_stop(&wheel, &entries[1].node);
	CHECK(!weir__wheel_is_armed(&entries[1].node));
	weir__wheel_start(&wheel, &entries[2].node, 9 * TICK);
	CHECK(weir__wheel_take(&wheel) == &entries[0].node);
	CHECK(weir__wheel_take(&wheel) == &entries[3].node);
	CHECK(!weir__wheel_take(&wheel));
	CHECK_EQ(weir__wheel_count(&wheel), 1);
	CHECK_EQ(weir__wheel_next_ns(&wheel), 9 * TICK);
}

TEST(never_is_never)
{
	setup(0);
	weir__wheel_start(&wheel, &entries[0].node, UINT64_MAX);
	weir__wheel_start(&wheel, &entries[1].node, UINT64_MAX - TICK + 2);
	CHECK_EQ(weir__wheel_next_ns(&wheel), UINT64_MAX);
	weir__wheel_advance(&wheel, UINT64_MAX);
	CHECK(!weir__wheel_take(&wheel));
	CHECK_EQ(weir__wheel_count(&wheel), 2);
	weir__wheel_stop(&wheel, &entries[0].node);
	weir__wheel_stop(&wheel, &entries[0].node);
	CHECK_EQ(weir__wheel_count(&wheel), 1);
}

/* Sleeping until next_ns wakes at most once a level, and once a restart. */
TEST(waiting_for_next_ns_comes_to_an_end)
{
	for (seed = 1; seed <= 2000; seed++) {
		unsigned wakes = 0;

		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		setup(random_span(60));
		for (int i = 0; i < NODES; i++)
			do_start(&entries[i], now_ns + random_span(60));
		for (int i = 0; i < NODES / 2; i++)
			do_start(&entries[i], entries[i].deadline_ns +
					      random_span(50));
		for (; weir__wheel_count(&wheel) > 0; wakes++) {
			do_advance(weir__wheel_next_ns(&wheel));
			while (do_take())
				;
			WALK_CHECK(wakes <= WEIR__WHEEL_LEVELS * 2 * NODES);
		}
	}
}
