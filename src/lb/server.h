/* SPDX-License-Identifier: MIT */
#ifndef LB_SERVER_H
#define LB_SERVER_H

/*
 * lb/server.h - the servers, each known once however often it is listed
 *
 * A server is known by its address and outlives the configurations that list
 * it: its counters go on over a reload, and a connection keeps it alive after
 * the last configuration has let go of it.
 *
 * The list belongs to the control thread: to main before the pool has started
 * and after it has been joined.  "Control only" below means that.
 */
#include <stdalign.h>
#include <stdint.h>
#include <weir.h>

/* What one worker thinks of a server; nobody else looks at it. */
struct lb_view {
	/* A line of its own, and the one that is fetched along with it. */
	alignas(128) weir_ns failing_until;
	int is_failing;
};

struct lb_server {
	/* Never change; read by anybody who holds the server. */
	struct weir_addr addr;
	char name[WEIR_ADDR_TEXT];
	uint32_t id;			/* never given to another one */
	struct weir_counter *now;	/* connections, from the choice on */
	struct weir_counter *total;	/* connections made */
	struct weir_counter *failures;	/* to connect */
	/* Control only. */
	struct lb_server *next;
	unsigned users;			/* places in tables that name it,
					   and checks */
	/* Each worker's own. */
	struct lb_view views[];
};

struct lb_servers {
	struct weir_pool *pool;
	struct weir_snapshot *grave;
	struct lb_server *first;
	uint32_t last_id;
};

/**
 * lb_servers_init() - make an empty list
 * @servers: the list
 * @pool:    the pool whose workers connect to them
 *
 * Threads: control only.
 * Return:  0 or -ENOMEM.
 */
int lb_servers_init(struct lb_servers *servers, struct weir_pool *pool);

/**
 * lb_servers_done() - free all servers
 * @servers: the list; all zeroes will do
 *
 * Threads: control only, after weir_pool_join(), when no table is left.
 */
void lb_servers_done(struct lb_servers *servers);

/**
 * lb_servers_get() - find a server, or make it, and use it once more
 * @servers:    the list
 * @addr:       its address
 * @name:       weir_addr_format() of @addr
 * @ret_server: receives it, for lb_server_put()
 *
 * Threads: control only.
 * Return:  0 or -ENOMEM.
 */
int lb_servers_get(struct lb_servers *servers, const struct weir_addr *addr,
		   const char *name, struct lb_server **ret_server);

/**
 * lb_server_put() - use a server once less
 * @server: the server
 *
 * Threads: control only.
 */
void lb_server_put(struct lb_server *server);

/**
 * lb_servers_sweep() - let go of servers that nobody uses any more
 * @servers: the list
 *
 * Threads: control only.
 * Return:  how many are unused but still have connections: sweep again later.
 */
unsigned lb_servers_sweep(struct lb_servers *servers);

#endif /* LB_SERVER_H */
