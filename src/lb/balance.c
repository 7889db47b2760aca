/* SPDX-License-Identifier: MIT */
/*
 * balance.c - which server is next; arithmetic only
 */
#include "lb/balance.h"

int lb_balance_roundrobin(struct lb_choice *choices, size_t count)
{
	int64_t given = 0;
	int best = -1;

	for (size_t i = 0; i < count; i++) {
		if (!choices[i].is_usable)
			continue;
		choices[i].credit += choices[i].weight;
		given += choices[i].weight;
		if (best < 0 || choices[i].credit > choices[best].credit)
			best = (int)i;
	}
	if (best >= 0)
		choices[best].credit -= given;
	return best;
}

/* Whether @a would be less loaded than @b with one connection more. */
static int is_less(const struct lb_choice *a, const struct lb_choice *b)
{
	return (a->load + 1) * b->weight < (b->load + 1) * a->weight;
}

int lb_balance_leastconn(const struct lb_choice *choices, size_t count,
			 size_t start)
{
	int best = -1;

	for (size_t i = 0; i < count; i++) {
		size_t at = (start + i) % count;

		if (!choices[at].is_usable)
			continue;
		if (best < 0 || is_less(&choices[at], &choices[best]))
			best = (int)at;
	}
	return best;
}
