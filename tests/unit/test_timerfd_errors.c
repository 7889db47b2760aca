/* SPDX-License-Identifier: MIT */
/*
 * test_timerfd_errors.c - each error of a timer of the kernel
 */
#include <weir.h>

#include <fcntl.h>

#include "deny.h"
#include "noted.h"
#include "probe.h"

static int open_on(struct weir_reactor *r, clockid_t clock)
{
	static struct noted n;

	return weir_timerfd_open(r, clock, on_time, &n, &n.token);
}

TEST(it_is_not_opened)
{
	struct weir_reactor *r = probe_reactor();
	weir_token token = weir_token_none();

	CHECK_EQ(weir_timerfd_open(r, CLOCK_MONOTONIC, NULL, NULL, &token),
		 -EINVAL);
	CHECK_ERRNO(weir_timerfd_open, EINVAL,
		    open_on(r, CLOCK_PROCESS_CPUTIME_ID));
	CHECK_ERRNO(weir_timerfd_open, EINVAL, open_on(r, CLOCK_REALTIME_ALARM));
	deny_descriptors(true);
	CHECK_ERRNO(weir_timerfd_open, EMFILE, open_on(r, CLOCK_MONOTONIC));
	deny_descriptors(false);
	deny_call(WEIR__CALL_TIMERFD_NEW, -ENFILE);
	CHECK_ERRNO(weir_timerfd_open, ENFILE, open_on(r, CLOCK_MONOTONIC));
	deny_call(WEIR__CALL_TIMERFD_NEW, -ENODEV);
	CHECK_ERRNO(weir_timerfd_open, ENODEV, open_on(r, CLOCK_MONOTONIC));
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_timerfd_open, ENOSPC, open_on(r, CLOCK_MONOTONIC));
	deny_memory();
	CHECK_ERRNO(weir_timerfd_open, ENOMEM, open_on(r, CLOCK_MONOTONIC));
	deny_nothing();
	CHECK(weir_token_is_none(token));
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
}

static int returned;

static void run_nothing(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static void on_return(struct weir_reactor *r, const struct weir_msg *msg,
		      int why)
{
	(void)msg;
	(void)why;
	returned++;
	CHECK_ERRNO(weir_timerfd_open, ECANCELED, open_on(r, CLOCK_MONOTONIC));
}

TEST(a_reactor_that_ends_opens_none)
{
	static const struct weir_call call = { run_nothing, on_return };
	struct weir_reactor *r = probe_reactor();

	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
	weir_reactor_free(r);
	CHECK_EQ(returned, 1);
}

TEST(a_call_for_none_is_refused)
{
	const weir_token none = weir_token_none();
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	struct noted n;

	make(r, CLOCK_MONOTONIC, &n);
	CHECK_EQ(weir_timerfd_start(r, n.token, 1, 0, 2), -EINVAL);
	CHECK_EQ(weir_timerfd_start(r, none, 1, 0, 0), -ESTALE);
	CHECK_EQ(weir_timerfd_stop(r, none), -ESTALE);
	CHECK_EQ(weir_timerfd_close(r, none), -ESTALE);
	/* A source, but no timer. */
	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_timerfd_close(r, p.token), -ESTALE);
	CHECK_EQ(weir_source_remove(r, p.token), 0);
	probe_close(&p);
	weir_reactor_free(r);
}

TEST(its_descriptor_is_closed_behind_its_back)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;
	int fd, other;

	make(r, CLOCK_MONOTONIC, &n);
	CHECK_EQ(weir_source_fd(r, n.token, &fd), 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(weir_timerfd_start(r, n.token, 1, 0, 0), -EBADF);
	/* The number is that of what is no timer. */
	other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(other, fd);
	CHECK_EQ(weir_timerfd_start(r, n.token, 1, 0, 0), -EBADF);
	CHECK_EQ(weir_timerfd_stop(r, n.token), 0);
	CHECK_EQ(n.calls, 0);
	weir_reactor_free(r);
}

/* A read that fails otherwise, or is short. */
TEST(a_read_that_fails_is_told)
{
	struct weir_reactor *r = probe_reactor();
	struct noted n;

	make(r, CLOCK_MONOTONIC, &n);
	CHECK_EQ(weir_timerfd_start(r, n.token, 0, 1000, 0), 0);
	deny_some(WEIR__CALL_READ, -EIO, 0, 1);
	run_until(r, &n, 1);
	CHECK_EQ(n.error, -EIO);
	CHECK(!is_armed(r, &n));
	weir_reactor_free(r);
}
