/* SPDX-License-Identifier: MIT */
/* sync/ring.c - see ring.h */
#include "sync/ring.h"

#include <stdlib.h>
#include <string.h>

struct weir__ring *weir__ring_new(size_t capacity)
{
	size_t size = sizeof(struct weir__ring) +
		      capacity * sizeof(struct weir_msg);
	struct weir__ring *ring;

	/* aligned_alloc() wants a multiple of the alignment. */
	size = (size + WEIR__LINE - 1) / WEIR__LINE * WEIR__LINE;
	ring = aligned_alloc(WEIR__LINE, size);
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->capacity = capacity;
	return ring;
}

struct weir__ring *weir__ring_free(struct weir__ring *ring)
{
	free(ring);
	return NULL;
}
