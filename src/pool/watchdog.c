/* SPDX-License-Identifier: MIT */
/*
 * pool/watchdog.c - the control thread looks at the workers, and who at it
 *
 * A turn is named by the time at which it began: a thread publishes it after
 * each wait, and 0 before the next one.  So a stall is one as long as that
 * time stays, and what the thread is in is the newest record of its recorder.
 *
 * The control thread cannot look at itself.  The thread NAME/dog does, and does
 * nothing else as long as control goes on.  Not the thread NAME/rcu: a grace
 * period that it waits for may wait for the very thread that is stuck.  Not a
 * worker either: where two threads wait for each other it may be one of them.
 *
 * D1  One looks at a time, and what it saw is its own meanwhile: is_looking,
 *     under the lock.  Who finds it taken leaves it at that until next time.
 * D2  While control is stalled the dog looks at the workers in its stead.
 * D3  No lock is held over a callback.
 * D4  When all threads have ended, the dog looks once more: no stall that was
 *     reported is left without its end.
 */
#include <weir/watchdog.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <weir/timer.h>

#include "pool/pool.h"
#include "sys/clock.h"
#include "sys/probe.h"
#include "sys/symbol.h"
#include "sys/thread.h"

/* What is known of one thread. */
struct seen {
	int place;		/* in the pool's threads[] */
	weir_ns woke_at;	/* of the stall that was reported; 0: none */
	bool delays_free;	/* this was reported too */
	struct weir_stall stall;	/* as it was reported */
	char name[128];
};

struct weir__watchdog {
	struct weir_pool *pool;
	struct weir_timer *timer;
	pthread_t thread;
	bool is_started;	/* who starts the pool, or control */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_stopping;	/* under lock */
	bool is_looking;	/* under lock; D1 */
	bool control_looks;	/* control's: it is the one that looks */
	struct weir_watchdog_options options;	/* under lock, or looking */
	struct seen threads[];			/* looking */
};

static const char *const words[] = {
	[WEIR_STALL_BEGAN] = "has been in",
	[WEIR_STALL_ENDED] = "has left",
	[WEIR_STALL_DELAYS_FREE] = "delays the freeing of snapshots in",
};

static void log_it(const struct weir_pool *pool, const struct weir_stall *stall)
{
	char thread[16];

	weir__pool_thread_name(pool, &pool->threads[weir__pool_place(pool,
					stall->worker)], thread);
	weir__pool_log(pool, WEIR_LOG_WARNING,
		       "%s %s %s %s, token %#" PRIx64 ": a turn of %" PRIu64
		       " ms", thread, words[stall->report],
		       weir_shm_kind_name(stall->kind), stall->name,
		       stall->token.bits, stall->duration / WEIR_NS_PER_MSEC);
}

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
		log_it(dog->pool, stall);
}

static const struct weir__view *view_of(const struct weir__watchdog *dog,
					const struct seen *seen)
{
	return dog->pool->threads[seen->place].reactor->view;
}

static void begin(struct weir__watchdog *dog, struct seen *seen,
		  weir_ns woke_at, weir_ns now)
{
	const struct weir__view *view = view_of(dog, seen);
	struct weir_record record = { .kind = WEIR_SHM_WAKE };
	const bool is_control = seen->place == weir__pool_control(dog->pool);

	weir__recorder_newest(view, &record);
	/* It may have gone on in the meantime. */
	if (weir__tally_get(&view->woke_at) != woke_at)
		return;
	weir__symbol_name(record.handler, seen->name,
			  sizeof(seen->name));
	seen->woke_at = woke_at;
	seen->delays_free = false;
	seen->stall = (struct weir_stall){
		.worker = is_control ? WEIR_CONTROL : seen->place,
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
	const struct weir__view *view = view_of(dog, seen);
	weir_ns duration = now - seen->woke_at;

	/* Exact, unless another stall has ended since. */
	if (weir__tally_get(&view->stall_woke_at) == seen->woke_at)
		duration = weir__tally_get(&view->stall_ns);
	seen->woke_at = 0;
	report(dog, seen, WEIR_STALL_ENDED, duration);
}

static void look_at(struct weir__watchdog *dog, struct seen *seen)
{
	const weir_ns woke_at = weir__tally_see(&view_of(dog, seen)->woke_at);
	const weir_ns now = weir__clock_now();
	weir_ns grace;

	if (seen->woke_at && woke_at != seen->woke_at)
		end(dog, seen, now);
	if (woke_at == 0 || woke_at >= now || dog->options.limit == 0 ||
	    now - woke_at <= dog->options.limit)
		return;
	if (!seen->woke_at)
		begin(dog, seen, woke_at, now);
	grace = weir__reclaim_waits_since(dog->pool);
	if (seen->woke_at && !seen->delays_free && grace >= woke_at) {
		seen->delays_free = true;
		report(dog, seen, WEIR_STALL_DELAYS_FREE, now - woke_at);
	}
}

static void look_at_workers(struct weir__watchdog *dog)
{
	for (int i = 0; i < dog->pool->workers; i++)
		look_at(dog, &dog->threads[i]);
}

static void look(struct weir_reactor *control, struct weir_timer *timer,
		 void *data)
{
	struct weir__watchdog *dog = data;
	bool is_taken;

	(void)control;
	(void)timer;
	pthread_mutex_lock(&dog->lock);
	is_taken = dog->is_looking;				/* D1 */
	dog->is_looking = true;
	pthread_mutex_unlock(&dog->lock);
	if (is_taken)
		return;
	dog->control_looks = true;
	look_at_workers(dog);
	dog->control_looks = false;
	pthread_mutex_lock(&dog->lock);
	dog->is_looking = false;
	pthread_mutex_unlock(&dog->lock);
}

/* With the lock, which is let go of meanwhile: D3. */
static void look_at_control(struct weir__watchdog *dog)
{
	struct seen *control = &dog->threads[weir__pool_control(dog->pool)];

	if (dog->is_looking)					/* D1 */
		return;
	dog->is_looking = true;
	pthread_mutex_unlock(&dog->lock);
	look_at(dog, control);
	if (control->woke_at || weir__life_get(&dog->pool->life) ==
				WEIR_POOL_STOPPED)
		look_at_workers(dog);				/* D2, D4 */
	pthread_mutex_lock(&dog->lock);
	dog->is_looking = false;
	pthread_cond_broadcast(&dog->changed);
}

static weir_ns period(weir_ns limit)
{
	return limit / 2 < WEIR_NS_PER_MSEC ? WEIR_NS_PER_MSEC : limit / 2;
}

/* With the lock: wait for the next look, or for a change. */
static void rest(struct weir__watchdog *dog)
{
	const weir_ns until = weir__clock_now() + period(dog->options.limit);
	const struct timespec at = {
		.tv_sec = (time_t)(until / WEIR_NS_PER_SEC),
		.tv_nsec = (long)(until % WEIR_NS_PER_SEC),
	};

	if (dog->options.limit == 0)
		pthread_cond_wait(&dog->changed, &dog->lock);
	else
		pthread_cond_timedwait(&dog->changed, &dog->lock, &at);
}

static void *dog_main(void *arg)
{
	struct weir__watchdog *dog = arg;

	pthread_mutex_lock(&dog->lock);
	while (!dog->is_stopping) {
		rest(dog);
		look_at_control(dog);
	}
	/* The last one may have begun before all had ended. */
	look_at_control(dog);					/* D4 */
	pthread_mutex_unlock(&dog->lock);
	return NULL;
}

int weir__watchdog_run(struct weir_pool *pool)
{
	struct weir__watchdog *dog = pool->watchdog;
	char name[16];
	int err;

	if (!dog || dog->is_started)
		return 0;
	snprintf(name, sizeof(name), "%s/dog", pool->name);
	err = weir__thread_start(&dog->thread, name, dog_main, dog);
	dog->is_started = err == 0;
	return err;
}

void weir__watchdog_stop(struct weir_pool *pool)
{
	struct weir__watchdog *dog = pool->watchdog;

	if (!dog || !dog->is_started)
		return;
	pthread_mutex_lock(&dog->lock);
	dog->is_stopping = true;
	pthread_cond_broadcast(&dog->changed);
	pthread_mutex_unlock(&dog->lock);
	pthread_join(dog->thread, NULL);
	dog->is_started = false;
}

static void init_lock(struct weir__watchdog *dog)
{
	pthread_condattr_t attr;

	/* None of these fails in glibc with values such as ours. */
	pthread_mutex_init(&dog->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dog->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static int make(struct weir_pool *pool)
{
	const int threads = weir__pool_threads(pool);
	struct weir__watchdog *dog;
	int err;

	dog = calloc(1, sizeof(*dog) +
			(size_t)threads * sizeof(dog->threads[0]));
	if (!dog)
		return -ENOMEM;
	dog->pool = pool;
	for (int i = 0; i < threads; i++)
		dog->threads[i].place = i;
	err = weir_timer_new(weir__pool_reactor(pool, WEIR_CONTROL), look, dog,
			     &dog->timer);
	if (err < 0) {
		free(dog);
		return err;
	}
	init_lock(dog);
	pool->watchdog = dog;
	return 0;
}

static void set_limit(struct weir_pool *pool, weir_ns limit)
{
	for (int i = 0; i < weir__pool_threads(pool); i++)
		weir__tally_set(&pool->threads[i].reactor->view->stall_limit,
				limit ? limit : UINT64_MAX);
}

/*
 * Whoever looks goes on with what it has read.  If that is a callback of ours
 * that called us, on control, nobody else does; else it is the dog, and the
 * caller may free what its function uses once we have returned.
 */
static void set_options(struct weir__watchdog *dog,
			const struct weir_watchdog_options *options)
{
	pthread_mutex_lock(&dog->lock);
	while (dog->is_looking && !dog->control_looks)
		pthread_cond_wait(&dog->changed, &dog->lock);
	dog->options = *options;
	for (int i = 0; options->limit == 0 &&
			i < weir__pool_threads(dog->pool); i++)
		dog->threads[i].woke_at = 0;
	pthread_cond_broadcast(&dog->changed);
	pthread_mutex_unlock(&dog->lock);
}

/* Control is watched only while there is such a thread. */
static int start_thread(struct weir_pool *pool)
{
	switch (weir__life_get(&pool->life)) {
	case WEIR_POOL_NEW:		/* weir_pool_start() will */
	case WEIR_POOL_STOPPED:
		return 0;
	case WEIR_POOL_RUNNING:
	case WEIR_POOL_DRAINING:
	case WEIR_POOL_STOPPING:
		break;
	}
	return weir__watchdog_run(pool);
}

/* In its last look, when control calls are allowed on any thread. */
static bool is_dog(const struct weir__watchdog *dog)
{
	return dog && dog->is_started &&
	       pthread_equal(dog->thread, pthread_self());
}

int weir_watchdog_start(struct weir_pool *pool,
			const struct weir_watchdog_options *options)
{
	int err = weir__pool_check_control(pool);

	if (err == 0 && is_dog(pool->watchdog))
		err = -EBUSY;
	if (err < 0)
		return err;
	if (!options || options->size != sizeof(*options) ||
	    (options->limit > 0 && options->limit < WEIR_NS_PER_MSEC))
		return -EINVAL;
	if (!pool->watchdog)
		err = make(pool);
	if (err == 0)
		err = start_thread(pool);
	if (err < 0)
		return err;
	set_options(pool->watchdog, options);
	set_limit(pool, options->limit);
	if (options->limit == 0)
		return weir_timer_stop(pool->watchdog->timer);
	return weir_timer_start_every(pool->watchdog->timer,
				      period(options->limit));
}

/* Its timer has gone, or goes, with the control thread's reactor. */
void weir__watchdog_close(struct weir_pool *pool)
{
	struct weir__watchdog *dog = pool->watchdog;

	if (!dog)
		return;
	pthread_cond_destroy(&dog->changed);
	pthread_mutex_destroy(&dog->lock);
	free(dog);
	pool->watchdog = NULL;
}
