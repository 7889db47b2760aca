/* SPDX-License-Identifier: MIT */
#ifndef WEIR_TIMER_H
#define WEIR_TIMER_H

/*
 * weir/timer.h - timers of a reactor
 *
 * A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical
 * Timing Wheels", 1987): start, stop and restart are O(1) whatever the number
 * of timers.  Its tick is 65,536 ns.  A timer never fires before its deadline,
 * and in an idle reactor at most a tick and the kernel's wake-up after it.
 * Timers fire in the order of their deadlines' ticks.
 *
 * All deadlines and periods are on CLOCK_MONOTONIC.  To set the wall clock, or
 * to let NTP step it, neither hastens nor delays a timer.  A suspended machine
 * does not count: what was left of a delay is left of it at the resume.  For
 * timers that go on in suspend, or that follow the wall clock, see
 * weir/timerfd.h.
 */
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;
struct weir_timer;

/* May start, stop or free any timer of its reactor, @t included. */
typedef void weir_timer_fn(struct weir_reactor *r, struct weir_timer *t,
			   void *data);

/**
 * weir_timer_new() - make a timer, stopped
 * @r:         the reactor it belongs to
 * @fn:        called when it fires
 * @data:      passed to @fn
 * @ret_timer: receives the timer
 *
 * Threads: owner only.
 * Owns:    the caller frees it; what is left is freed with the reactor.
 * Return:  0, -EINVAL (@fn is NULL), -ENOMEM or -ECHILD.
 */
int weir_timer_new(struct weir_reactor *r, weir_timer_fn *fn, void *data,
		   struct weir_timer **ret_timer);

/**
 * weir_timer_new_for() - make a timer that belongs to a source, stopped
 * @r:         the reactor
 * @token:     the source
 * @fn:        called when it fires, on the thread that has the source then
 * @data:      passed to @fn
 * @ret_timer: receives the timer
 *
 * It moves with its source (weir/move.h): what is left of its time runs on,
 * and @fn is called on the new thread.  It ends with its source.
 *
 * Threads: owner only; so are all calls on the timer, of whichever thread has
 *          the source.
 * Owns:    freed with the source, or before that by weir_timer_free().
 * Return:  0, -ESTALE (@token names no source of @r), -EINVAL (@fn is NULL),
 *          -ENOMEM or -ECHILD.
 */
int weir_timer_new_for(struct weir_reactor *r, weir_token token,
		       weir_timer_fn *fn, void *data,
		       struct weir_timer **ret_timer);

/**
 * weir_timer_free() - stop and free a timer
 * @t: the timer, or NULL
 *
 * Threads: owner only.
 * Return:  NULL.
 */
struct weir_timer *weir_timer_free(struct weir_timer *t);

/**
 * weir_timer_start() - fire once, some time from now
 * @t:     the timer; if it runs it is restarted
 * @delay: from weir_reactor_now(); 0: in the next turn
 *
 * A delay that leads past the end of time never fires.
 *
 * Threads: owner only.
 * Return:  0 or -ECHILD.
 */
int weir_timer_start(struct weir_timer *t, weir_ns delay);

/**
 * weir_timer_start_at() - fire once, at a point in time
 * @t:        the timer; if it runs it is restarted
 * @deadline: CLOCK_MONOTONIC; one that is not after weir_reactor_now() fires in
 *            the next turn
 *
 * Threads: owner only.
 * Return:  0 or -ECHILD.
 */
int weir_timer_start_at(struct weir_timer *t, weir_ns deadline);

/**
 * weir_timer_start_every() - fire again and again
 * @t:      the timer; if it runs it is restarted
 * @period: at least 1; the n-th call is due n periods from now, so a late call
 *          does not shift the later ones; periods missed altogether are skipped
 *
 * Threads: owner only.
 * Return:  0, -EINVAL (@period is 0) or -ECHILD.
 */
int weir_timer_start_every(struct weir_timer *t, weir_ns period);

/**
 * weir_timer_stop() - do not fire
 * @t: the timer; nothing happens if it does not run
 *
 * After it returns the timer does not fire, even if it was due already.
 *
 * Threads: owner only.
 * Return:  0 or -ECHILD.
 */
int weir_timer_stop(struct weir_timer *t);

/**
 * weir_timer_is_running() - whether it will fire
 * @t: the timer
 *
 * Threads: owner only.
 * Return:  1 or 0.
 */
int weir_timer_is_running(const struct weir_timer *t);

WEIR_END_DECLS

#endif /* WEIR_TIMER_H */
