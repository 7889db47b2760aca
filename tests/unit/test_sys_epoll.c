/* SPDX-License-Identifier: MIT */
/*
 * test_sys_epoll.c - the set, its errors, and both ways to wait
 *
 * Answering the seam with -ENOSYS makes weir__epoll_wait() take the way of a
 * kernel without epoll_pwait2.
 */
#include "sys/epoll.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/eventfd.h"
#include "sys/fault.h"

#include "harness.h"

#define MSEC INT64_C(1000000)

static int no_pwait2(enum weir__call call)
{
	return call == WEIR__CALL_EPOLL_WAIT ? -ENOSYS : 0;
}

static void on_signal(int signo)
{
	(void)signo;
}

static void *ring(void *data)
{
	CHECK_EQ(weir__eventfd_ring(*(int *)data), 0);
	return NULL;
}

TEST(epoll_is_close_on_exec)
{
	int ep = weir__epoll_create();

	CHECK(ep >= 0);
	CHECK(fcntl(ep, F_GETFD) & FD_CLOEXEC);
	close(ep);
}

TEST(epoll_ctl_says_why_not)
{
	int ep = weir__epoll_create();
	int fd = weir__eventfd_new();
	int file = open("/proc/self/comm", O_RDONLY);

	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), 0);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1), -EEXIST);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 1), -EINVAL);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, -1, EPOLLIN, 1), -EBADF);
	CHECK_EQ(weir__epoll_ctl(-1, EPOLL_CTL_ADD, fd, EPOLLIN, 1), -EBADF);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, file, EPOLLIN, 1), -EPERM);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), 0);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_DEL, fd, 0, 0), -ENOENT);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_MOD, fd, 0, 0), -ENOENT);
	close(file);
	close(fd);
	close(ep);
}

static void wait_and_check(void)
{
	const uint64_t data = UINT64_C(0xfedcba9876543210);
	struct epoll_event events[2];
	int ep = weir__epoll_create();
	int fd = weir__eventfd_new();

	CHECK_EQ(weir__epoll_wait(ep, events, 2, 0), 0);
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET,
				 data), 0);
	CHECK_EQ(weir__epoll_wait(ep, events, 2, 0), 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(weir__eventfd_ring(fd), 0);
		CHECK_EQ(weir__epoll_wait(ep, events, 2, -1), 1);
		CHECK_EQ(events[0].events, EPOLLIN);
		CHECK(events[0].data.u64 == data);
		CHECK_EQ(weir__epoll_wait(ep, events, 2, 0), 0);
	}
	CHECK_EQ(weir__epoll_wait(ep, events, 0, 0), -EINVAL);
	CHECK_EQ(weir__epoll_wait(fd, events, 2, 0), -EINVAL);
	CHECK_EQ(weir__epoll_wait(-1, events, 2, 0), -EBADF);
	/* Longer than a millisecond count can be: no error, no wrap. */
	CHECK_EQ(weir__eventfd_ring(fd), 0);
	CHECK_EQ(weir__epoll_wait(ep, events, 2, INT64_MAX), 1);
	close(fd);
	close(ep);
}

TEST(wait_in_nanoseconds)
{
	wait_and_check();
}

TEST(wait_in_milliseconds)
{
	weir__fault_hook = no_pwait2;
	wait_and_check();
}

static void check_never_early(void)
{
	static const int64_t timeouts[] = { 1, 1000, MSEC, 2 * MSEC + 1 };
	struct epoll_event event;
	int ep = weir__epoll_create();

	for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
		uint64_t begin = weir__clock_now();

		CHECK_EQ(weir__epoll_wait(ep, &event, 1, timeouts[i]), 0);
		CHECK(weir__clock_now() - begin >= (uint64_t)timeouts[i]);
	}
	close(ep);
}

TEST(timeouts_are_never_early)
{
	check_never_early();
	weir__fault_hook = no_pwait2;
	check_never_early();
}

TEST(wait_for_ever_is_woken)
{
	struct epoll_event event;
	pthread_t thread;
	int ep = weir__epoll_create();
	int fd = weir__eventfd_new();

	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 7), 0);
	CHECK_EQ(pthread_create(&thread, NULL, ring, &fd), 0);
	CHECK_EQ(weir__epoll_wait(ep, &event, 1, -1), 1);
	CHECK_EQ(event.data.u64, 7);
	pthread_join(thread, NULL);
	close(fd);
	close(ep);
}

/* 2^32 ms: as an int that would be 0, which is not at all. */
TEST(a_long_wait_is_not_a_short_one)
{
	struct epoll_event event;
	pthread_t thread;
	int ep = weir__epoll_create();
	int fd = weir__eventfd_new();

	weir__fault_hook = no_pwait2;
	CHECK_EQ(weir__epoll_ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 7), 0);
	CHECK_EQ(pthread_create(&thread, NULL, ring, &fd), 0);
	CHECK_EQ(weir__epoll_wait(ep, &event, 1, MSEC << 32), 1);
	pthread_join(thread, NULL);
	close(fd);
	close(ep);
}

/* The timer repeats, so it also fires while the call waits. */
static void check_interrupted(void)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct epoll_event event;
	int ep = weir__epoll_create();

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	CHECK_EQ(weir__epoll_wait(ep, &event, 1, -1), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	close(ep);
}

TEST(a_signal_ends_the_wait)
{
	check_interrupted();
	weir__fault_hook = no_pwait2;
	check_interrupted();
}

/* Each thread makes a set: the first to come asks the kernel for all. */
static void *make_and_wait(void *data)
{
	struct epoll_event event;
	int ep = weir__epoll_create();

	(void)data;
	CHECK(ep >= 0);
	CHECK_EQ(weir__epoll_wait(ep, &event, 1, 1000), 0);
	close(ep);
	return NULL;
}

TEST(threads_may_begin_at_once)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, make_and_wait,
					NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}
