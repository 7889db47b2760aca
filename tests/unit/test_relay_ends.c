/* SPDX-License-Identifier: MIT */
#include <weir.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "link.h"

static struct weir_pool *start_pool(void)
{
	struct weir_pool *pool = fixture_pool(2);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

static void close_relay(struct weir_reactor *r, void *arg)
{
	struct link *l = arg;

	(void)r;
	CHECK_EQ(weir_relay_close(l->relay), 0);
	CHECK_EQ(l->calls, 1);
}

static void reset(int first_is_client)
{
	struct weir_pool *pool = start_pool();
	int *first, *second;
	struct link l;
	int err;

	link_open(&l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	link_start(&l, pool);
	first = first_is_client ? &l.client : &l.server;
	second = first_is_client ? &l.server : &l.client;
	fixture_send(*first, 1, 0, 2000);
	/* It has arrived before the reset, which may overtake data. */
	CHECK_EQ(fixture_receive(*second, 1, 0, 2000, NULL), 2000);
	fixture_reset_on_close(*first);
	close(*first);
	CHECK_EQ(fixture_receive(*second, 1, 2000, UINT64_MAX, &err), 2000);
	CHECK_EQ(err, ECONNRESET);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_ERROR);
	CHECK_EQ(l.result.error, -ECONNRESET);
	CHECK_EQ(l.result.error_side, !first_is_client);
	link_check_clean(pool);
	close(*second);
	fixture_pool_end(pool);
}

TEST(a_reset_of_the_client_is_passed_on)
{
	reset(1);
}

TEST(a_reset_of_the_server_is_passed_on)
{
	reset(0);
}

TEST(a_reset_after_a_half_close_is_noticed)
{
	struct weir_pool *pool = start_pool();
	struct link l;
	int err;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	CHECK_EQ(shutdown(l.client, SHUT_WR), 0);
	CHECK_EQ(fixture_receive(l.server, 0, 0, 1, NULL), 0);
	fixture_reset_on_close(l.client);
	close(l.client);
	CHECK_EQ(fixture_receive(l.server, 0, 0, 1, NULL), 0);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_ERROR);
	CHECK(l.result.error == -EPIPE || l.result.error == -ECONNRESET);
	CHECK_EQ(l.result.error_side, 0);
	/* Writing is where the server hears of it: its stream had ended. */
	do {
		err = send(l.server, "x", 1, MSG_NOSIGNAL) < 0 ? errno : 0;
	} while (err == 0);
	CHECK(err == EPIPE || err == ECONNRESET);
	link_check_clean(pool);
	close(l.server);
	fixture_pool_end(pool);
}

TEST(what_a_failed_side_had_sent_is_delivered_first)
{
	struct weir_pool *pool = start_pool();
	struct link l;
	uint64_t sent, turns;
	int err;

	/*
	 * The server answers and closes without having read: a reset.  The
	 * client, which does not read yet, must get all of the answer that
	 * had come, and then the reset, not an orderly end.
	 */
	link_open(&l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	link_start(&l, pool);
	fixture_send(l.client, 1, 0, 100);
	sent = link_fill(pool, l.server, 2, 64 << 20);
	fixture_reset_on_close(l.server);
	close(l.server);
	/* The failure is noted once: the worker does not turn for it. */
	fixture_settle(pool);
	turns = FIXTURE_STAT(pool, 0, turns);
	fixture_sleep_ms(50);
	CHECK(FIXTURE_STAT(pool, 0, turns) - turns < 20);
	CHECK(fixture_receive(l.client, 2, 0, UINT64_MAX, &err) <= sent);
	CHECK_EQ(err, ECONNRESET);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_ERROR);
	CHECK_EQ(l.result.error_side, 1);
	link_check_clean(pool);
	close(l.client);
	fixture_pool_end(pool);
}

TEST(a_short_answer_before_a_reset_is_delivered)
{
	struct weir_pool *pool = start_pool();
	struct link l;
	int err;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	/* All of it stands in the socket before the relay looks. */
	fixture_send(l.client, 1, 0, 100000);
	fixture_send(l.server, 2, 0, 3000);
	fixture_reset_on_close(l.server);
	close(l.server);
	link_start(&l, pool);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_ERROR);
	CHECK_EQ(l.result.error_side, 1);
	CHECK_EQ(l.result.bytes_b_to_a, 3000);
	CHECK_EQ(fixture_receive(l.client, 2, 0, UINT64_MAX, &err), 3000);
	CHECK_EQ(err, ECONNRESET);
	link_check_clean(pool);
	close(l.client);
	fixture_pool_end(pool);
}

TEST(a_unix_peer_that_is_gone_is_an_error_when_written_to)
{
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_unix_pair);
	link_start(&l, pool);
	fixture_send(l.server, 2, 0, 500);
	close(l.server);
	CHECK_EQ(fixture_receive(l.client, 2, 0, UINT64_MAX, NULL), 500);
	CHECK(sem_trywait(&l.done) < 0);
	fixture_send(l.client, 1, 0, 1);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_ERROR);
	CHECK_EQ(l.result.error, -EPIPE);
	CHECK_EQ(l.result.error_side, 1);
	link_check_clean(pool);
	close(l.client);
	fixture_pool_end(pool);
}

/*
 * A byte in the middle of the silence puts off the end.  Return: whether the
 * byte got through; on a busy machine the end may have come before it.
 */
static int keep_silence(weir_ns idle_ns)
{
	const struct weir_relay_options options = {
		.size = sizeof(options),
		.idle_ns = idle_ns,
	};
	struct weir_pool *pool = start_pool();
	struct link l;
	weir_ns last;
	int has_moved;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	l.options = &options;
	link_start(&l, pool);
	fixture_sleep_ms((unsigned)(idle_ns / WEIR_NS_PER_MSEC / 2));
	last = weir_clock();
	CHECK_EQ(send(l.client, "x", 1, MSG_NOSIGNAL), 1);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_IDLE);
	CHECK_EQ(l.result.error, 0);
	has_moved = l.result.bytes_a_to_b == 1;
	if (has_moved) {
		char c;

		CHECK(weir_clock() - last >= idle_ns);
		/* Nothing was lost, so both see an orderly end. */
		CHECK_EQ(recv(l.server, &c, 1, 0), 1);
		CHECK_EQ(recv(l.server, &c, 1, 0), 0);
		CHECK_EQ(recv(l.client, &c, 1, 0), 0);
	}
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
	return has_moved;
}

TEST(silence_ends_a_relay)
{
	weir_ns idle_ns = 80 * WEIR_NS_PER_MSEC;

	while (!keep_silence(idle_ns))
		idle_ns *= 2;
}

TEST(a_relay_that_ends_with_bytes_in_hand_resets_their_receiver)
{
	struct weir_pool *pool = start_pool();
	struct link l;
	uint64_t sent;
	int err;

	link_open(&l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	link_start(&l, pool);
	sent = link_fill(pool, l.client, 5, 64 << 20);
	fixture_on(pool, 0, close_relay, &l);
	CHECK_EQ(l.result.end, WEIR_RELAY_CLOSED);
	CHECK(fixture_receive(l.server, 5, 0, UINT64_MAX, &err) < sent);
	CHECK_EQ(err, ECONNRESET);
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
}

TEST(closing_calls_the_function_before_it_returns)
{
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	fixture_on(pool, 0, close_relay, &l);
	CHECK_EQ(l.result.end, WEIR_RELAY_CLOSED);
	CHECK_EQ(fixture_receive(l.client, 0, 0, 1, NULL), 0);
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
}

TEST(a_stop_ends_relays_and_a_drain_waits_for_them)
{
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(l.calls, 1);
	CHECK_EQ(l.result.end, WEIR_RELAY_STOPPED);
	link_close(&l);
	fixture_pool_end(pool);

	pool = start_pool();
	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	fixture_sleep_ms(20);
	fixture_send(l.client, 1, 0, 5000);
	CHECK_EQ(fixture_receive(l.server, 1, 0, 5000, NULL), 5000);
	CHECK(sem_trywait(&l.done) < 0);
	shutdown(l.client, SHUT_WR);
	shutdown(l.server, SHUT_WR);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(l.calls, 1);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	link_close(&l);
	fixture_pool_end(pool);
}

/* Handlers that end each other within one batch of events. */
static void on_end_close_next(struct weir_reactor *r,
			      const struct weir_relay_result *result,
			      void *data)
{
	struct link *l = data, *next = l + 1;

	link_on_end(r, result, l);
	if (next->relay && next->calls == 0)
		weir_relay_close(next->relay);
}

static void start_chained(struct weir_reactor *r, void *arg)
{
	struct link *l = arg;

	link_add(r, l);
	CHECK_EQ(weir_relay_start(r, l->a, l->b, NULL, on_end_close_next, l,
				  &l->relay), 0);
}

static void reset_all(struct weir_reactor *r, void *arg)
{
	struct link *l = arg;

	(void)r;
	for (; l->relay; l++) {
		CHECK_EQ(send(l->server, "x", 1, MSG_NOSIGNAL), 1);
		close(l->server);
		close(l->client);
	}
}

TEST(relays_that_end_each_other_in_one_batch)
{
	enum { COUNT = 60 };
	static struct link links[COUNT + 1];
	struct weir_pool *pool = start_pool();

	for (int i = 0; i < COUNT; i++) {
		link_open(&links[i], fixture_tcp_pair, fixture_tcp_pair);
		fixture_send(links[i].server, 1, 0, 100);
		fixture_reset_on_close(links[i].client);
		fixture_reset_on_close(links[i].server);
		fixture_on(pool, 0, start_chained, &links[i]);
	}
	/* While the worker is here, all of the events pile up. */
	fixture_on(pool, 0, reset_all, links);
	for (int i = 0; i < COUNT; i++)
		link_wait(&links[i]);
	link_check_clean(pool);
	fixture_pool_end(pool);
}

/* Peers that do what they like: each relay still ends once. */
static void misbehave(struct link *l, uint64_t *state)
{
	for (int step = 0; step < 12; step++) {
		int fd = fixture_random(state, 2) ? l->client : l->server;
		static uint8_t buf[200000];

		switch (fixture_random(state, 6)) {
		case 0:
		case 1:
			(void)!send(fd, buf, 1 + fixture_random(state, 60000),
				    MSG_DONTWAIT | MSG_NOSIGNAL);
			break;
		case 2:
		case 3:
			(void)!recv(fd, buf, 1 + fixture_random(state, 60000),
				    MSG_DONTWAIT);
			break;
		case 4:
			if (step > 8)
				shutdown(fd, SHUT_WR);
			break;
		default:
			if (step > 8)
				fixture_reset_on_close(fd);
			break;
		}
	}
}

TEST(whatever_the_peers_do_each_relay_ends_once)
{
	enum { COUNT = 200 };
	static struct link links[COUNT];
	struct weir_pool *pool = start_pool();
	uint64_t state = 2463534242u;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < COUNT; i++) {
			link_open(&links[i],
				  i % 3 ? fixture_tcp_pair : fixture_unix_pair,
				  i % 4 ? fixture_tcp_pair : fixture_unix_pair);
			link_start(&links[i], pool);
		}
		for (int i = 0; i < COUNT; i++)
			misbehave(&links[i], &state);
		for (int i = 0; i < COUNT; i++)
			link_close(&links[i]);
		for (int i = 0; i < COUNT; i++)
			link_wait(&links[i]);
	}
	link_check_clean(pool);
	fixture_pool_end(pool);
}
