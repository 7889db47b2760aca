/* SPDX-License-Identifier: MIT */
/*
 * timer.h - what the rows about timers ask of each peer
 *
 * Each call works on many timers, in a loop of the peer's own, so that nothing
 * stands between it and the peer's functions.
 */
#ifndef BENCH_TIMER_H
#define BENCH_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct timer_loop;	/* each peer has its own */

struct timer_job {
	size_t count;		/* of timers */
	const uint32_t *order;	/* all of them, shuffled */
	const uint64_t *delays;	/* of each one, ns */
	size_t fired;
};

/* For timer_ops.keep(): as the limit of an idle connection, say. */
#define TIMER_KEEP_NS UINT64_C(30000000000)

struct timer_ops {
	int (*open)(struct timer_job *job, struct timer_loop **ret_loop);
	/* Start all, each with its delay. */
	void (*start)(struct timer_loop *loop);
	/* Start @n of them again in shuffled order, with another's delay. */
	void (*restart)(struct timer_loop *loop, size_t n);
	/* Start @n of them in shuffled order, to TIMER_KEEP_NS from now. */
	void (*keep)(struct timer_loop *loop, size_t n);
	/* Stop @n of them in shuffled order. */
	void (*stop)(struct timer_loop *loop, size_t n);
	/* Run the loop until job.fired is job.count; all are due. */
	void (*expire)(struct timer_loop *loop);
	void (*close)(struct timer_loop *loop);
};

extern const struct timer_ops timer_weir;
extern const struct timer_ops timer_libevent;
extern const struct timer_ops timer_libev;
extern const struct timer_ops timer_libuv;

/* The delay that restart() gives to the timer in @i-th place of the order. */
static inline uint64_t timer_new_delay(const struct timer_job *job, size_t i)
{
	return job->delays[i];
}

#endif /* BENCH_TIMER_H */
