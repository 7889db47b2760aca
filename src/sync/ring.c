/* SPDX-License-Identifier: MIT */
/* sync/ring.c - see ring.h */
#include "sync/ring.h"

#include <stdlib.h>
#include <string.h>

struct weir__ring *weir__ring_new(size_t capacity)
{
	struct weir__ring *ring;

	ring = weir__line_alloc(sizeof(*ring) +
				capacity * sizeof(ring->slots[0]));
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->capacity = capacity;
	ring->size = capacity;
	return ring;
}

struct weir__ring *weir__ring_free(struct weir__ring *ring)
{
	free(ring);
	return NULL;
}
