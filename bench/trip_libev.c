/* SPDX-License-Identifier: MIT */
/* trip_libev.c - round trips by ev_async_send() */
#include "peer.h"
#include "trip.h"

#ifdef WEIR_HAVE_LIBEV

#include "libev.h"

#include <errno.h>
#include <stdlib.h>

struct side {
	struct ev_loop *loop;
	ev_async async;
	struct trip_side *numbers;
	struct side *other;
};

struct trip {
	struct side sides[2];
};

static void on_async(struct ev_loop *loop, ev_async *async, int what)
{
	struct side *side = async->data;

	(void)what;
	if (trip_answers(side->numbers))
		ev_async_send(side->other->loop, &side->other->async);
	if (trip_is_over(side->numbers))
		ev_break(loop, EVBREAK_ONE);
}

static int open_trip(struct trip_side *sides, long arg, struct trip **ret_trip)
{
	struct trip *trip = calloc(1, sizeof(*trip));

	(void)arg;
	if (!trip)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		struct side *side = &trip->sides[i];

		side->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
		ev_async_init(&side->async, on_async);
		side->async.data = side;
		ev_async_start(side->loop, &side->async);
		side->numbers = &sides[i];
		side->other = &trip->sides[!i];
	}
	*ret_trip = trip;
	return 0;
}

static void run(struct trip *trip, int side)
{
	struct side *other = &trip->sides[1];

	if (side == 0)
		ev_async_send(other->loop, &other->async);
	ev_run(trip->sides[side].loop, 0);
}

static void close_trip(struct trip *trip)
{
	for (int i = 0; i < 2; i++) {
		ev_async_stop(trip->sides[i].loop, &trip->sides[i].async);
		ev_loop_destroy(trip->sides[i].loop);
	}
	free(trip);
}

const struct trip_ops trip_libev = { open_trip, run, close_trip };

#else

const struct trip_ops trip_libev;

#endif
