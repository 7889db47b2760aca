/* SPDX-License-Identifier: MIT */
#ifndef LB_DOWN_H
#define LB_DOWN_H

/*
 * lb/down.h - which servers are down, as their checks say
 *
 * A server is down for the listeners whose checks it fails.  The control thread
 * publishes the list in a snapshot when it changes; workers look there.
 */
#include <stddef.h>
#include <stdint.h>

struct lb_down {
	size_t count;
	uint64_t pairs[];	/* sorted */
};

/* A door's and a server's id. */
static inline uint64_t lb_down_pair(uint32_t door, uint32_t server)
{
	return (uint64_t)door << 32 | server;
}

/**
 * lb_down_new() - make a list, to be filled in and sorted
 * @room:     for so many pairs
 * @ret_down: receives it, for free(3)
 *
 * Threads: any.
 * Return:  0 or -ENOMEM.
 */
int lb_down_new(size_t room, struct lb_down **ret_down);

/**
 * lb_down_sort() - bring a list into its order
 * @down: the list
 *
 * Threads: any.
 */
void lb_down_sort(struct lb_down *down);

/**
 * lb_down_has() - whether a server is down for a door
 * @down:   the list; NULL: none is
 * @door:   the door's id
 * @server: the server's id
 *
 * Threads: those that may use @down.
 * Return:  1 or 0.
 */
int lb_down_has(const struct lb_down *down, uint32_t door, uint32_t server);

#endif /* LB_DOWN_H */
