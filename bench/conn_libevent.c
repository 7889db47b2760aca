/* SPDX-License-Identifier: MIT */
/*
 * conn_libevent.c - an event with a timeout
 *
 * One event is both, in memory of our own; the timeout is a common one, as
 * libevent's manual advises where many events have the same.
 */
#include "conn.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "libevent.h"

static void on_event(evutil_socket_t fd, short what, void *data)
{
	(void)fd, (void)what, (void)data;
}

int conn_libevent(const int *fds, size_t count)
{
	struct event *events = malloc(count * sizeof(*events));
	const struct timeval idle = { .tv_sec = CONN_IDLE_S };
	struct event_base *base =
		libevent_base(EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	const struct timeval *timeout;

	if (!events || !base)
		return -ENOMEM;
	timeout = event_base_init_common_timeout(base, &idle);
	for (size_t i = 0; i < count; i++) {
		event_assign(&events[i], base, fds[i], EV_READ | EV_PERSIST |
			     EV_ET, on_event, NULL);
		if (event_add(&events[i], timeout) < 0)
			return -ENOMEM;
	}
	/* The changes go to the kernel in a turn. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	return 0;
}

#else

typedef int conn_libevent_is_missing;

#endif
