/* SPDX-License-Identifier: MIT */
#include <weir.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"

/* One attempt, made on a worker, and what became of it. */
struct attempt {
	struct weir_addr addr;
	weir_ns timeout;
	weir_ns begun_at, decided_at;
	int begun;		/* what weir_connect() returned */
	weir_token token;
	int calls;
	int error;
	weir_token result;
	int nodelay;
	int cancelled;
	int was_within;		/* fn was called during weir_connect() */
	sem_t done;
};

static void init(struct attempt *a, const struct weir_addr *addr)
{
	memset(a, 0, sizeof(*a));
	a->addr = *addr;
	a->timeout = WEIR_FOREVER;
	a->error = 1;
	a->was_within = 1;
	CHECK_EQ(sem_init(&a->done, 0, 0), 0);
}

static void on_decided(struct weir_reactor *r, weir_token token, int error,
		       void *data)
{
	struct attempt *a = data;
	socklen_t len = sizeof(a->nodelay);
	int fd = -1;

	a->calls++;
	a->decided_at = weir_reactor_now(r);
	a->error = error;
	a->result = token;
	if (error < 0)
		CHECK_EQ(weir_source_fd(r, token, &fd), -ESTALE);
	else
		CHECK_EQ(weir_source_fd(r, token, &fd), 0);
	CHECK_EQ(weir_connect_cancel(r, token), -ESTALE);
	if (fd >= 0)
		getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &a->nodelay, &len);
	sem_post(&a->done);
}

static void begin(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	a->begun_at = weir_reactor_now(r);
	a->begun = weir_connect(r, &a->addr, a->timeout, on_decided, a,
				&a->token);
	a->was_within = a->calls > 0;
}

static void cancel(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	a->cancelled = weir_connect_cancel(r, a->token);
}

/* In one call, so that nothing is decided in between. */
static void begin_and_cancel(struct weir_reactor *r, void *arg)
{
	begin(r, arg);
	cancel(r, arg);
}

static void close_result(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	CHECK_EQ(weir_source_close(r, a->result), 0);
}

/* Begin on worker 0 of a pool that runs, and wait for the outcome. */
static void attempt_on(struct weir_pool *pool, struct attempt *a)
{
	fixture_on(pool, 0, begin, a);
	CHECK(!a->was_within);
	if (a->begun == 0)
		fixture_wait(&a->done);
	fixture_settle(pool);
	CHECK_EQ(a->calls, a->begun == 0);
}

static struct weir_pool *start_pool(void)
{
	struct weir_pool *pool = fixture_pool(2);

	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

TEST(a_connection_is_made_and_parked)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;
	int port, peer;
	int listener = fixture_listen(8, &port);

	addr = fixture_addr(port);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(a.error, 0);
	CHECK(weir_token_equal(a.token, a.result));
	CHECK(a.nodelay);
	peer = accept(listener, NULL, NULL);
	CHECK(peer >= 0);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 1);
	fixture_on(pool, 0, close_result, &a);
	CHECK_EQ(fixture_receive(peer, 0, 0, 1, NULL), 0);	/* the end */
	close(peer);
	close(listener);
	fixture_pool_end(pool);
}

/* A handler given to a parked source sees what came in between. */
struct reader {
	weir_token token;
	char got[64];
	size_t count;
	int error;
	sem_t done;
};

static enum weir_verdict on_readable(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	struct reader *reader = data;
	ssize_t n;

	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	do {
		n = weir_fd_read(event->fd, reader->got + reader->count,
				 sizeof(reader->got) - reader->count);
		reader->count += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (n == -EAGAIN)
		return WEIR_DONE;
	reader->error = (int)n;
	weir_source_close(r, event->token);
	sem_post(&reader->done);
	return WEIR_DONE;
}

static void set_reader(struct weir_reactor *r, void *arg)
{
	struct reader *reader = arg;

	CHECK_EQ(weir_source_set(r, reader->token, on_readable, reader), 0);
	CHECK_EQ(weir_source_want(r, reader->token,
				  WEIR_READABLE | WEIR_RDHUP), 0);
}

static void parked_then_read(int is_reset, int expected_error)
{
	struct weir_pool *pool = start_pool();
	struct reader reader = { .error = 1 };
	struct weir_addr addr;
	struct attempt a;
	int port, peer;
	int listener = fixture_listen(8, &port);
	uint64_t turns;

	CHECK_EQ(sem_init(&reader.done, 0, 0), 0);
	addr = fixture_addr(port);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.error, 0);
	peer = accept(listener, NULL, NULL);
	CHECK_EQ(send(peer, "hello", 5, 0), 5);
	if (is_reset)
		fixture_reset_on_close(peer);
	close(peer);
	/* The worker hears of it, and does not turn for it in vain. */
	fixture_sleep_ms(20);
	turns = FIXTURE_STAT(pool, 0, turns);
	fixture_sleep_ms(50);
	CHECK(FIXTURE_STAT(pool, 0, turns) - turns < 20);
	reader.token = a.result;
	fixture_on(pool, 0, set_reader, &reader);
	fixture_wait(&reader.done);
	CHECK_STR(reader.got, "hello");
	CHECK_EQ(reader.error, expected_error);
	close(listener);
	fixture_pool_end(pool);
}

TEST(data_and_end_that_come_while_parked_are_not_lost)
{
	parked_then_read(0, 0);
}

TEST(data_and_reset_that_come_while_parked_are_not_lost)
{
	parked_then_read(1, -ECONNRESET);
}

TEST(a_port_without_listener_refuses)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;
	int port;
	int held = fixture_dead_port(&port);

	addr = fixture_addr(port);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(a.error, -ECONNREFUSED);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	close(held);
	fixture_pool_end(pool);
}

/* A listener that answers nobody: its queue is full, so SYNs are dropped. */
static int black_hole(int *ret_port, int fillers[2])
{
	int listener = fixture_listen(0, ret_port);

	fillers[0] = fixture_connect(*ret_port);
	fillers[1] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(fillers[1] >= 0);
	return listener;
}

static void black_hole_end(int listener, const int fillers[2])
{
	close(listener);
	close(fillers[0]);
	close(fillers[1]);
}

TEST(nobody_answers_in_time)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;
	int port, fillers[2];
	int listener = black_hole(&port, fillers);

	addr = fixture_addr(port);
	init(&a, &addr);
	a.timeout = 60 * WEIR_NS_PER_MSEC;
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(a.error, -ETIMEDOUT);
	CHECK(a.decided_at - a.begun_at >= 60 * WEIR_NS_PER_MSEC);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, 0, timers_running), 0);
	black_hole_end(listener, fillers);
	fixture_pool_end(pool);
}

TEST(an_attempt_is_cancelled_once_and_its_function_not_called)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;
	int port, fillers[2];
	int listener = black_hole(&port, fillers);

	addr = fixture_addr(port);
	init(&a, &addr);
	a.timeout = 50 * WEIR_NS_PER_MSEC;
	fixture_on(pool, 0, begin_and_cancel, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(a.cancelled, 0);
	fixture_on(pool, 0, cancel, &a);
	CHECK_EQ(a.cancelled, -ESTALE);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	fixture_sleep_ms(80);
	fixture_settle(pool);
	CHECK_EQ(a.calls, 0);
	black_hole_end(listener, fillers);
	fixture_pool_end(pool);
}

TEST(only_an_attempt_can_be_cancelled)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;
	int port;
	int listener = fixture_listen(8, &port);

	addr = fixture_addr(port);
	init(&a, &addr);
	a.token = weir_token_none();
	fixture_on(pool, 0, cancel, &a);
	CHECK_EQ(a.cancelled, -ESTALE);
	attempt_on(pool, &a);
	fixture_on(pool, 0, cancel, &a);
	CHECK_EQ(a.cancelled, -ESTALE);
	fixture_on(pool, 0, close_result, &a);
	close(listener);
	fixture_pool_end(pool);
}

TEST(a_stop_ends_attempts_and_closes_what_is_parked)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a, b;
	int port, open_port, fillers[2];
	int listener = black_hole(&port, fillers);
	int open_listener = fixture_listen(8, &open_port);

	addr = fixture_addr(open_port);
	init(&b, &addr);
	attempt_on(pool, &b);
	CHECK_EQ(b.error, 0);
	addr = fixture_addr(port);
	init(&a, &addr);
	a.timeout = WEIR_NS_PER_SEC * 3600;
	fixture_on(pool, 0, begin, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(a.calls, 1);
	CHECK_EQ(a.error, -ECANCELED);
	CHECK_EQ(b.calls, 1);
	close(open_listener);
	black_hole_end(listener, fillers);
	fixture_pool_end(pool);
}

static void hang_up(struct weir_reactor *r, weir_token token, int error,
		    void *data)
{
	struct attempt *a = data;

	a->calls++;
	a->error = error;
	if (error == 0)
		weir_source_close(r, token);
	sem_post(&a->done);
}

static void begin_and_hang_up(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	a->begun = weir_connect(r, &a->addr, a->timeout, hang_up, a, &a->token);
}

TEST(a_drain_waits_for_an_attempt)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;
	int port, fillers[2], fd;
	int listener = black_hole(&port, fillers);

	addr = fixture_addr(port);
	init(&a, &addr);
	fixture_on(pool, 0, begin_and_hang_up, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	fixture_sleep_ms(20);
	CHECK(sem_trywait(&a.done) < 0);
	/* Room in the queue: the SYN's repetition after a second gets in. */
	fd = accept(listener, NULL, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK_EQ(a.calls, 1);
	CHECK_EQ(a.error, 0);
	close(fd);
	black_hole_end(listener, fillers);
	fixture_pool_end(pool);
}

TEST(what_cannot_begin_is_said_at_once)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	struct attempt a;

	CHECK_EQ(weir_addr_parse("unix:/nowhere/at/all", &addr), 0);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, -ENOENT);
	memset(&addr, 0, sizeof(addr));
	addr.ss.ss_family = AF_MAX;
	addr.len = sizeof(sa_family_t);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, -EAFNOSUPPORT);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	fixture_pool_end(pool);
}

static void begin_without_fn(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	a->begun = weir_connect(r, &a->addr, 0, NULL, NULL, &a->token);
}

TEST(a_function_is_needed_and_nothing_is_written_without)
{
	struct weir_pool *pool = start_pool();
	struct weir_addr addr = fixture_addr(1);
	struct attempt a;

	init(&a, &addr);
	a.token.bits = 42;
	fixture_on(pool, 0, begin_without_fn, &a);
	CHECK_EQ(a.begun, -EINVAL);
	CHECK_EQ(a.token.bits, 42);
	fixture_pool_end(pool);
}

TEST(a_unix_socket_that_connects_at_once_is_reported_later)
{
	struct weir_pool *pool = start_pool();
	struct fixture_unix u;
	struct attempt a;

	fixture_unix_open(&u, 8);
	init(&a, &u.addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, 0);
	CHECK_EQ(a.error, 0);
	CHECK(!a.nodelay);
	fixture_on(pool, 0, close_result, &a);
	fixture_unix_close(&u);
	fixture_pool_end(pool);
}

TEST(a_unix_socket_says_full_and_refused_at_once)
{
	struct weir_pool *pool = start_pool();
	struct fixture_unix u;
	struct attempt a;
	int filler;

	fixture_unix_open(&u, 0);
	filler = fixture_connect_unix(u.path);
	init(&a, &u.addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, -EAGAIN);
	fixture_unix_close(&u);
	close(filler);
	fixture_unix_open(&u, -1);
	init(&a, &u.addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, -ECONNREFUSED);
	fixture_unix_close(&u);
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	fixture_pool_end(pool);
}

/* One ephemeral port, so that the kernel has no choice. */
static void refuses_self(const char *target)
{
	struct weir_pool *pool;
	struct weir_addr addr;
	struct attempt a;

	fixture_tiny_network("40000 40000");
	pool = start_pool();
	CHECK_EQ(weir_addr_parse(target, &addr), 0);
	/* Twice: the first must not leave the port in TIME_WAIT. */
	for (int i = 0; i < 2; i++) {
		init(&a, &addr);
		attempt_on(pool, &a);
		CHECK_EQ(a.begun, 0);
		CHECK_EQ(a.error, -ECONNREFUSED);
	}
	CHECK_EQ(FIXTURE_STAT(pool, 0, sources), 0);
	fixture_pool_end(pool);
}

TEST(a_socket_connected_to_itself_was_refused)
{
	refuses_self("127.0.0.1:40000");
}

TEST(a_socket_connected_to_itself_by_the_wildcard_was_refused)
{
	refuses_self("*:40000");
}

TEST(a_socket_connected_to_itself_over_ipv6_was_refused)
{
	refuses_self("[::1]:40000");
}

TEST(no_route_and_no_local_port_are_said_at_once)
{
	struct weir_pool *pool;
	struct weir_addr addr;
	struct attempt a, b;
	int listener, port;

	fixture_tiny_network("40000 40000");
	pool = start_pool();
	CHECK_EQ(weir_addr_parse("192.0.2.1:80", &addr), 0);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.begun, -ENETUNREACH);
	/* The listener takes a port of the range: give it another first. */
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr = fixture_addr(50000);
	CHECK_EQ(bind(listener, (struct sockaddr *)&addr.ss, addr.len), 0);
	CHECK_EQ(listen(listener, 8), 0);
	port = 50000;
	addr = fixture_addr(port);
	init(&a, &addr);
	attempt_on(pool, &a);
	CHECK_EQ(a.error, 0);
	init(&b, &addr);
	attempt_on(pool, &b);
	CHECK_EQ(b.begun, -EADDRNOTAVAIL);
	fixture_on(pool, 0, close_result, &a);
	close(listener);
	fixture_pool_end(pool);
}

/* Many at once, to a port that answers and one that does not. */
TEST(many_attempts_are_each_decided_once)
{
	enum { COUNT = 300 };
	static struct attempt attempts[COUNT];
	struct weir_pool *pool = start_pool();
	struct weir_addr addr;
	int port, dead_port;
	int listener = fixture_listen(COUNT, &port);
	int held = fixture_dead_port(&dead_port);

	for (int i = 0; i < COUNT; i++) {
		addr = fixture_addr(i % 2 ? port : dead_port);
		init(&attempts[i], &addr);
		attempts[i].timeout = 10 * WEIR_NS_PER_SEC;
		fixture_on(pool, i / 2 % 2, begin, &attempts[i]);
		CHECK_EQ(attempts[i].begun, 0);
	}
	for (int i = 0; i < COUNT; i++)
		fixture_wait(&attempts[i].done);
	for (int i = 0; i < COUNT; i++) {
		CHECK_EQ(attempts[i].error, i % 2 ? 0 : -ECONNREFUSED);
		if (i % 2)
			fixture_on(pool, i / 2 % 2, close_result, &attempts[i]);
	}
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(attempts[i].calls, 1);
	fixture_settle(pool);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, timers_running), 0);
	close(listener);
	close(held);
	fixture_pool_end(pool);
}
