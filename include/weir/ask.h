/* SPDX-License-Identifier: MIT */
#ifndef WEIR_ASK_H
#define WEIR_ASK_H

/*
 * weir/ask.h - call a function on a worker and wait for what it returns
 *
 * For threads that are not of the pool, and can afford to sleep.  The question
 * travels in the same queue as the thread's messages, behind those sent before.
 *
 * Who has @arg afterwards:
 *
 *     -EINPROGRESS    the function is running: release(arg) is called on its
 *                     thread when it has returned, once
 *     anything else   the caller, as before: the function has returned, or has
 *                     not been called and never will be
 *
 * With NULL for release -EINPROGRESS is never returned: a limit that is met
 * while the function runs is not heeded.  So @arg may stand on the caller's
 * stack.
 */
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;

/* @data is that of the token's source; NULL with weir_ask(). */
typedef int64_t weir_ask_fn(struct weir_reactor *r, void *arg, void *data);

/* Nobody uses @arg any more. */
typedef void weir_ask_release_fn(void *arg);

/**
 * weir_ask() - call a function on a worker, and wait
 * @pool:       the pool; it must not be freed meanwhile
 * @worker:     0 .. workers - 1, or WEIR_CONTROL
 * @fn:         the function
 * @arg:        passed to it
 * @release:    see above; or NULL
 * @limit:      how long to wait, from now; WEIR_FOREVER: no limit
 * @ret_result: receives what @fn returned; or NULL
 *
 * A pool that has not been started answers when it has.  A thread of another
 * pool may ask, but two pools that ask each other may wait for ever; and what
 * weir_snapshot_get() gave it before must not be used after.
 *
 * Threads: any, but none of @pool.
 * Return:  0, -ETIMEDOUT (@limit was met; @fn is not called any more),
 *          -EINPROGRESS (@limit was met while @fn runs), -EDEADLK (on a thread
 *          of @pool), -EINVAL (no such worker, or @fn is NULL), -EAGAIN (the
 *          queue to this worker is full), -ECANCELED (the pool has stopped;
 *          @fn was not called), -ENOMEM or -ECHILD.
 */
int weir_ask(struct weir_pool *pool, int worker, weir_ask_fn *fn, void *arg,
	     weir_ask_release_fn *release, weir_ns limit, int64_t *ret_result);

/**
 * weir_ask_token() - call a function where a token lives, and wait
 * @token: a source of @pool
 *
 * The rest is as in weir_ask().
 *
 * Threads: any, but none of @pool.
 * Return:  as weir_ask(); -ESTALE (the token has ended; @fn was not called) or
 *          -EINVAL (also: @token is none or another pool's).
 */
int weir_ask_token(struct weir_pool *pool, weir_token token, weir_ask_fn *fn,
		   void *arg, weir_ask_release_fn *release, weir_ns limit,
		   int64_t *ret_result);

WEIR_END_DECLS

#endif /* WEIR_ASK_H */
