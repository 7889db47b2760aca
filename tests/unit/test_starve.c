/* SPDX-License-Identifier: MIT */
/*
 * test_starve.c - how long a quiet source waits for one that is never empty
 *
 * In turns, not in time: a turn gives each phase its budget once.
 */
#include "loop/reactor.h"

#include <sys/resource.h>
#include <unistd.h>

#include "harness.h"
#include "probe.h"

enum { QUIET = 1000 };

static struct probe quiet[QUIET];

static void take_one(struct weir_reactor *r, struct probe *p)
{
	(void)r;
	probe_take(p);
}

/* A budget of its own: 16 reads, then the others. */
static void read_a_budget(struct weir_reactor *r, struct probe *p)
{
	char buf[16];

	(void)r;
	for (int i = 0; i < 16; i++) {
		CHECK_EQ(read(p->fd, buf, sizeof(buf)), (ssize_t)sizeof(buf));
		CHECK_EQ(write(p->peer, buf, sizeof(buf)),
			 (ssize_t)sizeof(buf));
	}
}

static void make_room(void)
{
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2 * QUIET + 64)
		SKIP("not enough descriptors");
	if (limit.rlim_cur < 2 * QUIET + 64)
		limit.rlim_cur = 2 * QUIET + 64;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(a_quiet_one_waits_a_round_of_budgets_at_most)
{
	/* All become readable at once: so many turns their events take. */
	const int round = (QUIET + WEIR__BUDGET_EVENTS) / WEIR__BUDGET_EVENTS;
	struct probe loud = { .act = read_a_budget, .verdict = WEIR_MORE };
	struct weir_reactor *r;
	static const char seed[64];
	int before;

	make_room();
	r = probe_reactor();
	probe_add(r, &loud, WEIR_READABLE);
	CHECK_EQ(write(loud.peer, seed, sizeof(seed)), (ssize_t)sizeof(seed));
	for (int i = 0; i < QUIET; i++) {
		quiet[i].act = take_one;
		probe_add(r, &quiet[i], WEIR_READABLE);
	}
	/* One of them: in the very next turn. */
	for (int i = 0; i < 50; i++) {
		probe_send(&quiet[i * 20], 1);
		before = loud.calls;
		PROBE_TURN(r, &quiet[i * 20], 1, WEIR_READABLE);
		CHECK(loud.calls - before <= 2);
	}
	/* All of them: each within one round. */
	for (int i = 0; i < QUIET; i++) {
		probe_send(&quiet[i], 1);
		quiet[i].calls = 0;
	}
	before = loud.calls;
	for (int turn = 0; turn < round; turn++)
		probe_turn(r);
	for (int i = 0; i < QUIET; i++)
		CHECK_EQ(quiet[i].calls, 1);
	/* And the loud one has had its budget in each turn. */
	CHECK(loud.calls - before >= round);
	weir_reactor_free(r);
	probe_close(&loud);
	for (int i = 0; i < QUIET; i++)
		probe_close(&quiet[i]);
}
