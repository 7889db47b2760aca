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

#endif /* WEIR_SYS_TICK_H */
