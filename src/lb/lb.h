/* SPDX-License-Identifier: MIT */
#ifndef LB_LB_H
#define LB_LB_H

/*
 * lb/lb.h - the load balancer: what belongs to whom
 *
 *     main       makes all this, then waits in weir_pool_join()
 *     control    doors, configuration, servers; publishes tables; signals,
 *                file watch, statistics
 *     workers    sessions; read the newest table; raise counters
 */
#include <stdint.h>
#include <weir.h>

#include "lb/server.h"

struct lb_check;
struct lb_config;
struct lb_door;
struct lb_stats;

enum lb_count {
	LB_NOW,			/* client connections that are open */
	LB_TOTAL,		/* client connections accepted */
	LB_FAILED,		/* given up: no server could be reached */
	LB_BROKEN,		/* ended by a server's error */
	LB_RESET,		/* ended by the client's error */
	LB_GONE,		/* the client left before a server answered */
	LB_IDLE,		/* ended by idle_timeout */
	LB_FORCED,		/* ended by a stop */
	LB_RETRIES,		/* connects that failed */
	LB_COUNTS
};

struct lb {
	/* Never change once the pool has started. */
	const char *path;		/* of the configuration */
	weir_ns stats_period;		/* 0: no line on stdout */
	unsigned workers;		/* as the first configuration said */
	struct weir_pool *pool;
	struct weir_snapshot *tables;
	struct weir_snapshot *down;	/* struct lb_down */
	struct weir_counter *counters[LB_COUNTS];
	/* Control only. */
	struct weir_reactor *control;	/* NULL unless the control thread runs */
	struct weir_timer *sweep_timer;
	struct lb_stats *stats;		/* NULL without stats_period */
	struct lb_servers servers;
	struct lb_config *config;	/* the one in force */
	struct lb_config *previous;	/* the one before: closing doors use it */
	struct lb_door *doors;
	uint32_t last_door;		/* its id */
	struct lb_check *checks;
	int has_down_changed;		/* and is not published yet */
	uint64_t tables_made;
	uint64_t reloads;
	uint64_t reload_errors;
	uint64_t accept_errors;		/* that the log has spoken of */
	int is_draining;
};

/**
 * lb_count_add() - change a counter
 * @lb:    the load balancer
 * @r:     the reactor of the calling thread
 * @which: the counter
 * @delta: added
 *
 * Threads: workers and control.
 */
static inline void lb_count_add(const struct lb *lb,
				const struct weir_reactor *r,
				enum lb_count which, int delta)
{
	weir_counter_add(lb->counters[which], r, delta);
}

/**
 * lb_count_get() - read a counter
 * @lb:    the load balancer
 * @which: the counter
 *
 * Threads: any.
 * Return:  the sum over all threads.
 */
static inline int64_t lb_count_get(const struct lb *lb, enum lb_count which)
{
	return weir_counter_sum(lb->counters[which]);
}

#endif /* LB_LB_H */
