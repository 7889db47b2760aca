/* SPDX-License-Identifier: MIT */
/*
 * table.c - what workers need of a configuration
 */
#include "lb/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Workers' picks stand this far apart: a line, and the one fetched with it. */
#define PICK_ALIGN 128

static struct lb_pick *pick_new(const struct lb_listen_config *listen)
{
	struct lb_pick *pick;
	size_t size = sizeof(*pick) +
		      listen->target_count * sizeof(pick->choices[0]);

	size = (size + PICK_ALIGN - 1) / PICK_ALIGN * PICK_ALIGN;
	pick = aligned_alloc(PICK_ALIGN, size);
	if (!pick)
		return NULL;
	memset(pick, 0, size);
	for (size_t i = 0; i < listen->target_count; i++)
		pick->choices[i].weight = listen->targets[i].weight;
	return pick;
}

static int route_init(struct lb_route *route, struct lb_servers *servers,
		      const struct lb_route_source *source, int workers)
{
	const struct lb_listen_config *listen = source->listen;
	size_t count = listen->target_count;
	int r = 0;

	route->id = source->id;
	memcpy(route->name, listen->name, sizeof(route->name));
	route->balance = listen->balance;
	route->connect_timeout = listen->connect_timeout;
	route->idle_timeout = listen->idle_timeout;
	route->fail_timeout = listen->fail_timeout;
	route->buffer_bytes = source->buffer_bytes;
	route->tries = (unsigned)count;
	if (listen->tries > 0 && listen->tries < count)
		route->tries = listen->tries;
	route->servers = calloc(count, sizeof(*route->servers));
	route->picks = calloc((size_t)workers, sizeof(*route->picks));
	if (!route->servers || !route->picks)
		return -ENOMEM;
	for (int i = 0; i < workers; i++) {
		route->picks[i] = pick_new(listen);
		if (!route->picks[i])
			return -ENOMEM;
	}
	for (; route->server_count < count && r == 0; route->server_count++) {
		const struct lb_target_config *target =
			&listen->targets[route->server_count];

		r = lb_servers_get(servers, &target->addr, target->name,
				   &route->servers[route->server_count]);
		if (r < 0)
			break;
	}
	return r;
}

static void route_done(struct lb_route *route, int workers)
{
	for (size_t i = 0; i < route->server_count; i++)
		lb_server_put(route->servers[i]);
	for (int i = 0; route->picks && i < workers; i++)
		free(route->picks[i]);
	free(route->picks);
	free(route->servers);
}

int lb_table_new(struct lb_servers *servers,
		 const struct lb_route_source *sources, size_t count,
		 uint64_t number, struct lb_table **ret_table)
{
	struct lb_table *table;
	int r = 0;

	table = calloc(1, sizeof(*table) + count * sizeof(table->routes[0]));
	if (!table)
		return -ENOMEM;
	table->number = number;
	table->workers = weir_pool_workers(servers->pool);
	table->route_count = count;
	for (size_t i = 0; i < count && r == 0; i++)
		r = route_init(&table->routes[i], servers, &sources[i],
			       table->workers);
	if (r < 0) {
		lb_table_free(table);
		return r;
	}
	*ret_table = table;
	return 0;
}

struct lb_table *lb_table_free(struct lb_table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->route_count; i++)
		route_done(&table->routes[i], table->workers);
	free(table);
	return NULL;
}

const struct lb_route *lb_table_find(const struct lb_table *table, uint32_t id)
{
	for (size_t i = 0; table && i < table->route_count; i++)
		if (table->routes[i].id == id)
			return &table->routes[i];
	return NULL;
}

static int is_among(const uint32_t *ids, unsigned count, uint32_t id)
{
	for (unsigned i = 0; i < count; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

/* Workers, and tables that follow each other, begin at different servers: else
 * the first one would get the first connection of each. */
static void begin(const struct lb_table *table, const struct lb_route *route,
		  struct lb_pick *pick, int worker)
{
	size_t skip = ((size_t)worker + table->number) % route->server_count;

	for (size_t i = 0; i < route->server_count; i++)
		pick->choices[i].is_usable = 1;
	for (size_t i = 0; i < skip; i++)
		lb_balance_roundrobin(pick->choices, route->server_count);
	pick->turn = skip;
	pick->has_begun = 1;
}

static int choose(const struct lb_route *route, struct lb_pick *pick)
{
	if (route->balance == LB_ROUNDROBIN)
		return lb_balance_roundrobin(pick->choices,
					     route->server_count);
	for (size_t i = 0; i < route->server_count; i++)
		if (pick->choices[i].is_usable)
			pick->choices[i].load =
				weir_counter_sum(route->servers[i]->now);
	return lb_balance_leastconn(pick->choices, route->server_count,
				    pick->turn++);
}

/* How bad a server must be to be left out of a round. */
enum badness {
	NOT_BAD,
	FAILING,
	DOWN,
	ROUNDS
};

static enum badness badness_of(const struct lb_route *route,
			       const struct lb_server *server,
			       const struct lb_down *down, int worker,
			       weir_ns now)
{
	if (lb_down_has(down, route->id, server->id))
		return DOWN;
	return server->views[worker].failing_until > now ? FAILING : NOT_BAD;
}

struct lb_server *lb_route_pick(const struct lb_table *table,
				const struct lb_route *route,
				const struct lb_down *down, int worker,
				weir_ns now, const uint32_t *tried,
				unsigned tried_count)
{
	struct lb_pick *pick = route->picks[worker];
	int chosen = -1;

	if (!pick->has_begun)
		begin(table, route, pick, worker);
	/* First those that work, then those that did not. */
	for (int round = NOT_BAD; round < ROUNDS && chosen < 0; round++) {
		for (size_t i = 0; i < route->server_count; i++) {
			const struct lb_server *server = route->servers[i];

			pick->choices[i].is_usable =
				(int)badness_of(route, server, down, worker,
						now) <= round &&
				!is_among(tried, tried_count, server->id);
		}
		chosen = choose(route, pick);
	}
	return chosen < 0 ? NULL : route->servers[chosen];
}
