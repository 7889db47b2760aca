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

/*
 * To the library's own: it moves, and this is the last call on this reactor.
 * Its mates may have left already.
 */
#define WEIR__LEAVING 0x0800u

struct weir__source {
	/* what each event needs */
	weir_source_fn *fn;
	void *data;
	int fd;				/* -1: none */
	uint32_t slow;			/* EPOLL* bits that are no plain event's;
					   see weir__source_tune() */
	uint16_t wanted;		/* facts; see ready.c */
	uint16_t ready;
	/* and the rest */
	uint32_t registered;		/* EPOLL* bits the kernel has */
	weir_token token;
	struct weir__list ready_link;	/* in reactor.ready or .held */
	struct weir__list all_link;	/* in reactor.sources */
	bool is_hidden;			/* the library's own: not counted */
	bool is_odd;			/* ONESHOT or lost: off the fast path */
	bool is_lost;			/* its descriptor is not its own any
					   more; rebuild.c */
	bool is_disarmed;		/* ONESHOT: it has had its event */
	bool is_parked;			/* level-triggered, but registered as
					   edge-triggered: see K7 in ready.c */
	bool is_pinned;			/* what uses it cannot move */
	bool is_outside;		/* the kernel refused it after a move */
	bool is_plain;			/* from malloc(): it has moved before */
	bool is_told;			/* WEIR_DRAINING was marked */
	bool hears_leaving;		/* WEIR__LEAVING, before it moves */
	uint64_t harvested;		/* the turn in which it was reported */
	struct weir__list timers;	/* its own; they move along */
	void *move;			/* the pool's: it has just arrived, and
					   some messages with it have not */
	weir_token mate;		/* the next that moves with it; tie.c */
};

/* The source of @token on @r, or NULL. */
static inline struct weir__source *weir__source_get(const struct weir_reactor *r,
						    weir_token token)
{
	return weir__token_get(r->tokens, r->owner, token);
}

/*
 * The same for a call of the user's: NULL also if the caller may not touch it,
 * and *ret_err says why not.
 */
struct weir__source *weir__source_lookup(struct weir_reactor *r,
					 weir_token token, int *ret_err);

/*
 * Its handler, or whether it is odd, has changed.  An end, a failure, and all
 * that comes for a source that is odd or without a handler, are not for the
 * fast path of weir__dispatch().
 */
static inline void weir__source_tune(struct weir__source *s)
{
	s->slow = s->fn && !s->is_odd ? EPOLLHUP | EPOLLERR : UINT32_MAX;
}

/* Take @s out and free it; its descriptor stays open. */
void weir__source_drop(struct weir_reactor *r, struct weir__source *s);

/* Nobody collects what @s is level-triggered for: let the kernel be quiet. */
void weir__source_park(struct weir_reactor *r, struct weir__source *s);

/**
 * weir__source_unpark() - have the kernel say again what holds
 *
 * Return: 0, or -errno of epoll_ctl(2).
 */
int weir__source_unpark(struct weir_reactor *r, struct weir__source *s);

/* The same for all of a reactor's: somebody collects. */
void weir__sources_unpark(struct weir_reactor *r);

/**
 * weir__source_hide() - mark a source as the library's own
 *
 * It is not counted and does not hold up a drain; it is still called with
 * WEIR_DRAINING and WEIR_STOPPING.
 *
 * Return: 0, -ESTALE or -ECHILD.
 */
int weir__source_hide(struct weir_reactor *r, weir_token token);

/* Tell it that @r is draining, if it is and @s has not heard of it. */
void weir__source_tell(struct weir_reactor *r, struct weir__source *s);

/* Have its moves refused, or no more; nothing happens if there is none. */
void weir__source_pin(struct weir_reactor *r, weir_token token, bool is_pinned);

/* It begins or ends to count: @by is 1 or -1. */
void weir__source_count(struct weir_reactor *r, const struct weir__source *s,
			int by);

/*
 * travel.c; a source leaves one reactor, and comes to another.
 *
 *     s2 = weir__source_pack(s)	 on the old owner's thread
 *     weir__source_unhook(r, s)	 the kernel forgets it; this may fail
 *     weir__source_depart(r, s, s2)	 @s is no more
 *     weir__source_arrive(r, s2)	 on the new owner's thread
 */

/* Memory for @s that is no reactor's own.  Return: NULL if there is none. */
struct weir__source *weir__source_pack(const struct weir__source *s);

/* Return: 0, or -errno of epoll_ctl(2): then nothing has changed. */
int weir__source_unhook(struct weir_reactor *r, struct weir__source *s);

/* @packed becomes what @s was, and belongs to no reactor. */
void weir__source_depart(struct weir_reactor *r, struct weir__source *s,
			 struct weir__source *packed);

/* It stays after all.  If the kernel refuses that it is lost: rebuild.c. */
void weir__source_rehook(struct weir_reactor *r, struct weir__source *s);

/*
 * Return: 0, or why it cannot be watched here (-errno).  It is @r's in either
 *         case, and its handler will hear of it.
 */
int weir__source_arrive(struct weir_reactor *r, struct weir__source *s);

/* The same at @r's end; weir__source_stop() is to follow. */
void weir__source_arrive_late(struct weir_reactor *r, struct weir__source *s);

/*
 * Watch it if the kernel refused that when it arrived.
 *
 * Return: 0 or -errno of weir_source_modify().
 */
int weir__source_mend(struct weir_reactor *r, weir_token token);

/*
 * tie.c; the next of those that move together: @s itself if it is alone.  For
 * the owner, and with all of them on @r.
 */
struct weir__source *weir__source_next(const struct weir_reactor *r,
				       struct weir__source *s);
bool weir__source_is_tied(const struct weir_reactor *r, struct weir__source *a,
			  const struct weir__source *b);
void weir__source_untie(const struct weir_reactor *r, struct weir__source *s);

/* One call with WEIR_STOPPING, then it is removed. */
void weir__source_stop(struct weir_reactor *r, struct weir__source *s);

/* timer.c: the timers of a source go with it. */
void weir__timers_depart(struct weir_reactor *r, struct weir__source *s);
void weir__timers_arrive(struct weir_reactor *r, struct weir__source *s);
void weir__timers_end(struct weir_reactor *r, struct weir__source *s);

#endif /* WEIR_LOOP_SOURCE_H */
