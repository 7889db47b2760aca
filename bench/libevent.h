/* SPDX-License-Identifier: MIT */
/*
 * libevent.h - a base as one thread has it
 */
#ifndef BENCH_LIBEVENT_H
#define BENCH_LIBEVENT_H

#include <event2/event.h>
#include <stddef.h>

/* Without a lock, and with @flags; NULL: no memory. */
static inline struct event_base *libevent_base(int flags)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | flags);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

#endif /* BENCH_LIBEVENT_H */
