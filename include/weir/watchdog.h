/* SPDX-License-Identifier: MIT */
#ifndef WEIR_WATCHDOG_H
#define WEIR_WATCHDOG_H

/*
 * weir/watchdog.h - which handler keeps its worker from everything else
 *
 * A thread of a pool runs one handler at a time, and while one does not return
 * all its other sources, timers and messages wait.  The control thread looks at
 * the workers now and then, and says which turn has become too long, where it
 * is, and when it ended.  A thread of its own, NAME/dog, looks at the control
 * thread, and at the workers too while that is stalled.
 *
 * Who is watched pays nothing for it: the flight recorder (weir/recorder.h)
 * says what it is in.  A stall that begins and ends between two looks is not
 * reported, but counted: weir_stats.stalls counts each.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>
#include <weir/shm.h>

WEIR_BEGIN_DECLS

struct weir_pool;

enum weir_stall_report {
	WEIR_STALL_BEGAN,	/* once for each stall */
	WEIR_STALL_ENDED,	/* once for each that was reported, at the
				   latest when the pool has ended */
	WEIR_STALL_DELAYS_FREE	/* at most once: the stalled thread holds up
				   the freeing of replaced snapshots */
};

struct weir_stall {
	enum weir_stall_report report;
	int worker;		/* or WEIR_CONTROL */
	weir_ns duration;	/* of the turn: so far, or when it had ended */
	/* Where the thread was when the stall was found. */
	enum weir_shm_kind kind;/* WEIR_SHM_WAKE: in no handler */
	weir_token token;	/* none for a post and for a timer */
	uintptr_t handler;	/* address of the function; 0: in none */
	const char *name;	/* its name, or "module+0x1234" if it is not
				   exported; valid during the call */
	weir_ns in_handler;	/* for how long it had been in it */
};

/*
 * Called on the control thread; while that is stalled, about its own stall and
 * about what is left when the pool's threads have ended, on the thread NAME/dog,
 * from which weir_watchdog_start() is -EBUSY.  Never on two threads at a time.
 */
typedef void weir_stall_fn(struct weir_pool *pool,
			   const struct weir_stall *stall, void *data);

struct weir_watchdog_options {
	size_t size;		/* sizeof(struct weir_watchdog_options) */
	weir_ns limit;		/* a longer turn is a stall; at least 1 ms;
				   0: look no more */
	weir_stall_fn *fn;	/* or NULL: a line in the pool's log instead */
	void *data;		/* for fn */
};

/**
 * weir_watchdog_start() - report stalls from now on
 * @pool:    the pool
 * @options: limit and function; a second call replaces those of the first
 *
 * Off until it is called: then the control thread and NAME/dog each wake up
 * twice in @limit (at most 1,000 times a second) to look.  A stall is found at
 * the latest when it is one and a half limits old; a worker's, while the control
 * thread is stalled as well, at the latest when that stall is found.
 *
 * When it returns, the function of an earlier call is not running and will not
 * be called any more, unless it is the caller.
 *
 * Threads: the one that made the pool before weir_pool_start(); later, the
 *          control thread.
 * Return:  0, -EINVAL (options->size or .limit), -ENOMEM, -EAGAIN (no thread
 *          can be started; before weir_pool_start() it is that which says so),
 *          -EBUSY (another thread) or -ECHILD.
 */
int weir_watchdog_start(struct weir_pool *pool,
			const struct weir_watchdog_options *options);

WEIR_END_DECLS

#endif /* WEIR_WATCHDOG_H */
