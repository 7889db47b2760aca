/* SPDX-License-Identifier: MIT */
#ifndef LB_TABLE_H
#define LB_TABLE_H

/*
 * lb/table.h - what workers need of a configuration
 *
 * The control thread makes a table, publishes it in a snapshot, and frees it
 * when no worker can see it any more.  Nothing in it changes but the picks,
 * each of which belongs to one worker.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir.h>

#include "lb/balance.h"
#include "lb/config.h"
#include "lb/down.h"
#include "lb/server.h"

/* Where one worker stands in choosing among the servers of one route. */
struct lb_pick {
	int has_begun;
	size_t turn;			/* leastconn: where to look first */
	struct lb_choice choices[];	/* as route->servers */
};

/* A listener and its servers. */
struct lb_route {
	uint32_t id;			/* of the door: see lb/door.h */
	char name[WEIR_ADDR_TEXT];
	enum lb_balance balance;
	weir_ns connect_timeout;
	weir_ns idle_timeout;
	weir_ns fail_timeout;
	size_t buffer_bytes;
	unsigned tries;			/* 1 .. server_count */
	size_t server_count;
	struct lb_server **servers;
	struct lb_pick **picks;		/* one each worker */
};

struct lb_table {
	uint64_t number;		/* of tables made before it */
	int workers;
	size_t route_count;
	struct lb_route routes[];
};

/* What a route is made from. */
struct lb_route_source {
	uint32_t id;
	const struct lb_listen_config *listen;
	size_t buffer_bytes;
};

/**
 * lb_table_new() - make a table
 * @servers:   where the servers are found or made
 * @sources:   one for each route
 * @count:     how many
 * @number:    to differ from the table before
 * @ret_table: receives it, for lb_table_free()
 *
 * Threads: control only.
 * Return:  0 or -ENOMEM.
 */
int lb_table_new(struct lb_servers *servers,
		 const struct lb_route_source *sources, size_t count,
		 uint64_t number, struct lb_table **ret_table);

/**
 * lb_table_free() - free a table and let go of its servers
 * @table: the table, half-built or NULL
 *
 * Threads: control only, when no worker can see it.
 * Return:  NULL.
 */
struct lb_table *lb_table_free(struct lb_table *table);

/**
 * lb_table_find() - find a route
 * @table: the table, or NULL
 * @id:    the route's
 *
 * Threads: those that may use @table.
 * Return:  the route, or NULL.
 */
const struct lb_route *lb_table_find(const struct lb_table *table, uint32_t id);

/**
 * lb_route_pick() - choose a server
 * @table:       the table
 * @route:       a route of it
 * @down:        what the checks say; or NULL
 * @worker:      the caller's number
 * @now:         weir_reactor_now()
 * @tried:       ids of servers that are not to be chosen
 * @tried_count: how many
 *
 * One that has failed a while ago is chosen only when no other is left, and one
 * that is down only when all are.
 *
 * Threads: worker @worker, within a handler.
 * Return:  a server, or NULL: all have been tried.
 */
struct lb_server *lb_route_pick(const struct lb_table *table,
				const struct lb_route *route,
				const struct lb_down *down, int worker,
				weir_ns now, const uint32_t *tried,
				unsigned tried_count);

#endif /* LB_TABLE_H */
