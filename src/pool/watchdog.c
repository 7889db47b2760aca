/* SPDX-License-Identifier: MIT */
/*
 * pool/watchdog.c - the control thread looks at the workers
 *
 * A turn is named by the time at which it began: a worker publishes it after
 * each wait, and 0 before the next one.  So a stall is one as long as that
 * time stays, and what the worker is in is the newest record of its recorder.
 */
#include <weir/watchdog.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <weir/timer.h>

#include "pool/pool.h"
#include "sys/clock.h"
#include "sys/probe.h"
#include "sys/symbol.h"

/* What is known of one worker. */
struct seen {
	weir_ns woke_at;	/* of the stall that was reported; 0: none */
	bool delays_free;	/* this was reported too */
	struct weir_stall stall;	/* as it was reported */
	char name[128];
};

struct weir__watchdog {
	struct weir_pool *pool;
	struct weir_watchdog_options options;
	struct weir_timer *timer;
	struct seen workers[];
};

static const char *const words[] = {
	[WEIR_STALL_BEGAN] = "has been in",
	[WEIR_STALL_ENDED] = "has left",
	[WEIR_STALL_DELAYS_FREE] = "delays the freeing of snapshots in",
};

static void report(struct weir__watchdog *dog, struct seen *seen,
		   enum weir_stall_report what, weir_ns duration)
{
	struct weir_stall *stall = &seen->stall;

	stall->report = what;
	stall->duration = duration;
	WEIR__PROBE4(stall, stall->worker, stall->token.bits, stall->handler,
		     duration);
	if (dog->options.fn)
		dog->options.fn(dog->pool, stall, dog->options.data);
	else
		weir__pool_log(dog->pool, WEIR_LOG_WARNING,
			"%s/%d %s %s %s, token %#" PRIx64 ": a turn of %"
			PRIu64 " ms", dog->pool->name, stall->worker,
			words[what], weir_shm_kind_name(stall->kind),
			stall->name, stall->token.bits,
			duration / WEIR_NS_PER_MSEC);
}

static void begin(struct weir__watchdog *dog, int worker, weir_ns woke_at,
		  weir_ns now)
{
	const struct weir__view *view = dog->pool->threads[worker].reactor->view;
	struct weir_record record = { .kind = WEIR_SHM_WAKE };
	struct seen *seen = &dog->workers[worker];

	weir__recorder_newest(view, &record);
	/* It may have gone on in the meantime. */
	if (weir__tally_get(&view->woke_at) != woke_at)
		return;
	weir__symbol_name(record.handler, seen->name,
			  sizeof(seen->name));
	seen->woke_at = woke_at;
	seen->delays_free = false;
	seen->stall = (struct weir_stall){
		.worker = worker,
		.kind = record.kind,
		.token = record.token,
		.handler = record.handler,
		.name = seen->name,
		.in_handler = record.handler ? record.duration : 0,
	};
	report(dog, seen, WEIR_STALL_BEGAN, now - woke_at);
}

static void end(struct weir__watchdog *dog, struct seen *seen, weir_ns now)
{
	const struct weir_reactor *r =
		dog->pool->threads[seen->stall.worker].reactor;
	weir_ns duration = now - seen->woke_at;

	/* Exact, unless another stall has ended since. */
	if (weir__tally_get(&r->view->stall_woke_at) == seen->woke_at)
		duration = weir__tally_get(&r->view->stall_ns);
	seen->woke_at = 0;
	report(dog, seen, WEIR_STALL_ENDED, duration);
}

static void look_at(struct weir__watchdog *dog, int worker)
{
	const struct weir__view *view = dog->pool->threads[worker].reactor->view;
	struct seen *seen = &dog->workers[worker];
	const weir_ns woke_at = weir__tally_see(&view->woke_at);
	const weir_ns now = weir__clock_now();
	weir_ns grace;

	if (seen->woke_at && woke_at != seen->woke_at)
		end(dog, seen, now);
	if (woke_at == 0 || woke_at >= now ||
	    now - woke_at <= dog->options.limit)
		return;
	if (!seen->woke_at)
		begin(dog, worker, woke_at, now);
	grace = weir__reclaim_waits_since(dog->pool);
	if (seen->woke_at && !seen->delays_free && grace >= woke_at) {
		seen->delays_free = true;
		report(dog, seen, WEIR_STALL_DELAYS_FREE, now - woke_at);
	}
}

static void look(struct weir_reactor *control, struct weir_timer *timer,
		 void *data)
{
	struct weir__watchdog *dog = data;

	(void)control;
	(void)timer;
	for (int i = 0; i < dog->pool->workers; i++)
		look_at(dog, i);
}

static int make(struct weir_pool *pool)
{
	const size_t workers = (size_t)pool->workers;
	struct weir__watchdog *dog;
	int err;

	dog = calloc(1, sizeof(*dog) + workers * sizeof(dog->workers[0]));
	if (!dog)
		return -ENOMEM;
	dog->pool = pool;
	err = weir_timer_new(weir__pool_reactor(pool, WEIR_CONTROL), look, dog,
			     &dog->timer);
	if (err < 0) {
		free(dog);
		return err;
	}
	pool->watchdog = dog;
	return 0;
}

static void set_limit(struct weir_pool *pool, weir_ns limit)
{
	for (int i = 0; i < weir__pool_threads(pool); i++)
		weir__tally_set(&pool->threads[i].reactor->view->stall_limit,
				limit ? limit : UINT64_MAX);
}

int weir_watchdog_start(struct weir_pool *pool,
			const struct weir_watchdog_options *options)
{
	weir_ns period;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!options || options->size != sizeof(*options) ||
	    (options->limit > 0 && options->limit < WEIR_NS_PER_MSEC))
		return -EINVAL;
	if (!pool->watchdog)
		err = make(pool);
	if (err < 0)
		return err;
	pool->watchdog->options = *options;
	set_limit(pool, options->limit);
	if (options->limit == 0)
		return weir_timer_stop(pool->watchdog->timer);
	period = options->limit / 2;
	if (period < WEIR_NS_PER_MSEC)
		period = WEIR_NS_PER_MSEC;
	return weir_timer_start_every(pool->watchdog->timer, period);
}

/* Its timer has gone, or goes, with the control thread's reactor. */
void weir__watchdog_close(struct weir_pool *pool)
{
	free(pool->watchdog);
	pool->watchdog = NULL;
}
