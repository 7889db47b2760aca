/* SPDX-License-Identifier: MIT */
/*
 * test_doorbell.c - a sleeper is woken, and nobody else is paid for
 */
#include "sync/doorbell.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sys/epoll.h"
#include "sys/eventfd.h"
#include "sys/fault.h"

#include "harness.h"
#include "stress.h"

static int no_eventfd(enum weir__call call)
{
	return call == WEIR__CALL_EVENTFD_NEW ? -EMFILE : 0;
}

/* As on a reactor: in an epoll set, edge-triggered, never read. */
static int new_set(struct weir__doorbell *bell)
{
	int ep = weir__epoll_create();

	CHECK(ep >= 0);
	CHECK_EQ(weir__doorbell_init(bell), 0);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, bell->fd,
				 EPOLLIN | EPOLLET, 1), 0);
	return ep;
}

static int edges(int ep, int64_t timeout_ns)
{
	struct epoll_event event;

	return weir__epoll_wait(ep, &event, 1, timeout_ns);
}

TEST(making_one_can_fail)
{
	struct weir__doorbell bell = { .fd = -1 };

	weir__fault_hook = no_eventfd;
	CHECK_EQ(weir__doorbell_init(&bell), -EMFILE);
	CHECK_EQ(bell.fd, -1);
}

TEST(done_closes_it)
{
	struct weir__doorbell bell;

	CHECK_EQ(weir__doorbell_init(&bell), 0);
	CHECK(bell.fd >= 0);
	weir__doorbell_done(&bell);
	CHECK(bell.fd < 0);
}

TEST(who_is_awake_is_not_rung)
{
	struct weir__doorbell bell;
	int ep = new_set(&bell);

	for (int i = 0; i < 10; i++)
		CHECK(!weir__doorbell_ring(&bell));
	CHECK_EQ(edges(ep, 0), 0);
	weir__doorbell_arm(&bell);
	weir__doorbell_disarm(&bell);
	CHECK(!weir__doorbell_ring(&bell));
	CHECK_EQ(edges(ep, 0), 0);
	weir__doorbell_done(&bell);
	close(ep);
}

TEST(who_sleeps_is_rung_once)
{
	struct weir__doorbell bell;
	int ep = new_set(&bell);

	/* The counter is never read, and yet each write is an edge. */
	for (int i = 0; i < 10; i++) {
		weir__doorbell_arm(&bell);
		CHECK(weir__doorbell_ring(&bell));
		CHECK(!weir__doorbell_ring(&bell));
		CHECK_EQ(edges(ep, -1), 1);
		CHECK_EQ(edges(ep, 0), 0);
		weir__doorbell_disarm(&bell);
	}
	weir__doorbell_done(&bell);
	close(ep);
}

/*
 * Two threads go through an array of cells in step, so that in each of them
 * both do what they do at nearly the same moment.  The write is left out, so
 * that the one who has to ring does not fall behind.
 */
enum { CELLS = 64 };

struct cell {
	_Alignas(WEIR__LINE) _Atomic int message;
	struct weir__doorbell bell;
	bool was_rung[2], was_seen;
};

/* What a thread does in a cell, and what it resets when both are through. */
typedef void cell_fn(struct cell *c, int me);

static struct litmus {
	struct cell cells[CELLS];
	struct {
		_Alignas(WEIR__LINE) _Atomic unsigned step;
		cell_fn *act, *reset;
	} threads[2];
	_Atomic bool is_over;
} litmus;

static int no_write(enum weir__call call)
{
	return call == WEIR__CALL_EVENTFD_WRITE ? -EBADF : 0;
}

/*
 * Both threads leave it at about the same moment, and now this one is first, now
 * the other: by a little in some rounds, by more in others.
 */
static void keep_step(int me, unsigned step)
{
	static _Thread_local unsigned random = 1;
	volatile unsigned delay;

	litmus.threads[me].step = step;
	for (unsigned i = 1; litmus.threads[!me].step < step; i++)
		if (i % 1024 == 0)
			sched_yield();
	random = random * 1103515245 + 12345;
	for (delay = random >> (24 + step / CELLS % 8); delay > 0; delay--)
		;
}

static void *go_through_cells(void *arg)
{
	const int me = arg != NULL;
	const weir_ns end = stress_end();
	unsigned step = 0;

	while (!litmus.is_over) {
		for (int i = 0; i < CELLS; i++) {
			keep_step(me, ++step);
			litmus.threads[me].act(&litmus.cells[i], me);
		}
		keep_step(me, ++step);
		for (int i = 0; i < CELLS; i++)
			litmus.threads[me].reset(&litmus.cells[i], me);
		if (stress_is_over(end) || step > UINT32_MAX / 2)
			litmus.is_over = true;
		keep_step(me, ++step);
	}
	return NULL;
}

static void run_litmus(cell_fn *acts[2], cell_fn *resets[2])
{
	pthread_t thread;

	weir__fault_hook = no_write;
	for (int i = 0; i < 2; i++) {
		litmus.threads[i].act = acts[i];
		litmus.threads[i].reset = resets[i];
	}
	CHECK_EQ(pthread_create(&thread, NULL, go_through_cells, &litmus), 0);
	go_through_cells(NULL);
	pthread_join(thread, NULL);
}

static void ring_cell(struct cell *c, int me)
{
	c->was_rung[me] = weir__doorbell_ring(&c->bell);
}

static void check_rung_once(struct cell *c, int me)
{
	if (me == 0) {
		CHECK_EQ(c->was_rung[0] + c->was_rung[1], 1);
		weir__doorbell_arm(&c->bell);
	}
}

TEST(of_several_exactly_one_writes)
{
	for (int i = 0; i < CELLS; i++)
		weir__doorbell_arm(&litmus.cells[i].bell);
	run_litmus((cell_fn *[]){ ring_cell, ring_cell },
		   (cell_fn *[]){ check_rung_once, check_rung_once });
}

/*
 * Store buffering, on the bare protocol: one thread stores the message and
 * rings, the other arms and looks.  At least one must see the other.  Each line
 * is reset by the thread that reads it, and so is at hand there: a store that
 * has far to go and a load that has not are what lets a load overtake.
 */
static void send_to_cell(struct cell *c, int me)
{
	atomic_store_explicit(&c->message, 1, memory_order_relaxed);
	c->was_rung[me] = weir__doorbell_ring(&c->bell);
}

static void sleep_in_cell(struct cell *c, int me)
{
	(void)me;
	weir__doorbell_arm(&c->bell);
	c->was_seen = atomic_load_explicit(&c->message, memory_order_relaxed);
}

static void disarm_cell(struct cell *c, int me)
{
	(void)me;
	weir__doorbell_disarm(&c->bell);
}

static void check_not_lost(struct cell *c, int me)
{
	CHECK(c->was_rung[!me] || c->was_seen);
	atomic_store_explicit(&c->message, 0, memory_order_relaxed);
}

TEST(one_of_both_sees_the_other)
{
	run_litmus((cell_fn *[]){ send_to_cell, sleep_in_cell },
		   (cell_fn *[]){ disarm_cell, check_not_lost });
}

/*
 * The same with real sleep: a ball goes to and fro, each throw a message.  A
 * wake-up that is lost is a test that does not end.
 */
enum { THROWS = 20000 };

static struct player {
	struct weir__doorbell bell;
	_Atomic unsigned ball;
	int ep;
	unsigned slept;
} players[2];

static void catch_ball(struct player *me, unsigned n)
{
	while (atomic_load_explicit(&me->ball, memory_order_acquire) != n) {
		weir__doorbell_arm(&me->bell);
		if (atomic_load_explicit(&me->ball,
					 memory_order_relaxed) != n) {
			CHECK(edges(me->ep, -1) >= 0);
			me->slept++;
		}
		weir__doorbell_disarm(&me->bell);
	}
}

static void throw_ball(struct player *to, unsigned n)
{
	atomic_store_explicit(&to->ball, n, memory_order_release);
	weir__doorbell_ring(&to->bell);
}

static void *play_back(void *unused)
{
	(void)unused;
	for (unsigned i = 1; i <= THROWS; i++) {
		catch_ball(&players[1], i);
		throw_ball(&players[0], i);
	}
	return NULL;
}

TEST(no_wake_up_is_lost)
{
	pthread_t thread;

	for (int i = 0; i < 2; i++)
		players[i].ep = new_set(&players[i].bell);
	CHECK_EQ(pthread_create(&thread, NULL, play_back, NULL), 0);
	for (unsigned i = 1; i <= THROWS; i++) {
		throw_ball(&players[1], i);
		catch_ball(&players[0], i);
	}
	pthread_join(thread, NULL);
	CHECK(players[0].slept + players[1].slept > 0);
	for (int i = 0; i < 2; i++) {
		weir__doorbell_done(&players[i].bell);
		close(players[i].ep);
	}
}
