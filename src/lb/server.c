/* SPDX-License-Identifier: MIT */
/*
 * server.c - the servers, each known once however often it is listed
 *
 * When may a server be freed?  Workers hold pointers to it in two ways: out of
 * the table they read during one handler, and in a session, from the choice of
 * the server until the connection has ended.
 *
 * S1  users counts the places in tables that name the server, and its checks,
 *     which are the control thread's and hand it to no worker.  A table gives
 *     its places back when it is freed, which is after every worker has passed
 *     the end of a turn since it was replaced.  So at users == 0 no worker can
 *     find the server in a table, and none will: no session can choose it.
 * S2  now is raised by the worker that chooses the server, within the handler
 *     that found it in a table, and lowered by the same worker, which touches
 *     the server no more.  A session never changes its worker, so no cell of
 *     the counter is ever below 0.  With S1, a cell that is 0 stays 0: a sum of
 *     0 means that no session holds the server, and it is so for good, although
 *     the cells are read one after the other.
 * S3  The server is taken out of the list then, so that nobody finds it there
 *     either, but it is not freed yet: the worker that lowered now to 0 may
 *     still be within that very handler.  It is published in a snapshot of its
 *     own, the grave, which nobody reads, and replaced at once.  The snapshot
 *     frees it when every worker has passed the end of a turn, so everything
 *     that any worker did with the server comes before its end.
 *
 * A server that a new table names before it has left the list is simply used
 * again, with its counters.
 */
#include "lb/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct lb_server *server_free(struct lb_server *server)
{
	if (!server)
		return NULL;
	weir_counter_free(server->now);
	weir_counter_free(server->total);
	weir_counter_free(server->failures);
	free(server);
	return NULL;
}

static void chain_free(void *object, void *data)
{
	struct lb_server *server = object, *next;

	(void)data;
	for (; server; server = next) {
		next = server->next;
		server_free(server);
	}
}

static int server_new(struct lb_servers *servers, const struct weir_addr *addr,
		      const char *name, struct lb_server **ret_server)
{
	size_t workers = (size_t)weir_pool_workers(servers->pool);
	struct lb_server *server;
	size_t size = sizeof(*server) + workers * sizeof(server->views[0]);
	int r;

	server = aligned_alloc(alignof(struct lb_server), size);
	if (!server)
		return -ENOMEM;
	memset(server, 0, size);
	server->addr = *addr;
	strncpy(server->name, name, sizeof(server->name) - 1);
	server->id = ++servers->last_id;
	r = weir_counter_new(servers->pool, &server->now);
	if (r == 0)
		r = weir_counter_new(servers->pool, &server->total);
	if (r == 0)
		r = weir_counter_new(servers->pool, &server->failures);
	if (r < 0) {
		server_free(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

int lb_servers_init(struct lb_servers *servers, struct weir_pool *pool)
{
	*servers = (struct lb_servers){ .pool = pool };
	return weir_snapshot_new(pool, NULL, chain_free, NULL, &servers->grave);
}

void lb_servers_done(struct lb_servers *servers)
{
	servers->grave = weir_snapshot_free(servers->grave);
	chain_free(servers->first, NULL);
	servers->first = NULL;
}

int lb_servers_get(struct lb_servers *servers, const struct weir_addr *addr,
		   const char *name, struct lb_server **ret_server)
{
	struct lb_server **at = &servers->first;
	int r = 0;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at)
		r = server_new(servers, addr, name, at);
	if (r < 0)
		return r;
	(*at)->users++;
	*ret_server = *at;
	return 0;
}

void lb_server_put(struct lb_server *server)
{
	server->users--;
}

/* Takes the servers that are no more in use out of the list, and chains them.
 * Counts in @waiting those that still have connections. */
static struct lb_server *take_unused(struct lb_servers *servers,
				     unsigned *waiting)
{
	struct lb_server **at = &servers->first, *chain = NULL;

	while (*at) {
		struct lb_server *server = *at;

		if (server->users > 0) {
			at = &server->next;
		} else if (weir_counter_sum(server->now) > 0) {	/* S2 */
			(*waiting)++;
			at = &server->next;
		} else {
			*at = server->next;
			server->next = chain;
			chain = server;
		}
	}
	return chain;
}

/* Puts a chain back to the end of the list. */
static void put_back(struct lb_servers *servers, struct lb_server *chain)
{
	struct lb_server **at = &servers->first;

	while (*at)
		at = &(*at)->next;
	*at = chain;
}

unsigned lb_servers_sweep(struct lb_servers *servers)
{
	unsigned waiting = 0;
	struct lb_server *chain = take_unused(servers, &waiting);

	if (!chain)
		return waiting;
	if (weir_snapshot_publish(servers->grave, chain) < 0) {	/* S3 */
		put_back(servers, chain);
		return waiting + 1;
	}
	/* Should this fail, the next chain or the end replaces this one. */
	weir_snapshot_publish(servers->grave, NULL);
	return waiting;
}
