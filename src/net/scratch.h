/* SPDX-License-Identifier: MIT */
/*
 * net/scratch.h - the buffer that the relays of a reactor read through
 *
 * It is there while any of them is: reactor.net_data.
 */
#ifndef WEIR_NET_SCRATCH_H
#define WEIR_NET_SCRATCH_H

#include <stdint.h>

struct weir_reactor;

enum { WEIR__SCRATCH = 64 * 1024 };

/* One more uses it.  Return: 0 or -ENOMEM. */
int weir__scratch_join(struct weir_reactor *r);

/* One less. */
void weir__scratch_leave(struct weir_reactor *r);

/* For those who have joined: WEIR__SCRATCH bytes, until they return. */
uint8_t *weir__scratch_get(const struct weir_reactor *r);

#endif /* WEIR_NET_SCRATCH_H */
