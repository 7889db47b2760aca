/* SPDX-License-Identifier: MIT */
/*
 * test_source.c - registrations: made, changed and ended
 */
#include "loop/source.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"
#include "probe.h"

#define NONE weir_token_none()

/* How often each call was made, and which one fails with what. */
static struct {
	int counts[WEIR__CALL_COUNT];
	enum weir__call failing;
	int error;
} calls;

static int count_calls(enum weir__call call)
{
	calls.counts[call]++;
	return calls.error && call == calls.failing ? calls.error : 0;
}

static void fail(enum weir__call call, int error)
{
	calls.failing = call;
	calls.error = error;
	weir__fault_hook = count_calls;
}

/* Since the last time. */
static int ctl_calls(void)
{
	int n = calls.counts[WEIR__CALL_EPOLL_CTL];

	weir__fault_hook = count_calls;
	calls.counts[WEIR__CALL_EPOLL_CTL] = 0;
	return n;
}

/* A failed add writes nothing, keeps nothing, and uses nothing up. */
#define CHECK_ADD_FAILS(r, call, error) do {				\
	const size_t before = weir__arena_count((r)->arena);		\
	weir_token token = { 7 };					\
									\
	CHECK_EQ(call, error);						\
	CHECK_EQ(token.bits, 7);					\
	CHECK_EQ(weir__arena_count((r)->arena), before);		\
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);		\
} while (0)

static void check_add(struct weir_reactor *r, int fd, uint32_t facts, int err)
{
	CHECK_ADD_FAILS(r, weir_source_add(r, fd, facts, probe_called, NULL,
					   &token), err);
}

static void check_add_flags(struct weir_reactor *r, int fd, uint32_t flags,
			    int err)
{
	CHECK_ADD_FAILS(r, weir_source_add_flags(r, fd, flags, probe_called,
						 NULL, &token), err);
}

TEST(an_add_checks_its_arguments)
{
	struct weir_reactor *r = probe_reactor();
	int fd = eventfd(0, EFD_NONBLOCK);
	int blocking = eventfd(0, 0);
	int file = open("/proc/self/comm", O_RDONLY | O_NONBLOCK);
	int closed = dup(fd);

	close(closed);
	check_add(r, fd, 0, -EINVAL);
	check_add(r, fd, WEIR_PRIORITY, -EINVAL);
	check_add(r, fd, WEIR_READABLE | WEIR_RDHUP, -EINVAL);
	check_add(r, fd, WEIR_READABLE | EPOLLET, -EINVAL);
	check_add(r, -1, WEIR_READABLE, -EBADF);
	check_add(r, closed, WEIR_READABLE, -EBADF);
	check_add(r, blocking, WEIR_READABLE, -EPERM);
	check_add(r, file, WEIR_READABLE, -EPERM);
	check_add_flags(r, -1, EPOLLIN, -EBADF);
	check_add_flags(r, closed, EPOLLIN, -EBADF);
	check_add_flags(r, file, EPOLLIN, -EPERM);
	check_add_flags(r, fd, EPOLLIN | 1u << 27, -EINVAL);
	check_add_flags(r, fd, EPOLLIN | EPOLLRDNORM, -EINVAL);
	check_add_flags(r, fd, EPOLLIN | EPOLLHUP, -EINVAL);
	check_add_flags(r, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT,
			-EINVAL);
	CHECK_ADD_FAILS(r, weir_source_add_priority(r, -1, probe_called, NULL,
						    &token), -EBADF);
	CHECK_ADD_FAILS(r, weir_source_add_priority(r, file, probe_called,
						    NULL, &token), -EPERM);
	weir_reactor_free(r);
	close(file);
	close(blocking);
	close(fd);
}

TEST(a_descriptor_has_one_source)
{
	struct weir_reactor *r = probe_reactor(), *s = probe_reactor();
	struct probe p = { 0 };
	weir_token token = { 7 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_WRITABLE, probe_called, &p,
				 &token), -EEXIST);
	CHECK_EQ(token.bits, 7);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 1);
	/* On each reactor. */
	CHECK_EQ(weir_source_add(s, p.fd, WEIR_READABLE, probe_called, &p,
				 &token), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(s, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	weir_reactor_free(s);
	probe_close(&p);
}

TEST(epoll_sets_make_no_cycle)
{
	struct weir_reactor *r = probe_reactor();
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, r->epfd, &event), 0);
	check_add_flags(r, ep, EPOLLIN, -ELOOP);
	close(ep);
	weir_reactor_free(r);
}

TEST(an_add_may_find_no_room)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_pair(&p);
	fail(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	check_add(r, p.fd, WEIR_READABLE, -ENOSPC);
	fail(WEIR__CALL_EPOLL_CTL, -ENOMEM);
	check_add(r, p.fd, WEIR_READABLE, -ENOMEM);
	fail(WEIR__CALL_ALLOC, -ENOMEM);
	check_add(r, p.fd, WEIR_READABLE, -ENOMEM);
	CHECK_ADD_FAILS(r, weir_source_open(r, NULL, NULL, &token), -ENOMEM);
	weir__fault_hook = NULL;
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, probe_called, &p,
				 &p.token), 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(what_is_ready_already_is_reported)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_pair(&p);
	probe_send(&p, 1);
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE | WEIR_WRITABLE,
				 probe_called, &p, &p.token), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE | WEIR_WRITABLE);
	CHECK(weir_token_equal(p.last.token, p.token));
	CHECK_EQ(p.last.fd, p.fd);
	CHECK_EQ(p.last.raw, EPOLLIN | EPOLLOUT);
	/* Edge-triggered: it was said. */
	PROBE_TURN(r, &p, 0, 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE | WEIR_WRITABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

/* One registration for a connection's life, and one to end it. */
TEST(a_life_takes_two_calls_of_the_kernel)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	ctl_calls();
	probe_add(r, &p, WEIR_READABLE | WEIR_WRITABLE);
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
		probe_send(&p, 1);
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
		CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	}
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK_EQ(ctl_calls(), 2);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_widening_is_for_good)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_WRITABLE);
	ctl_calls();
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	CHECK_EQ(ctl_calls(), 1);
	for (int i = 0; i < 5; i++) {
		CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
		CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	}
	CHECK_EQ(ctl_calls(), 0);
	/* One that is level-triggered must ask for each change. */
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN), 0);
	ctl_calls();
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), 0);
	CHECK_EQ(ctl_calls(), 0);
	CHECK_EQ(weir_source_want(r, p.token, 0), 0);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), 0);
	CHECK_EQ(ctl_calls(), 2);
	weir_reactor_free(r);
	probe_close(&p);
}

/* Two ends of a TCP connection; only there is out-of-band data. */
static void tcp_pair(int fds[2])
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(bind(listener, (struct sockaddr *)&addr, len), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect(fds[1], (struct sockaddr *)&addr, len), 0);
	fds[0] = accept4(listener, NULL, NULL, 0);
	CHECK(fds[0] >= 0);
	close(listener);
}

TEST(priority_is_out_of_band_data)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	int fds[2];
	char c;

	tcp_pair(fds);
	p.fd = fds[0];
	p.peer = fds[1];
	CHECK_EQ(weir_source_add_priority(r, p.fd, probe_called, &p, &p.token),
		 0);
	probe_send(&p, 1);
	/* What was sent has arrived: on loopback that may take a moment. */
	CHECK_EQ(recv(p.fd, &c, 1, MSG_PEEK), 1);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(send(p.peer, "!", 1, MSG_OOB), 1);
	while (recv(p.fd, &c, 1, MSG_OOB | MSG_PEEK) < 0)
		sched_yield();
	PROBE_TURN(r, &p, 1, WEIR_PRIORITY);
	CHECK(p.last.raw & EPOLLPRI);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(pseudo_files_say_priority_with_error)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .peer = -1 };

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		weir_reactor_free(r);
		SKIP("no mount namespace of our own");
	}
	p.fd = open("/proc/self/mounts", O_RDONLY);
	CHECK_EQ(weir_source_add_priority(r, p.fd, probe_called, &p, &p.token),
		 0);
	probe_turn(r);
	CHECK_EQ(mount("none", "/tmp", "tmpfs", 0, NULL), 0);
	PROBE_TURN(r, &p, 1, WEIR_PRIORITY | WEIR_ERROR);
	CHECK_EQ(p.last.raw & (EPOLLPRI | EPOLLERR), EPOLLPRI | EPOLLERR);
	PROBE_TURN(r, &p, 0, 0);
	umount2("/tmp", MNT_DETACH);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(an_open_source_is_a_name)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	void *data = NULL;
	int fd = 7;

	CHECK_EQ(weir_source_open(r, probe_called, &p, &p.token), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);
	CHECK_EQ(weir_source_data(r, p.token, &data), 0);
	CHECK(data == &p);
	CHECK_EQ(weir_source_fd(r, p.token, &fd), 0);
	CHECK_EQ(fd, -1);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), -EINVAL);
	CHECK_EQ(weir_source_want(r, p.token, 0), -EINVAL);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN), -EBADF);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_close(r, p.token), 0);
	CHECK_EQ(weir_source_close(r, p.token), -ESTALE);
	weir_reactor_free(r);
}

static void check_stale(struct weir_reactor *r, weir_token token)
{
	void *data = &data;
	int fd = 7;

	CHECK_EQ(weir_source_modify(r, token, EPOLLIN), -ESTALE);
	CHECK_EQ(weir_source_want(r, token, WEIR_READABLE), -ESTALE);
	CHECK_EQ(weir_source_clear(r, token, WEIR_READABLE), -ESTALE);
	CHECK_EQ(weir_source_again(r, token, WEIR_READABLE), -ESTALE);
	CHECK_EQ(weir_source_set(r, token, probe_called, NULL), -ESTALE);
	CHECK_EQ(weir_source_data(r, token, &data), -ESTALE);
	CHECK_EQ(weir_source_fd(r, token, &fd), -ESTALE);
	CHECK_EQ(weir_source_remove(r, token), -ESTALE);
	CHECK_EQ(weir_source_close(r, token), -ESTALE);
	CHECK_EQ(weir__source_hide(r, token), -ESTALE);
	CHECK(data == &data);
	CHECK_EQ(fd, 7);
}

TEST(what_is_no_source_of_the_reactor_is_stale)
{
	struct weir_reactor *r = probe_reactor(), *s = probe_reactor();
	struct probe p = { 0 }, q = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_add(s, &q, WEIR_READABLE);
	check_stale(r, NONE);
	check_stale(r, q.token);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	check_stale(r, p.token);
	probe_send(&q, 1);
	PROBE_TURN(s, &q, 1, WEIR_READABLE);
	weir_reactor_free(r);
	weir_reactor_free(s);
	probe_close(&p);
	probe_close(&q);
}

TEST(a_modify_keeps_the_token_and_says_again)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	/* Not drained, and said already; then said again. */
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK(weir_token_equal(p.last.token, p.token));
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLOUT | EPOLLET), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	PROBE_TURN(r, &p, 0, 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_modify_forgets_what_is_no_more)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(probe_take(&p), 1);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), 0);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

/* epoll does not let it be modified: out, and in again. */
TEST(an_exclusive_source_is_modified_too)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add_flags(r, &p, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLOUT | EPOLLET), 0);
	PROBE_TURN(r, &p, 1, WEIR_WRITABLE);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET |
				    EPOLLEXCLUSIVE), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK(weir_token_equal(p.last.token, p.token));
	/* A failure changes nothing. */
	fail(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), -ENOSPC);
	weir__fault_hook = NULL;
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_modify_says_why_not)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, x = { 0 };
	int other;

	probe_add(r, &p, WEIR_READABLE);
	probe_add_flags(r, &x, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
	CHECK_EQ(weir_source_modify(r, p.token, 1u << 27), -EINVAL);
	CHECK_EQ(weir_source_modify(r, x.token, EPOLLIN | EPOLLPRI |
				    EPOLLEXCLUSIVE), -EINVAL);
	fail(WEIR__CALL_EPOLL_CTL, -ENOMEM);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLOUT), -ENOMEM);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), -ENOMEM);
	weir__fault_hook = NULL;
	/* None of these has changed anything. */
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	/* Closed behind our back, and then used for another file. */
	other = eventfd(0, EFD_NONBLOCK);
	close(p.fd);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN), -EBADF);
	CHECK_EQ(dup2(other, p.fd), p.fd);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN), -ENOENT);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	weir_reactor_free(r);
	close(other);
	probe_close(&p);
	probe_close(&x);
}

static void check_oneshot(uint32_t flags)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_MORE };

	probe_add_flags(r, &p, flags);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	/* MORE is for the facts in hand; the kernel says nothing new. */
	p.verdict = WEIR_DONE;
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(p.last.raw, 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(weir_source_modify(r, p.token, flags), 0);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	CHECK_EQ(probe_take(&p), 2);
	CHECK_EQ(weir_source_modify(r, p.token, flags), 0);
	PROBE_TURN(r, &p, 0, 0);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_oneshot_source_is_rearmed)
{
	check_oneshot(EPOLLIN | EPOLLONESHOT);
	check_oneshot(EPOLLIN | EPOLLONESHOT | EPOLLET);
}

static void rearm(struct weir_reactor *r, struct probe *p)
{
	CHECK_EQ(weir_source_modify(r, p->token, EPOLLIN | EPOLLONESHOT), 0);
}

TEST(a_oneshot_handler_may_rearm_itself)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = rearm };

	probe_add_flags(r, &p, EPOLLIN | EPOLLONESHOT);
	probe_send(&p, 1);
	for (int i = 0; i < 5; i++)
		PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(probe_take(&p), 1);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_close_closes)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_add(r, &q, WEIR_READABLE);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 2);
	CHECK_EQ(weir_source_close(r, p.token), 0);
	CHECK_EQ(fcntl(p.fd, F_GETFD), -1);
	/* Whatever close() says, it has closed. */
	fail(WEIR__CALL_CLOSE, -EIO);
	CHECK_EQ(weir_source_close(r, q.token), -EIO);
	weir__fault_hook = NULL;
	CHECK_EQ(fcntl(q.fd, F_GETFD), -1);
	check_stale(r, q.token);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);
	p.fd = q.fd = -1;
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}

TEST(the_librarys_own_are_not_counted)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, q = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_add(r, &q, WEIR_READABLE);
	CHECK_EQ(weir__source_hide(r, p.token), 0);
	CHECK_EQ(weir__source_hide(r, p.token), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 1);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 1);
	CHECK_EQ(weir_source_remove(r, q.token), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
}
