/* SPDX-License-Identifier: MIT */
/*
 * pool/drain.c - finishing in order, and stopping at once
 *
 * A drain is led by the control thread, in two rounds. The first announces
 * WEIR_DRAINING, to control's own sources first, so that its listeners hand
 * over what they have accepted, and a turn later to the workers: the queues
 * are in order, so a worker hears of the drain after the last connection. When
 * all threads are idle the second round asks again; when they are in that one,
 * or at the limit, the pool stops.
 *
 * D1  In each round a thread notes where its queues end, and is idle once it
 *     has got there and has no source. It says so, and when it changes.
 * D2  What was accepted before the drain is run. Its sender flushed it before
 *     it was idle in the first round, so its receiver finds it before the mark
 *     of the second.
 *     A source that was on the move when its old owner heard of the drain is
 *     on a list of its new owner then, and none moves after that.
 * D3  What comes behind the marks is not waited for, so it cannot keep a pool
 *     from stopping.
 */
#include <errno.h>
#include <weir/timer.h>

#include "base/ns.h"
#include "pool/pool.h"
#include "sys/fork.h"

enum { ROUNDS = 2 };

/* How soon to try again when a worker's queue was full. */
static const weir_ns RETRY_NS = 5 * WEIR_NS_PER_MSEC;

int weir_pool_stop(struct weir_pool *pool)
{
	struct weir__life *life = &pool->life;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (weir__life_move(life, WEIR_POOL_NEW, WEIR_POOL_STOPPED)) {
		for (int i = 0; i < weir__pool_threads(pool); i++)
			weir__reactor_close_inbox(pool->threads[i].reactor);
		return 0;
	}
	if (!weir__life_move(life, WEIR_POOL_RUNNING, WEIR_POOL_STOPPING))
		weir__life_move(life, WEIR_POOL_DRAINING, WEIR_POOL_STOPPING);
	for (int i = 0; i < weir__pool_threads(pool); i++)
		weir__doorbell_ring(&pool->threads[i].reactor->bell);
	return 0;
}

/* D1, on each thread. */
static void enter_round(struct weir__worker *w, unsigned round)
{
	struct weir_reactor *r = w->reactor;

	w->round = round;
	w->told_idle = false;
	w->inbox_mark = weir__inbox_tail(r->inbox);
	weir__mesh_mark(w->pool->mesh, (unsigned)w->index, WEIR__MARK_DRAIN);
	if (!r->is_draining)
		weir__reactor_drain(r);
}

/* On the control thread. */
static void begin_round(struct weir_pool *pool)
{
	pool->round++;
	pool->told = 0;
	for (int i = 0; i < weir__pool_threads(pool); i++)
		pool->threads[i].is_idle = false;
	enter_round(&pool->threads[weir__pool_control(pool)], pool->round);
	/* Not in this turn, whose timers may still come before its sources. */
	weir_timer_start(pool->tell_timer, 1);
}

static bool are_all_idle(const struct weir_pool *pool)
{
	for (int i = 0; i < weir__pool_threads(pool); i++) {
		if (!pool->threads[i].is_idle)
			return false;
	}
	return true;
}

/* On the control thread: a thread has said whether it is idle. */
static void idle_run(struct weir_reactor *control, const struct weir_msg *msg,
		     void *data)
{
	struct weir_pool *pool = weir_reactor_pool(control);
	struct weir__worker *w = msg->arg;

	(void)data;
	if (msg->word / 2 != pool->round)
		return;
	w->is_idle = msg->word % 2 != 0;
	if (!are_all_idle(pool))
		return;
	if (pool->round < ROUNDS)
		begin_round(pool);
	else
		weir_pool_stop(pool);
}

static const struct weir_call idle_call = { .run = idle_run };

static bool is_idle(const struct weir__worker *w)
{
	const struct weir_reactor *r = w->reactor;

	return weir__stat_get(r, WEIR__STAT_SOURCES) == 0 &&
	       weir__inbox_head(r->inbox) >= w->inbox_mark &&
	       weir__mesh_is_past_mark(w->pool->mesh, (unsigned)w->index,
				       WEIR__MARK_DRAIN) &&
	       !weir__moves_are_open(w);
}

void weir__drain_turn(struct weir__worker *w)
{
	const bool idle = is_idle(w);

	w->is_untold = idle != w->told_idle &&
		       weir__post_reserved(w->pool, WEIR_CONTROL, &idle_call, w,
					   w->round * 2 + idle) < 0;
	if (!w->is_untold)
		w->told_idle = idle;
}

static void announce_run(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data)
{
	(void)data;
	enter_round(r->hooks_data, (unsigned)msg->word);
}

static const struct weir_call announce_call = { .run = announce_run };

/* On the control thread: tell the workers that have not been told. */
static void tell(struct weir_reactor *control, struct weir_timer *t, void *data)
{
	struct weir_pool *pool = data;

	(void)control;
	while (pool->told < pool->workers) {
		if (weir__post_reserved(pool, pool->told, &announce_call, NULL,
					pool->round) < 0) {
			weir_timer_start(t, RETRY_NS);
			return;
		}
		pool->told++;
	}
}

static void limit_reached(struct weir_reactor *control, struct weir_timer *t,
			  void *data)
{
	struct weir_pool *pool = data;

	(void)control;
	(void)t;
	pool->is_drain_late = weir__life_move(&pool->life, WEIR_POOL_DRAINING,
					      WEIR_POOL_STOPPING);
	weir_pool_stop(pool);
}

static void begin(struct weir_pool *pool, weir_ns until)
{
	if (weir__life_move(&pool->life, WEIR_POOL_RUNNING,
			    WEIR_POOL_DRAINING)) {
		pool->drain_until = WEIR_FOREVER;
		begin_round(pool);
	}
	if (until >= pool->drain_until)
		return;
	pool->drain_until = until;
	weir_timer_start_at(pool->drain_timer, until);
}

void weir__drain_begin(struct weir_pool *pool, weir_ns limit)
{
	begin(pool, weir__ns_add(weir_clock(), limit));
}

/* On the control thread: msg->word is the limit as a point in time. */
static void drain_run(struct weir_reactor *control, const struct weir_msg *msg,
		      void *data)
{
	(void)data;
	begin(weir_reactor_pool(control), msg->word);
}

int weir__drain_start(struct weir_pool *pool)
{
	struct weir_reactor *control = weir__pool_reactor(pool, WEIR_CONTROL);
	int err = weir_timer_new(control, limit_reached, pool,
				 &pool->drain_timer);

	if (err < 0)
		return err;
	return weir_timer_new(control, tell, pool, &pool->tell_timer);
}

static const struct weir_call drain_call = { .run = drain_run };

int weir_pool_drain(struct weir_pool *pool, weir_ns limit)
{
	int err;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	switch (weir__life_get(&pool->life)) {
	case WEIR_POOL_NEW:
		return -EINVAL;
	case WEIR_POOL_STOPPING:
	case WEIR_POOL_STOPPED:
		return 0;
	case WEIR_POOL_RUNNING:
	case WEIR_POOL_DRAINING:
		break;
	}
	err = weir__post_reserved(pool, WEIR_CONTROL, &drain_call, NULL,
				  weir__ns_add(weir_clock(), limit));
	/* It has stopped meanwhile. */
	return err == -ECANCELED ? 0 : err;
}
