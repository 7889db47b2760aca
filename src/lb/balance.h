/* SPDX-License-Identifier: MIT */
#ifndef LB_BALANCE_H
#define LB_BALANCE_H

/*
 * lb/balance.h - which server is next; arithmetic only
 */
#include <stddef.h>
#include <stdint.h>

struct lb_choice {
	unsigned weight;	/* at least 1 */
	int is_usable;		/* whether it may be chosen this time */
	int64_t load;		/* leastconn: its connections */
	int64_t credit;		/* roundrobin: kept from call to call */
};

/**
 * lb_balance_roundrobin() - the next one by smooth weighted round robin
 * @choices: the servers
 * @count:   how many
 *
 * Each usable one is given its weight in credit; the richest is chosen and pays
 * what all were given.  Weights 5, 1, 1 give a a b a c a a, not a a a a a b c.
 *
 * Threads: one at a time for one array.
 * Return:  an index, or -1: none is usable.
 */
int lb_balance_roundrobin(struct lb_choice *choices, size_t count);

/**
 * lb_balance_leastconn() - the one with the fewest connections for its weight
 * @choices: the servers
 * @count:   how many
 * @start:   of equal ones the first from here on is chosen, around the end
 *
 * Counts the connection to come: of two idle servers the heavier one is better.
 *
 * Threads: any.
 * Return:  an index, or -1: none is usable.
 */
int lb_balance_leastconn(const struct lb_choice *choices, size_t count,
			 size_t start);

#endif /* LB_BALANCE_H */
