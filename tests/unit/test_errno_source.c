/* SPDX-License-Identifier: MIT */
/*
 * test_errno_source.c - each error of a reactor, its sources and timers
 *
 * By the kernel where it can be brought to it, else by the seam (deny.h).
 * What other tests provoke is not here; tests/build/errnos.test counts both.
 */
#include "loop/reactor.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <weir/timer.h>

#include "deaf.h"
#include "deny.h"
#include "fixture.h"
#include "probe.h"

static weir_token token;

static const uint32_t LEVEL = EPOLLIN;

static int event_fd(void)
{
	const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)t;
	(void)data;
	CHECK_EQ(weir_reactor_stop(r), 0);
}

TEST(a_reactor_is_not_made)
{
	struct weir_reactor_options options = { .size = 1 };
	struct weir_reactor *r = NULL;

	CHECK_EQ(weir_reactor_new(&options, &r), -EINVAL);
	options.size = sizeof(options);
	options.inbox_messages = 15;
	CHECK_EQ(weir_reactor_new(&options, &r), -EINVAL);
	options.inbox_messages = (1 << 20) + 1;
	CHECK_EQ(weir_reactor_new(&options, &r), -EINVAL);
	deny_descriptors(true);
	CHECK_EQ(weir_reactor_new(NULL, &r), -EMFILE);
	deny_descriptors(false);
	deny_call(WEIR__CALL_EPOLL_CREATE, -ENFILE);
	CHECK_EQ(weir_reactor_new(NULL, &r), -ENFILE);
	deny_call(WEIR__CALL_EVENTFD_NEW, -ENFILE);
	CHECK_EQ(weir_reactor_new(NULL, &r), -ENFILE);
	CHECK(!r);
}

TEST(an_add_says_what_is_wrong)
{
	struct weir_reactor *r = probe_reactor();
	const int fd = event_fd();
	const int closed = 1000;
	int zero[2];

	CHECK_EQ(pipe2(zero, O_CLOEXEC), 0);
	CHECK_EQ(weir_source_add(r, fd, 0, NULL, NULL, &token), -EINVAL);
	CHECK_EQ(weir_source_add(r, fd, WEIR_RDHUP, NULL, NULL, &token),
		 -EINVAL);
	CHECK_EQ(weir_source_add(r, closed, WEIR_READABLE, NULL, NULL, &token),
		 -EBADF);
	CHECK_EQ(weir_source_add(r, zero[0], WEIR_READABLE, NULL, NULL, &token),
		 -EPERM);
	CHECK_EQ(weir_source_add_flags(r, fd, 1u << 27, NULL, NULL, &token),
		 -EINVAL);
	CHECK_EQ(weir_source_add_flags(r, fd, EPOLLEXCLUSIVE | EPOLLONESHOT,
				       NULL, NULL, &token), -EINVAL);
	CHECK_EQ(weir_source_add_flags(r, closed, LEVEL, NULL, NULL, &token),
		 -EBADF);
	CHECK_EQ(weir_source_add_priority(r, closed, NULL, NULL, &token),
		 -EBADF);
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token), 0);
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -EEXIST);
	CHECK_EQ(weir_source_add_flags(r, fd, LEVEL, NULL, NULL, &token),
		 -EEXIST);
	CHECK_EQ(weir_source_add_priority(r, fd, NULL, NULL, &token), -EEXIST);
	weir_reactor_free(r);
	close(zero[0]);
	close(zero[1]);
	close(fd);
}

/* Of what epoll cannot watch: a file, and sets in a chain that is too long. */
TEST(an_add_says_what_epoll_cannot)
{
	struct weir_reactor *r = probe_reactor();
	const int file = open("/proc/self/exe", O_RDONLY | O_NONBLOCK);
	int chain[7];

	CHECK_EQ(weir_source_add(r, file, WEIR_READABLE, NULL, NULL, &token),
		 -EPERM);
	CHECK_EQ(weir_source_add_flags(r, file, LEVEL, NULL, NULL, &token),
		 -EPERM);
	CHECK_EQ(weir_source_add_priority(r, file, NULL, NULL, &token),
		 -EPERM);
	close(file);
	for (int i = 0; i < 7; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		chain[i] = epoll_create1(EPOLL_CLOEXEC);
		/* The last one says -1: the chain is as long as it can be. */
		if (i > 0)
			(void)epoll_ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1],
					&event);
	}
	CHECK_EQ(fcntl(chain[4], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(weir_source_add(r, chain[4], WEIR_READABLE, NULL, NULL,
				 &token), -ELOOP);
	CHECK_EQ(weir_source_add_flags(r, chain[4], LEVEL, NULL, NULL, &token),
		 -ELOOP);
	CHECK_EQ(weir_source_add_priority(r, chain[4], NULL, NULL, &token),
		 -ELOOP);
	for (int i = 0; i < 7; i++)
		close(chain[i]);
	weir_reactor_free(r);
}

TEST(an_add_finds_no_room)
{
	struct weir_reactor *r = probe_reactor();
	const int fd = event_fd();

	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -ENOSPC);
	CHECK_EQ(weir_source_add_flags(r, fd, LEVEL, NULL, NULL, &token),
		 -ENOSPC);
	CHECK_EQ(weir_source_add_priority(r, fd, NULL, NULL, &token), -ENOSPC);
	deny_memory();
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -ENOMEM);
	CHECK_EQ(weir_source_add_flags(r, fd, LEVEL, NULL, NULL, &token),
		 -ENOMEM);
	CHECK_EQ(weir_source_add_priority(r, fd, NULL, NULL, &token), -ENOMEM);
	deny_nothing();
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
	close(fd);
}

/* As if all slots were taken, which are 2^24. */
TEST(the_table_is_full)
{
	struct weir_reactor *r = probe_reactor();
	const uint32_t all = (uint32_t)WEIR__TOKEN_CHUNKS <<
			     WEIR__TOKEN_CHUNK_BITS;
	const int fd = event_fd();

	r->tokens->store->made = r->tokens->store->fresh = all;
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), -ENOSPC);
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -ENOSPC);
	CHECK_EQ(weir_source_count(r), 0);
	r->tokens->store->made = r->tokens->store->fresh = 0;
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	weir_reactor_free(r);
	close(fd);
}

static struct weir_timer *timer;

TEST(a_timer_is_not_made)
{
	struct weir_reactor *r = probe_reactor();

	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	deny_memory();
	CHECK_EQ(weir_timer_new(r, on_timer, NULL, &timer), -ENOMEM);
	CHECK_EQ(weir_timer_new_for(r, token, on_timer, NULL, &timer),
		 -ENOMEM);
	deny_nothing();
	CHECK(!timer);
	weir_reactor_free(r);
}

/* --- of a reactor that is being freed, or a pool's --- */

static int freed_calls, freed_fd;

static void on_free(struct weir_reactor *r, const struct weir_msg *msg, int why)
{
	const int fd = freed_fd;

	CHECK_EQ(why, -ECANCELED);
	freed_calls++;
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -ECANCELED);
	CHECK_EQ(weir_source_add_flags(r, fd, LEVEL, NULL, NULL, &token),
		 -ECANCELED);
	CHECK_EQ(weir_source_add_priority(r, fd, NULL, NULL, &token),
		 -ECANCELED);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), -ECANCELED);
	CHECK_EQ(weir_reactor_post(r, msg->call, NULL, 0), -ECANCELED);
	CHECK_EQ(weir_reactor_send(r, *(weir_token *)msg->arg, msg->call, NULL,
				   0), -ECANCELED);
}

TEST(a_reactor_has_stopped)
{
	static const struct weir_call call = { run_nothing, on_free };
	struct weir_reactor *r = probe_reactor();
	weir_token name;

	freed_fd = event_fd();
	CHECK_EQ(weir_source_open(r, NULL, NULL, &name), 0);
	CHECK_EQ(weir_reactor_post(r, &call, &name, 0), 0);
	weir_reactor_free(r);
	CHECK_EQ(freed_calls, 1);
	close(freed_fd);
}

static void of_a_pool(struct weir_reactor *r, void *arg)
{
	const int fd = event_fd();
	struct weir_event events[1];
	sigset_t mask;

	(void)arg;
	sigemptyset(&mask);
	CHECK_EQ(weir_reactor_run(r), -EINVAL);
	CHECK_EQ(weir_reactor_stop(r), -EINVAL);
	CHECK_EQ(weir_reactor_wait(r, events, 1, 0), -EINVAL);
	CHECK_EQ(weir_reactor_wait_until(r, events, 1, 0, &mask), -EINVAL);
	CHECK_EQ(weir_reactor_after_fork(r), -EINVAL);
	CHECK_EQ(weir_reactor_abandon(r), -EINVAL);
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -EINVAL);
	CHECK_EQ(weir_source_add_priority(r, fd, NULL, NULL, &token), -EINVAL);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), 0);
	CHECK_EQ(weir_source_set(r, token, NULL, r), -EINVAL);
	CHECK_EQ(weir_source_remove(r, token), 0);
	close(fd);
}

TEST(a_pools_reactor_is_not_ones_own)
{
	struct weir_pool *pool = fixture_pool(1);

	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_on(pool, 0, of_a_pool, NULL);
	fixture_pool_end(pool);
}

static void within(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct weir_event events[1];

	(void)t;
	CHECK_EQ(weir_reactor_wait(r, events, 1, 0), -EBUSY);
	CHECK_EQ(weir_reactor_wait_until(r, events, 1, 0, NULL), -EBUSY);
	CHECK_EQ(weir_reactor_run(r), -EBUSY);
	++*(int *)data;
}

TEST(a_wait_goes_wrong)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event events[1];
	int calls = 0;

	CHECK_EQ(weir_timer_new(r, within, &calls, &timer), 0);
	CHECK_EQ(weir_timer_start(timer, 0), 0);
	while (calls == 0)
		CHECK_EQ(weir_reactor_wait(r, events, 1, WEIR_NS_PER_MSEC), 0);
	deny_call(WEIR__CALL_EPOLL_WAIT, -ENOMEM);
	CHECK_EQ(weir_reactor_wait(r, events, 1, 0), -ENOMEM);
	CHECK_EQ(weir_reactor_wait_until(r, events, 1, 0, NULL), -ENOMEM);
	CHECK_EQ(weir_reactor_run(r), -ENOMEM);
	deny_call(WEIR__CALL_EPOLL_WAIT, -EINTR);
	CHECK_EQ(weir_reactor_wait_until(r, events, 1, 0, NULL), -EINTR);
	deny_nothing();
	CHECK_EQ(weir_reactor_wait_until(r, NULL, 1, 0, NULL), -EINVAL);
	CHECK_EQ(weir_reactor_stop(r), 0);
	CHECK_EQ(weir_reactor_wait_until(r, events, 1, 0, NULL), -ECANCELED);
	weir_reactor_free(r);
}

/* --- a registration is changed --- */

/* A level-triggered one without a handler, which the reactor's run has held. */
static weir_token parked(struct weir_reactor *r, int fd)
{
	weir_token held;

	CHECK_EQ(weir_source_add_flags(r, fd, LEVEL, NULL, NULL, &held), 0);
	CHECK_EQ(weir_timer_new(r, on_timer, NULL, &timer), 0);
	CHECK_EQ(weir_timer_start(timer, WEIR_NS_PER_MSEC), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	weir_timer_free(timer);
	return held;
}

TEST(a_set_that_needs_the_kernel_may_fail)
{
	struct weir_reactor *r = probe_reactor();
	const int fd = event_fd();
	int other;

	token = parked(r, fd);
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOMEM);
	CHECK_EQ(weir_source_set(r, token, probe_called, NULL), -ENOMEM);
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_EQ(weir_source_set(r, token, probe_called, NULL), -ENOSPC);
	deny_nothing();
	close(fd);
	CHECK_EQ(weir_source_set(r, token, probe_called, NULL), -EBADF);
	other = event_fd();
	CHECK_EQ(other, fd);
	CHECK_EQ(weir_source_set(r, token, probe_called, NULL), -ENOENT);
	weir_reactor_free(r);
	close(other);
}

TEST(a_want_that_needs_the_kernel_may_fail)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 }, x = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_add_flags(r, &x, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_HANGUP), -EINVAL);
	/* Taken out, and nothing else fits: what was there comes in again. */
	deny_some(WEIR__CALL_EPOLL_CTL, -ENOSPC, 1, 1);
	CHECK_EQ(weir_source_want(r, x.token, WEIR_WRITABLE), -ENOSPC);
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOMEM);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), -ENOMEM);
	deny_nothing();
	close(p.fd);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), -EBADF);
	CHECK_EQ(event_fd(), p.fd);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_WRITABLE), -ENOENT);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&x);
}

/* Out of the set, and it does not come in: as it was, or told that it is not. */
TEST(an_exclusive_source_is_whole_or_told)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add_flags(r, &p, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
	deny_some(WEIR__CALL_EPOLL_CTL, -ENOSPC, 1, 1);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), -ENOSPC);
	deny_nothing();
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(p.last.fd, p.fd);
	deny_some(WEIR__CALL_EPOLL_CTL, -ENOMEM, 1, 2);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), -ENOMEM);
	deny_nothing();
	PROBE_TURN(r, &p, 1, WEIR_ERROR);
	CHECK_EQ(p.last.fd, -1);
	CHECK_EQ(weir_source_modify(r, p.token, EPOLLIN | EPOLLET), -EBADF);
	CHECK_EQ(weir_source_want(r, p.token, WEIR_READABLE), -EBADF);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	/* The descriptor is open, and can be added again. */
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, probe_called, &p,
				 &p.token), 0);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(a_close_passes_on_what_the_kernel_says)
{
	static const int errors[] = { -EIO, -ENOSPC, -EDQUOT };
	struct weir_reactor *r = probe_reactor();
	int results[3];

	for (int i = 0; i < 3; i++) {
		const int fd = event_fd();

		CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL,
					 &token), 0);
		deny_call(WEIR__CALL_CLOSE, errors[i]);
		results[i] = weir_source_close(r, token);
		deny_nothing();
		CHECK_EQ(fcntl(fd, F_GETFD), -1);
	}
	CHECK_ERRNO(weir_source_close, EIO, results[0]);
	CHECK_ERRNO(weir_source_close, ENOSPC, results[1]);
	CHECK_ERRNO(weir_source_close, EDQUOT, results[2]);
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
}

static void on_undrained(struct weir_reactor *r, weir_token left, void *data)
{
	(void)r;
	(void)left;
	(void)data;
}

TEST(undrained_is_for_debug_builds)
{
	struct weir_reactor *r = probe_reactor();

	deny_memory();
	if (WEIR_DEBUG)
		CHECK_EQ(weir_reactor_set_undrained(r, on_undrained, NULL),
			 -ENOMEM);
	else
		CHECK_EQ(weir_reactor_set_undrained(r, on_undrained, NULL),
			 -ENOTSUP);
	deny_nothing();
	weir_reactor_free(r);
}

/* --- a child cannot take it over, and it stays the parent's --- */

static void take_over(void *arg)
{
	struct weir_reactor *r = arg;

	deny_call(WEIR__CALL_EPOLL_CREATE, -EMFILE);
	CHECK_EQ(weir_reactor_after_fork(r), -EMFILE);
	deny_descriptors(true);
	CHECK_EQ(weir_reactor_after_fork(r), -EMFILE);
	deny_descriptors(false);
	deny_call(WEIR__CALL_EVENTFD_NEW, -ENFILE);
	CHECK_EQ(weir_reactor_after_fork(r), -ENFILE);
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_EQ(weir_reactor_after_fork(r), -ENOSPC);
	deny_nothing();
	deny_heap(0);
	CHECK_EQ(weir_reactor_after_fork(r), -ENOMEM);
	deny_nothing();
	CHECK_EQ(weir_source_count(r), -ECHILD);
	CHECK_EQ(weir_reactor_after_fork(r), 0);
	CHECK_EQ(weir_reactor_after_fork(r), -EINVAL);
	CHECK_EQ(weir_reactor_abandon(r), -EINVAL);
	CHECK_EQ(weir_source_count(r), 1);
	weir_reactor_free(r);
}

TEST(a_child_cannot_take_it_over)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_reactor_after_fork(r), -EINVAL);
	in_a_child(take_over, r);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&p);
}
