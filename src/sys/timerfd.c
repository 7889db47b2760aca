/* SPDX-License-Identifier: MIT */
/*
 * timerfd.c - a timer of the kernel that one can sleep on
 */
#include "sys/timerfd.h"

#include <sys/timerfd.h>

#include "sys/fault.h"

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};
}

int weir__timerfd_new(clockid_t clock)
{
	int r = weir__fault(WEIR__CALL_TIMERFD_NEW);

	if (r < 0)
		return r;
	return (int)weir__result(timerfd_create(clock, TFD_NONBLOCK |
						       TFD_CLOEXEC));
}

int weir__timerfd_set(int fd, uint64_t value_ns, uint64_t period_ns, int flags)
{
	const struct itimerspec spec = {
		.it_value = timespec_of(value_ns),
		.it_interval = timespec_of(period_ns),
	};
	int r = weir__fault(WEIR__CALL_TIMERFD_SET);

	if (r < 0)
		return r;
	return (int)weir__result(timerfd_settime(fd, flags, &spec, NULL));
}
