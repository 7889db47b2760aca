/* SPDX-License-Identifier: MIT */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
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

static void half_close(int first_is_client)
{
	struct weir_pool *pool = start_pool();
	struct link l;
	int first, second;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	link_start(&l, pool);
	first = first_is_client ? l.client : l.server;
	second = first_is_client ? l.server : l.client;
	fixture_send(first, 1, 0, 1000);
	CHECK_EQ(shutdown(first, SHUT_WR), 0);
	/* Its end arrives; the other direction still works. */
	CHECK_EQ(fixture_receive(second, 1, 0, UINT64_MAX, NULL), 1000);
	fixture_send(second, 2, 0, 70000);
	CHECK_EQ(fixture_receive(first, 2, 0, 70000, NULL), 70000);
	CHECK(sem_trywait(&l.done) < 0);
	fixture_send(second, 2, 70000, 140000);
	CHECK_EQ(shutdown(second, SHUT_WR), 0);
	CHECK_EQ(fixture_receive(first, 2, 70000, UINT64_MAX, NULL), 140000);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(l.result.error, 0);
	CHECK_EQ(l.result.bytes_a_to_b, first_is_client ? 1000 : 140000);
	CHECK_EQ(l.result.bytes_b_to_a, first_is_client ? 140000 : 1000);
	CHECK_EQ(FIXTURE_STAT(pool, 0, bytes_relayed), 141000);
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
}

TEST(a_half_close_of_the_client_is_passed_on)
{
	half_close(1);
}

TEST(a_half_close_of_the_server_is_passed_on)
{
	half_close(0);
}

TEST(what_came_before_the_start_is_not_lost)
{
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	fixture_send(l.client, 1, 0, 3000);
	CHECK_EQ(shutdown(l.client, SHUT_WR), 0);
	fixture_send(l.server, 2, 0, 5000);
	CHECK_EQ(shutdown(l.server, SHUT_WR), 0);
	link_start(&l, pool);
	CHECK_EQ(fixture_receive(l.client, 2, 0, UINT64_MAX, NULL), 5000);
	CHECK_EQ(fixture_receive(l.server, 1, 0, UINT64_MAX, NULL), 3000);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	link_close(&l);
	fixture_pool_end(pool);
}

/* As a handler that used up its facts, and then says what it has left. */
static void clear_and_mark(struct weir_reactor *r, void *arg)
{
	struct link *l = arg;

	CHECK_EQ(weir_source_clear(r, l->a, 0xffff), 0);
	CHECK_EQ(weir_source_again(r, l->a, WEIR_READABLE), 0);
	CHECK_EQ(weir_relay_start(r, l->a, l->b, NULL, link_on_end, l,
				  &l->relay), 0);
}

TEST(an_end_behind_a_short_read_is_found_though_its_edge_is_gone)
{
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	fixture_send(l.client, 1, 0, 3000);
	CHECK_EQ(shutdown(l.client, SHUT_WR), 0);
	fixture_on(pool, 0, link_add, &l);
	fixture_settle(pool);	/* the edges come, and are remembered */
	fixture_on(pool, 0, clear_and_mark, &l);
	CHECK_EQ(fixture_receive(l.server, 1, 0, UINT64_MAX, NULL), 3000);
	CHECK_EQ(shutdown(l.server, SHUT_WR), 0);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	link_close(&l);
	fixture_pool_end(pool);
}

/* One direction of a bulk transfer, on two threads. */
struct stream {
	int from, to;
	unsigned seed;
	uint64_t bytes;
	int is_slow;
};

static void *send_stream(void *arg)
{
	const struct stream *s = arg;

	fixture_send(s->from, s->seed, 0, s->bytes);
	CHECK_EQ(shutdown(s->from, SHUT_WR), 0);
	return NULL;
}

static void *receive_stream(void *arg)
{
	const struct stream *s = arg;
	uint64_t state = 1 + s->seed, at = 0;

	while (s->is_slow && at < s->bytes / 4) {
		fixture_sleep_ms(1);
		at = fixture_receive(s->to, s->seed, at,
				     at + 1 + fixture_random(&state, 40000),
				     NULL);
	}
	CHECK_EQ(fixture_receive(s->to, s->seed, at, UINT64_MAX, NULL),
		 s->bytes);
	return NULL;
}

static void transfer(struct link *l, uint64_t bytes)
{
	struct stream streams[2] = {
		{ l->client, l->server, 3, bytes, 1 },
		{ l->server, l->client, 4, bytes, 0 },
	};
	pthread_t threads[4];

	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_create(&threads[2 * i], NULL, send_stream,
					&streams[i]), 0);
		CHECK_EQ(pthread_create(&threads[2 * i + 1], NULL,
					receive_stream, &streams[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	link_wait(l);
	CHECK_EQ(l->result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(l->result.bytes_a_to_b, bytes);
	CHECK_EQ(l->result.bytes_b_to_a, bytes);
}

static void bulk(pair_fn *pair_a, pair_fn *pair_b, size_t buffer_bytes)
{
	const struct weir_relay_options options = {
		.size = sizeof(options),
		.buffer_bytes = buffer_bytes,
		.idle_ns = 3600 * WEIR_NS_PER_SEC,
	};
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, pair_a, pair_b);
	l.options = &options;
	link_start(&l, pool);
	transfer(&l, 10000000);
	CHECK_EQ(FIXTURE_STAT(pool, 0, bytes_relayed), 20000000);
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
}

TEST(ten_megabytes_each_way_arrive_unchanged)
{
	bulk(fixture_small_tcp_pair, fixture_small_tcp_pair, 0);
}

TEST(ten_megabytes_each_way_through_the_smallest_buffer)
{
	bulk(fixture_small_tcp_pair, fixture_small_tcp_pair, 4096);
}

TEST(ten_megabytes_each_way_through_the_largest_buffer)
{
	bulk(fixture_small_tcp_pair, fixture_small_tcp_pair, 65536);
}

TEST(ten_megabytes_each_way_between_unix_sockets)
{
	bulk(fixture_unix_pair, fixture_unix_pair, 0);
}

TEST(ten_megabytes_each_way_between_tcp_and_unix)
{
	bulk(fixture_small_tcp_pair, fixture_unix_pair, 0);
}

TEST(a_receiver_that_does_not_read_stops_the_sender)
{
	const uint64_t limit = 64 << 20;
	struct weir_pool *pool = start_pool();
	uint64_t sent, bytes;
	struct link l;

	link_open(&l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	link_start(&l, pool);
	sent = link_fill(pool, l.client, 5, limit);
	CHECK(sent < limit);
	/* The shared buffer, one queue, two sources and the relay. */
	fixture_settle(pool);
	bytes = FIXTURE_STAT(pool, 0, memory_bytes);
	CHECK(bytes > 65536 && bytes < 65536 + 16384 + 8192 + 16384);
	CHECK_EQ(shutdown(l.client, SHUT_WR), 0);
	CHECK_EQ(fixture_receive(l.server, 5, 0, UINT64_MAX, NULL), sent);
	/* All gone: the queue's memory is too. */
	fixture_settle(pool);
	CHECK(FIXTURE_STAT(pool, 0, memory_bytes) < bytes);
	CHECK_EQ(shutdown(l.server, SHUT_WR), 0);
	link_wait(&l);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(l.result.bytes_a_to_b, sent);
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
}

static enum weir_verdict no_handler(struct weir_reactor *r,
				    const struct weir_event *event, void *data)
{
	(void)r;
	(void)event;
	(void)data;
	return WEIR_MORE;
}

static int try_options(struct weir_reactor *r, struct link *l, size_t size,
		       size_t buffer_bytes)
{
	const struct weir_relay_options options = {
		.size = size,
		.buffer_bytes = buffer_bytes,
		.idle_ns = 1,
	};

	return weir_relay_start(r, l->a, l->b, &options, link_on_end, l,
				&l->relay);
}

static int try_sources(struct weir_reactor *r, struct link *l, weir_token a,
		       weir_token b)
{
	return weir_relay_start(r, a, b, NULL, link_on_end, l, &l->relay);
}

static void start_wrongly(struct weir_reactor *r, void *arg)
{
	const size_t size = sizeof(struct weir_relay_options);
	const weir_token none = weir_token_none();
	struct link *l = arg;
	weir_token reader;
	int fds[2];

	link_add(r, l);
	CHECK_EQ(try_options(r, l, 0, 0), -EINVAL);
	CHECK_EQ(try_options(r, l, size + 8, 0), -EINVAL);
	CHECK_EQ(try_options(r, l, size, 4095), -EINVAL);
	CHECK_EQ(try_options(r, l, size, 65537), -EINVAL);
	CHECK_EQ(weir_relay_start(r, l->a, l->b, NULL, NULL, l, &l->relay),
		 -EINVAL);
	CHECK_EQ(try_sources(r, l, l->a, l->a), -EINVAL);
	CHECK_EQ(try_sources(r, l, none, l->b), -ESTALE);
	CHECK_EQ(try_sources(r, l, l->a, none), -ESTALE);
	/* Registered for one direction only, or not a descriptor. */
	fixture_unix_pair(fds);
	CHECK_EQ(weir_source_add(r, fds[1], WEIR_READABLE, no_handler, NULL,
				 &reader), 0);
	CHECK_EQ(try_sources(r, l, l->a, reader), -EINVAL);
	CHECK_EQ(weir_source_close(r, reader), 0);
	close(fds[0]);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &reader), 0);
	CHECK_EQ(try_sources(r, l, l->a, reader), -EINVAL);
	CHECK_EQ(weir_source_remove(r, reader), 0);
	CHECK(!l->relay);
	/* The sources are still ours. */
	CHECK_EQ(weir_source_close(r, l->a), 0);
	CHECK_EQ(weir_source_close(r, l->b), 0);
}

TEST(a_start_that_fails_leaves_everything_as_it_was)
{
	struct weir_pool *pool = start_pool();
	struct link l;

	link_open(&l, fixture_tcp_pair, fixture_tcp_pair);
	fixture_on(pool, 0, start_wrongly, &l);
	CHECK_EQ(l.calls, 0);
	link_check_clean(pool);
	link_close(&l);
	fixture_pool_end(pool);
}

static void stop_reactor(struct weir_reactor *r,
			 const struct weir_relay_result *result, void *data)
{
	link_on_end(r, result, data);
	CHECK_EQ(weir_reactor_stop(r), 0);
}

TEST(a_reactor_that_stands_alone_relays_too)
{
	struct weir_reactor *r;
	struct link l;

	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	link_open(&l, fixture_unix_pair, fixture_unix_pair);
	fixture_send(l.client, 1, 0, 10);
	shutdown(l.client, SHUT_WR);
	shutdown(l.server, SHUT_WR);
	link_add(r, &l);
	CHECK_EQ(weir_relay_start(r, l.a, l.b, NULL, stop_reactor, &l,
				  &l.relay), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK_EQ(l.calls, 1);
	CHECK_EQ(l.result.end, WEIR_RELAY_FINISHED);
	CHECK_EQ(fixture_receive(l.server, 1, 0, UINT64_MAX, NULL), 10);
	link_close(&l);
	CHECK(!weir_reactor_free(r));
}
