/* SPDX-License-Identifier: MIT */
/*
 * net/scratch.c - the buffer that the relays of a reactor read through
 */
#include "net/scratch.h"

#include <errno.h>
#include <stddef.h>
#include <weir/memory.h>

#include "loop/reactor.h"

struct scratch {
	size_t users;
	uint8_t bytes[WEIR__SCRATCH];
};

int weir__scratch_join(struct weir_reactor *r)
{
	struct scratch *scratch = r->net_data;

	if (!scratch) {
		scratch = weir_malloc(r, sizeof(*scratch));
		if (!scratch)
			return -ENOMEM;
		scratch->users = 0;
		r->net_data = scratch;
	}
	scratch->users++;
	return 0;
}

void weir__scratch_leave(struct weir_reactor *r)
{
	struct scratch *scratch = r->net_data;

	if (--scratch->users > 0)
		return;
	r->net_data = NULL;
	weir_mfree(r, scratch);
}

uint8_t *weir__scratch_get(const struct weir_reactor *r)
{
	return ((struct scratch *)r->net_data)->bytes;
}
