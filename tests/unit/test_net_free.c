/* SPDX-License-Identifier: MIT */
/*
 * test_net_free.c - a reactor is freed that still relays and connects
 *
 * The harness counts the descriptors, a sanitizer what is not freed.
 */
#include <weir/relay.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/connect.h>
#include <weir/reactor.h>

#include "harness.h"
#include "link.h"
#include "probe.h"

static void start(struct weir_reactor *r, struct link *l)
{
	CHECK_EQ(sem_init(&l->done, 0, 0), 0);
	link_open(l, fixture_unix_pair, fixture_unix_pair);
	link_add(r, l);
	CHECK_EQ(weir_relay_start(r, l->a, l->b, NULL, link_on_end, l,
				  &l->relay), 0);
	probe_turn(r);
}

TEST(relays_end_with_their_reactor)
{
	static struct link links[3];
	struct weir_reactor *r = probe_reactor();
	char c;

	for (int i = 0; i < 3; i++)
		start(r, &links[i]);
	CHECK_EQ(write(links[0].client, "x", 1), 1);
	probe_turn(r);
	/* One of them has bytes in hand. */
	for (int i = 0; i < 50; i++) {
		static char big[100000];

		send(links[1].client, big, sizeof(big), MSG_DONTWAIT);
		probe_turn(r);
	}
	CHECK_EQ(links[0].calls + links[1].calls + links[2].calls, 0);
	CHECK(!weir_reactor_free(r));
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(links[i].calls, 1);
		CHECK_EQ(links[i].result.end, WEIR_RELAY_STOPPED);
	}
	CHECK_EQ(read(links[0].server, &c, 1), 1);
	CHECK_EQ(read(links[0].server, &c, 1), 0);
	for (int i = 0; i < 3; i++)
		link_close(&links[i]);
}

static struct {
	int calls, error, again;
	struct weir_addr addr;
} told;

static void note(struct weir_reactor *r, weir_token token, int error,
		 void *data)
{
	(void)data;
	told.calls++;
	told.error = error;
	/* Its reactor is about to go: nothing new begins. */
	told.again = weir_connect(r, &told.addr, WEIR_FOREVER, note, NULL,
				  &token);
}

TEST(attempts_end_with_their_reactor)
{
	struct weir_reactor *r = probe_reactor();
	weir_token token;
	int port, listener = fixture_listen(8, &port);

	told.addr = fixture_addr(port);
	CHECK_EQ(weir_connect(r, &told.addr, WEIR_FOREVER, note, NULL, &token),
		 0);
	CHECK_EQ(weir_connect(r, &told.addr, WEIR_NS_PER_SEC, note, NULL,
			      &token), 0);
	CHECK_EQ(weir_connect_cancel(r, token), 0);
	CHECK_EQ(weir_connect(r, &told.addr, WEIR_NS_PER_SEC, note, NULL,
			      &token), 0);
	CHECK(!weir_reactor_free(r));
	CHECK_EQ(told.calls, 2);
	CHECK_EQ(told.error, -ECANCELED);
	CHECK_EQ(told.again, -ECANCELED);
	close(listener);
}

/* Whether the socket, which child and parent share, is to be reset. */
static int is_lingering(int fd)
{
	struct linger linger;
	socklen_t len = sizeof(linger);

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len), 0);
	return linger.l_onoff;
}

/* The child gives its own part back, and the connection goes on. */
TEST(a_child_that_leaves_its_reactor_ends_no_relay)
{
	struct weir_reactor *r = probe_reactor();
	struct link l = { 0 };
	uint64_t sent = 0, got;
	pid_t child;
	int status;

	CHECK_EQ(sem_init(&l.done, 0, 0), 0);
	link_open(&l, fixture_small_tcp_pair, fixture_small_tcp_pair);
	link_add(r, &l);
	CHECK_EQ(weir_relay_start(r, l.a, l.b, NULL, link_on_end, &l,
				  &l.relay), 0);
	/* With bytes in hand, for which it would reset its receiver. */
	for (int i = 0; i < 100; i++) {
		char buf[1000];
		ssize_t n;

		for (size_t j = 0; j < sizeof(buf); j++)
			buf[j] = (char)fixture_byte(1, sent + j);
		n = send(l.client, buf, sizeof(buf), MSG_DONTWAIT);
		sent += n > 0 ? (uint64_t)n : 0;
		probe_turn(r);
	}
	child = fork();
	if (child == 0) {
		CHECK_EQ(weir_reactor_abandon(r), 0);
		CHECK_EQ(l.calls, 1);
		CHECK_EQ(l.result.end, WEIR_RELAY_STOPPED);
		_exit(7);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK_EQ(l.calls, 0);
	shutdown(l.client, SHUT_WR);
	for (got = 0; got < sent; probe_turn(r)) {
		char byte;

		while (recv(l.server, &byte, 1, MSG_DONTWAIT) == 1)
			CHECK_EQ((uint8_t)byte, fixture_byte(1, got++));
	}
	/* No orderly end but for all of it, and no reset either. */
	CHECK_EQ(is_lingering(l.b_fd), 0);
	CHECK_EQ(weir_relay_close(l.relay), 0);
	CHECK_EQ(l.calls, 1);
	weir_reactor_free(r);
	link_close(&l);
}

/* A child that takes it over goes on relaying, and may free it. */
TEST(a_child_that_takes_its_reactor_over_has_the_relay_too)
{
	struct weir_reactor *r = probe_reactor();
	struct link l = { 0 };
	pid_t child;
	int status;
	char c;

	start(r, &l);
	child = fork();
	if (child == 0) {
		CHECK_EQ(weir_reactor_after_fork(r), 0);
		CHECK_EQ(write(l.client, "x", 1), 1);
		probe_turn(r);
		CHECK_EQ(read(l.server, &c, 1), 1);
		CHECK(!weir_reactor_free(r));
		CHECK_EQ(l.calls, 1);
		_exit(7);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK_EQ(l.calls, 0);
	weir_reactor_free(r);
	link_close(&l);
}
