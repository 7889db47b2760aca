/* SPDX-License-Identifier: MIT */
/*
 * pool/snapshot.c - read-mostly objects
 *
 * An object that was replaced goes to the thread NAME/rcu, which waits for a
 * grace period and sends it to the control thread to be freed there: nobody
 * else ever waits, however long a worker is stuck in a handler. A grace
 * period serves all objects that came before it began.
 *
 * G1  Readers got the pointer within a handler, that is within a read-side
 *     critical section of theirs, and dropped it before its end.
 * G2  The pointer was replaced before the object came here, so the sections
 *     that may still see it had begun before the grace period did.
 */
#include <weir/snapshot.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pool/pool.h"
#include "sync/cell.h"
#include "sync/rcu.h"
#include "sync/tally.h"
#include "sys/clock.h"
#include "sys/fork.h"
#include "sys/thread.h"

struct weir_snapshot {
	struct weir__cell cell;
	struct weir_pool *pool;
	weir_snapshot_free_fn *fn;
	void *data;
};

struct retired {
	struct weir__list link;
	void *object;
	weir_snapshot_free_fn *fn;
	void *data;
};

struct weir__reclaim {
	struct weir_pool *pool;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct weir__list waiting;	/* under lock: before their grace */
	struct weir__list done;		/* under lock: may be freed */
	struct weir__list graces;	/* under lock: others that wait */
	bool is_stopping;		/* under lock */
	struct weir__tally waits_since;	/* its thread's */
};

static void free_list(struct weir__list *list)
{
	struct weir__list *node;

	while ((node = weir__list_take(list)) != NULL) {
		struct retired *old = WEIR__CONTAINER(node, struct retired,
						      link);

		old->fn(old->object, old->data);
		free(old);
	}
}

/* On the control thread. */
static void free_done(struct weir_reactor *control, const struct weir_msg *msg,
		      void *data)
{
	struct weir__reclaim *reclaim = msg->arg;
	struct weir__list list;

	(void)control;
	(void)data;
	weir__list_init(&list);
	pthread_mutex_lock(&reclaim->lock);
	weir__list_splice(&list, &reclaim->done);
	pthread_mutex_unlock(&reclaim->lock);
	free_list(&list);
}

/* No undeliverable function: weir__reclaim_close() frees what is left. */
static const struct weir_call free_done_call = { .run = free_done };

/* With the lock: tell the control thread; a full queue is tried again. */
static void tell_control(struct weir__reclaim *reclaim)
{
	while (!reclaim->is_stopping &&
	       weir__post_reserved(reclaim->pool, WEIR_CONTROL,
				   &free_done_call, reclaim, 0) == -EAGAIN) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 1;
		pthread_cond_timedwait(&reclaim->changed, &reclaim->lock,
				       &until);
	}
}

static void tell_graces(struct weir__list *graces)
{
	struct weir__list *node;

	while ((node = weir__list_take(graces)) != NULL) {
		struct weir__grace *g = WEIR__CONTAINER(node,
						struct weir__grace, link);

		g->fn(g);
	}
}

static void *reclaim_main(void *arg)
{
	struct weir__reclaim *reclaim = arg;
	struct weir__list batch, graces;

	weir__list_init(&batch);
	weir__list_init(&graces);
	pthread_mutex_lock(&reclaim->lock);
	while (!reclaim->is_stopping) {
		if (weir__list_is_empty(&reclaim->waiting) &&
		    weir__list_is_empty(&reclaim->graces)) {
			pthread_cond_wait(&reclaim->changed, &reclaim->lock);
			continue;
		}
		weir__list_splice(&batch, &reclaim->waiting);
		weir__list_splice(&graces, &reclaim->graces);
		pthread_mutex_unlock(&reclaim->lock);
		weir__tally_set(&reclaim->waits_since, weir__clock_now());
		weir__rcu_wait();
		weir__tally_set(&reclaim->waits_since, 0);
		tell_graces(&graces);
		pthread_mutex_lock(&reclaim->lock);
		if (weir__list_is_empty(&batch))
			continue;
		weir__list_splice(&reclaim->done, &batch);
		tell_control(reclaim);
	}
	pthread_mutex_unlock(&reclaim->lock);
	return NULL;
}

weir_ns weir__reclaim_waits_since(const struct weir_pool *pool)
{
	return pool->reclaim ? weir__tally_get(&pool->reclaim->waits_since) : 0;
}

static int make_reclaim(struct weir_pool *pool)
{
	struct weir__reclaim *reclaim = calloc(1, sizeof(*reclaim));

	if (!reclaim)
		return -ENOMEM;
	reclaim->pool = pool;
	pthread_mutex_init(&reclaim->lock, NULL);
	pthread_cond_init(&reclaim->changed, NULL);
	weir__list_init(&reclaim->waiting);
	weir__list_init(&reclaim->done);
	weir__list_init(&reclaim->graces);
	pool->reclaim = reclaim;
	return 0;
}

void weir__reclaim_grace(struct weir_pool *pool, struct weir__grace *grace)
{
	struct weir__reclaim *reclaim = pool->reclaim;

	pthread_mutex_lock(&reclaim->lock);
	weir__list_push(&reclaim->graces, &grace->link);
	pthread_cond_signal(&reclaim->changed);
	pthread_mutex_unlock(&reclaim->lock);
}

int weir__reclaim_start(struct weir_pool *pool)
{
	char name[16];
	int err = 0;

	if (!pool->reclaim)
		err = make_reclaim(pool);
	if (err < 0)
		return err;
	snprintf(name, sizeof(name), "%s/rcu", pool->name);
	err = weir__thread_start(&pool->reclaim->thread, name, reclaim_main,
				 pool->reclaim);
	pool->reclaim->is_started = err == 0;
	return err;
}

void weir__reclaim_stop(struct weir_pool *pool)
{
	struct weir__reclaim *reclaim = pool->reclaim;

	if (!reclaim || !reclaim->is_started)
		return;
	pthread_mutex_lock(&reclaim->lock);
	reclaim->is_stopping = true;
	pthread_cond_broadcast(&reclaim->changed);
	pthread_mutex_unlock(&reclaim->lock);
	pthread_join(reclaim->thread, NULL);
	reclaim->is_started = false;
}

/* All threads have ended: no grace period is needed any more. */
void weir__reclaim_close(struct weir_pool *pool)
{
	struct weir__reclaim *reclaim = pool->reclaim;

	if (!reclaim)
		return;
	free_list(&reclaim->waiting);
	free_list(&reclaim->done);
	pthread_cond_destroy(&reclaim->changed);
	pthread_mutex_destroy(&reclaim->lock);
	free(reclaim);
	pool->reclaim = NULL;
}

int weir_snapshot_new(struct weir_pool *pool, void *object,
		      weir_snapshot_free_fn *fn, void *data,
		      struct weir_snapshot **ret_snapshot)
{
	struct weir_snapshot *snapshot;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!fn)
		return -EINVAL;
	snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return -ENOMEM;
	if (!pool->reclaim)
		err = make_reclaim(pool);
	if (err < 0) {
		free(snapshot);
		return err;
	}
	weir__cell_init(&snapshot->cell, object);
	snapshot->pool = pool;
	snapshot->fn = fn;
	snapshot->data = data;
	*ret_snapshot = snapshot;
	return 0;
}

struct weir_snapshot *weir_snapshot_free(struct weir_snapshot *snapshot)
{
	struct weir__reclaim *reclaim;
	void *object;

	if (!snapshot ||
	    weir__fork_happened(snapshot->pool->fork_generation))
		return NULL;
	/* Its earlier objects may depend on @data, which may go with it. */
	reclaim = snapshot->pool->reclaim;
	free_list(&reclaim->waiting);
	free_list(&reclaim->done);
	object = weir__cell_get(&snapshot->cell);
	if (object)
		snapshot->fn(object, snapshot->data);
	free(snapshot);
	return NULL;
}

void *weir_snapshot_get(const struct weir_snapshot *snapshot)
{
	return weir__cell_get(&snapshot->cell);
}

int weir_snapshot_publish(struct weir_snapshot *snapshot, void *object)
{
	struct weir__reclaim *reclaim = snapshot->pool->reclaim;
	struct retired *old;
	int err = weir__pool_check_control(snapshot->pool);

	if (err < 0)
		return err;
	old = malloc(sizeof(*old));
	if (!old)
		return -ENOMEM;
	*old = (struct retired){ .fn = snapshot->fn, .data = snapshot->data };
	old->object = weir__cell_swap(&snapshot->cell, object);
	if (!old->object) {
		free(old);
		return 0;
	}
	pthread_mutex_lock(&reclaim->lock);
	weir__list_push(&reclaim->waiting, &old->link);
	pthread_cond_signal(&reclaim->changed);
	pthread_mutex_unlock(&reclaim->lock);
	return 0;
}
