/* SPDX-License-Identifier: MIT */
/*
 * trip_raw.c - round trips by hand
 *
 * trip_eventfd: each side waits in epoll_wait() for its eventfd, which stands
 * edge-triggered and is never read.  trip_read: a blocking read of the eventfd
 * and nothing else, which is no event loop but the floor under all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tool.h"
#include "trip.h"

struct trip {
	struct trip_side *sides;
	int eventfd[2];
	int epfd[2];
};

static int open_trip(struct trip_side *sides, long arg, struct trip **ret_trip)
{
	struct trip *trip = calloc(1, sizeof(*trip));
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	(void)arg;
	if (!trip)
		return -ENOMEM;
	trip->sides = sides;
	for (int i = 0; i < 2; i++) {
		trip->eventfd[i] = eventfd(0, EFD_CLOEXEC);
		trip->epfd[i] = epoll_create1(EPOLL_CLOEXEC);
		if (epoll_ctl(trip->epfd[i], EPOLL_CTL_ADD, trip->eventfd[i],
			      &event) < 0)
			tool_die("eventfd", errno);
	}
	*ret_trip = trip;
	return 0;
}

static void close_trip(struct trip *trip)
{
	for (int i = 0; i < 2; i++) {
		close(trip->eventfd[i]);
		close(trip->epfd[i]);
	}
	free(trip);
}

static void run_eventfd(struct trip *trip, int side)
{
	struct trip_side *s = &trip->sides[side];
	struct epoll_event event;

	if (side == 0)
		tool_ring(trip->eventfd[1]);
	while (!trip_is_over(s)) {
		if (epoll_wait(trip->epfd[side], &event, 1, -1) == 1 &&
		    trip_answers(s))
			tool_ring(trip->eventfd[!side]);
	}
}

static void run_read(struct trip *trip, int side)
{
	struct trip_side *s = &trip->sides[side];
	uint64_t count;

	if (side == 0)
		tool_ring(trip->eventfd[1]);
	while (!trip_is_over(s)) {
		if (read(trip->eventfd[side], &count, sizeof(count)) > 0 &&
		    trip_answers(s))
			tool_ring(trip->eventfd[!side]);
	}
}

const struct trip_ops trip_eventfd = { open_trip, run_eventfd, close_trip };
const struct trip_ops trip_read = { open_trip, run_read, close_trip };
