/* SPDX-License-Identifier: MIT */
/* pool/held.c - see held.h */
#include "pool/held.h"

#include <stdlib.h>

/* With them a chunk takes one KiB of malloc's. */
enum { CHUNK_MESSAGES = 31 };

struct weir__held_chunk {
	struct weir__held_chunk *next;
	unsigned taken, filled;
	struct weir_msg msgs[CHUNK_MESSAGES];
};

static bool grow(struct weir__held *held)
{
	struct weir__held_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return false;
	chunk->next = NULL;
	chunk->taken = 0;
	chunk->filled = 0;
	if (held->last)
		held->last->next = chunk;
	else
		held->first = chunk;
	held->last = chunk;
	return true;
}

bool weir__held_push(struct weir__held *held, const struct weir_msg *msg)
{
	if (!held->last || held->last->filled == CHUNK_MESSAGES) {
		if (!grow(held))
			return false;
	}
	held->last->msgs[held->last->filled++] = *msg;
	held->count++;
	return true;
}

bool weir__held_take(struct weir__held *held, struct weir_msg *ret_msg)
{
	struct weir__held_chunk *chunk = held->first;

	if (held->count == 0)
		return false;
	*ret_msg = chunk->msgs[chunk->taken++];
	held->count--;
	if (chunk->taken < chunk->filled)
		return true;
	held->first = chunk->next;
	if (!held->first)
		held->last = NULL;
	free(chunk);
	return true;
}
