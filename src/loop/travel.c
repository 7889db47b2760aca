/* SPDX-License-Identifier: MIT */
/*
 * loop/travel.c - a source leaves one reactor, and comes to another
 *
 * Between the two it is in no list, on no wheel and in no epoll set, and only
 * who carries it touches it. Its facts travel: what was ready stays ready.
 * Nothing that happens to its descriptor meanwhile is missed, for
 * EPOLL_CTL_ADD reports what holds at that moment, to an edge-triggered source
 * too.
 *
 * A reactor's arena is its own, so what travels is moved to plain memory, once:
 * it stays there, and the second move allocates nothing for it.
 */
#include <errno.h>
#include <stdlib.h>

#include "loop/ready.h"
#include "loop/rebuild.h"
#include "loop/source.h"
#include "sys/epoll.h"

struct weir__source *weir__source_pack(const struct weir__source *s)
{
	return s->is_plain ? (struct weir__source *)s : malloc(sizeof(*s));
}

int weir__source_unhook(struct weir_reactor *r, struct weir__source *s)
{
	int err = 0;

	if (s->fd >= 0 && !s->is_outside)
		err = weir__epoll_ctl(r->epfd, EPOLL_CTL_DEL, s->fd, 0, 0);
	/* An event of it that is in the batch in hand is no ghost. */
	if (err == 0)
		r->removed_in = r->turn;
	return err;
}

void weir__source_rehook(struct weir_reactor *r, struct weir__source *s)
{
	if (s->fd >= 0 && !s->is_outside &&
	    weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, s->fd,
			    weir__source_mask(s), s->token.bits) < 0)
		weir__fds_lose(r, s);
}

/* The library's own gives back what is this reactor's. */
static void say_leaving(struct weir_reactor *r, const struct weir__source *s)
{
	const struct weir_event event = {
		.token = s->token,
		.facts = WEIR__LEAVING,
		.fd = s->fd,
		.data = s->data,
	};

	s->fn(r, &event, s->data);
}

void weir__source_depart(struct weir_reactor *r, struct weir__source *s,
			 struct weir__source *packed)
{
	struct weir__list timers;

	if (s->hears_leaving)
		say_leaving(r, s);
	r->gone++;
	weir__source_count(r, s, -1);
	if (s->fd >= 0)
		weir__fds_clear(r, s);
	weir__ready_leave(r, s);
	weir__list_remove(&s->all_link);
	weir__timers_depart(r, s);
	weir__list_init(&timers);
	weir__list_splice(&timers, &s->timers);
	if (packed != s)
		*packed = *s;
	weir__list_init(&packed->ready_link);
	weir__list_init(&packed->all_link);
	weir__list_init(&packed->timers);
	weir__list_splice(&packed->timers, &timers);
	if (packed == s)
		return;
	packed->is_plain = true;
	weir__arena_dealloc(r->arena, s);
	r->is_memory_stale = true;
}

/* The kernel's part.  Return: 0 or -errno. */
static int hook(struct weir_reactor *r, struct weir__source *s)
{
	int err = weir__fds_reserve(r, s->fd);

	if (err < 0)
		return err;
	weir__fds_set(r, s);
	return weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, s->fd,
			       weir__source_mask(s), s->token.bits);
}

int weir__source_arrive(struct weir_reactor *r, struct weir__source *s)
{
	uint16_t facts = WEIR_MOVED;
	int err = 0;

	weir__list_push(&r->sources, &s->all_link);
	weir__source_count(r, s, 1);
	weir__timers_arrive(r, s);
	if (s->fd >= 0)
		err = hook(r, s);
	s->is_outside = err < 0;
	if (err < 0)
		facts |= WEIR_ERROR | WEIR_READABLE | WEIR_WRITABLE |
			 WEIR_PRIORITY;
	if (s->fn)
		weir__ready_mark(r, s, facts);
	weir__source_tell(r, s);
	return err;
}

void weir__source_arrive_late(struct weir_reactor *r, struct weir__source *s)
{
	weir__list_push(&r->sources, &s->all_link);
	s->is_outside = true;
	if (s->fd >= 0 && !s->is_hidden)
		weir__stat_add(r, WEIR__STAT_SOURCES_FORCED, 1);
	weir__source_count(r, s, 1);
	weir__timers_arrive(r, s);
}
