/* SPDX-License-Identifier: MIT */
/*
 * loop/source.c - registrations
 *
 * epoll's data is the token and nothing else: no descriptor, no pointer.  The
 * generation is compared before each call, so an event that was on its way
 * when its source went is dropped, even if it stands in the batch in hand and
 * the memory and the descriptor have a new tenant already.
 */
#include "loop/source.h"

#include <errno.h>
#include <stdlib.h>

#include "loop/ready.h"
#include "loop/rebuild.h"
#include "loop/reactor.h"
#include "sys/epoll.h"
#include "sys/io.h"

/* Facts a user can want. */
enum {
	WANTABLE = WEIR_READABLE | WEIR_WRITABLE | WEIR_PRIORITY | WEIR_RDHUP,
};

static const uint32_t KNOWN_FLAGS =
	EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET | EPOLLONESHOT |
	EPOLLEXCLUSIVE | EPOLLWAKEUP;

void weir__source_count(struct weir_reactor *r, const struct weir__source *s,
			int by)
{
	if ((s->fd >= 0 || s->is_lost) && !s->is_hidden)
		weir__stat_add(r, WEIR__STAT_SOURCES, (uint64_t)by);
}

/* Everything but epoll.  Return: 0 or -errno. */
static int make(struct weir_reactor *r, int fd, weir_source_fn *fn, void *data,
		struct weir__source **ret_source)
{
	struct weir__source *s;
	int err;

	if (r->is_closing)
		return -ECANCELED;
	s = weir__arena_take(r->arena, sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = weir__token_open(r->tokens, &r->token_cache, r->owner, s,
			       &s->token);
	if (err < 0) {
		weir__arena_give(r->arena, s, sizeof(*s));
		return err;
	}
	if (r->near.count == 0)
		weir__token_near_set(r->tokens, &r->near);
	s->fn = fn;
	s->data = data;
	s->fd = fd;
	weir__source_tune(s);
	weir__list_init(&s->ready_link);
	weir__list_init(&s->timers);
	weir__list_push(&r->sources, &s->all_link);
	r->is_memory_stale = true;
	*ret_source = s;
	return 0;
}

void weir__source_tell(struct weir_reactor *r, struct weir__source *s)
{
	if (!r->is_draining || !s->fn || s->is_told)
		return;
	s->is_told = true;
	weir__ready_mark(r, s, WEIR_DRAINING);
}

static void unmake(struct weir_reactor *r, struct weir__source *s)
{
	weir__ready_withdraw(r, s);
	if (s->move)
		r->hooks->ended(r, s->move);
	weir__timers_end(r, s);
	weir__source_untie(r, s);
	r->gone++;
	weir__token_close(r->tokens, &r->token_cache, s->token);
	weir__list_remove(&s->ready_link);
	weir__list_remove(&s->all_link);
	if (r->called == s)
		r->called = NULL;
	if (s->is_plain)
		free(s);
	else
		weir__arena_give(r->arena, s, sizeof(*s));
	r->is_memory_stale = true;
}

static int add(struct weir_reactor *r, int fd, uint32_t flags,
	       weir_source_fn *fn, void *data, weir_token *ret_token)
{
	struct weir__source *s;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if ((flags & ~KNOWN_FLAGS) || (!fn && r->hooks))
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	err = weir__fds_reserve(r, fd);
	if (err == 0)
		err = make(r, fd, fn, data, &s);
	if (err < 0)
		return err;
	err = weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, fd, flags, s->token.bits);
	if (err < 0) {
		unmake(r, s);
		return err;
	}
	s->registered = flags;
	s->is_odd = (flags & EPOLLONESHOT) != 0;
	weir__source_tune(s);
	s->wanted = (uint16_t)(flags & WANTABLE);
	weir__fds_set(r, s);
	weir__source_count(r, s, 1);
	weir__source_tell(r, s);
	*ret_token = s->token;
	return 0;
}

int weir_source_add(struct weir_reactor *r, int fd, uint32_t facts,
		    weir_source_fn *fn, void *data, weir_token *ret_token)
{
	uint32_t flags = facts | EPOLLET;
	int nonblock;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (facts == 0 || (facts & ~(WEIR_READABLE | WEIR_WRITABLE)))
		return -EINVAL;
	if (facts & WEIR_READABLE)
		flags |= EPOLLRDHUP;
	if (fd != r->accepted_fd) {
		nonblock = weir__fd_nonblock_get(fd);
		if (nonblock < 0)
			return nonblock;
		/* A handler that drains a blocking one would hang us. */
		if (!nonblock)
			return -EPERM;
	}
	weir__reactor_accepted(r, -1);
	return add(r, fd, flags, fn, data, ret_token);
}

int weir_source_add_priority(struct weir_reactor *r, int fd, weir_source_fn *fn,
			     void *data, weir_token *ret_token)
{
	return add(r, fd, EPOLLPRI | EPOLLET, fn, data, ret_token);
}

int weir_source_add_flags(struct weir_reactor *r, int fd, uint32_t epoll_flags,
			  weir_source_fn *fn, void *data, weir_token *ret_token)
{
	return add(r, fd, epoll_flags, fn, data, ret_token);
}

int weir_source_open(struct weir_reactor *r, weir_source_fn *fn, void *data,
		     weir_token *ret_token)
{
	struct weir__source *s;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	err = make(r, -1, fn, data, &s);
	if (err < 0)
		return err;
	weir__source_tell(r, s);
	*ret_token = s->token;
	return 0;
}

struct weir__source *weir__source_lookup(struct weir_reactor *r,
					 weir_token token, int *ret_err)
{
	struct weir__source *s;

	*ret_err = weir__reactor_check(r);
	if (*ret_err < 0)
		return NULL;
	s = weir__source_get(r, token);
	if (!s)
		*ret_err = -ESTALE;
	return s;
}

/* What epoll accepts beside EPOLLEXCLUSIVE. */
static const uint32_t EXCLUSIVE_FLAGS =
	EPOLLIN | EPOLLOUT | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE;

/* epoll does not modify where EPOLLEXCLUSIVE is involved. */
static int exchange(struct weir_reactor *r, struct weir__source *s,
		    uint32_t flags)
{
	int err;

	if ((flags & EPOLLEXCLUSIVE) && (flags & ~EXCLUSIVE_FLAGS))
		return -EINVAL;
	err = weir__epoll_ctl(r->epfd, EPOLL_CTL_DEL, s->fd, 0, 0);
	if (err < 0)
		return err;
	err = weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, s->fd, flags,
			      s->token.bits);
	/* What was just there has its memory still; if not, it is lost. */
	if (err < 0 && weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, s->fd,
				       s->registered, s->token.bits) < 0)
		weir__fds_lose(r, s);
	return err;
}

/* The kernel refused it after a move: once more. */
static int bring_in(struct weir_reactor *r, struct weir__source *s,
		    uint32_t flags)
{
	int err = weir__fds_reserve(r, s->fd);

	if (err < 0)
		return err;
	weir__fds_set(r, s);
	err = weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, s->fd, flags,
			      s->token.bits);
	s->is_outside = err < 0;
	return err;
}

static int modify(struct weir_reactor *r, struct weir__source *s,
		  uint32_t flags)
{
	int err;

	if (s->fd < 0)
		return -EBADF;
	if (flags & ~KNOWN_FLAGS)
		return -EINVAL;
	if (s->is_outside)
		err = bring_in(r, s, flags);
	else if ((flags | s->registered) & EPOLLEXCLUSIVE)
		err = exchange(r, s, flags);
	else
		err = weir__epoll_ctl(r->epfd, EPOLL_CTL_MOD, s->fd, flags,
				      s->token.bits);
	if (err < 0)
		return err;
	s->registered = flags;
	s->is_odd = (flags & EPOLLONESHOT) != 0;
	weir__source_tune(s);
	s->is_disarmed = false;
	s->is_parked = false;
	return 0;
}

void weir__source_park(struct weir_reactor *r, struct weir__source *s)
{
	const uint32_t flags = s->registered | EPOLLET;
	int err;

	if (flags & EPOLLEXCLUSIVE)
		err = exchange(r, s, flags);
	else
		err = weir__epoll_ctl(r->epfd, EPOLL_CTL_MOD, s->fd, flags,
				      s->token.bits);
	/* If it cannot be, its descriptor was closed behind our back. */
	if (err < 0)
		return;
	s->is_parked = true;
	r->has_parked = true;
}

int weir__source_unpark(struct weir_reactor *r, struct weir__source *s)
{
	return s->is_parked && !s->is_lost ? modify(r, s, s->registered) : 0;
}

void weir__sources_unpark(struct weir_reactor *r)
{
	struct weir__list *node;

	r->has_parked = false;
	for (node = r->sources.next; node != &r->sources; node = node->next) {
		struct weir__source *s = WEIR__CONTAINER(node,
					struct weir__source, all_link);

		/* What fails is tried again by the next to collect. */
		if (weir__source_unpark(r, s) < 0)
			r->has_parked = true;
	}
}

int weir__source_mend(struct weir_reactor *r, weir_token token)
{
	struct weir__source *s = weir__source_get(r, token);

	return s && s->is_outside ? modify(r, s, s->registered) : 0;
}

int weir_source_modify(struct weir_reactor *r, weir_token token,
		       uint32_t epoll_flags)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	err = modify(r, s, epoll_flags);
	if (err < 0)
		return err;
	/* The kernel says again what holds: what we remember would double it. */
	weir__ready_clear(r, s, WANTABLE);
	weir__ready_want(r, s, (uint16_t)(epoll_flags & WANTABLE));
	return 0;
}

/*
 * What a level-triggered source does not want must not be registered: the
 * kernel would say it in every turn.
 */
static int want_level(struct weir_reactor *r, struct weir__source *s,
		      uint32_t facts)
{
	const uint32_t flags = (s->registered & ~(uint32_t)WANTABLE) | facts;
	int err;

	if (flags == s->registered)
		return 0;
	err = modify(r, s, flags);
	if (err == 0)
		weir__ready_clear(r, s, WANTABLE);
	return err;
}

int weir_source_want(struct weir_reactor *r, weir_token token, uint32_t facts)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	if (s->is_lost)
		return -EBADF;
	if ((facts & ~(uint32_t)WANTABLE) || s->fd < 0)
		return -EINVAL;
	if (!(s->registered & EPOLLET))
		err = want_level(r, s, facts);
	else if (facts & ~s->registered)
		err = modify(r, s, s->registered | facts);
	if (err < 0)
		return err;
	weir__ready_want(r, s, (uint16_t)facts);
	return 0;
}

int weir_source_clear(struct weir_reactor *r, weir_token token, uint32_t facts)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	weir__ready_clear(r, s, (uint16_t)facts);
	return 0;
}

int weir_source_again(struct weir_reactor *r, weir_token token, uint32_t facts)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	weir__ready_mark(r, s, (uint16_t)facts);
	return 0;
}

int weir_source_set(struct weir_reactor *r, weir_token token,
		    weir_source_fn *fn, void *data)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	if (!fn && r->hooks)
		return -EINVAL;
	if (fn == s->fn && data == s->data)
		return 0;
	err = weir__source_unpark(r, s);
	if (err < 0)
		return err;
	s->fn = fn;
	s->data = data;
	weir__source_tune(s);
	weir__ready_replaced(r, s);
	return 0;
}

int weir_source_data(struct weir_reactor *r, weir_token token, void **ret_data)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	*ret_data = s->data;
	return 0;
}

int weir_source_fd(struct weir_reactor *r, weir_token token, int *ret_fd)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	*ret_fd = s->fd;
	return 0;
}

int weir__source_hide(struct weir_reactor *r, weir_token token)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	weir__source_count(r, s, -1);
	s->is_hidden = true;
	return 0;
}

void weir__source_pin(struct weir_reactor *r, weir_token token, bool is_pinned)
{
	struct weir__source *s = weir__source_get(r, token);

	if (s)
		s->is_pinned = is_pinned;
}

void weir__source_drop(struct weir_reactor *r, struct weir__source *s)
{
	r->removed_in = r->turn;
	weir__source_count(r, s, -1);
	/*
	 * It fails only if the descriptor was closed behind our back, and then
	 * there is nothing left to remove by this number.
	 */
	if (s->fd >= 0 && weir__fds_clear(r, s) && !s->is_outside &&
	    weir__epoll_ctl(r->epfd, EPOLL_CTL_DEL, s->fd, 0, 0) < 0)
		weir__ghost_suspect(r);
	unmake(r, s);
}

int weir_source_remove(struct weir_reactor *r, weir_token token)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	weir__source_drop(r, s);
	return 0;
}

int weir_source_close(struct weir_reactor *r, weir_token token)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);
	int fd;

	if (!s)
		return err;
	fd = s->fd;
	weir__source_drop(r, s);
	return fd >= 0 ? weir__close(fd) : 0;
}
