/* SPDX-License-Identifier: MIT */
/* trip_libevent.c - round trips by event_active(), on bases with their lock */
#include "peer.h"
#include "trip.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>

struct side {
	struct event_base *base;
	struct event *event;
	struct trip_side *numbers;
	struct side *other;
};

struct trip {
	struct side sides[2];
};

static void on_active(evutil_socket_t fd, short what, void *data)
{
	struct side *side = data;

	(void)fd, (void)what;
	if (trip_answers(side->numbers))
		event_active(side->other->event, EV_READ, 0);
	if (trip_is_over(side->numbers))
		event_base_loopbreak(side->base);
}

static int open_trip(struct trip_side *sides, long arg, struct trip **ret_trip)
{
	struct trip *trip = calloc(1, sizeof(*trip));

	(void)arg;
	if (!trip)
		return -ENOMEM;
	evthread_use_pthreads();
	for (int i = 0; i < 2; i++) {
		struct side *side = &trip->sides[i];

		side->base = event_base_new();
		side->event = event_new(side->base, -1, EV_PERSIST, on_active,
					side);
		side->numbers = &sides[i];
		side->other = &trip->sides[!i];
	}
	*ret_trip = trip;
	return 0;
}

static void run(struct trip *trip, int side)
{
	if (side == 0)
		event_active(trip->sides[1].event, EV_READ, 0);
	event_base_loop(trip->sides[side].base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void close_trip(struct trip *trip)
{
	for (int i = 0; i < 2; i++) {
		event_free(trip->sides[i].event);
		event_base_free(trip->sides[i].base);
	}
	free(trip);
}

const struct trip_ops trip_libevent = { open_trip, run, close_trip };

#else

const struct trip_ops trip_libevent;

#endif
