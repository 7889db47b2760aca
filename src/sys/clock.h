/* SPDX-License-Identifier: MIT */
/*
 * sys/clock.h - the time, in nanoseconds
 *
 * No call can fail on Linux: all these clocks always exist.
 */
#ifndef WEIR_SYS_CLOCK_H
#define WEIR_SYS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t weir__clock_get(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Never goes back, is not set by anybody, stands still in suspend. */
static inline uint64_t weir__clock_now(void)
{
	return weir__clock_get(CLOCK_MONOTONIC);
}

/*
 * What weir__clock_now() was at the kernel's last tick, 1 to 10 ms ago at most:
 * 5 ns to read, instead of 25.
 */
static inline uint64_t weir__clock_tick(void)
{
	return weir__clock_get(CLOCK_MONOTONIC_COARSE);
}

/* As weir__clock_now(), but suspend counts. */
static inline uint64_t weir__clock_boot(void)
{
	return weir__clock_get(CLOCK_BOOTTIME);
}

#endif /* WEIR_SYS_CLOCK_H */
