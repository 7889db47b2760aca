/* SPDX-License-Identifier: MIT */
/*
 * trip_weir.c - round trips between two workers of a pool
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <weir.h>

#include "bench.h"
#include "trip.h"

struct trip {
	struct trip_side *sides;
	struct weir_pool *pool;
	sem_t over[2];
};

static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data);

static const struct weir_call message = { .run = on_message };

static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct trip *trip = msg->arg;
	const int me = weir_reactor_index(r);

	(void)data;
	if (trip_answers(&trip->sides[me]))
		weir_post(trip->pool, !me, &message, trip, 0);
	if (trip_is_over(&trip->sides[me]))
		sem_post(&trip->over[me]);
}

/* So that the first one, too, is sent by a worker. */
static void on_begin(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	struct trip *trip = msg->arg;

	(void)r, (void)data;
	weir_post(trip->pool, 1, &message, trip, 0);
}

static int open_trip(struct trip_side *sides, long arg, struct trip **ret_trip)
{
	struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS |
			 (bench_options.is_pinned ? WEIR_POOL_PIN : 0),
		.spin_ns = (weir_ns)arg,
	};
	struct trip *trip = calloc(1, sizeof(*trip));
	int err;

	if (!trip)
		return -ENOMEM;
	trip->sides = sides;
	sem_init(&trip->over[0], 0, 0);
	sem_init(&trip->over[1], 0, 0);
	err = weir_pool_new(&options, &trip->pool);
	if (err == 0)
		err = weir_pool_start(trip->pool);
	if (err < 0) {
		weir_pool_free(trip->pool);
		free(trip);
		return err;
	}
	*ret_trip = trip;
	return 0;
}

static void run(struct trip *trip, int side)
{
	static const struct weir_call begin = { .run = on_begin };

	if (side == 0)
		weir_post(trip->pool, 0, &begin, trip, 0);
	sem_wait(&trip->over[side]);
}

static void close_trip(struct trip *trip)
{
	weir_pool_free(trip->pool);
	sem_destroy(&trip->over[0]);
	sem_destroy(&trip->over[1]);
	free(trip);
}

const struct trip_ops trip_weir = { open_trip, run, close_trip };
