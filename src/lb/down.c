/* SPDX-License-Identifier: MIT */
/*
 * down.c - which servers are down, as their checks say
 */
#include "lb/down.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int lb_down_new(size_t room, struct lb_down **ret_down)
{
	struct lb_down *down = calloc(1, sizeof(*down) +
					 room * sizeof(down->pairs[0]));

	if (!down)
		return -ENOMEM;
	*ret_down = down;
	return 0;
}

void lb_down_sort(struct lb_down *down)
{
	qsort(down->pairs, down->count, sizeof(down->pairs[0]), compare);
}

int lb_down_has(const struct lb_down *down, uint32_t door, uint32_t server)
{
	const uint64_t pair = lb_down_pair(door, server);

	return down && down->count > 0 &&
	       bsearch(&pair, down->pairs, down->count, sizeof(pair),
		       compare) != NULL;
}
