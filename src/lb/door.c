/* SPDX-License-Identifier: MIT */
/*
 * door.c - the listeners that are open, and the configuration in force
 *
 * A configuration is put in force in three steps, of which the first two can
 * be taken back:
 *
 *   1  New addresses are given doors, and a table is published that has their
 *      routes beside the old ones: whoever comes through a door must find its
 *      route, and a listener accepts from the moment it is opened.
 *   2  The new doors are opened.  If one cannot be, those that were are closed,
 *      and the table is the old one again.  Nobody on an old address has
 *      noticed anything.
 *   3  The new table is published and the doors that have no place in it are
 *      closed.
 *
 * A closed listener may still hand out connections that were complete before.
 * So the route of a door that closes stays in the table until the
 * configuration after the next one is in force; then the door is forgotten.
 */
#include "lb/door.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/config.h"
#include "lb/log.h"
#include "lb/session.h"
#include "lb/table.h"

struct lb_door {
	struct lb_door *next;
	uint32_t id;
	int is_closing;
	struct weir_listener *listener;		/* NULL: not open, or closing */
	/* Point into lb->config, lb->previous or the configuration to come. */
	const struct lb_listen_config *listen;	/* in force; NULL: a new door */
	const struct lb_listen_config *wanted;	/* what is to be in force */
};

static struct lb_door *find_door(struct lb *lb, const char *name)
{
	struct lb_door *door = lb->doors;

	while (door && (door->is_closing || !door->listen ||
			strcmp(door->listen->name, name) != 0))
		door = door->next;
	return door;
}

/* Finds or makes a door for each listener of @config.  Returns how many were
 * made, or -ENOMEM. */
static int want_doors(struct lb *lb, const struct lb_config *config)
{
	int made = 0;

	for (size_t i = 0; i < config->listen_count; i++) {
		const struct lb_listen_config *listen = &config->listens[i];
		struct lb_door *door = find_door(lb, listen->name);

		if (!door) {
			door = calloc(1, sizeof(*door));
			if (!door)
				return -ENOMEM;
			door->id = ++lb->last_door;
			door->next = lb->doors;
			lb->doors = door;
			made++;
		}
		door->wanted = listen;
	}
	return made;
}

/* What a table shows. */
enum view {
	OLD,		/* what is in force */
	BOTH,		/* that, and the doors that are new */
	WANTED		/* what is wanted, and the doors that are to close */
};

/* What a door's route is made from, or NULL if it has none. */
static const struct lb_listen_config *listen_of(const struct lb_door *door,
						enum view view)
{
	if (view == WANTED && door->is_closing)
		return NULL;
	if (view == WANTED && door->wanted)
		return door->wanted;
	if (view == BOTH && !door->listen)
		return door->wanted;
	return door->listen;
}

static int publish(struct lb *lb, const struct lb_config *config,
		   enum view view)
{
	struct lb_route_source *sources;
	struct lb_table *table;
	size_t room = 0, count = 0;
	int r;

	for (struct lb_door *door = lb->doors; door; door = door->next)
		room++;
	sources = calloc(room + 1, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	for (struct lb_door *door = lb->doors; door; door = door->next) {
		const struct lb_listen_config *listen = listen_of(door, view);

		if (listen)
			sources[count++] = (struct lb_route_source){
				.id = door->id,
				.listen = listen,
				.buffer_bytes = config->buffer_bytes,
			};
	}
	r = lb_table_new(&lb->servers, sources, count, lb->tables_made++,
			 &table);
	free(sources);
	if (r < 0)
		return r;
	r = weir_snapshot_publish(lb->tables, table);
	if (r < 0)
		lb_table_free(table);
	return r;
}

static int open_door(struct lb *lb, const struct lb_config *config,
		     struct lb_door *door, struct lb_report *report)
{
	const struct lb_listen_config *listen = door->wanted;
	const struct weir_listener_options options = {
		.size = sizeof(options),
		.mode = listen->accept,
		.backlog = config->backlog,
	};
	int r = weir_listener_open(lb->pool, &listen->addr, &options,
				   lb_session_accept,
				   (void *)(uintptr_t)door->id,
				   &door->listener);

	if (r < 0) {
		lb_report_error(report, listen->line,
				"cannot listen on '%s': %s%s", listen->name,
				strerror(-r), r == -ENOPROTOOPT ?
				"; this kernel cannot do accept = steered" :
				"");
	}
	return r;
}

static int open_new_doors(struct lb *lb, const struct lb_config *config,
			  struct lb_report *report)
{
	int r = 0;

	for (struct lb_door *door = lb->doors; door; door = door->next)
		if (!door->listen && open_door(lb, config, door, report) < 0)
			r = -EINVAL;
	return r;
}

static void close_door(struct lb_door *door)
{
	weir_listener_close(door->listener);
	door->listener = NULL;
}

/* Forgets new doors, and that anything was wanted. */
static void take_back(struct lb *lb)
{
	struct lb_door **at = &lb->doors;

	while (*at) {
		struct lb_door *door = *at;

		door->wanted = NULL;
		if (door->listen) {
			at = &door->next;
			continue;
		}
		if (door->listener)
			close_door(door);
		*at = door->next;
		free(door);
	}
}

static void log_opened(const struct lb_door *door)
{
	struct weir_addr addr;
	char text[WEIR_ADDR_TEXT];

	/* With the port that the kernel chose, if it was to. */
	if (weir_listener_addr(door->listener, &addr) == 0)
		lb_log(WEIR_LOG_INFO, "listening on %s",
		       weir_addr_format(&addr, text, sizeof(text)));
}

/* Step 3, once its table is published: nothing can fail from here on. */
static void commit(struct lb *lb, struct lb_config *config)
{
	struct lb_door **at = &lb->doors;

	while (*at) {
		struct lb_door *door = *at;

		if (door->is_closing) {
			*at = door->next;
			free(door);
			continue;
		}
		if (door->wanted) {
			if (!door->listen)
				log_opened(door);
			door->listen = door->wanted;
			door->wanted = NULL;
		} else {
			lb_log(WEIR_LOG_INFO, "no longer listening on %s",
			       door->listen->name);
			close_door(door);
			door->is_closing = 1;
		}
		at = &door->next;
	}
	lb_config_free(lb->previous);
	lb->previous = lb->config;
	lb->config = config;
}

int lb_doors_apply(struct lb *lb, struct lb_config *config,
		   struct lb_report *report)
{
	const struct lb_config *old = lb->config ? lb->config : config;
	int made = want_doors(lb, config);
	int r = made;

	if (made > 0)
		r = publish(lb, old, BOTH);		/* 1 */
	if (r >= 0 && made > 0)
		r = open_new_doors(lb, config, report);		/* 2 */
	if (r >= 0)
		r = publish(lb, config, WANTED);	/* 3 */
	if (r >= 0) {
		commit(lb, config);
		return 0;
	}
	take_back(lb);
	if (made > 0)
		publish(lb, old, OLD);
	return r;
}

void lb_doors_each(struct lb *lb,
		   void (*fn)(struct lb *lb, uint32_t id,
			      const struct lb_listen_config *listen))
{
	for (struct lb_door *door = lb->doors; door; door = door->next)
		if (!door->is_closing)
			fn(lb, door->id, door->listen);
}

void lb_doors_free(struct lb *lb)
{
	struct lb_door *next;

	for (; lb->doors; lb->doors = next) {
		next = lb->doors->next;
		free(lb->doors);
	}
}
