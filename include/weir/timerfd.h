/* SPDX-License-Identifier: MIT */
#ifndef WEIR_TIMERFD_H
#define WEIR_TIMERFD_H

/*
 * weir/timerfd.h - timers of the kernel, on the clock of your choice
 *
 * For what weir/timer.h, which costs much less, cannot do: to go on while the
 * machine is suspended, to follow the wall clock, to have each expiration
 * counted, to be as exact as the kernel.  Each has a descriptor of its own
 * and costs a system call to start, to stop and to fire.
 *
 *     CLOCK_MONOTONIC  stands still in suspend, is set by nobody
 *     CLOCK_BOOTTIME   goes on in suspend: what came due meanwhile is told at
 *                      the resume; it wakes no machine up
 *     CLOCK_REALTIME   the wall clock: for points in time by the calendar.
 *                      From when it is started, a delay on it is measured as
 *                      CLOCK_MONOTONIC measures it
 *
 * In a time namespace the first two are those of the namespace.
 *
 * When the wall clock is set, by hand or by a jump of NTP's (it slews without
 * a jump), a deadline on it may have become wrong, or have gone by unseen.  So
 * a timer with an absolute deadline on CLOCK_REALTIME is stopped then, and its
 * function is told -ECANCELED: it looks at the clock and starts it again.
 *
 * It is a source: its token takes messages, weir_source_move() takes it to
 * another worker with its deadline, and calls it there.  It is ended by
 * weir_timerfd_close() only, not by weir_source_remove() or _close().  It does
 * not hold up a drain.
 *
 * In a forked child the timers are the parent's, whose descriptors they share:
 * weir_reactor_after_fork() closes them there, without a call.
 */
#include <stdint.h>
#include <time.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;

/*
 * @expirations: how many periods ended since the last call, 1 ..; 0 if @error
 * @error:       0; or, and it is stopped then:
 *               -ECANCELED  the wall clock was set
 *               -EIO        or another answer of the kernel to a read
 *               or, and it is closed then, with its token gone:
 *               -ESHUTDOWN  its reactor ends
 *               -EBADF      its descriptor was closed behind its back
 *               -ENOSPC, -ENOMEM  the worker that it came to cannot watch it
 *
 * May start, stop and close any, the one that calls included.
 */
typedef void weir_timerfd_fn(struct weir_reactor *r, weir_token token,
			     uint64_t expirations, int error, void *data);

/* The value is a point in time, not a delay. */
#define WEIR_TIMERFD_ABSOLUTE 0x1u

/**
 * weir_timerfd_open() - make a timer, stopped
 * @r:         the reactor
 * @clock:     CLOCK_MONOTONIC, CLOCK_BOOTTIME or CLOCK_REALTIME
 * @fn:        called when it fires
 * @data:      passed to @fn
 * @ret_token: receives its name
 *
 * Threads: owner only.
 * Owns:    the caller closes it; what is left is closed with the reactor, and
 *          @fn is told so.  @data stays the caller's.
 * Return:  0, -EINVAL (another clock, or @fn is NULL), -EMFILE, -ENFILE,
 *          -ENODEV, -ENOMEM, -ENOSPC (as weir_source_add()), -ECANCELED (the
 *          reactor has stopped) or -ECHILD.
 */
int weir_timerfd_open(struct weir_reactor *r, clockid_t clock,
		      weir_timerfd_fn *fn, void *data, weir_token *ret_token);

/**
 * weir_timerfd_start() - fire
 * @r:      the reactor that has it
 * @token:  the timer; if it runs it is restarted, and what has expired and was
 *          not told is forgotten
 * @value:  ns from now, 0: at once; or, ABSOLUTE, ns on its clock, one that has
 *          gone by: at once
 * @period: ns; after @value again at each multiple of it, however late the
 *          calls are; 0: once
 * @flags:  0 or WEIR_TIMERFD_ABSOLUTE
 *
 * Never early.  Times past the end of time, 292 years, never come.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE (no timer of this kind on @r), -EINVAL (an unknown flag),
 *          -EBADF (its descriptor was closed behind its back) or -ECHILD.
 */
int weir_timerfd_start(struct weir_reactor *r, weir_token token, weir_ns value,
		       weir_ns period, unsigned flags);

/**
 * weir_timerfd_stop() - do not fire
 * @r:     the reactor that has it
 * @token: the timer; nothing happens if it does not run
 *
 * After it returns its function is not called, even if it was due already and
 * the kernel has said so, until it is started again.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE (no timer of this kind on @r) or -ECHILD.
 */
int weir_timerfd_stop(struct weir_reactor *r, weir_token token);

/**
 * weir_timerfd_close() - stop it, and give it back
 * @r:     the reactor that has it
 * @token: the timer
 *
 * After it returns its function is not called.  Messages on their way to
 * @token go to their undeliverable function.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE (no timer of this kind on @r) or -ECHILD.
 */
int weir_timerfd_close(struct weir_reactor *r, weir_token token);

WEIR_END_DECLS

#endif /* WEIR_TIMERFD_H */
