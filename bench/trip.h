/* SPDX-License-Identifier: MIT */
/*
 * trip.h - what the row about round trips asks of each peer
 *
 * Two threads, each asleep in its loop until the other one wakes it.  Side 0
 * sends first; each side sends once for each time it was woken, until both
 * have been woken trips times.
 */
#ifndef BENCH_TRIP_H
#define BENCH_TRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "tool.h"

struct trip;		/* each peer has its own */

struct trip_side {
	_Alignas(128) long received;
	long to_receive;
	long to_send;
	uint64_t begin, end;	/* of side 0, ns */
	uint32_t *laps;		/* of side 0: what each trip took, ns; or NULL */
	uint64_t last;		/* when the one before came back */
};

struct trip_ops {
	/* @arg: of trip_weir, spin_ns; the others have nothing of the kind. */
	int (*open)(struct trip_side *sides, long arg, struct trip **ret_trip);
	/* On a thread of its own for each side; side 0 sends first. */
	void (*run)(struct trip *trip, int side);
	void (*close)(struct trip *trip);
};

extern const struct trip_ops trip_weir;
extern const struct trip_ops trip_eventfd;	/* epoll and an eventfd */
extern const struct trip_ops trip_read;		/* a blocking read of one */
extern const struct trip_ops trip_libevent;
extern const struct trip_ops trip_libev;
extern const struct trip_ops trip_libuv;

static inline void trip_note_lap(struct trip_side *side)
{
	const uint64_t now = now_ns();

	side->laps[side->received] = (uint32_t)(now - side->last);
	side->last = now;
}

/* One was received: whether to answer it. */
static inline bool trip_answers(struct trip_side *side)
{
	if (side->laps)
		trip_note_lap(side);
	side->received++;
	return side->to_send-- > 0;
}

static inline bool trip_is_over(const struct trip_side *side)
{
	return side->received >= side->to_receive;
}

#endif /* BENCH_TRIP_H */
