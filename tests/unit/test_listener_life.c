/* SPDX-License-Identifier: MIT */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "pool/pool.h"
#include "service.h"

static void close_while_it_runs(enum weir_listener_mode mode)
{
	enum { CLIENTS = 100 };
	static int clients[CLIENTS];
	struct service s;
	char c;

	service_start(&s, mode);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
	CHECK_EQ(s.closed, 0);
	for (int i = 0; i < CLIENTS; i++) {
		CHECK_EQ(recv(clients[i], &c, 1, 0), 1);
		close(clients[i]);
	}
	while (!service_is_refused(&s.addr))
		fixture_sleep_ms(1);
	fixture_settle(s.pool);
	CHECK_EQ(service_total(&s) >= CLIENTS, 1);
	/* The same address again. */
	fixture_on(s.pool, WEIR_CONTROL, service_open, &s);
	CHECK_EQ(s.opened, 0);
	clients[0] = service_connect(&s);
	CHECK_EQ(recv(clients[0], &c, 1, 0), 1);
	close(clients[0]);
	fixture_pool_end(s.pool);
}

TEST(a_sharded_listener_closes_and_comes_back)
{
	close_while_it_runs(WEIR_LISTENER_SHARDED);
}

TEST(a_handoff_listener_closes_and_comes_back)
{
	close_while_it_runs(WEIR_LISTENER_HANDOFF);
}

/*
 * A client that comes again and again.  It speaks first: the kernel forgets a
 * connection without a word if its socket closes between SYN and ACK, and only
 * who sends something hears of it.
 */
struct knocker {
	struct weir_addr addr;
	sem_t is_over;
	int served;
};

static void *knock(void *arg)
{
	struct knocker *k = arg;

	while (sem_trywait(&k->is_over) < 0) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		char c;

		if (connect(fd, (struct sockaddr *)&k->addr.ss,
			    k->addr.len) == 0 &&
		    send(fd, "?", 1, MSG_NOSIGNAL) == 1)
			k->served += recv(fd, &c, 1, 0) == 1;
		close(fd);
	}
	return NULL;
}

static void reopen_under_load(enum weir_listener_mode mode)
{
	struct knocker k[2];
	pthread_t threads[2];
	struct service s;

	service_new(&s, mode);
	s.closes_at_once = 1;
	CHECK_EQ(weir_pool_start(s.pool), 0);
	for (int i = 0; i < 2; i++) {
		k[i] = (struct knocker){ .addr = s.addr };
		CHECK_EQ(sem_init(&k[i].is_over, 0, 0), 0);
		CHECK_EQ(pthread_create(&threads[i], NULL, knock, &k[i]), 0);
	}
	for (int i = 0; i < 100; i++) {
		fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
		CHECK_EQ(s.closed, 0);
		do {
			fixture_on(s.pool, WEIR_CONTROL, service_open, &s);
		} while (s.opened == -EADDRINUSE);
		CHECK_EQ(s.opened, 0);
		fixture_sleep_ms(2);
	}
	for (int i = 0; i < 2; i++)
		sem_post(&k[i].is_over);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	NOTE("%d served", k[0].served + k[1].served);
	CHECK(k[0].served + k[1].served > 0);
	fixture_pool_end(s.pool);
}

TEST(a_sharded_listener_is_reopened_under_load)
{
	reopen_under_load(WEIR_LISTENER_SHARDED);
}

TEST(a_steered_listener_is_reopened_under_load)
{
	reopen_under_load(WEIR_LISTENER_STEERED);
}

TEST(a_handoff_listener_is_reopened_under_load)
{
	reopen_under_load(WEIR_LISTENER_HANDOFF);
}

/* The server's side has the TIME_WAITs, which must not be in the way. */
TEST(an_address_is_free_again_at_once)
{
	struct service s;
	char c;

	service_new(&s, WEIR_LISTENER_HANDOFF);
	s.closes_at_once = 1;
	CHECK_EQ(weir_pool_start(s.pool), 0);
	for (int i = 0; i < 5; i++) {
		int client = service_connect(&s);

		CHECK_EQ(recv(client, &c, 1, 0), 1);
		CHECK_EQ(recv(client, &c, 1, 0), 0);
		close(client);
	}
	fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
	while (!service_is_refused(&s.addr))
		fixture_sleep_ms(1);
	fixture_on(s.pool, WEIR_CONTROL, service_open, &s);
	CHECK_EQ(s.opened, 0);
	fixture_pool_end(s.pool);
}

/* Memory of the control thread and of both workers. */
static uint64_t memory(struct weir_pool *pool)
{
	fixture_settle(pool);
	return FIXTURE_STAT(pool, WEIR_ALL, memory_bytes) +
	       FIXTURE_STAT(pool, WEIR_CONTROL, memory_bytes);
}

static void leave_nothing_behind(enum weir_listener_mode mode)
{
	struct service s;
	uint64_t before;

	service_new(&s, mode);
	CHECK_EQ(weir_listener_close(s.listener), 0);
	CHECK_EQ(weir_pool_start(s.pool), 0);
	before = memory(s.pool);
	for (int i = 0; i < 3; i++) {
		s.addr = fixture_addr(0);
		fixture_on(s.pool, WEIR_CONTROL, service_open, &s);
		CHECK_EQ(s.opened, 0);
		CHECK(memory(s.pool) > before);
		fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
		while (memory(s.pool) != before)
			fixture_sleep_ms(1);
	}
	fixture_pool_end(s.pool);
}

TEST(a_listener_that_is_closed_leaves_nothing_behind)
{
	leave_nothing_behind(WEIR_LISTENER_SHARDED);
	leave_nothing_behind(WEIR_LISTENER_HANDOFF);
	leave_nothing_behind(WEIR_LISTENER_STEERED);
}

struct blocker {
	sem_t is_in, may_go;
};

static void block_run(struct weir_reactor *r, const struct weir_msg *msg,
		      void *data)
{
	struct blocker *b = msg->arg;

	(void)r;
	(void)data;
	sem_post(&b->is_in);
	fixture_wait(&b->may_go);
}

static const struct weir_call block_call = { .run = block_run };

static void blocker_init(struct blocker *b)
{
	CHECK_EQ(sem_init(&b->is_in, 0, 0), 0);
	CHECK_EQ(sem_init(&b->may_go, 0, 0), 0);
}

/* Each worker stands still until unblock(). */
static void block(struct weir_pool *pool, const struct weir_call *call,
		  struct blocker *b)
{
	blocker_init(b);
	for (int i = 0; i < SERVICE_WORKERS; i++)
		CHECK_EQ(weir_post(pool, i, call, b, 0), 0);
	for (int i = 0; i < SERVICE_WORKERS; i++)
		fixture_wait(&b->is_in);
}

static void unblock(struct blocker *b)
{
	for (int i = 0; i < SERVICE_WORKERS; i++)
		sem_post(&b->may_go);
}

/* As service_new(), but its queues are as short as can be. */
static void short_queues(struct service *s, enum weir_listener_mode mode)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = SERVICE_WORKERS,
		.flags = WEIR_POOL_NO_SIGNALS,
		.ring_messages = 64,
	};

	service_new(s, mode);
	weir_pool_free(s->pool);
	CHECK_EQ(weir_pool_new(&options, &s->pool), 0);
	s->addr = fixture_addr(0);
	service_open(NULL, s);
	CHECK_EQ(s->opened, 0);
	CHECK_EQ(weir_pool_start(s->pool), 0);
}

TEST(full_queues_lose_no_connection)
{
	enum { CLIENTS = 300 };
	static int clients[CLIENTS];
	struct blocker b;
	struct service s;
	char c;

	short_queues(&s, WEIR_LISTENER_HANDOFF);
	block(s.pool, &block_call, &b);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	while (FIXTURE_STAT(s.pool, WEIR_CONTROL, messages_full) < 10)
		fixture_sleep_ms(1);
	unblock(&b);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQ(recv(clients[i], &c, 1, 0), 1);
	fixture_settle(s.pool);
	CHECK_EQ(service_total(&s), CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	fixture_pool_end(s.pool);
}

static void block_in_timer(struct weir_reactor *r, struct weir_timer *t,
			   void *data)
{
	const struct weir_msg msg = { .arg = data };

	weir_timer_free(t);
	block_run(r, &msg, NULL);
}

/* Stand still behind the messages of a turn, so that later ones stay. */
static void block_late_run(struct weir_reactor *r, const struct weir_msg *msg,
			   void *data)
{
	struct weir_timer *t;

	(void)data;
	CHECK_EQ(weir_timer_new(r, block_in_timer, msg->arg, &t), 0);
	CHECK_EQ(weir_timer_start(t, 0), 0);
}

TEST(a_stop_with_full_queues_leaks_nothing)
{
	enum { CLIENTS = 300 };
	static int clients[CLIENTS];
	static const struct weir_call block_late_call = {
		.run = block_late_run,
	};
	struct blocker b;
	struct service s;

	short_queues(&s, WEIR_LISTENER_HANDOFF);
	block(s.pool, &block_late_call, &b);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	while (FIXTURE_STAT(s.pool, WEIR_CONTROL, messages_full) < 10)
		fixture_sleep_ms(1);
	CHECK_EQ(weir_pool_stop(s.pool), 0);
	unblock(&b);
	CHECK_EQ(weir_pool_join(s.pool), 0);
	CHECK_EQ(service_total(&s), 0);
	fixture_pool_end(s.pool);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
}

static void fill_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

/* On control: its queues to the workers are full from now on. */
static void fill(struct weir_reactor *r, void *arg)
{
	static const struct weir_call call = { .run = fill_run };
	struct service *s = arg;

	(void)r;
	for (int i = 0; i < SERVICE_WORKERS; i++)
		while (weir_post(s->pool, i, &call, NULL, 0) == 0)
			;
}

/* What is to be said to the workers waits for room: L3. */
TEST(listeners_open_and_close_while_queues_are_full)
{
	enum { LISTENERS = 24 };	/* more than there is room reserved */
	static struct service others[LISTENERS];
	struct blocker b;
	struct service s;
	int client;
	char c;

	short_queues(&s, WEIR_LISTENER_SHARDED);
	block(s.pool, &block_call, &b);
	fixture_on(s.pool, WEIR_CONTROL, fill, &s);
	for (int i = 0; i < LISTENERS; i++) {
		others[i] = s;
		others[i].addr = fixture_addr(0);
		CHECK_EQ(sem_init(&others[i].done, 0, 0), 0);
		fixture_on(s.pool, WEIR_CONTROL, service_open, &others[i]);
		CHECK_EQ(others[i].opened, 0);
		if (i % 3 == 0)
			fixture_on(s.pool, WEIR_CONTROL, service_close,
				   &others[i]);
	}
	fixture_sleep_ms(20);
	unblock(&b);
	for (int i = 0; i < LISTENERS; i++) {
		if (i % 3 == 0) {
			while (!service_is_refused(&others[i].addr))
				fixture_sleep_ms(1);
			continue;
		}
		client = service_connect(&others[i]);
		CHECK_EQ(recv(client, &c, 1, 0), 1);
		close(client);
	}
	for (int i = 0; i < LISTENERS; i++)
		if (i % 3 == 1)
			fixture_on(s.pool, WEIR_CONTROL, service_close,
				   &others[i]);
	fixture_pool_end(s.pool);
}

/* As block_run(), and then its queue to control is full, the reserve too. */
static void block_and_fill_run(struct weir_reactor *r,
			       const struct weir_msg *msg, void *data)
{
	static const struct weir_call call = { .run = fill_run };
	struct weir_pool *pool = weir_reactor_pool(r);

	block_run(r, msg, data);
	while (weir__post_reserved(pool, WEIR_CONTROL, &call, NULL, 0) == 0)
		;
}

/* The workers' answers wait for room as well. */
TEST(a_listener_closes_while_the_queues_to_control_are_full)
{
	static const struct weir_call block_and_fill_call = {
		.run = block_and_fill_run,
	};
	struct blocker workers, control;
	struct service s;
	uint64_t before;

	short_queues(&s, WEIR_LISTENER_SHARDED);
	before = memory(s.pool);
	s.addr = fixture_addr(0);
	fixture_on(s.pool, WEIR_CONTROL, service_open, &s);
	block(s.pool, &block_and_fill_call, &workers);
	fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
	blocker_init(&control);
	CHECK_EQ(weir_post(s.pool, WEIR_CONTROL, &block_call, &control, 0), 0);
	fixture_wait(&control.is_in);
	unblock(&workers);
	while (FIXTURE_STAT(s.pool, WEIR_ALL, messages_full) < 2 * 2)
		fixture_sleep_ms(1);
	sem_post(&control.may_go);
	while (memory(s.pool) != before)
		fixture_sleep_ms(1);
	fixture_pool_end(s.pool);
}

TEST(a_stop_with_listeners_not_opened_yet_leaks_nothing)
{
	enum { LISTENERS = 24 };
	static struct service others[LISTENERS];
	struct blocker b;
	struct service s;

	short_queues(&s, WEIR_LISTENER_SHARDED);
	block(s.pool, &block_call, &b);
	fixture_on(s.pool, WEIR_CONTROL, fill, &s);
	for (int i = 0; i < LISTENERS; i++) {
		others[i] = s;
		others[i].addr = fixture_addr(0);
		fixture_on(s.pool, WEIR_CONTROL, service_open, &others[i]);
		CHECK_EQ(others[i].opened, 0);
	}
	for (int i = 0; i < LISTENERS; i += 2)
		fixture_on(s.pool, WEIR_CONTROL, service_close, &others[i]);
	CHECK_EQ(weir_pool_stop(s.pool), 0);
	unblock(&b);
	CHECK_EQ(weir_pool_join(s.pool), 0);
	CHECK_EQ(weir_listener_close(others[1].listener), 0);
	fixture_pool_end(s.pool);
}

static void never_started(enum weir_listener_mode mode)
{
	struct service s;
	int client;

	/* Closed before the start: free at once. */
	service_new(&s, mode);
	client = service_connect(&s);
	CHECK_EQ(weir_listener_close(s.listener), 0);
	CHECK(service_is_refused(&s.addr));
	close(client);
	/* Open when the pool is freed without having run. */
	service_open(NULL, &s);
	CHECK_EQ(s.opened, 0);
	client = service_connect(&s);
	CHECK(!weir_pool_free(s.pool));
	close(client);
	/* Closed after the join. */
	service_start(&s, mode);
	CHECK_EQ(weir_pool_stop(s.pool), 0);
	CHECK_EQ(weir_pool_join(s.pool), 0);
	CHECK_EQ(weir_listener_close(s.listener), 0);
	fixture_pool_end(s.pool);
}

TEST(a_listener_may_be_closed_at_any_point_of_the_pools_life)
{
	never_started(WEIR_LISTENER_SHARDED);
	never_started(WEIR_LISTENER_HANDOFF);
	never_started(WEIR_LISTENER_STEERED);
}

TEST(a_close_and_a_drain_may_meet)
{
	for (int i = 0; i < 20; i++) {
		struct service s;

		service_start(&s, i % 2 ? WEIR_LISTENER_SHARDED :
					  WEIR_LISTENER_HANDOFF);
		if (i % 4 < 2) {
			fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
			CHECK_EQ(s.closed, 0);
		}
		CHECK_EQ(weir_pool_drain(s.pool, WEIR_FOREVER), 0);
		CHECK_EQ(weir_pool_join(s.pool), 0);
		fixture_pool_end(s.pool);
	}
}

/* A pool that drains but waits for one connection. */
TEST(a_pool_that_drains_opens_no_listener_and_closes_one)
{
	struct service s, late = { .options.size = sizeof(late.options) };
	int client;
	char c;

	service_start(&s, WEIR_LISTENER_SHARDED);
	client = service_connect(&s);
	CHECK_EQ(recv(client, &c, 1, 0), 1);
	CHECK_EQ(weir_pool_drain(s.pool, WEIR_FOREVER), 0);
	while (!service_is_refused(&s.addr))
		fixture_sleep_ms(1);
	late.pool = s.pool;
	late.addr = s.addr;
	fixture_on(s.pool, WEIR_CONTROL, service_open, &late);
	CHECK_EQ(late.opened, -ECANCELED);
	CHECK(!late.listener);
	fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
	CHECK_EQ(s.closed, 0);
	fixture_settle(s.pool);
	close(client);
	CHECK_EQ(weir_pool_join(s.pool), 0);
	service_open(NULL, &late);
	CHECK_EQ(late.opened, -ECANCELED);
	fixture_pool_end(s.pool);
}
