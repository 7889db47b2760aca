/* SPDX-License-Identifier: MIT */
/*
 * trip_libuv.c - round trips by uv_async_send()
 *
 * No list: one is on its way at a time, so nothing can be merged.
 */
#include "peer.h"
#include "trip.h"

#ifdef WEIR_HAVE_LIBUV

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct side {
	uv_loop_t loop;
	uv_async_t async;
	struct trip_side *numbers;
	struct side *other;
};

struct trip {
	struct side sides[2];
};

static void on_async(uv_async_t *async)
{
	struct side *side = async->data;

	if (trip_answers(side->numbers))
		uv_async_send(&side->other->async);
	if (trip_is_over(side->numbers))
		uv_stop(&side->loop);
}

static int open_trip(struct trip_side *sides, long arg, struct trip **ret_trip)
{
	struct trip *trip = calloc(1, sizeof(*trip));

	(void)arg;
	if (!trip)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		struct side *side = &trip->sides[i];

		uv_loop_init(&side->loop);
		uv_async_init(&side->loop, &side->async, on_async);
		side->async.data = side;
		side->numbers = &sides[i];
		side->other = &trip->sides[!i];
	}
	*ret_trip = trip;
	return 0;
}

static void run(struct trip *trip, int side)
{
	if (side == 0)
		uv_async_send(&trip->sides[1].async);
	uv_run(&trip->sides[side].loop, UV_RUN_DEFAULT);
}

static void close_trip(struct trip *trip)
{
	for (int i = 0; i < 2; i++) {
		uv_close((uv_handle_t *)&trip->sides[i].async, NULL);
		uv_run(&trip->sides[i].loop, UV_RUN_DEFAULT);
		uv_loop_close(&trip->sides[i].loop);
	}
	free(trip);
}

const struct trip_ops trip_libuv = { open_trip, run, close_trip };

#else

const struct trip_ops trip_libuv;

#endif
