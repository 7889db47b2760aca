/* SPDX-License-Identifier: MIT */
/*
 * loop/rebuild.c - registrations that cannot be removed
 *
 * epoll watches the open file, and knows it by file and number. If a watched
 * descriptor is closed while a duplicate of it (dup, fork, SCM_RIGHTS) keeps
 * the file open, the registration lives on: its events go on, and nobody can
 * remove it, for the number is free or belongs to another file by now.
 * weir_source_close() makes that impossible; this file is for descriptors
 * that were closed otherwise.
 *
 * B1  fds[] says whose a number is. A source that is registered under a number
 *     which another source had takes it over, and the other is *lost*: it is
 *     told by WEIR_ERROR, once and alone, and has no descriptor any more. For
 *     the number is another's: to remove, to read or to close by it would hit
 *     a stranger.
 * B2  A ghost is suspected when a removal by number failed, or when a source
 *     was lost.
 * B3  An event for a token that names nothing, in a later turn than the
 *     suspicion and in one without a removal, is a ghost's: a removal that
 *     succeeded is final, and no batch lives longer than its turn. The only
 *     cure the kernel allows is a new epoll set; it is made, and counted.
 *
 * A lost source that has not been removed has a ghost too, whose events would
 * go to it: they are dropped, and are as good a reason to rebuild.
 */
#include "loop/rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/ready.h"
#include "sys/epoll.h"
#include "sys/io.h"

/* A multiple of what one more descriptor needs; 512 bytes to begin with. */
enum { FDS_MIN = 64 };

int weir__fds_reserve(struct weir_reactor *r, int fd)
{
	size_t capacity = r->fds_capacity ? r->fds_capacity : FDS_MIN;
	struct weir__source **fds;

	if ((size_t)fd < r->fds_capacity)
		return 0;
	while (capacity <= (size_t)fd)
		capacity *= 2;
	fds = realloc(r->fds, capacity * sizeof(fds[0]));
	if (!fds)
		return -ENOMEM;
	memset(&fds[r->fds_capacity], 0,
	       (capacity - r->fds_capacity) * sizeof(fds[0]));
	r->fds = fds;
	r->fds_capacity = capacity;
	return 0;
}

/* B1: its descriptor is gone; say so, once. */
static void lose(struct weir_reactor *r, struct weir__source *s)
{
	s->is_lost = true;
	s->is_odd = true;
	weir__source_tune(s);
	s->fd = -1;
	s->ready = 0;
	weir__stat_add(r, WEIR__STAT_SOURCES_LOST, 1);
	weir__ghost_suspect(r);
	weir__ready_mark(r, s, WEIR_ERROR);
}

void weir__fds_set(struct weir_reactor *r, struct weir__source *s)
{
	struct weir__source *before = r->fds[s->fd];

	r->fds[s->fd] = s;
	if (before && before != s)
		lose(r, before);
}

bool weir__fds_clear(struct weir_reactor *r, const struct weir__source *s)
{
	/* One that could not be watched may not have found room. */
	if (s->is_lost || (size_t)s->fd >= r->fds_capacity ||
	    r->fds[s->fd] != s)
		return false;
	r->fds[s->fd] = NULL;
	return true;
}

void weir__fds_lose(struct weir_reactor *r, struct weir__source *s)
{
	weir__fds_clear(r, s);
	lose(r, s);
}

void weir__ghost_suspect(struct weir_reactor *r)
{
	r->has_suspect = true;
	r->suspected_in = r->turn;
}

void weir__ghost_seen(struct weir_reactor *r)
{
	if (r->has_suspect && r->suspected_in != r->turn &&
	    r->removed_in != r->turn)
		r->must_rebuild = true;
}

uint32_t weir__source_mask(const struct weir__source *s)
{
	/* A ONESHOT source that has had its event waits for its rearming. */
	if (s->is_disarmed)
		return s->registered & (EPOLLET | EPOLLONESHOT);
	return s->registered;
}

/*
 * Closed behind our back, or another kind of file by now: the new set itself,
 * for example, which is given the lowest number that is free (-EINVAL).
 */
static bool is_loss(int err)
{
	return err == -EBADF || err == -EPERM || err == -EEXIST ||
	       err == -EINVAL || err == -ELOOP;
}

static int add_all(struct weir_reactor *r, int epfd)
{
	struct weir__list *node, *next;
	int err = weir__epoll_ctl(epfd, EPOLL_CTL_ADD, r->bell.fd,
				  EPOLLIN | EPOLLET, WEIR__BELL);

	for (node = r->sources.next; err == 0 && node != &r->sources;
	     node = next) {
		struct weir__source *s = WEIR__CONTAINER(node,
					struct weir__source, all_link);

		next = node->next;
		if (s->fd < 0 || s->is_lost || s->is_outside)
			continue;
		err = weir__epoll_ctl(epfd, EPOLL_CTL_ADD, s->fd,
				      weir__source_mask(s), s->token.bits);
		if (is_loss(err)) {
			weir__fds_lose(r, s);
			err = 0;
		}
	}
	return err;
}

int weir__reactor_rebuild(struct weir_reactor *r)
{
	const int epfd = weir__epoll_create();
	int err;

	if (epfd < 0)
		return epfd;
	err = add_all(r, epfd);
	if (err < 0) {
		weir__close(epfd);
		return err;
	}
	weir__close(r->epfd);
	r->epfd = epfd;
	r->has_suspect = false;
	r->must_rebuild = false;
	weir__stat_add(r, WEIR__STAT_REBUILDS, 1);
	return 0;
}
