/* SPDX-License-Identifier: MIT */
/*
 * pool/worker.c - a thread's life
 *
 *     start    enter the reactor, register with RCU, on_start
 *     gate     wait until every thread has got here
 *     loop     turn until the pool is STOPPING
 *     end      flush; WEIR_STOPPING to every source; close the inbox
 *     gate     wait until every thread has left its loop
 *     return   what is left in the queues goes to its undeliverable function
 *     on_stop, unregister
 *
 * The second gate is why no message is lost: after it nobody pushes any more,
 * so what a thread finds in its queues is all there will ever be.
 *
 * A thread that waits at a gate is offline for RCU, or it would hold up the
 * grace period that another one may be waiting for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pool/pool.h"
#include "sync/rcu.h"
#include "sys/cpus.h"
#include "sys/fork.h"
#include "sys/thread.h"

int weir__gate_init(struct weir__gate *gate)
{
	int err = pthread_mutex_init(&gate->lock, NULL);

	if (err)
		return -err;
	err = pthread_cond_init(&gate->changed, NULL);
	if (err)
		pthread_mutex_destroy(&gate->lock);
	return -err;
}

void weir__gate_done(struct weir__gate *gate)
{
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
}

/* A thread has started, or failed to: wait for all the others. */
static void gate_start(struct weir__gate *gate, int err)
{
	pthread_mutex_lock(&gate->lock);
	if (err < 0 && gate->error == 0)
		gate->error = err;
	gate->arrived++;
	pthread_cond_broadcast(&gate->changed);
	while (!gate->may_run)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

/* A thread has left its loop: wait until all have. */
static void gate_leave(struct weir__gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	gate->left++;
	pthread_cond_broadcast(&gate->changed);
	while (gate->left < gate->arrived)
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

/* True for the last thread that calls it. */
static bool gate_last(struct weir__gate *gate)
{
	bool is_last;

	pthread_mutex_lock(&gate->lock);
	is_last = --gate->arrived == 0;
	pthread_mutex_unlock(&gate->lock);
	return is_last;
}

static bool is_control(const struct weir__worker *w)
{
	return w->index == weir__pool_control(w->pool);
}

static int start_control(struct weir_pool *pool)
{
	int err = weir__drain_start(pool);

	if (err == 0)
		err = weir__signals_start(pool);
	if (err == 0)
		err = weir__watches_start(pool);
	if (err == 0)
		err = weir__children_start(pool);
	if (err == 0)
		err = weir__spawns_start(pool);
	return err;
}

static int start(struct weir__worker *w)
{
	const struct weir_pool_options *o = &w->pool->options;

	/* The default of 50 us is as long as some of our sleeps. */
	weir__timerslack(1000);
	if (is_control(w))
		return start_control(w->pool);
	return o->on_start ? o->on_start(w->reactor, o->data) : 0;
}

/* So often in turn the kernel may refuse to wait: then it is for good. */
enum { REFUSALS = 16 };

/* A thread that cannot wait for events any more would turn for ever in vain. */
static void loop(struct weir__worker *w)
{
	unsigned refusals = 0;

	weir__reactor_begin(w->reactor);
	while (weir__life_get(&w->pool->life) < WEIR_POOL_STOPPING) {
		const int n = weir__reactor_turn(w->reactor, WEIR_FOREVER);

		refusals = n >= 0 || n == -EINTR ? 0 : refusals + 1;
		if (refusals < REFUSALS)
			continue;
		w->error = n;
		weir_pool_stop(w->pool);
		break;
	}
}

static void end(struct weir__worker *w, bool has_started)
{
	const struct weir_pool_options *o = &w->pool->options;
	struct weir_reactor *r = w->reactor;

	r->hooks->flush(r);
	weir__reactor_end(r);
	weir__tally_publish(&r->view->woke_at, 0);
	weir__reactor_close_inbox(r);
	weir__rcu_offline();
	gate_leave(&w->pool->gate);
	weir__rcu_online();
	weir__handoff_return_all(w);
	if (has_started && !is_control(w) && o->on_stop)
		o->on_stop(r, o->data);
}

static void *thread_main(void *arg)
{
	struct weir__worker *w = arg;
	struct weir_pool *pool = w->pool;
	int err;

	weir__reactor_enter(w->reactor);
	weir__pool_set_caller(w);
	weir__rcu_register();
	err = start(w);
	/* What is not flushed before that a grace period does not cover. */
	w->reactor->hooks->flush(w->reactor);
	weir__rcu_offline();
	gate_start(&pool->gate, err);
	weir__rcu_online();
	loop(w);
	end(w, err >= 0);
	weir__rcu_unregister();
	weir__pool_set_caller(NULL);
	weir__reactor_leave();
	if (gate_last(&pool->gate))
		weir__life_move(&pool->life, WEIR_POOL_STOPPING,
				WEIR_POOL_STOPPED);
	return NULL;
}

/* The mask of the thread that starts us is ours. */
static int pin(struct weir__worker *w)
{
	const int cpu = weir__cpus_nth(w->index);

	return cpu < 0 ? cpu : weir__thread_pin(w->thread, cpu);
}

void weir__pool_thread_name(const struct weir_pool *pool,
			    const struct weir__worker *w, char ret_name[16])
{
	if (is_control(w))
		snprintf(ret_name, 16, "%s/ctl", pool->name);
	else
		snprintf(ret_name, 16, "%s/%d", pool->name, w->index);
}

static int start_thread(struct weir__worker *w)
{
	const struct weir_pool *pool = w->pool;
	char name[16];
	int err;

	weir__pool_thread_name(pool, w, name);
	err = weir__thread_start(&w->thread, name, thread_main, w);
	if (err < 0)
		return err;
	w->is_started = true;
	if ((pool->options.flags & WEIR_POOL_PIN) && !is_control(w))
		err = pin(w);
	return err;
}

/* Start all; returns the first error, with some of them running. */
static int start_threads(struct weir_pool *pool, int *ret_started)
{
	int err = weir__reclaim_start(pool);

	if (err == 0)
		err = weir__watchdog_run(pool);
	*ret_started = 0;
	for (int i = 0; err == 0 && i < weir__pool_threads(pool); i++) {
		err = start_thread(&pool->threads[i]);
		if (pool->threads[i].is_started)
			++*ret_started;
	}
	if (err < 0)
		snprintf(pool->error, sizeof(pool->error),
			 "cannot start thread %d of %d: %s", *ret_started + 1,
			 weir__pool_threads(pool) + 1, strerror(-err));
	return err;
}

/* Wait for all that were started, and let them go on: to run, or to end. */
static int open_gate(struct weir_pool *pool, int started, int err)
{
	struct weir__gate *gate = &pool->gate;

	pthread_mutex_lock(&gate->lock);
	while (gate->arrived < started)
		pthread_cond_wait(&gate->changed, &gate->lock);
	if (err == 0 && gate->error < 0) {
		err = gate->error;
		snprintf(pool->error, sizeof(pool->error),
			 "a thread failed to start: %s", strerror(-err));
	}
	if (err < 0)
		weir_pool_stop(pool);
	gate->may_run = true;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
	return err;
}

int weir_pool_start(struct weir_pool *pool)
{
	int started = 0;
	int err;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (!weir__life_move(&pool->life, WEIR_POOL_NEW, WEIR_POOL_RUNNING))
		return pool->was_started ? -EBUSY : -ECANCELED;
	pool->was_started = true;
	err = weir__signals_verify(pool);
	if (err == 0)
		err = start_threads(pool, &started);
	err = open_gate(pool, started, err);
	if (err == 0)
		return 0;
	if (started == 0)
		weir__life_move(&pool->life, WEIR_POOL_STOPPING,
				WEIR_POOL_STOPPED);
	weir_pool_join(pool);
	/* Those that never ran have not closed theirs. */
	for (int i = 0; i < weir__pool_threads(pool); i++)
		weir__reactor_close_inbox(pool->threads[i].reactor);
	return err;
}

/* All threads have ended, and the caller may touch what was theirs. */
static void join_all(struct weir_pool *pool)
{
	for (int i = 0; i < weir__pool_threads(pool); i++) {
		struct weir__worker *w = &pool->threads[i];

		if (w->is_started)
			pthread_join(w->thread, NULL);
		w->is_started = false;
		w->reactor->thread = pthread_self();
	}
	weir__watchdog_stop(pool);
	weir__reclaim_stop(pool);
}

/* Why the pool has stopped of itself, or 0. */
static int find_error(struct weir_pool *pool)
{
	for (int i = 0; i < weir__pool_threads(pool); i++) {
		const int err = pool->threads[i].error;

		if (err == 0)
			continue;
		snprintf(pool->error, sizeof(pool->error),
			 "thread %d cannot wait for events: %s", i,
			 strerror(-err));
		return err;
	}
	return 0;
}

/* How many sources have not ended by themselves. */
static uint64_t count_forced(const struct weir_pool *pool)
{
	uint64_t forced = 0;

	for (int i = 0; i < weir__pool_threads(pool); i++)
		forced += weir__stat_get(pool->threads[i].reactor,
					 WEIR__STAT_SOURCES_FORCED);
	return forced;
}

int weir_pool_join(struct weir_pool *pool)
{
	const struct weir__worker *caller = weir__pool_caller();

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (caller && caller->pool == pool)
		return -EDEADLK;
	if (pool->is_joined)
		return pool->join_result;
	if (weir__life_get(&pool->life) == WEIR_POOL_NEW)
		return 0;
	/* A grace period that is waited for here must not wait for us. */
	if (caller) {
		weir_flush(caller->reactor);
		weir__rcu_offline();
	}
	join_all(pool);
	if (caller)
		weir__rcu_online();
	pool->is_joined = true;
	if (pool->is_drain_late && count_forced(pool) > 0)
		pool->join_result = -ETIMEDOUT;
	if (find_error(pool) < 0)
		pool->join_result = find_error(pool);
	return pool->join_result;
}
