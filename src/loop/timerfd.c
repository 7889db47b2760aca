/* SPDX-License-Identifier: MIT */
/*
 * loop/timerfd.c - timers of the kernel, as sources
 *
 * F1  The kernel counts expirations in the descriptor, and forgets them when
 *     the timer is set or disarmed.  An event says only "look": what a handler
 *     has not read before a stop, nobody reads after it.
 * F2  It counts what has expired, or else says that the clock was set, and
 *     forgets the count then: a deadline that the clock has jumped over is told
 *     in no other way, and a period may have ended with it.  So the timer is
 *     disarmed before its function is told, whatever was left of it.
 * F3  A timer is plain memory, and its source is its only way to a reactor: it
 *     moves.
 */
#include <weir/timerfd.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <weir/source.h>

#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/io.h"
#include "sys/timerfd.h"

struct timer {
	struct weir__attached attached;
	struct weir_reactor *reactor;	/* valid while it is attached */
	weir_token token;
	clockid_t clock;
	weir_timerfd_fn *fn;
	void *data;
	bool is_running;
	bool is_jumped;		/* the clock was set as it was started */
};

/* Threads: owner. */
static void end(struct weir_reactor *r, struct timer *t)
{
	weir__list_remove(&t->attached.link);
	weir_source_close(r, t->token);
	free(t);
}

/* The last that its function hears of it. */
static void fail(struct weir_reactor *r, struct timer *t, int error)
{
	weir_timerfd_fn *fn = t->fn;
	const weir_token token = t->token;
	void *data = t->data;

	end(r, t);
	fn(r, token, 0, error, data);
}

static void end_with_reactor(struct weir__attached *attached)
{
	struct timer *t = WEIR__CONTAINER(attached, struct timer, attached);

	fail(t->reactor, t, -ESHUTDOWN);
}

/* To set or to read it here would set or read the parent's. */
static void orphan(struct weir__attached *attached)
{
	struct timer *t = WEIR__CONTAINER(attached, struct timer, attached);

	end(t->reactor, t);
}

static void disarm(struct timer *t, int fd)
{
	t->is_running = false;
	t->is_jumped = false;
	/* It fails if the descriptor was closed behind our back only. */
	if (fd >= 0)
		weir__timerfd_set(fd, 0, 0, 0);
}

/* Its function may close it: nothing of @t is used after the call. */
static void look(struct weir_reactor *r, struct timer *t, int fd)
{
	uint64_t expirations = 0;
	ssize_t n;

	if (!t->is_running)
		return;
	n = t->is_jumped ? -ECANCELED :
	    weir__read(fd, &expirations, sizeof(expirations));
	if (n == -EAGAIN)
		return;			/* F1 */
	if (n >= 0 && n != sizeof(expirations))
		n = -EIO;
	if (n < 0)
		disarm(t, fd);		/* F2 */
	t->fn(r, t->token, n < 0 ? 0 : expirations, n < 0 ? (int)n : 0,
	      t->data);
}

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct timer *t = data;
	int err = 0;

	if (event->facts & WEIR_STOPPING) {
		fail(r, t, -ESHUTDOWN);
		return WEIR_DONE;
	}
	if (event->facts & WEIR_MOVED)
		err = weir__source_mend(r, t->token);
	else if (event->fd < 0)
		err = -EBADF;
	if (err < 0) {
		fail(r, t, err);
		return WEIR_DONE;
	}
	/* It does not count from here on; and it does not move any more. */
	if (event->facts & WEIR_DRAINING)
		weir__source_hide(r, t->token);
	if (event->facts & WEIR_READABLE)
		look(r, t, event->fd);
	return WEIR_DONE;
}

static bool is_clock(clockid_t clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
	       clock == CLOCK_REALTIME;
}

/* Return: 0; on failure nothing is left but @t. */
static int acquire(struct weir_reactor *r, struct timer *t)
{
	int err;
	int fd = weir__timerfd_new(t->clock);

	if (fd < 0)
		return fd;
	err = weir_source_add(r, fd, WEIR_READABLE, on_event, t, &t->token);
	if (err < 0)
		weir__close(fd);
	return err;
}

int weir_timerfd_open(struct weir_reactor *r, clockid_t clock,
		      weir_timerfd_fn *fn, void *data, weir_token *ret_token)
{
	struct timer *t;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!fn || !is_clock(clock))
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->reactor = r;
	t->clock = clock;
	t->fn = fn;
	t->data = data;
	t->attached.free = end_with_reactor;
	t->attached.orphan = orphan;
	err = acquire(r, t);
	if (err < 0) {
		free(t);
		return err;
	}
	weir__reactor_attach(r, &t->attached);
	*ret_token = t->token;
	return 0;
}

/* weir__source_lookup() for one that is a timer's. */
static struct weir__source *lookup(struct weir_reactor *r, weir_token token,
				   int *ret_err)
{
	struct weir__source *s = weir__source_lookup(r, token, ret_err);

	if (!s || s->fn == on_event)
		return s;
	*ret_err = -ESTALE;
	return NULL;
}

/*
 * The kernel refuses the first try, though it arms the timer, if the clock was
 * set and nobody has read that: before the deadline was given, or after it.
 */
static int arm(struct timer *t, int fd, weir_ns value, weir_ns period,
	       int flags)
{
	int err = weir__timerfd_set(fd, value, period, flags);

	t->is_jumped = err == -ECANCELED;
	if (t->is_jumped)
		err = weir__timerfd_set(fd, value, period, flags);
	return err;
}

int weir_timerfd_start(struct weir_reactor *r, weir_token token, weir_ns value,
		       weir_ns period, unsigned flags)
{
	int how = 0;
	int err;
	struct weir__source *s = lookup(r, token, &err);
	struct timer *t;

	if (!s)
		return err;
	if (flags & ~WEIR_TIMERFD_ABSOLUTE)
		return -EINVAL;
	t = s->data;
	if (flags & WEIR_TIMERFD_ABSOLUTE)
		how = TFD_TIMER_ABSTIME;
	if (how != 0 && t->clock == CLOCK_REALTIME)
		how |= TFD_TIMER_CANCEL_ON_SET;
	/* 0 would disarm. */
	err = arm(t, s->fd, value > 0 ? value : 1, period, how);
	/* All that we ask for is valid: that is another's descriptor. */
	if (err == -EINVAL)
		err = -EBADF;
	if (err < 0)
		return err;
	t->is_running = true;
	if (t->is_jumped)
		weir_source_again(r, token, WEIR_READABLE);
	return 0;
}

int weir_timerfd_stop(struct weir_reactor *r, weir_token token)
{
	int err;
	struct weir__source *s = lookup(r, token, &err);

	if (!s)
		return err;
	disarm(s->data, s->fd);
	return 0;
}

int weir_timerfd_close(struct weir_reactor *r, weir_token token)
{
	int err;
	struct weir__source *s = lookup(r, token, &err);

	if (!s)
		return err;
	end(r, s->data);
	return 0;
}
