/* SPDX-License-Identifier: MIT */
/*
 * loop/rebuild.h - registrations that cannot be removed; rebuild.c says how
 * they come about and what is done
 */
#ifndef WEIR_LOOP_REBUILD_H
#define WEIR_LOOP_REBUILD_H

#include <stdbool.h>

#include "loop/reactor.h"
#include "loop/source.h"

/**
 * weir__fds_reserve() - make room to remember who has descriptor @fd
 *
 * Return: 0 or -ENOMEM.
 */
int weir__fds_reserve(struct weir_reactor *r, int fd);

/*
 * @s was registered under its descriptor, for which room was reserved.  Who
 * had the number before has lost it: it was closed behind our back.
 */
void weir__fds_set(struct weir_reactor *r, struct weir__source *s);

/* @s goes.  Return: whether the number is still its own, to be removed by. */
bool weir__fds_clear(struct weir_reactor *r, const struct weir__source *s);

/* @s is not registered any more, and cannot be: tell it. */
void weir__fds_lose(struct weir_reactor *r, struct weir__source *s);
/* The mask under which @s is to be registered anew. */
uint32_t weir__source_mask(const struct weir__source *s);

/* The kernel did not let us remove a registration: it may live on. */
void weir__ghost_suspect(struct weir_reactor *r);

/* An event came for a token that names nothing. */
void weir__ghost_seen(struct weir_reactor *r);

/**
 * weir__reactor_rebuild() - put every source into a new epoll set
 *
 * What is ready is reported again.  On failure the old set stays.
 *
 * Return: 0, -EMFILE, -ENFILE, -ENOMEM or -ENOSPC.
 */
int weir__reactor_rebuild(struct weir_reactor *r);

#endif /* WEIR_LOOP_REBUILD_H */
