/* SPDX-License-Identifier: MIT */
/*
 * epoll.c - an epoll set, with the timeout in nanoseconds
 *
 * Whether the kernel has epoll_pwait2 is asked once, before the first set
 * exists.  Whoever waits on a set got it from a thread that passed the once,
 * so the answer is a plain variable that all of them may read.
 *
 * The call is made by number: C libraries older than the kernel lack it.
 */
#include "sys/epoll.h"

#include <limits.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fault.h"

#define NS_PER_SEC 1000000000
#define NS_PER_MSEC 1000000

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_pwait2;	/* written in @once, read by those who hold a set */

/* @timeout_ns is not negative. */
static int wait_ns(int epfd, struct epoll_event *events, int max,
		   int64_t timeout_ns, const sigset_t *sigmask)
{
#ifdef SYS_epoll_pwait2
	struct __kernel_timespec ts = {
		.tv_sec = timeout_ns / NS_PER_SEC,
		.tv_nsec = timeout_ns % NS_PER_SEC,
	};

	/* The kernel's set has 64 signals, the C library's 1024. */
	return (int)weir__result(syscall(SYS_epoll_pwait2, epfd, events, max,
					 &ts, sigmask, (size_t)8));
#else
	(void)epfd, (void)events, (void)max, (void)timeout_ns, (void)sigmask;
	return -ENOSYS;
#endif
}

static int wait_ms(int epfd, struct epoll_event *events, int max,
		   int64_t timeout_ns, const sigset_t *sigmask)
{
	int64_t ms = timeout_ns / NS_PER_MSEC;

	if (timeout_ns % NS_PER_MSEC > 0)
		ms++;		/* late, never early */
	if (ms > INT_MAX)
		ms = INT_MAX;	/* 24 days */
	if (sigmask)
		return (int)weir__result(epoll_pwait(epfd, events, max,
						     (int)ms, sigmask));
	return (int)weir__result(epoll_wait(epfd, events, max, (int)ms));
}

static void probe(void)
{
	struct epoll_event event;

	/*
	 * A kernel that has the call finds no such descriptor.  One that has
	 * not says ENOSYS, and some seccomp filters say EPERM.
	 */
	has_pwait2 = wait_ns(-1, &event, 1, 0, NULL) == -EBADF;
}

int weir__epoll_create(void)
{
	int r = weir__fault(WEIR__CALL_EPOLL_CREATE);

	if (r < 0)
		return r;
	pthread_once(&once, probe);
	return (int)weir__result(epoll_create1(EPOLL_CLOEXEC));
}

int weir__epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };
	int r = weir__fault(WEIR__CALL_EPOLL_CTL);

	if (r < 0)
		return r;
	return (int)weir__result(epoll_ctl(epfd, op, fd, &event));
}

static int wait_timed(int epfd, struct epoll_event *events, int max,
		      int64_t timeout_ns, const sigset_t *sigmask)
{
	int r = has_pwait2 ?
		wait_ns(epfd, events, max, timeout_ns, sigmask) : -ENOSYS;

	/* And where a seccomp filter has come after the probe. */
	if (r == -ENOSYS)
		r = wait_ms(epfd, events, max, timeout_ns, sigmask);
	return r;
}

int weir__epoll_pwait(int epfd, struct epoll_event *events, int max,
		      int64_t timeout_ns, const sigset_t *sigmask)
{
	int r = weir__fault(WEIR__CALL_EPOLL_WAIT);

	if (__builtin_expect(r < 0 && r != -ENOSYS, 0))
		return r;
	if (timeout_ns > 0)
		return r < 0 ?
			wait_ms(epfd, events, max, timeout_ns, sigmask) :
			wait_timed(epfd, events, max, timeout_ns, sigmask);
	return (int)weir__result(epoll_pwait(epfd, events, max,
					     timeout_ns < 0 ? -1 : 0, sigmask));
}
