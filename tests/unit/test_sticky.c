/* SPDX-License-Identifier: MIT */
/*
 * test_sticky.c - HUP, RDHUP and ERR stay until they are consumed, each alone
 *
 * The kernel says an end once, to an edge-triggered set; a source remembers
 * it, whatever else is consumed, until it was given to a handler that says
 * DONE, or cleared by name.
 */
#include <weir/source.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir/fd.h>
#include <weir/reactor.h>

#include "fixture.h"
#include "harness.h"
#include "probe.h"

enum {
	IN = WEIR_READABLE,
	OUT = WEIR_WRITABLE,
	BOTH = IN | OUT,
	/* What a reset says to who wants both ways. */
	RESET = BOTH | WEIR_ERROR | WEIR_HANGUP | WEIR_RDHUP,
};

/* A TCP connection; its end is registered for both directions. */
static void make(struct weir_reactor *r, struct probe *p)
{
	int fds[2];

	fixture_tcp_pair(fds);
	p->peer = fds[0];
	p->fd = fds[1];
	CHECK_EQ(weir_source_add(r, p->fd, BOTH, probe_called, p, &p->token),
		 0);
	CHECK_EQ(weir_source_want(r, p->token, IN | WEIR_RDHUP), 0);
	PROBE_TURN(r, p, 0, 0);
}

static void reset(struct probe *p)
{
	fixture_reset_on_close(p->peer);
	close(p->peer);
	p->peer = -1;
}

static void end(struct weir_reactor *r, struct probe *p)
{
	weir_reactor_free(r);
	probe_close(p);
}

TEST(a_half_close_stays_until_it_is_consumed)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };
	char c;

	make(r, &p);
	CHECK_EQ(write(p.peer, "x", 1), 1);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, IN | WEIR_RDHUP);
	/* The byte is taken; the end behind it is another fact. */
	CHECK_EQ(weir_fd_read(p.fd, &c, 1), 1);
	CHECK_EQ(weir_source_clear(r, p.token, IN), 0);
	for (int i = 0; i < 3; i++) {
		PROBE_TURN(r, &p, 1, WEIR_RDHUP);
		CHECK_EQ(p.last.raw, 0);
	}
	p.verdict = WEIR_DONE;
	PROBE_TURN(r, &p, 1, WEIR_RDHUP);
	for (int i = 0; i < 3; i++)
		PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_fd_read(p.fd, &c, 1), 0);
	end(r, &p);
}

TEST(a_half_close_that_nobody_wants_waits)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	make(r, &p);
	CHECK_EQ(weir_source_want(r, p.token, IN), 0);
	CHECK_EQ(write(p.peer, "x", 1), 1);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, IN);
	PROBE_TURN(r, &p, 0, 0);
	/* DONE was about what was given: RDHUP was not. */
	CHECK_EQ(weir_source_want(r, p.token, IN | WEIR_RDHUP), 0);
	PROBE_TURN(r, &p, 1, WEIR_RDHUP);
	CHECK_EQ(p.last.raw, 0);
	PROBE_TURN(r, &p, 0, 0);
	end(r, &p);
}

TEST(a_reset_is_several_facts_each_consumed_alone)
{
	static const unsigned order[] = {
		WEIR_ERROR, WEIR_RDHUP, WEIR_HANGUP,
	};
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };
	unsigned left = WEIR_ERROR | WEIR_HANGUP | WEIR_RDHUP;

	make(r, &p);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_RDHUP), 0);
	reset(&p);
	for (int i = 0; i < 3; i++) {
		PROBE_TURN(r, &p, 1, left);
		PROBE_TURN(r, &p, 1, left);
		CHECK_EQ(weir_source_clear(r, p.token, order[i]), 0);
		left &= ~order[i];
	}
	PROBE_TURN(r, &p, 0, 0);
	/* Ways in and out are facts of their own, and were not wanted. */
	CHECK_EQ(weir_source_want(r, p.token, BOTH), 0);
	PROBE_TURN(r, &p, 1, BOTH);
	end(r, &p);
}

TEST(a_reset_is_consumed_once)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	char c;

	make(r, &p);
	CHECK_EQ(weir_source_want(r, p.token, BOTH | WEIR_RDHUP), 0);
	PROBE_TURN(r, &p, 1, OUT);
	reset(&p);
	PROBE_TURN(r, &p, 1, RESET);
	for (int i = 0; i < 3; i++)
		PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_fd_read(p.fd, &c, 1), -ECONNRESET);
	end(r, &p);
}

/* Who wants nothing is told of a failure; of the peer's end if he asks. */
TEST(errors_and_hangups_need_not_be_wanted)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	make(r, &p);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	reset(&p);
	PROBE_TURN(r, &p, 1, WEIR_ERROR | WEIR_HANGUP);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_RDHUP), 0);
	PROBE_TURN(r, &p, 1, WEIR_RDHUP);
	PROBE_TURN(r, &p, 0, 0);
	end(r, &p);
}

/* First their end, then ours: HUP says that both directions are over. */
TEST(each_direction_ends_for_itself)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	make(r, &p);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, IN | WEIR_RDHUP);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(shutdown(p.fd, SHUT_WR), 0);
	probe_turn(r);
	CHECK_EQ(p.calls, 2);
	CHECK(p.last.facts & WEIR_HANGUP);
	PROBE_TURN(r, &p, 0, 0);
	end(r, &p);
}

/* Also for a handler that comes later. */
TEST(an_end_waits_for_the_next_handler)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE }, heir = { 0 };

	make(r, &p);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, IN | WEIR_RDHUP);
	CHECK_EQ(weir_source_set(r, p.token, probe_called, &heir), 0);
	PROBE_TURN(r, &heir, 1, IN | WEIR_RDHUP);
	PROBE_TURN(r, &heir, 0, 0);
	CHECK_EQ(p.calls, 1);
	end(r, &p);
}

/* To modify is to ask the kernel: what holds is said again, once. */
TEST(a_modify_says_an_end_again)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	make(r, &p);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, IN | WEIR_RDHUP);
	for (int i = 0; i < 3; i++) {
		PROBE_TURN(r, &p, 0, 0);
		CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLRDHUP |
					    EPOLLET), 0);
		PROBE_TURN(r, &p, 1, IN | WEIR_RDHUP);
	}
	PROBE_TURN(r, &p, 0, 0);
	end(r, &p);
}

TEST(a_oneshot_source_keeps_what_it_was_told)
{
	const uint32_t flags = EPOLLIN | EPOLLRDHUP | EPOLLET | EPOLLONESHOT;
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };
	int fds[2];

	fixture_tcp_pair(fds);
	p.peer = fds[0];
	p.fd = fds[1];
	CHECK_EQ(weir_source_add_flags(r, p.fd, flags, probe_called, &p,
				       &p.token), 0);
	CHECK_EQ(shutdown(p.peer, SHUT_WR), 0);
	PROBE_TURN(r, &p, 1, IN | WEIR_RDHUP);
	/* The kernel is silent now; what it said is not consumed. */
	CHECK_EQ(weir_source_clear(r, p.token, IN), 0);
	PROBE_TURN(r, &p, 1, WEIR_RDHUP);
	p.verdict = WEIR_DONE;
	PROBE_TURN(r, &p, 1, WEIR_RDHUP);
	reset(&p);
	PROBE_TURN(r, &p, 0, 0);
	/* Armed again it says all that holds: their end, and the failure. */
	CHECK_EQ(weir_source_modify(r, p.token, flags), 0);
	probe_turn(r);
	CHECK_EQ(p.calls, 4);
	CHECK(p.last.facts & WEIR_RDHUP);
	PROBE_TURN(r, &p, 0, 0);
	end(r, &p);
}

/* A UDP socket that is told who did not get its datagrams. */
static void make_udp(struct weir_reactor *r, struct probe *p, int port)
{
	const struct weir_addr to = fixture_addr(port);
	const int on = 1;

	p->peer = -1;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(p->fd >= 0);
	CHECK_EQ(setsockopt(p->fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
	CHECK_EQ(connect(p->fd, (const struct sockaddr *)&to.ss, to.len), 0);
	CHECK_EQ(weir_source_add(r, p->fd, IN, probe_called, p, &p->token), 0);
	PROBE_TURN(r, p, 0, 0);
}

/* Return: whether the error queue had one. */
static int take_error(int fd)
{
	char data[16], control[512];
	struct iovec iov = { data, sizeof(data) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	return recvmsg(fd, &msg, MSG_ERRQUEUE) >= 0;
}

TEST(an_error_queue_is_an_error_for_each_entry)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	int port, dead = fixture_dead_port(&port);
	int error;
	socklen_t len = sizeof(error);

	make_udp(r, &p, port);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(send(p.fd, "x", 1, 0), 1);
		PROBE_TURN(r, &p, 1, WEIR_ERROR);
		CHECK(p.last.raw & EPOLLERR);
		PROBE_TURN(r, &p, 0, 0);
		CHECK_EQ(getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &len),
			 0);
		CHECK(take_error(p.fd));
		CHECK(!take_error(p.fd));
	}
	close(dead);
	end(r, &p);
}

/* In the array of a wait: given is consumed, and given once. */
TEST(a_wait_is_given_an_end_once)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[4];
	weir_token token;
	int fds[2];

	fixture_tcp_pair(fds);
	CHECK_EQ(weir_source_add(r, fds[1], IN, NULL, NULL, &token), 0);
	CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 0);
	CHECK_EQ(shutdown(fds[0], SHUT_WR), 0);
	CHECK_EQ(weir_reactor_wait(r, events, 4, WEIR_FOREVER), 1);
	CHECK_EQ(events[0].facts, IN | WEIR_RDHUP);
	CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 0);
	/* What a caller has not consumed after all he says himself. */
	CHECK_EQ(weir_source_again(r, token, WEIR_RDHUP), 0);
	CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 1);
	CHECK_EQ(events[0].facts, WEIR_RDHUP);
	CHECK_EQ(events[0].raw, 0);
	CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 0);
	fixture_reset_on_close(fds[0]);
	close(fds[0]);
	weir_reactor_wait(r, events, 4, WEIR_FOREVER);
	CHECK(events[0].facts & WEIR_HANGUP);
	CHECK_EQ(weir_reactor_wait(r, events, 4, 0), 0);
	weir_reactor_free(r);
	close(fds[1]);
}
