/* SPDX-License-Identifier: MIT */
/*
 * sys/futex.c - see futex.h
 */
#include "sys/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sys/fault.h"

int weir__futex_wait(const void *word, uint32_t value, weir_ns deadline)
{
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / WEIR_NS_PER_SEC),
		.tv_nsec = (long)(deadline % WEIR_NS_PER_SEC),
	};
	int r = weir__fault(WEIR__CALL_FUTEX_WAIT);

	if (r < 0)
		return r;
	/* The form with a bit set takes an absolute time, CLOCK_MONOTONIC's. */
	return (int)weir__result(syscall(SYS_futex, word,
			FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, value,
			deadline == WEIR_FOREVER ? NULL : &until, NULL,
			FUTEX_BITSET_MATCH_ANY));
}

/* Never made to fail: with an address of our own it cannot. */
int weir__futex_wake(const void *word)
{
	return (int)weir__result(syscall(SYS_futex, word,
			FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
}
