/* SPDX-License-Identifier: MIT */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

/*
 * weir/pool.h - worker threads and one control thread
 *
 *     NEW --start--> RUNNING --drain--> DRAINING --(done | deadline)--+
 *      |                |                                             |
 *      |                +-----stop------------------> STOPPING <------+
 *      +--stop--> STOPPED <--(threads ended)------------+
 *
 * Which calls may run at the same time (X: not at the same time, on one pool)
 *
 *                  new start post send drain stop state stats join free
 *     start         X    X    -    -    -    -     -     -    X    X
 *     post, send    X    -    -    -    -    -     -     -    -    X
 *     drain, stop   X    -    -    -    -    -     -     -    -    X
 *     state, stats  X    -    -    -    -    -     -     -    -    X
 *     join          X    X    -    -    -    -     -     -    X    X
 *     free          X    X    X    X    X    X     X     X    X    X
 */
#include <stddef.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;

/* Levels of the log, as in syslog(3). */
#define WEIR_LOG_ERROR 3
#define WEIR_LOG_WARNING 4
#define WEIR_LOG_INFO 6

/* @text is one line without its newline, valid during the call. */
typedef void weir_log_fn(int level, const char *text, void *data);

/* Called on each worker's thread; a negative errno makes the start fail. */
typedef int weir_worker_start_fn(struct weir_reactor *r, void *data);

/* Called on each worker's thread, after its sources have ended. */
typedef void weir_worker_stop_fn(struct weir_reactor *r, void *data);

/* The pool serves no signals and touches no mask. */
#define WEIR_POOL_NO_SIGNALS 0x1u
/* Worker n is pinned to the n-th CPU of the affinity mask. */
#define WEIR_POOL_PIN 0x2u

struct weir_pool_options {
	size_t size;		/* sizeof(struct weir_pool_options) */
	unsigned workers;	/* 1 .. 1024; 0: as many CPUs as we may use */
	unsigned flags;		/* WEIR_POOL_* */
	unsigned inbox_messages;/* other threads' queue to each worker,
				   64 .. 2^20, rounded up to a power of two;
				   default 4096 */
	unsigned ring_messages;	/* each queue between two workers, likewise;
				   default 1024 */
	weir_ns spin_ns;	/* how long a worker may look for messages
				   before it sleeps, where such waits have been
				   short lately; at most 1 ms; 0: not at all,
				   the default.  20 us to 100 us make sense.
				   Without effect if there are more workers
				   than CPUs that we may use.  It wants
				   WEIR_POOL_PIN: the kernel likes to wake a
				   thread where its waker runs, and two that
				   share a CPU only spin in each other's way */
	weir_ns drain_ns;	/* drain's time limit on SIGTERM; default 30 s */
	const char *name;	/* threads are NAME/0 .. NAME/ctl; at most 8
				   characters, default "weir"; copied */
	weir_worker_start_fn *on_start;	/* or NULL */
	weir_worker_stop_fn *on_stop;	/* or NULL */
	void *data;		/* for on_start and on_stop */
	weir_log_fn *log;	/* or NULL: say nothing */
	void *log_data;
};

enum weir_pool_state {
	WEIR_POOL_NEW,
	WEIR_POOL_RUNNING,
	WEIR_POOL_DRAINING,
	WEIR_POOL_STOPPING,
	WEIR_POOL_STOPPED
};

/**
 * weir_pool_new() - make a pool; no thread is started yet
 * @options:  or NULL
 * @ret_pool: receives the pool, which the caller frees
 *
 * Unless WEIR_POOL_NO_SIGNALS is given, blocks on the calling thread the
 * signals that the pool serves (TERM, INT, HUP, USR1, CHLD and those added
 * later), so that all threads started from now on block them too.  Make the
 * pool before any other thread.
 *
 * Threads: any.
 * Return:  0, -EINVAL (an option is out of range), -EMFILE or -ENFILE (two
 *          descriptors a thread, three for control; one more, which the pool
 *          can do without, for weir/shm.h), -ENOSPC (4,095 reactors and pools
 *          exist), -ENOTSUP (in a child that was forked while a pool of its
 *          parent ran) or -ENOMEM.
 */
int weir_pool_new(const struct weir_pool_options *options,
		  struct weir_pool **ret_pool);

/**
 * weir_pool_start() - start the threads
 * @pool: a pool that is NEW
 *
 * Returns when every thread runs.  On failure all of them have ended again,
 * and the pool is STOPPED; weir_pool_error() says more.
 *
 * Threads: the one that made the pool.
 * Return:  0, -EBUSY (started already), -ECANCELED (stopped before it was
 *          started), -EPERM (a thread of the process does not block a signal
 *          that the pool serves), -EMFILE or -ENFILE (no descriptor to read
 *          the threads' masks with), -ENOENT or -EACCES (nor a /proc), -EAGAIN
 *          or -ENOMEM (no thread can be made), -ENOSPC (max_user_watches is
 *          full), -EINVAL (WEIR_POOL_PIN, and the CPU is gone), what on_start
 *          returned, or -ECHILD.
 */
int weir_pool_start(struct weir_pool *pool);

/**
 * weir_pool_drain() - finish what is open, accept nothing new, then stop
 * @pool:  the pool
 * @limit: time for it, from now; WEIR_FOREVER: none
 *
 * Returns at once.  Listeners close; every source with a handler is called
 * once with WEIR_DRAINING; when no source with a descriptor is left on any
 * thread and the messages accepted before the drain have run, or at the limit,
 * the pool stops.  A second call can only shorten the limit.
 *
 * Threads: any.
 * Return:  0, -EINVAL (not started), -EAGAIN (the control thread's queue is
 *          full), -ENOMEM (as weir_post()) or -ECHILD.  A pool that has
 *          stopped is drained: 0.
 */
int weir_pool_drain(struct weir_pool *pool, weir_ns limit);

/**
 * weir_pool_stop() - end all threads now
 * @pool: the pool
 *
 * Returns at once.  Each worker ends its turn; every source with a handler is
 * called with WEIR_STOPPING and removed; messages left over go to their
 * undeliverable function with -ECANCELED.  Remembered if it comes before
 * weir_pool_start().
 *
 * Threads: any; async-signal-safe.
 * Return:  0 or -ECHILD.
 */
int weir_pool_stop(struct weir_pool *pool);

/**
 * weir_pool_join() - wait until all threads have ended
 * @pool: the pool; at once if it was never started
 *
 * On a thread of another pool: what weir_snapshot_get() gave it before this
 * call must not be used after it.
 *
 * Threads: one at a time, none of the pool's own.
 * Return:  0, -ETIMEDOUT (a drain met its limit and sources were ended),
 *          -EBADF or -ENOMEM (the pool has stopped because a thread could not
 *          wait for events any more; weir_pool_error() says which),
 *          -EDEADLK (called on a thread of this pool) or -ECHILD.
 */
int weir_pool_join(struct weir_pool *pool);

/**
 * weir_pool_free() - stop, join and free a pool
 * @pool: the pool, or NULL
 *
 * The signal mask is restored, bit by bit, if called on the thread that made
 * the pool.  In a forked child it does nothing.
 *
 * Threads: none of the pool's own; no other thread may be in a call on @pool.
 * Return:  NULL.
 */
struct weir_pool *weir_pool_free(struct weir_pool *pool);

/**
 * weir_pool_state() - where the pool is in its life
 * @pool: the pool
 *
 * Threads: any.
 * Return:  the state; it may have moved on when you read it.
 */
enum weir_pool_state weir_pool_state(const struct weir_pool *pool);

/**
 * weir_pool_workers() - how many workers the pool has
 * @pool: the pool
 *
 * Threads: any.
 * Return:  the number, not counting the control thread.
 */
int weir_pool_workers(const struct weir_pool *pool);

/**
 * weir_pool_describe() - say how many workers were chosen, and why
 * @pool: the pool
 *
 * Threads: any.
 * Return:  one line of text that lives as long as @pool.
 */
const char *weir_pool_describe(const struct weir_pool *pool);

/**
 * weir_pool_error() - what weir_pool_start() or weir_pool_join() failed of
 * @pool: the pool
 *
 * Threads: the one that called weir_pool_start().
 * Return:  one line of text that lives as long as @pool; "" if nothing failed.
 */
const char *weir_pool_error(const struct weir_pool *pool);

/**
 * weir_reactor_pool() - the pool a reactor belongs to
 * @r: the reactor
 *
 * Threads: any.
 * Return:  the pool, or NULL for a reactor that stands alone.
 */
struct weir_pool *weir_reactor_pool(const struct weir_reactor *r);

/**
 * weir_reactor_index() - the number of the worker a reactor belongs to
 * @r: the reactor
 *
 * Threads: any.
 * Return:  0 .. workers - 1; WEIR_CONTROL (-1) for the control thread; 0 for a
 *          reactor that stands alone.
 */
int weir_reactor_index(const struct weir_reactor *r);

WEIR_END_DECLS

#endif /* WEIR_POOL_H */
