/* SPDX-License-Identifier: MIT */
/*
 * test_relay_move.c - a relay goes from worker to worker with both its sides
 */
#include <weir.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "link.h"
#include "stream.h"
#include "stress.h"
#include "sys/fault.h"

enum {
	WORKERS = 3,
	MOVES = 10000,
	MOVES_LEAST = 100,
	CHUNK = 30000,
};

static struct weir_pool *start_pool(void)
{
	struct weir_pool *pool = fixture_pool(WORKERS);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

static int result_of_move;

static void move_a_to_1(struct weir_reactor *r, void *arg)
{
	const struct link *l = arg;

	result_of_move = weir_source_move(r, l->a, 1);
}

static void move_b_to_1(struct weir_reactor *r, void *arg)
{
	const struct link *l = arg;

	result_of_move = weir_source_move(r, l->b, 1);
}

/* Both ways, and to the end. */
static void check_it_relays(struct weir_pool *pool, struct link *l)
{
	fixture_send(l->client, 1, 0, 1000);
	CHECK_EQ(fixture_receive(l->server, 1, 0, 1000, NULL), 1000);
	fixture_send(l->server, 2, 0, 1000);
	CHECK_EQ(fixture_receive(l->client, 2, 0, 1000, NULL), 1000);
	CHECK_EQ(shutdown(l->client, SHUT_WR), 0);
	CHECK_EQ(fixture_receive(l->server, 1, 1000, 1001, NULL), 1000);
	CHECK_EQ(shutdown(l->server, SHUT_WR), 0);
	link_wait(l);
	CHECK_EQ(l->result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(l->result.bytes_a_to_b, 1000);
	CHECK_EQ(l->result.bytes_b_to_a, 1000);
	link_check_clean(pool);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, memory_bytes), 0);
}

/* The relay under way, and what moves it. */
struct tour {
	struct weir_pool *pool;
	struct link link;
	_Atomic bool is_over;
	_Atomic int place;
	_Atomic uint64_t moved;
};

static void on_go(struct weir_reactor *r, const struct weir_msg *msg,
		  void *data)
{
	struct tour *tour = msg->arg;
	const struct link *l = &tour->link;
	const int from = weir_reactor_index(r), to = (from + 1) % WORKERS;
	int err;

	(void)data;
	CHECK_EQ(tour->place, from);
	/* It must not be written once the other has it. */
	tour->place = to;
	err = weir_source_move(r, msg->word % 2 ? l->b : l->a, to);
	if (err == 0) {
		tour->moved++;
		return;
	}
	CHECK(err == -EBUSY || err == -EAGAIN);
	tour->place = from;
}

static const struct weir_call go = { .run = on_go };

static void drive(struct tour *tour)
{
	const weir_ns asked = stress_end();
	const weir_ns end = weir_clock() + 3 * WEIR_NS_PER_SEC / 2;
	uint64_t n = 0;

	while (tour->moved < MOVES_LEAST || !stress_is_over(asked) ||
	       (tour->moved < MOVES && !stress_is_over(end))) {
		const weir_token to = n % 3 ? tour->link.a : tour->link.b;
		int err = weir_send(tour->pool, to, &go, tour, n++);

		CHECK(err == 0 || err == -EAGAIN);
		usleep(20);
	}
	/* The last of them is run before the relay ends. */
	fixture_settle(tour->pool);
	tour->is_over = true;
}

TEST(nobody_notices_that_a_relay_moves)
{
	static const struct weir_relay_options options = {
		.size = sizeof(options),
		.buffer_bytes = 4096,
		.idle_ns = 3600 * WEIR_NS_PER_SEC,
	};
	static struct tour tour;
	struct link *l = &tour.link;
	struct stream s[2];

	tour.pool = start_pool();
	link_open(l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	l->options = &options;
	link_start(l, tour.pool);
	for (int i = 0; i < 2; i++) {
		s[i] = (struct stream){
			.from = i ? l->server : l->client,
			.to = i ? l->client : l->server,
			.seed = 3 + (unsigned)i,
			.chunk = CHUNK,
			.rest_us = i == 0 ? 100 : 0,
			.is_over = &tour.is_over,
		};
		stream_start(&s[i]);
	}
	drive(&tour);
	for (int i = 0; i < 2; i++)
		stream_join(&s[i]);
	link_wait(l);
	CHECK_EQ(l->result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(l->result.bytes_a_to_b, s[0].sent);
	CHECK_EQ(l->result.bytes_b_to_a, s[1].sent);
	fixture_settle(tour.pool);
	CHECK_EQ(FIXTURE_STAT(tour.pool, WEIR_ALL, sources), 0);
	CHECK_EQ(FIXTURE_STAT(tour.pool, WEIR_ALL, memory_bytes), 0);
	CHECK_EQ(FIXTURE_STAT(tour.pool, WEIR_ALL, moved_in), 2 * tour.moved);
	NOTE("%llu moves, %llu and %llu bytes", (unsigned long long)tour.moved,
	     (unsigned long long)s[0].sent, (unsigned long long)s[1].sent);
	fixture_pool_end(tour.pool);
	link_close(l);
}

TEST(either_side_takes_the_other_along)
{
	for (int i = 0; i < 2; i++) {
		struct weir_pool *pool = start_pool();
		struct link l;

		link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
		link_start(&l, pool);
		fixture_on(pool, 0, i ? move_b_to_1 : move_a_to_1, &l);
		CHECK_EQ(result_of_move, 0);
		fixture_settle(pool);
		CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
		CHECK_EQ(FIXTURE_STAT(pool, 0, memory_bytes), 0);
		CHECK_EQ(FIXTURE_STAT(pool, 1, sources), 2);
		check_it_relays(pool, &l);
		link_close(&l);
		fixture_pool_end(pool);
	}
}

TEST(bytes_in_hand_and_an_end_of_stream_move_along)
{
	struct weir_pool *pool = start_pool();
	struct link l;
	uint64_t sent;

	link_open(&l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	link_start(&l, pool);
	/* The server does not read, so the relay has a queue. */
	sent = link_fill(pool, l.client, 1, 64 << 20);
	CHECK_EQ(shutdown(l.server, SHUT_WR), 0);
	CHECK_EQ(fixture_receive(l.client, 2, 0, 1, NULL), 0);
	fixture_on(pool, 0, move_a_to_1, &l);
	CHECK_EQ(result_of_move, 0);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 1, sources), 2);
	CHECK_EQ(fixture_receive(l.server, 1, 0, sent, NULL), sent);
	CHECK_EQ(shutdown(l.client, SHUT_WR), 0);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(l.result.bytes_a_to_b, sent);
	link_close(&l);
	fixture_pool_end(pool);
}

TEST(silence_ends_it_where_it_is)
{
	const struct weir_relay_options options = {
		.size = sizeof(options),
		.idle_ns = 30 * WEIR_NS_PER_MSEC,
	};
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	l.options = &options;
	link_start(&l, pool);
	fixture_on(pool, 0, move_b_to_1, &l);
	CHECK_EQ(result_of_move, 0);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_IDLE);
	link_check_clean(pool);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, timers_running), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, memory_bytes), 0);
	link_close(&l);
	fixture_pool_end(pool);
}

TEST(a_stop_ends_it_on_the_way)
{
	struct weir_pool *pool = start_pool();
	struct hold busy = { 0 };
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	hold_begin(&busy, pool, 1);
	fixture_on(pool, 0, move_a_to_1, &l);
	CHECK_EQ(result_of_move, 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	hold_end(&busy);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_STOPPED);
	fixture_pool_end(pool);
	CHECK_EQ(l.calls, 1);
	link_close(&l);
}

TEST(a_drain_waits_for_it_on_the_way)
{
	struct weir_pool *pool = start_pool();
	struct hold busy = { 0 };
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	hold_begin(&busy, pool, 1);
	fixture_on(pool, 0, move_a_to_1, &l);
	CHECK_EQ(result_of_move, 0);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	hold_end(&busy);
	fixture_send(l.client, 1, 0, 1000);
	CHECK_EQ(fixture_receive(l.server, 1, 0, 1000, NULL), 1000);
	link_close(&l);
	link_wait(&l);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(weir_pool_free(pool), NULL);
}

/* epoll_ctl() fails from the first-th call on, so many times. */
static _Atomic int first, times;

static int fault(enum weir__call call)
{
	if (call != WEIR__CALL_EPOLL_CTL || first == 0)
		return 0;
	if (first > 1) {
		first--;
		return 0;
	}
	if (times-- > 1)
		return -ENOSPC;
	first = 0;
	return -ENOSPC;
}

static struct weir_pool *start_faulty(struct link *l)
{
	struct weir_pool *pool;

	weir__fault_hook = fault;
	pool = start_pool();
	link_open(l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(l, pool);
	return pool;
}

TEST(if_one_side_cannot_leave_neither_does)
{
	for (int i = 1; i <= 2; i++) {
		struct link l;
		struct weir_pool *pool = start_faulty(&l);

		times = 1;
		first = i;
		fixture_on(pool, 0, move_a_to_1, &l);
		CHECK_EQ(result_of_move, -ENOSPC);
		fixture_settle(pool);
		CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 2);
		CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, moved_out), 0);
		check_it_relays(pool, &l);
		link_close(&l);
		fixture_pool_end(pool);
	}
}

TEST(a_side_that_is_refused_at_first_is_watched_in_the_end)
{
	for (int i = 3; i <= 4; i++) {
		struct link l;
		struct weir_pool *pool = start_faulty(&l);

		times = 1;
		first = i;
		fixture_on(pool, 0, move_b_to_1, &l);
		CHECK_EQ(result_of_move, 0);
		fixture_settle(pool);
		CHECK_EQ(FIXTURE_STAT(pool, 1, moves_refused), 1);
		check_it_relays(pool, &l);
		link_close(&l);
		fixture_pool_end(pool);
	}
}

TEST(a_side_that_nobody_can_watch_ends_the_relay)
{
	struct link l;
	struct weir_pool *pool = start_faulty(&l);

	times = 1000;
	first = 3;
	fixture_on(pool, 0, move_b_to_1, &l);
	CHECK_EQ(result_of_move, 0);
	link_wait(&l);
	times = first = 0;
	CHECK_EQ(l.result.end, WEIR_RELAY_ERROR);
	CHECK_EQ(l.result.error, -ENOSPC);
	CHECK_EQ(l.result.error_side, 1);
	link_check_clean(pool);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, memory_bytes), 0);
	link_close(&l);
	fixture_pool_end(pool);
}
