/* SPDX-License-Identifier: MIT */
/*
 * sys/tick.h - a clock that costs one instruction to read
 *
 * The processor's own counter, in units nobody knows: it is for what is noted
 * with every event, and who reads the notes compares it with weir__clock_now(),
 * of which each turn notes one beside it.  So nothing has to be calibrated, and
 * a counter that changes its pace is wrong within one turn at most.
 */
#ifndef WEIR_SYS_TICK_H
#define WEIR_SYS_TICK_H

#include <stdint.h>

#include "sys/clock.h"

static inline uint64_t weir__tick(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
	return ticks;
#else
	return weir__clock_now();
#endif
}

/*
 * For a row of events that may each be shorter than a reading takes (10 ns on
 * some x86): while they are quick, PACE_SHARED of them share one reading.
 */
struct weir__pace {
	uint64_t tick;		/* the last reading; 0: none yet */
	unsigned left;		/* events that share it still */
};

enum {
	WEIR__PACE_SHARED = 16,
	/* Those of one reading are quick in so many: 200 ns at 2.5 GHz. */
	WEIR__PACE_QUICK = 512,
};

/* Return: when an event begins, or when the first of its sharers did. */
static inline uint64_t weir__pace_tick(struct weir__pace *pace)
{
	uint64_t tick;

	if (__builtin_expect(pace->left > 0, 1)) {
		pace->left--;
		return pace->tick;
	}
	tick = weir__tick();
	if (tick - pace->tick < WEIR__PACE_QUICK)
		pace->left = WEIR__PACE_SHARED - 1;
	pace->tick = tick;
	return tick;
}

#endif /* WEIR_SYS_TICK_H */
