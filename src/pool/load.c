/* SPDX-License-Identifier: MIT */
/*
 * pool/load.c - how much the workers of a pool have to do
 *
 * Read from what they publish anyway.  A worker adds a turn to its busy time
 * when the turn is over; one that is not over counts from its beginning, or a
 * worker in a long handler would look idle.
 */
#include <stdlib.h>

#include "pool/pool.h"
#include "sys/clock.h"

struct sample {
	uint64_t busy;
	uint32_t ppm;		/* of the last window */
};

struct weir__meter {
	const struct weir_pool *pool;
	weir_ns since;		/* the window's begin */
	struct sample workers[];
};

/* Up to now.  While a turn ends it may be counted twice, for a moment. */
static uint64_t busy_of(const struct weir_pool *pool, int worker, weir_ns now)
{
	const struct weir_reactor *r = pool->threads[worker].reactor;
	const weir_ns woke_at = weir__tally_see(&r->view->woke_at);
	const uint64_t busy = weir__stat_get(r, WEIR__STAT_BUSY_NS);

	return woke_at && now > woke_at ? busy + (now - woke_at) : busy;
}

static void take_sample(struct weir__meter *meter, int worker, weir_ns now)
{
	struct sample *s = &meter->workers[worker];
	const uint64_t busy = busy_of(meter->pool, worker, now);
	const weir_ns window = now - meter->since;
	const uint64_t gained = busy > s->busy ? busy - s->busy : 0;
	const double share = (double)gained / (double)window;

	s->ppm = share < 1 ? (uint32_t)(share * WEIR__PPM) : WEIR__PPM;
	s->busy = busy;
}

void weir__meter_restart(struct weir__meter *meter)
{
	meter->since = weir__clock_now();
	for (int i = 0; i < meter->pool->workers; i++)
		meter->workers[i].busy = busy_of(meter->pool, i, meter->since);
}

struct weir__meter *weir__meter_new(const struct weir_pool *pool)
{
	struct weir__meter *meter;

	meter = calloc(1, sizeof(*meter) + (size_t)pool->workers *
			  sizeof(meter->workers[0]));
	if (!meter)
		return NULL;
	meter->pool = pool;
	weir__meter_restart(meter);
	return meter;
}

struct weir__meter *weir__meter_free(struct weir__meter *meter)
{
	free(meter);
	return NULL;
}

void weir__meter_read(struct weir__meter *meter, struct weir_load *ret_loads)
{
	const weir_ns now = weir__clock_now();
	const bool is_due = now >= meter->since + WEIR__METER_NS;

	for (int i = 0; i < meter->pool->workers; i++) {
		const struct weir_reactor *r = meter->pool->threads[i].reactor;

		if (is_due)
			take_sample(meter, i, now);
		ret_loads[i] = (struct weir_load){
			.sources = weir__stat_get(r, WEIR__STAT_SOURCES),
			.queue_depth = weir__stat_get(r, WEIR__STAT_QUEUE_DEPTH),
			.busy_ppm = meter->workers[i].ppm,
		};
	}
	if (is_due)
		meter->since = now;
}
