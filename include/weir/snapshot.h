/* SPDX-License-Identifier: MIT */
#ifndef WEIR_SNAPSHOT_H
#define WEIR_SNAPSHOT_H

/*
 * weir/snapshot.h - a read-mostly object, such as a configuration
 *
 * The control thread publishes a new object; workers read the newest one with
 * one load and no lock.  The old one is freed, on the control thread, after
 * every worker has passed the end of a turn (RCU, quiescent-state based:
 * McKenney and Slingwine, 1998; liburcu).  A worker that is stuck delays only
 * the freeing.
 */
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_snapshot;

/* Frees what was published; called on the control thread or by
 * weir_snapshot_free(). */
typedef void weir_snapshot_free_fn(void *object, void *data);

/**
 * weir_snapshot_new() - make a snapshot with a first object
 * @pool:         the pool whose workers read it
 * @object:       what is published first, or NULL
 * @fn:           frees an object that nobody can see any more
 * @data:         passed to @fn
 * @ret_snapshot: receives the snapshot, which the caller frees
 *
 * Threads: the one that made the pool before weir_pool_start(); later, the
 *          control thread.
 * Owns:    @object belongs to the snapshot from here on; on failure it stays
 *          the caller's.
 * Return:  0, -EINVAL (@fn is NULL), -ENOMEM, -EBUSY (another thread) or
 *          -ECHILD.
 */
int weir_snapshot_new(struct weir_pool *pool, void *object,
		      weir_snapshot_free_fn *fn, void *data,
		      struct weir_snapshot **ret_snapshot);

/**
 * weir_snapshot_free() - free a snapshot and the object it publishes
 * @snapshot: the snapshot, or NULL
 *
 * Threads: any, once the pool has stopped (after weir_pool_join(), before
 *          weir_pool_free()).
 * Return:  NULL.
 */
struct weir_snapshot *weir_snapshot_free(struct weir_snapshot *snapshot);

/**
 * weir_snapshot_get() - the object published last
 * @snapshot: the snapshot
 *
 * Threads: the pool's workers and its control thread, within a handler; the
 *          object may be used until the handler returns.  Before
 *          weir_pool_start() and after weir_pool_join(): any.
 * Return:  the object, or NULL if none was published.
 */
void *weir_snapshot_get(const struct weir_snapshot *snapshot);

/**
 * weir_snapshot_publish() - put a new object in the place of the old one
 * @snapshot: the snapshot
 * @object:   the new object, or NULL; complete: it is not changed from here on
 *
 * Threads: as weir_snapshot_new().
 * Owns:    @object belongs to the snapshot from here on; on failure it stays
 *          the caller's.
 * Return:  0, -ENOMEM, -EBUSY (another thread) or -ECHILD.
 */
int weir_snapshot_publish(struct weir_snapshot *snapshot, void *object);

WEIR_END_DECLS

#endif /* WEIR_SNAPSHOT_H */
