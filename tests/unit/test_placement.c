/* SPDX-License-Identifier: MIT */
/*
 * test_placement.c - where connections go, counted
 *
 * 5,000 connections, or 100,000 if WEIR_STRESS_SECONDS is set.  They end with a
 * reset, which leaves nothing in TIME_WAIT, and come from many addresses of the
 * loopback, so that no port is used twice soon: the kernel's hash would send it
 * to the same worker again.
 *
 * Bounds: what is drawn at random lies within six standard deviations of the
 * mean, which chance misses once in 10^8 times.
 */
#include <weir.h>

#include <errno.h>
#include <stdatomic.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"

enum { WORKERS = 4, AHEAD = 64, KEPT = 2000 };

struct place {
	struct weir_pool *pool;
	struct weir_listener *listener;
	struct weir_listener_options options;
	struct weir_addr addr;
	uint64_t accepted[WORKERS];	/* each worker its own */
	bool keeps;			/* the connections open */
	sem_t done;
	/* seen by the chooser, on the control thread */
	_Atomic uint64_t seen_busy, seen_coming;	/* of worker 0 */
	int choice;
};

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)data;
	if (event->facts & (WEIR_READABLE | WEIR_STOPPING))
		weir_source_close(r, event->token);
	return WEIR_DONE;
}

static void on_accept(struct weir_reactor *r, int fd,
		      const struct weir_addr *peer, void *data)
{
	struct place *p = data;
	weir_token token;

	(void)peer;
	p->accepted[weir_reactor_index(r)]++;
	if (!p->keeps)
		close(fd);
	else
		CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, on_event, NULL,
					 &token), 0);
	sem_post(&p->done);
}

static void place_start(struct place *p, enum weir_listener_mode mode,
			unsigned workers)
{
	p->pool = fixture_pool(workers);
	p->addr = fixture_addr(0);
	p->options.size = sizeof(p->options);
	p->options.mode = mode;
	CHECK_EQ(sem_init(&p->done, 0, 0), 0);
	CHECK_EQ(weir_listener_open(p->pool, &p->addr, &p->options, on_accept,
				    p, &p->listener), 0);
	CHECK_EQ(weir_listener_addr(p->listener, &p->addr), 0);
	CHECK_EQ(weir_pool_start(p->pool), 0);
}

/* The @n-th connection. */
static int connect_nth(const struct place *p, long n)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	CHECK(fd >= 0);
	from.sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)(n % 4000));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	CHECK_EQ(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	CHECK_EQ(connect(fd, (const struct sockaddr *)&p->addr.ss,
			 p->addr.len), 0);
	return fd;
}

/*
 * At most AHEAD of them wait to be accepted, fewer than any backlog.  Where the
 * acceptor looks at loads it is one at a time: else workers that the machine's
 * scheduler favours get more, as they should.
 */
static void connect_many(struct place *p, long count)
{
	const long ahead = p->options.mode == WEIR_LISTENER_HANDOFF ? 0 : AHEAD;

	for (long i = 0; i < count; i++) {
		int fd = connect_nth(p, i);

		fixture_reset_on_close(fd);
		close(fd);
		if (i >= ahead)
			fixture_wait(&p->done);
	}
	for (long i = 0; i < ahead; i++)
		fixture_wait(&p->done);
	fixture_settle(p->pool);
}

static long how_many(void)
{
	return getenv("WEIR_STRESS_SECONDS") ? 100000 : 5000;
}

static void check_chance(const struct place *p, long count)
{
	const double mean = (double)count / WORKERS;
	const double variance = mean * (WORKERS - 1) / WORKERS;
	double worst = 0;

	for (int i = 0; i < WORKERS; i++) {
		const double off = (double)p->accepted[i] - mean;

		worst = off * off > worst * worst ? off : worst;
	}
	NOTE("%ld connections: the worst is %.2f %% off the mean", count,
	     100 * worst / mean);
	CHECK(worst * worst <= 36 * variance);
}

static void spread_short_ones(enum weir_listener_mode mode)
{
	struct place p = { .keeps = false };
	const long count = how_many();

	place_start(&p, mode, WORKERS);
	connect_many(&p, count);
	check_chance(&p, count);
	fixture_pool_end(p.pool);
}

TEST(handed_off_short_connections_are_even)
{
	spread_short_ones(WEIR_LISTENER_HANDOFF);
}

TEST(sharded_short_connections_are_even)
{
	spread_short_ones(WEIR_LISTENER_SHARDED);
}

/* From each CPU the same number: then the workers have the same number. */
TEST(steered_short_connections_go_by_cpu)
{
	struct place p = { .keeps = false };
	const long count = how_many();
	cpu_set_t all, only;
	int cpus, cpu = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
	cpus = CPU_COUNT(&all);
	place_start(&p, WEIR_LISTENER_STEERED, WORKERS);
	for (int j = 0; j < cpus; j++, cpu++) {
		while (!CPU_ISSET((size_t)cpu, &all))
			cpu++;
		CPU_ZERO(&only);
		CPU_SET((size_t)cpu, &only);
		CHECK_EQ(sched_setaffinity(0, sizeof(only), &only), 0);
		connect_many(&p, count / cpus);
		for (int i = 0; cpus >= WORKERS && i < WORKERS; i++)
			CHECK_EQ(p.accepted[i], count / cpus *
				 (j / WORKERS + (i <= j % WORKERS)));
	}
	/* Two and two share a CPU, by chance. */
	if (cpus == 1 || cpus == 2)
		check_chance(&p, count / cpus * cpus);
	fixture_pool_end(p.pool);
}

/* Connections that stay: two choices leave hardly a difference. */
TEST(handed_off_connections_that_stay_are_even)
{
	static int clients[KEPT];
	struct place p = { .keeps = true };
	uint64_t least = KEPT, most = 0;

	place_start(&p, WEIR_LISTENER_HANDOFF, WORKERS);
	for (int i = 0; i < KEPT; i++) {
		clients[i] = connect_nth(&p, i);
		if (i >= AHEAD)
			fixture_wait(&p.done);
	}
	for (int i = 0; i < AHEAD; i++)
		fixture_wait(&p.done);
	fixture_settle(p.pool);
	for (int i = 0; i < WORKERS; i++) {
		least = p.accepted[i] < least ? p.accepted[i] : least;
		most = p.accepted[i] > most ? p.accepted[i] : most;
	}
	NOTE("%d to %d of %d", (int)least, (int)most, KEPT);
	CHECK(most - least <= KEPT / WORKERS / 20);	/* 5 % */
	for (int i = 0; i < KEPT; i++)
		close(clients[i]);
	fixture_pool_end(p.pool);
}

/*
 * A worker that does not get to accept: what it has published stays as it was,
 * and without those that are on their way to it all would be sent to it.
 */
TEST(connections_on_their_way_count)
{
	enum { CLIENTS = 400 };
	struct place p = { .keeps = true };
	int clients[CLIENTS];
	struct hold hold = { .fn = NULL };

	place_start(&p, WEIR_LISTENER_HANDOFF, 2);
	hold_begin(&hold, p.pool, 0);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = connect_nth(&p, i);
	/* All are given away: half of them to the one that takes none. */
	while (FIXTURE_STAT(p.pool, WEIR_CONTROL, messages_out) < CLIENTS)
		fixture_sleep_ms(1);
	hold_end(&hold);
	for (int i = 0; i < CLIENTS; i++)
		fixture_wait(&p.done);
	fixture_settle(p.pool);
	NOTE("%d to the one that was held", (int)p.accepted[0]);
	CHECK(p.accepted[0] >= CLIENTS / 2 - 40 &&
	      p.accepted[0] <= CLIENTS / 2 + 40);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	fixture_pool_end(p.pool);
}

static int choose_idlest(const struct weir_load *loads, int workers,
			 uint64_t random, void *data)
{
	struct place *p = data;

	atomic_store(&p->seen_coming, loads[0].coming);
	atomic_store(&p->seen_busy, loads[0].busy_ppm);
	return weir_choose_idlest(loads, workers, random, NULL);
}

/* Its connections are the fewest, for it is busy with something else. */
TEST(a_busy_worker_is_spared)
{
	enum { CLIENTS = 100 };
	struct place p = { .keeps = true };
	struct hold hold = { .fn = NULL };
	int early = 0, clients[CLIENTS];
	uint64_t sent;

	p.options.choose = choose_idlest;
	p.options.choose_data = &p;
	place_start(&p, WEIR_LISTENER_HANDOFF, 3);
	hold_begin(&hold, p.pool, 0);
	do {	/* until the chooser has heard of it */
		int fd = connect_nth(&p, early++);

		close(fd);
		fixture_sleep_ms(2);
	} while (atomic_load(&p.seen_busy) < 900000);
	sent = FIXTURE_STAT(p.pool, WEIR_CONTROL, messages_out);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = connect_nth(&p, i);
	while (FIXTURE_STAT(p.pool, WEIR_CONTROL, messages_out) <
	       sent + CLIENTS)
		fixture_sleep_ms(1);
	CHECK(atomic_load(&p.seen_coming) <= (uint64_t)early);
	hold_end(&hold);
	for (int i = 0; i < CLIENTS + early; i++)
		fixture_wait(&p.done);
	fixture_settle(p.pool);
	NOTE("%d, %d, %d; %d of them early", (int)p.accepted[0],
	     (int)p.accepted[1], (int)p.accepted[2], early);
	CHECK(p.accepted[0] <= (uint64_t)early);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	fixture_pool_end(p.pool);
}

static int choose_fixed(const struct weir_load *loads, int workers,
			uint64_t random, void *data)
{
	const struct place *p = data;

	(void)random;
	CHECK_EQ(workers, 2);
	CHECK(loads[0].busy_ppm <= 1000000 && loads[1].busy_ppm <= 1000000);
	return p->choice;
}

TEST(a_users_function_chooses)
{
	enum { CLIENTS = 100 };
	const int choices[] = { 1, 0, 2, -1 };

	for (int i = 0; i < 4; i++) {
		struct place p = { .choice = choices[i] };

		p.options.choose = choose_fixed;
		p.options.choose_data = &p;
		place_start(&p, WEIR_LISTENER_HANDOFF, 2);
		connect_many(&p, CLIENTS);
		if (i < 2)
			CHECK_EQ(p.accepted[choices[i]], CLIENTS);
		else	/* no worker: by two choices */
			CHECK(p.accepted[0] > 0 && p.accepted[1] > 0);
		fixture_pool_end(p.pool);
	}
}

TEST(the_idlest_of_two_is_chosen)
{
	struct weir_load loads[3] = {
		{ .sources = 1, .busy_ppm = 500000 },
		{ .sources = 9, .busy_ppm = 100000 },
		{ .sources = 8, .busy_ppm = 140000 },
	};
	unsigned given[3] = { 0 };
	uint64_t random = 1;

	for (int i = 0; i < 3000; i++) {
		const uint64_t high = fixture_random(&random, 1ull << 32);
		const uint64_t low = fixture_random(&random, 1ull << 32);

		given[weir_choose_idlest(loads, 3, high << 32 | low, NULL)]++;
	}
	/* Each pair is drawn 1,000 times; the first loses both of its own. */
	CHECK_EQ(given[0], 0);
	CHECK(given[1] > 800 && given[1] < 1200);
	CHECK(given[2] > 1800 && given[2] < 2200);
	CHECK_EQ(weir_choose_idlest(loads, 1, 77, NULL), 0);
}
