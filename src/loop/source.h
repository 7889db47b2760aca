/* SPDX-License-Identifier: MIT */
/*
 * loop/source.h - one registration
 */
#ifndef WEIR_LOOP_SOURCE_H
#define WEIR_LOOP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/source.h>

#include "base/list.h"
#include "loop/reactor.h"
#include "sync/token.h"

struct weir__source {
	struct weir__list ready_link;	/* in reactor.ready or .held */
	struct weir__list all_link;	/* in reactor.sources */
	weir_source_fn *fn;
	void *data;
	weir_token token;
	int fd;				/* -1: none */
	uint32_t registered;		/* EPOLL* bits the kernel has */
	uint16_t wanted;		/* facts; see ready.c */
	uint16_t ready;
	bool is_hidden;			/* the library's own: not counted */
	bool is_odd;			/* ONESHOT or lost: off the fast path */
	bool is_lost;			/* its descriptor is not its own any
					   more; rebuild.c */
	bool is_disarmed;		/* ONESHOT: it has had its event */
	uint64_t harvested;		/* the turn in which it was reported */
};

/* The source of @token on @r, or NULL. */
static inline struct weir__source *weir__source_get(const struct weir_reactor *r,
						    weir_token token)
{
	return weir__token_get(r->tokens, r->owner, token);
}

/* Take @s out and free it; its descriptor stays open. */
void weir__source_drop(struct weir_reactor *r, struct weir__source *s);

/**
 * weir__source_hide() - mark a source as the library's own
 *
 * It is not counted and does not hold up a drain; it is still called with
 * WEIR_DRAINING and WEIR_STOPPING.
 *
 * Return: 0, -ESTALE or -ECHILD.
 */
int weir__source_hide(struct weir_reactor *r, weir_token token);

#endif /* WEIR_LOOP_SOURCE_H */
