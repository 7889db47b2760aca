/* SPDX-License-Identifier: MIT */
#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "service.h"
#include "sys/fault.h"

static void serve_some(enum weir_listener_mode mode, unsigned budget)
{
	enum { CLIENTS = 400 };
	static int clients[CLIENTS];
	struct service s;
	char c;

	service_new(&s, mode);
	CHECK_EQ(weir_listener_close(s.listener), 0);
	s.options.accept_budget = budget;
	s.addr = fixture_addr(0);
	service_open(NULL, &s);
	CHECK_EQ(s.opened, 0);
	CHECK_EQ(weir_pool_start(s.pool), 0);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	for (int i = 0; i < CLIENTS; i++) {
		CHECK_EQ(recv(clients[i], &c, 1, 0), 1);
		fixture_wait(&s.done);
	}
	fixture_settle(s.pool);
	CHECK_EQ(service_total(&s), CLIENTS);
	CHECK_EQ(FIXTURE_STAT(s.pool, WEIR_ALL, accepted), CLIENTS);
	/* The listener's own sockets do not count. */
	CHECK_EQ(FIXTURE_STAT(s.pool, WEIR_ALL, sources), CLIENTS);
	NOTE("%d and %d", s.accepted[0], s.accepted[1]);
	if (mode == WEIR_LISTENER_HANDOFF)
		CHECK(abs(s.accepted[0] - s.accepted[1]) <= CLIENTS / 20);
	else	/* by hash: all on one side once in 2^399 times */
		CHECK(s.accepted[0] > 0 && s.accepted[1] > 0);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	fixture_pool_end(s.pool);
}

TEST(sharded_connections_are_served_by_each_worker)
{
	serve_some(WEIR_LISTENER_SHARDED, 0);
}

static sem_t asked;

static int note_fcntl(enum weir__call call)
{
	if (call == WEIR__CALL_FCNTL)
		sem_post(&asked);
	return 0;
}

/* They are non-blocking: accept4() was told so. */
TEST(nobody_asks_how_accepted_descriptors_are)
{
	int n;

	CHECK_EQ(sem_init(&asked, 0, 0), 0);
	weir__fault_hook = note_fcntl;
	serve_some(WEIR_LISTENER_SHARDED, 0);
	serve_some(WEIR_LISTENER_HANDOFF, 0);
	weir__fault_hook = NULL;
	CHECK_EQ(sem_getvalue(&asked, &n), 0);
	/* Of the 800 that were served; a listener's own are few. */
	CHECK(n < 50);
}

TEST(handed_off_connections_are_spread_evenly)
{
	serve_some(WEIR_LISTENER_HANDOFF, 0);
}

TEST(the_smallest_budget_still_serves_all)
{
	serve_some(WEIR_LISTENER_SHARDED, 1);
	serve_some(WEIR_LISTENER_HANDOFF, 1);
}

/* Connections that end at once leave no count behind that tips the scales. */
TEST(short_connections_are_spread_evenly_too)
{
	enum { CLIENTS = 1000 };
	struct service s;

	service_new(&s, WEIR_LISTENER_HANDOFF);
	s.closes_at_once = 1;
	CHECK_EQ(weir_pool_start(s.pool), 0);
	for (int i = 0; i < CLIENTS; i++) {
		close(service_connect(&s));
		fixture_wait(&s.done);
	}
	NOTE("%d and %d", s.accepted[0], s.accepted[1]);
	/* Ties by chance: 10 standard deviations from the middle. */
	CHECK(abs(s.accepted[0] - s.accepted[1]) < 2 * 160);
	fixture_pool_end(s.pool);
}

/* @limit is the first descriptor that cannot be had.  Return: what it was. */
static rlim_t limit_fds(rlim_t limit)
{
	struct rlimit rl;
	rlim_t before;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rl), 0);
	before = rl.rlim_cur;
	rl.rlim_cur = limit;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rl), 0);
	return before;
}

/* The next descriptor that will be opened. */
static rlim_t next_fd(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

	CHECK(fd >= 0);
	close(fd);
	return (rlim_t)fd;
}

static void run_out_of_descriptors(enum weir_listener_mode mode)
{
	enum { CLIENTS = 8 };
	struct service s;
	int clients[CLIENTS];
	int served;
	rlim_t before;

	service_new(&s, mode);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	before = limit_fds(next_fd() + 2);
	CHECK_EQ(weir_pool_start(s.pool), 0);
	while (FIXTURE_STAT(s.pool, WEIR_ALL, accept_errors) +
	       FIXTURE_STAT(s.pool, WEIR_CONTROL, accept_errors) < 2)
		fixture_sleep_ms(1);
	CHECK_EQ(sem_getvalue(&s.done, &served), 0);
	CHECK(served <= 2);
	/* No new connection comes, so no new edge either. */
	limit_fds(before);
	for (int i = 0; i < CLIENTS; i++)
		fixture_wait(&s.done);
	fixture_settle(s.pool);
	CHECK_EQ(service_total(&s), CLIENTS);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	fixture_pool_end(s.pool);
}

TEST(sharded_accepting_goes_on_after_emfile)
{
	run_out_of_descriptors(WEIR_LISTENER_SHARDED);
}

TEST(handed_off_accepting_goes_on_after_emfile)
{
	run_out_of_descriptors(WEIR_LISTENER_HANDOFF);
}

/* Closed while it pauses: it waits for descriptors a while, then closes. */
TEST(a_listener_that_pauses_can_be_closed)
{
	enum { CLIENTS = 4 };
	struct service s;
	int clients[CLIENTS];
	int served = 0;
	rlim_t before;

	service_new(&s, WEIR_LISTENER_SHARDED);
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	before = limit_fds(next_fd());
	CHECK_EQ(weir_pool_start(s.pool), 0);
	while (FIXTURE_STAT(s.pool, WEIR_ALL, accept_errors) == 0)
		fixture_sleep_ms(1);
	fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
	CHECK_EQ(s.closed, 0);
	for (int i = 0; i < CLIENTS; i++) {
		ssize_t n;
		char c;

		/* The socket that closes first leaves a descriptor. */
		n = recv(clients[i], &c, 1, 0);
		CHECK(n == 1 || (n < 0 && errno == ECONNRESET));
		served += n == 1;
	}
	limit_fds(before);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	fixture_settle(s.pool);
	CHECK_EQ(service_total(&s), served);
	CHECK(served < CLIENTS);
	fixture_pool_end(s.pool);
}

static void drain(enum weir_listener_mode mode)
{
	enum { CLIENTS = 200 };
	static int clients[CLIENTS];
	struct service s;
	char c;

	service_new(&s, mode);
	s.options.accept_budget = 1;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = service_connect(&s);
	CHECK_EQ(weir_pool_start(s.pool), 0);
	CHECK_EQ(weir_pool_drain(s.pool, WEIR_FOREVER), 0);
	/* They were complete before the drain began: each is served. */
	for (int i = 0; i < CLIENTS; i++) {
		CHECK_EQ(recv(clients[i], &c, 1, 0), 1);
		fixture_wait(&s.done);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	CHECK_EQ(weir_pool_join(s.pool), 0);
	CHECK_EQ(service_total(&s), CLIENTS);
	CHECK_EQ(weir_listener_close(s.listener), 0);
	fixture_pool_end(s.pool);
}

TEST(a_drain_serves_what_a_sharded_listener_has)
{
	drain(WEIR_LISTENER_SHARDED);
}

TEST(a_drain_serves_what_a_handoff_listener_has)
{
	drain(WEIR_LISTENER_HANDOFF);
}

static int try_open(struct service *s, size_t size, int mode, int backlog)
{
	const struct weir_listener_options options = {
		.size = size,
		.mode = (enum weir_listener_mode)mode,
		.backlog = backlog,
	};

	return weir_listener_open(s->pool, &s->addr, &options,
				  service_on_accept, s, &s->listener);
}

TEST(what_cannot_be_opened_is_said)
{
	const size_t size = sizeof(struct weir_listener_options);
	struct weir_listener *before;
	struct service s;
	int taken, port;

	service_new(&s, WEIR_LISTENER_HANDOFF);
	before = s.listener;
	CHECK_EQ(try_open(&s, 0, WEIR_LISTENER_HANDOFF, 0), -EINVAL);
	CHECK_EQ(try_open(&s, size + 8, WEIR_LISTENER_HANDOFF, 0), -EINVAL);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_STEERED + 1, 0), -EINVAL);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_HANDOFF, -1), -EINVAL);
	CHECK_EQ(weir_listener_open(s.pool, &s.addr, NULL, NULL, NULL,
				    &s.listener), -EINVAL);
	/* The same address once more; and one that is another socket's. */
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_HANDOFF, 0), -EADDRINUSE);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_SHARDED, 0), -EADDRINUSE);
	taken = fixture_listen(1, &port);
	s.addr = fixture_addr(port);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_HANDOFF, 0), -EADDRINUSE);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_SHARDED, 0), -EADDRINUSE);
	close(taken);
	CHECK_EQ(weir_addr_parse("192.0.2.1:0", &s.addr), 0);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_SHARDED, 0), -EADDRNOTAVAIL);
	CHECK_EQ(weir_addr_parse("unix:/nowhere/at/all", &s.addr), 0);
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_SHARDED, 0), -ENOENT);
	s.addr.ss.ss_family = AF_NETLINK;
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_SHARDED, 0), -EAFNOSUPPORT);
	s.addr.len = sizeof(s.addr.ss) + 1;
	CHECK_EQ(try_open(&s, size, WEIR_LISTENER_SHARDED, 0), -EINVAL);
	CHECK(s.listener == before);
	fixture_pool_end(s.pool);
}

static void open_on_worker(struct weir_reactor *r, void *arg)
{
	struct service *s = arg;
	struct weir_listener *listener = NULL;

	(void)r;
	CHECK_EQ(weir_listener_open(s->pool, &s->addr, NULL,
				    service_on_accept, s, &listener), -EBUSY);
	CHECK(!listener);
	CHECK_EQ(weir_listener_close(s->listener), -EBUSY);
}

TEST(only_the_control_thread_opens_and_closes)
{
	struct service s;

	service_start(&s, WEIR_LISTENER_SHARDED);
	fixture_on(s.pool, 0, open_on_worker, &s);
	CHECK_EQ(weir_listener_close(s.listener), -EBUSY);
	fixture_pool_end(s.pool);
}

TEST(ipv4_and_ipv6_wildcards_do_not_exclude_each_other)
{
	struct service s;
	char text[WEIR_ADDR_TEXT];

	service_new(&s, WEIR_LISTENER_HANDOFF);
	CHECK_EQ(weir_addr_parse("*:0", &s.addr), 0);
	service_open(NULL, &s);
	CHECK_EQ(s.opened, 0);
	snprintf(text, sizeof(text), "[::]:%d", fixture_port(&s.addr));
	CHECK_EQ(weir_addr_parse(text, &s.addr), 0);
	service_open(NULL, &s);
	CHECK(s.opened == 0 || s.opened == -EAFNOSUPPORT);
	fixture_pool_end(s.pool);
}

TEST(a_unix_socket_is_handed_off_and_its_name_removed)
{
	char folder[] = "/tmp/weir-test-XXXXXX", path[64], text[80];
	struct service s;
	struct stat st;
	int clients[20];
	char c;

	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(text, sizeof(text), "unix:%s", path);
	service_new(&s, WEIR_LISTENER_SHARDED);
	CHECK_EQ(weir_listener_close(s.listener), 0);
	CHECK_EQ(weir_addr_parse(text, &s.addr), 0);
	s.family = AF_UNIX;
	service_open(NULL, &s);
	CHECK_EQ(s.opened, 0);
	CHECK_EQ(weir_pool_start(s.pool), 0);
	for (int i = 0; i < 20; i++) {
		clients[i] = fixture_connect_unix(path);
		CHECK_EQ(recv(clients[i], &c, 1, 0), 1);
	}
	fixture_settle(s.pool);
	CHECK(s.accepted[0] > 0 && s.accepted[1] > 0);
	for (int i = 0; i < 20; i++)
		close(clients[i]);
	fixture_on(s.pool, WEIR_CONTROL, service_close, &s);
	while (stat(path, &st) == 0)
		fixture_sleep_ms(1);
	fixture_on(s.pool, WEIR_CONTROL, service_open, &s);
	CHECK_EQ(s.opened, 0);
	/* Replaced by somebody else: that one's name stays. */
	CHECK_EQ(unlink(path), 0);
	close(open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	fixture_pool_end(s.pool);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(rmdir(folder), 0);
}
