/* SPDX-License-Identifier: MIT */
/*
 * check.c - asking servers whether they are well
 *
 * Each server of a listener that has checks is one struct lb_check.  It waits
 * for its timer, asks, and waits again from the answer on, so that a slow
 * server is never asked twice at a time.  A check that is to end while its
 * command runs has the command killed and lives until that is reaped.
 */
#include "lb/check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lb/config.h"
#include "lb/door.h"
#include "lb/down.h"
#include "lb/log.h"
#include "lb/probe.h"


struct lb_check {
	struct lb_check *next;
	struct lb *lb;
	uint32_t door;
	char listen[WEIR_ADDR_TEXT];
	struct lb_server *server;
	struct lb_check_config config;	/* its own copy */
	struct weir_timer *timer;
	struct lb_probe *probe;		/* NULL: none is under way */
	int is_wanted;			/* while the list is being renewed */
	int is_down;
	unsigned streak;		/* answers in a row against is_down */
};

static int publish(struct lb *lb)
{
	struct lb_down *down;
	size_t room = 0;
	int r;

	for (struct lb_check *check = lb->checks; check; check = check->next)
		room += (size_t)check->is_down;
	r = lb_down_new(room, &down);
	if (r < 0)
		return r;
	for (struct lb_check *check = lb->checks; check; check = check->next)
		if (check->is_down)
			down->pairs[down->count++] =
				lb_down_pair(check->door, check->server->id);
	lb_down_sort(down);
	r = weir_snapshot_publish(lb->down, down);
	if (r < 0)
		free(down);
	return r;
}

/* Should it fail, the next answer tries again. */
static void publish_if_changed(struct lb *lb)
{
	if (lb->has_down_changed && publish(lb) == 0)
		lb->has_down_changed = 0;
}

static void change(struct lb_check *check, const char *why)
{
	check->is_down = !check->is_down;
	check->streak = 0;
	check->lb->has_down_changed = 1;
	/* Before it is said. */
	publish_if_changed(check->lb);
	if (check->is_down)
		lb_log(WEIR_LOG_WARNING, "server %s of %s is down: %s",
		       check->server->name, check->listen, why);
	else
		lb_log(WEIR_LOG_INFO, "server %s of %s is up",
		       check->server->name, check->listen);
}

/* A probe's answer; @why is NULL if the server is well. */
static void on_answer(const char *why, void *data)
{
	struct lb_check *check = data;
	const unsigned needed = check->is_down ? check->config.rise :
						 check->config.fall;

	check->probe = NULL;
	if ((why != NULL) == check->is_down)
		check->streak = 0;
	else if (++check->streak >= needed)
		change(check, why);
	publish_if_changed(check->lb);
	weir_timer_start(check->timer, check->config.interval);
}

static void on_timer(struct weir_reactor *control, struct weir_timer *timer,
		     void *data)
{
	struct lb_check *check = data;
	int r = lb_probe_start(control, &check->config, check->server,
			       on_answer, check, &check->probe);

	if (r == 0)
		return;
	lb_log(WEIR_LOG_ERROR, "server %s of %s cannot be checked: %s",
	       check->server->name, check->listen, strerror(-r));
	weir_timer_start(timer, check->config.interval);
}

static struct lb_check *check_free(struct lb_check *check)
{
	if (!check)
		return NULL;
	if (check->server)
		lb_server_put(check->server);
	free(check->config.command);
	free(check);
	return NULL;
}

static void check_end(struct lb_check *check)
{
	if (check->is_down)
		check->lb->has_down_changed = 1;
	lb_probe_cancel(check->probe);
	weir_timer_free(check->timer);
	check_free(check);
}

static int check_new(struct lb *lb, uint32_t door,
		     const struct lb_listen_config *listen,
		     const struct lb_target_config *target,
		     struct lb_check **ret_check)
{
	struct lb_check *check = calloc(1, sizeof(*check));
	int r;

	if (!check)
		return -ENOMEM;
	check->lb = lb;
	check->door = door;
	memcpy(check->listen, listen->name, sizeof(check->listen));
	check->config = listen->check;
	check->config.command = NULL;
	if (listen->check.command)
		check->config.command = strdup(listen->check.command);
	r = listen->check.command && !check->config.command ? -ENOMEM :
	    lb_servers_get(&lb->servers, &target->addr, target->name,
			   &check->server);
	if (r == 0)
		r = weir_timer_new(lb->control, on_timer, check,
				   &check->timer);
	if (r < 0) {
		check_free(check);
		return r;
	}
	*ret_check = check;
	return 0;
}

static struct lb_check *find(struct lb *lb, uint32_t door,
			     const struct lb_target_config *target)
{
	struct lb_check *check = lb->checks;

	while (check && (check->door != door ||
			 strcmp(check->server->name, target->name) != 0))
		check = check->next;
	return check;
}

/* In place of @old, if there is one, whose state it takes over. */
static void begin(struct lb *lb, uint32_t door,
		  const struct lb_listen_config *listen,
		  const struct lb_target_config *target,
		  const struct lb_check *old)
{
	struct lb_check *check;
	int r = check_new(lb, door, listen, target, &check);

	if (r < 0) {
		lb_log(WEIR_LOG_ERROR, "server %s of %s cannot be checked: %s",
		       target->name, listen->name, strerror(-r));
		return;
	}
	check->is_down = old && old->is_down;
	check->is_wanted = 1;
	check->next = lb->checks;
	lb->checks = check;
	/* The first time soon, but not all of them at once. */
	weir_timer_start(check->timer, listen->check.interval *
			 (weir_ns)(target - listen->targets) /
			 listen->target_count);
}

static void want_door(struct lb *lb, uint32_t door,
		      const struct lb_listen_config *listen)
{
	if (listen->check.kind == LB_CHECK_NONE)
		return;
	for (size_t i = 0; i < listen->target_count; i++) {
		const struct lb_target_config *target = &listen->targets[i];
		struct lb_check *check = find(lb, door, target);

		if (check &&
		    lb_check_config_equal(&check->config, &listen->check))
			check->is_wanted = 1;
		else
			begin(lb, door, listen, target, check);
	}
}

static void end_unwanted(struct lb *lb)
{
	struct lb_check **at = &lb->checks;

	while (*at) {
		struct lb_check *check = *at;

		if (check->is_wanted) {
			check->is_wanted = 0;
			at = &check->next;
		} else {
			*at = check->next;
			check_end(check);
		}
	}
}

void lb_checks_apply(struct lb *lb)
{
	lb_doors_each(lb, want_door);
	end_unwanted(lb);
	publish_if_changed(lb);
}

void lb_checks_stop(struct lb *lb)
{
	end_unwanted(lb);
}

unsigned lb_checks_count_down(const struct lb *lb,
			      const struct lb_server *server)
{
	unsigned count = 0;

	for (const struct lb_check *check = lb->checks; check;
	     check = check->next)
		count += check->is_down && check->server == server;
	return count;
}

/* Timers and probes have ended with the control thread's reactor. */
void lb_checks_free(struct lb *lb)
{
	struct lb_check *next;

	for (; lb->checks; lb->checks = next) {
		next = lb->checks->next;
		lb_probe_free(lb->checks->probe);
		check_free(lb->checks);
	}
}
