/* SPDX-License-Identifier: MIT */
/*
 * test_lb_evacuate.c - workers are evacuated while sessions are in full flow
 */
#include <weir.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "lb/lb.h"
#include "lb/session.h"
#include "lb/table.h"
#include "stream.h"

enum {
	WORKERS = 3,
	SESSIONS = 6,
	ROUNDS = 60,
	CHUNK = 20000,
	ROUTE = 5,
};

struct balancer {
	struct lb lb;
	struct lb_target_config target;
	struct lb_listen_config listen;
	struct lb_route_source source;
	struct lb_table *table;
};

static void set_data(struct weir_reactor *r, void *arg)
{
	weir_reactor_set_data(r, arg);
}

static void free_table(void *table, void *data)
{
	(void)data;
	lb_table_free(table);
}

/* A pool with all that sessions need, and one server at @port. */
static void open_balancer(struct balancer *b, int port)
{
	struct lb *lb = &b->lb;

	memset(b, 0, sizeof(*b));
	lb->pool = fixture_pool(WORKERS);
	for (int i = 0; i < LB_COUNTS; i++)
		CHECK_EQ(weir_counter_new(lb->pool, &lb->counters[i]), 0);
	CHECK_EQ(lb_servers_init(&lb->servers, lb->pool), 0);
	CHECK_EQ(weir_snapshot_new(lb->pool, NULL, free_table, NULL,
				   &lb->tables), 0);
	CHECK_EQ(weir_snapshot_new(lb->pool, NULL, free_table, NULL,
				   &lb->down), 0);
	snprintf(b->target.name, sizeof(b->target.name), "127.0.0.1:%d", port);
	b->target.addr = fixture_addr(port);
	b->target.weight = 1;
	b->listen.targets = &b->target;
	b->listen.target_count = 1;
	b->listen.connect_timeout = 3600 * WEIR_NS_PER_SEC;
	b->listen.idle_timeout = 3600 * WEIR_NS_PER_SEC;
	b->source.id = ROUTE;
	b->source.listen = &b->listen;
	b->source.buffer_bytes = 4096;
	CHECK_EQ(lb_table_new(&lb->servers, &b->source, 1, 1, &b->table), 0);
	CHECK_EQ(weir_snapshot_publish(lb->tables, b->table), 0);
	CHECK_EQ(weir_pool_start(lb->pool), 0);
	for (int i = 0; i < WORKERS; i++)
		fixture_on(lb->pool, i, set_data, lb);
}

static void close_balancer(struct balancer *b)
{
	struct lb *lb = &b->lb;

	CHECK_EQ(weir_pool_stop(lb->pool), 0);
	CHECK_EQ(weir_pool_join(lb->pool), 0);
	weir_snapshot_free(lb->down);
	weir_snapshot_free(lb->tables);
	lb_servers_done(&lb->servers);
	for (int i = 0; i < LB_COUNTS; i++)
		weir_counter_free(lb->counters[i]);
	weir_pool_free(lb->pool);
}

static void accept_it(struct weir_reactor *r, void *arg)
{
	const struct weir_addr peer = fixture_addr(1);
	const int *fd = arg;

	lb_session_accept(r, *fd, &peer, (void *)(uintptr_t)ROUTE);
}

static _Atomic int evacuated;
static _Atomic uint64_t left;

static void on_evacuated(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data)
{
	(void)r;
	(void)data;
	left = msg->word;
	evacuated++;
}

static void evacuate(struct balancer *b, int worker)
{
	static const struct weir_call call = { .run = on_evacuated };
	const int before = evacuated;

	CHECK_EQ(weir_pool_evacuate(b->lb.pool, worker, &call, NULL), 0);
	while (evacuated == before)
		usleep(100);
	CHECK_EQ(left, 0);
}

static _Atomic bool is_over;

/* One direction of a session. */
static void start_stream(struct stream *s, int from, int to, unsigned seed)
{
	s->from = from;
	s->to = to;
	s->seed = seed;
	s->chunk = CHUNK;
	s->rest_us = seed % 3 * 50;
	s->is_over = &is_over;
	stream_start(s);
}

TEST(no_byte_of_a_session_is_lost)
{
	static struct balancer b;
	static struct stream streams[2 * SESSIONS];
	int clients[SESSIONS], servers[SESSIONS];
	int port, listener = fixture_listen(SESSIONS, &port);
	uint64_t bytes = 0;

	open_balancer(&b, port);
	for (unsigned i = 0; i < SESSIONS; i++) {
		int fds[2];

		fixture_small_tcp_pair(fds);
		clients[i] = fds[0];
		fixture_on(b.lb.pool, 0, accept_it, &fds[1]);
		servers[i] = accept(listener, NULL, NULL);
		CHECK(servers[i] >= 0);
		start_stream(&streams[2 * i], clients[i], servers[i], 2 * i);
		start_stream(&streams[2 * i + 1], servers[i], clients[i],
			     2 * i + 1);
	}
	for (int i = 0; i < ROUNDS; i++)
		evacuate(&b, i % WORKERS);
	is_over = true;
	for (int i = 0; i < 2 * SESSIONS; i++) {
		stream_join(&streams[i]);
		bytes += streams[i].sent;
	}
	while (lb_count_get(&b.lb, LB_NOW) > 0)
		usleep(100);
	CHECK_EQ(lb_count_get(&b.lb, LB_TOTAL), SESSIONS);
	for (int i = LB_FAILED; i < LB_COUNTS; i++)
		CHECK_EQ(lb_count_get(&b.lb, (enum lb_count)i), 0);
	NOTE("%llu bytes, %llu moves", (unsigned long long)bytes,
	     (unsigned long long)FIXTURE_STAT(b.lb.pool, WEIR_ALL, moved_in));
	CHECK(FIXTURE_STAT(b.lb.pool, WEIR_ALL, moved_in) >= 2 * SESSIONS);
	close_balancer(&b);
	for (int i = 0; i < SESSIONS; i++) {
		close(clients[i]);
		close(servers[i]);
	}
	close(listener);
}

/* Its two sources share what is one worker's at any time. */
TEST(a_session_that_connects_goes_in_one_piece)
{
	static struct balancer b;
	int port, listener = fixture_listen(0, &port);
	int filler = fixture_connect(port);
	int fds[2];

	/* Who listens there answers nobody. */
	open_balancer(&b, port);
	fixture_tcp_pair(fds);
	fixture_on(b.lb.pool, 0, accept_it, &fds[1]);
	for (int i = 0; i < WORKERS; i++) {
		evacuate(&b, i);
		fixture_settle(b.lb.pool);
		CHECK_EQ(FIXTURE_STAT(b.lb.pool, i, sources), 0);
		CHECK_EQ(FIXTURE_STAT(b.lb.pool, WEIR_ALL, sources), 2);
		for (int j = 0; j < WORKERS; j++)
			CHECK(FIXTURE_STAT(b.lb.pool, j, sources) != 1);
	}
	fixture_reset_on_close(fds[0]);
	close(fds[0]);
	while (lb_count_get(&b.lb, LB_NOW) > 0)
		usleep(100);
	CHECK_EQ(lb_count_get(&b.lb, LB_GONE), 1);
	close_balancer(&b);
	close(filler);
	close(listener);
}
