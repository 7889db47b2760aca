/* SPDX-License-Identifier: MIT */
/*
 * pool/held.h - messages that have to wait, in order
 *
 * Plain memory, filled by one thread and perhaps emptied by another.
 */
#ifndef WEIR_POOL_HELD_H
#define WEIR_POOL_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/message.h>

struct weir__held_chunk;

struct weir__held {
	struct weir__held_chunk *first, *last;
	size_t count;
};

/* Return: false if there is no memory for it. */
bool weir__held_push(struct weir__held *held, const struct weir_msg *msg);

/* Return: whether there was one. */
bool weir__held_take(struct weir__held *held, struct weir_msg *ret_msg);

#endif /* WEIR_POOL_HELD_H */
