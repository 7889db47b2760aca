/* SPDX-License-Identifier: MIT */
/*
 * loop/wait.c - turning a reactor that stands alone
 */
#include <errno.h>
#include <limits.h>

#include "base/ns.h"
#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/clock.h"
#include "sys/fork.h"

/* May the caller turn @r now?  Return: 0 or -errno. */
static int check(const struct weir_reactor *r)
{
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (r->hooks)
		return -EINVAL;
	return r->is_turning ? -EBUSY : 0;
}

/* Turn until there is something to return. */
static int collect(struct weir_reactor *r, weir_ns deadline)
{
	int n;

	for (;;) {
		n = weir__reactor_turn_alone(r, deadline);
		if (r->harvest->count > 0)
			return (int)r->harvest->count;
		if (weir__flag_take(&r->stop))
			return -ECANCELED;
		if (n < 0)
			return n;
		if (deadline == 0 || (deadline != WEIR_FOREVER &&
				      weir__reactor_now(r) >= deadline))
			return 0;
	}
}

/* How weir_reactor_wait() and _wait_until() are the same. */
static int wait(struct weir_reactor *r, struct weir_event *events,
		size_t capacity, weir_ns deadline, const sigset_t *sigmask)
{
	struct weir__harvest harvest = { events, capacity, 0 };
	int err;

	if (!events)
		return -EINVAL;
	if (capacity == 0)
		return 0;
	if (capacity > INT_MAX)
		harvest.capacity = INT_MAX;
	weir__reactor_enter(r);
	r->harvest = &harvest;
	r->sigmask = sigmask;
	r->now = 0;
	weir__list_splice(&r->ready, &r->held);
	if (r->has_parked)
		weir__sources_unpark(r);
	err = collect(r, deadline);
	r->sigmask = NULL;
	r->harvest = NULL;
	weir__reactor_leave();
	return err;
}

int weir_reactor_wait(struct weir_reactor *r, struct weir_event *events,
		      size_t capacity, weir_ns timeout)
{
	int err = check(r);

	if (err < 0)
		return err;
	/* No time is no deadline to be compared with. */
	if (timeout != 0 && timeout != WEIR_FOREVER)
		timeout = weir__ns_add(weir__clock_now(), timeout);
	return wait(r, events, capacity, timeout, NULL);
}

int weir_reactor_wait_until(struct weir_reactor *r, struct weir_event *events,
			    size_t capacity, weir_ns deadline,
			    const sigset_t *sigmask)
{
	int err = check(r);

	if (err < 0)
		return err;
	return wait(r, events, capacity, deadline, sigmask);
}

int weir_reactor_run(struct weir_reactor *r)
{
	int err = check(r);

	if (err < 0)
		return err;
	weir__reactor_enter(r);
	r->now = 0;
	err = weir__reactor_run_alone(r);
	weir__reactor_leave();
	return err;
}

int weir_reactor_stop(struct weir_reactor *r)
{
	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	if (r->hooks)
		return -EINVAL;
	weir__flag_set(&r->stop);
	weir__doorbell_ring(&r->bell);
	return 0;
}
