/* SPDX-License-Identifier: MIT */
#ifndef LB_DOOR_H
#define LB_DOOR_H

/*
 * lb/door.h - the listeners that are open, and the configuration in force
 *
 * A door is one listener for one lifetime.  It has an id that no other door is
 * ever given; routes and sessions know their door by it.
 */
#include "lb/lb.h"
#include "lb/report.h"

struct lb_listen_config;

/**
 * lb_doors_apply() - put a configuration in force, all of it or nothing
 * @lb:     the load balancer
 * @config: the configuration
 * @report: receives what cannot be done, by line
 *
 * Doors whose address stays remain open and keep their connections.
 *
 * Threads: control only.
 * Owns:    @config is @lb's on success, the caller's on failure.
 * Return:  0; -EINVAL (a listener cannot be opened; it was reported) or
 *          -ENOMEM: then all is as it was.
 */
int lb_doors_apply(struct lb *lb, struct lb_config *config,
		   struct lb_report *report);

/**
 * lb_doors_each() - call a function for each door that is open
 * @lb: the load balancer
 * @fn: called with a door's id and what is in force for it
 *
 * Threads: control only.
 */
void lb_doors_each(struct lb *lb,
		   void (*fn)(struct lb *lb, uint32_t id,
			      const struct lb_listen_config *listen));

/**
 * lb_doors_free() - free what is known of the doors
 * @lb: the load balancer
 *
 * Threads: control only, after weir_pool_join(): the listeners have closed.
 */
void lb_doors_free(struct lb *lb);

#endif /* LB_DOOR_H */
