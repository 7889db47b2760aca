/* SPDX-License-Identifier: MIT */
/*
 * loop/inotify.c - an inotify instance on a reactor
 *
 * The buffer holds records between head and tail; pointers into it are valid
 * until the next event is taken.  watched.c has the table of watches.
 *
 * W1  A watch leaves the tables when its IN_IGNORED is reported, or when it is
 *     removed; a record whose number is in no table is of a watch that was
 *     removed, and is dropped.  The kernel gives numbers in a circle of 2^31,
 *     so none comes back while records of its last watch are on their way.
 * W2  The halves of a rename are queued one after the other while the kernel
 *     holds the locks of both folders, and so are all events of names in
 *     them.  Hence to report the rename in the place of its first half, before
 *     what stands between them, puts nothing in a wrong order; and a later
 *     event of a name in the first folder proves that no second half comes.
 *     Only at the end of the queue is there something to wait for.
 */
#include "loop/inotify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "base/ns.h"
#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/clock.h"
#include "sys/inotify.h"
#include "sys/io.h"

enum {
	/* No record is longer: sizeof(struct inotify_event) + NAME_MAX + 1. */
	RECORD_MAX = 16 + 256,
	EVENTS_A_CALL = 64,
};

static const uint32_t OF_A_NAME =
	IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

uint64_t weir_inotify_overflows(const struct weir_inotify *in)
{
	return in->overflows;
}

weir_token weir_inotify_token(const struct weir_inotify *in)
{
	return in->token;
}

int weir_inotify_decode(const void *buf, size_t len, size_t *offset,
			struct weir_inotify_event *ret_event)
{
	size_t at = *offset;
	const struct inotify_event *raw = weir__inotify_next(buf, len, &at);

	if (!raw)
		return *offset == len ? 0 : -EINVAL;
	memset(ret_event, 0, sizeof(*ret_event));
	ret_event->wd = raw->wd;
	ret_event->mask = raw->mask;
	ret_event->cookie = raw->cookie;
	ret_event->from_wd = -1;
	if (raw->len > 0) {
		ret_event->name = raw->name;
		ret_event->name_len = (uint32_t)strlen(raw->name);
	}
	*offset = at;
	return 1;
}

const char *weir_inotify_hint(int err)
{
	switch (err) {
	case -ENOSPC:
		return "too many watches of this user: raise "
		       "fs.inotify.max_user_watches";
	case -EMFILE:
		return "too many inotify instances of this user, or "
		       "descriptors: raise fs.inotify.max_user_instances, "
		       "or the limit of open files (ulimit -n)";
	default:
		return NULL;
	}
}

/* Read behind what is there.  Return: 1, 0 (nothing to read) or -errno. */
static int fill(struct weir_inotify *in)
{
	ssize_t n = weir__read(in->fd, in->buf + in->tail,
			       sizeof(in->buf) - in->tail);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return (int)n;
	in->tail += (size_t)n;
	return n > 0;
}

/* Make room behind; what is there moves to the front.  False: there is none. */
static bool compact(struct weir_inotify *in)
{
	memmove(in->buf, in->buf + in->head, in->tail - in->head);
	in->tail -= in->head;
	in->head = 0;
	return sizeof(in->buf) - in->tail >= RECORD_MAX;
}

enum { PAIRED, ALONE, UNDECIDED };

/*
 * W2: among what was read, what has become of the second half?  If it is there
 * it is marked as reported.
 */
static int second_half(struct weir_inotify *in, size_t at, int wd,
		       uint32_t cookie, struct weir_inotify_event *ret_event)
{
	struct weir_inotify_event e;
	size_t here = at;

	while (weir_inotify_decode(in->buf, in->tail, &at, &e) == 1) {
		struct inotify_event *raw = (void *)(in->buf + here);

		here = at;
		if ((e.mask & IN_MOVED_TO) && e.cookie == cookie) {
			if (!weir__watched_find(in, e.wd))
				return ALONE;
			raw->mask = 0;
			*ret_event = e;
			return PAIRED;
		}
		if ((e.mask & IN_Q_OVERFLOW) ||
		    (e.wd == wd && (e.mask & (OF_A_NAME | IN_IGNORED))))
			return ALONE;
	}
	return at == in->tail ? UNDECIDED : ALONE;
}

/*
 * The record at head is a first half.  Return: PAIRED, ALONE, UNDECIDED (wait
 * for more) or -errno.
 */
static int pair(struct weir_inotify *in, struct weir_inotify_event *ret_to)
{
	struct weir_inotify_event from;
	weir_ns now;
	size_t at;
	int r;

	for (;;) {
		at = in->head;
		weir_inotify_decode(in->buf, in->tail, &at, &from);
		r = second_half(in, at, from.wd, from.cookie, ret_to);
		if (r == UNDECIDED && !compact(in))
			r = ALONE;
		if (r != UNDECIDED)
			break;
		r = fill(in);
		if (r < 0)
			return r;
		if (r > 0)
			continue;
		now = weir__clock_now();
		if (in->pair_until == 0)
			in->pair_until = weir__ns_add(now, in->pair_ns);
		if (now < in->pair_until) {
			weir_timer_start_at(in->timer, in->pair_until);
			return UNDECIDED;
		}
		r = ALONE;
		break;
	}
	in->pair_until = 0;
	return r;
}

static void lost(struct weir_inotify *in, struct weir_inotify_event *ret_event)
{
	*ret_event = (struct weir_inotify_event){
		.wd = -1, .mask = IN_Q_OVERFLOW, .from_wd = -1,
	};
	in->overflows++;
	in->pair_until = 0;
}

/* Complete @e from the table.  False: its watch was removed. */
static bool complete(struct weir_inotify *in, struct weir_inotify_event *e)
{
	struct weir__watched *entry;

	if (e->mask & IN_Q_OVERFLOW) {
		lost(in, e);
		return true;
	}
	entry = weir__watched_find(in, e->wd);
	if (!entry)
		return false;
	e->path = entry->path;
	e->data = entry->data;
	if (e->mask & IN_IGNORED) {
		weir__watched_retire(in, entry);	/* W1 */
	}
	return true;
}

/* *@e is a first half, at head: make it the whole, if there is one. */
static int join(struct weir_inotify *in, struct weir_inotify_event *e)
{
	struct weir_inotify_event to;
	size_t at;
	int r = pair(in, &to);

	if (r == UNDECIDED || r < 0)
		return r == UNDECIDED ? 0 : r;
	/* Once more, for the buffer may have moved. */
	at = in->head;
	weir_inotify_decode(in->buf, in->tail, &at, e);
	in->head = at;
	complete(in, e);
	if (r == ALONE)
		return 1;
	complete(in, &to);
	to.mask |= e->mask;
	to.from_wd = e->wd;
	to.from_name = e->name;
	to.from_name_len = e->name_len;
	to.from_path = e->path;
	to.from_data = e->data;
	*e = to;
	return 1;
}

/* What no kernel writes; what came before it has been reported. */
static int give_up(struct weir_inotify *in, struct weir_inotify_event *e)
{
	in->head = in->tail = 0;
	lost(in, e);
	return 1;
}

/* Return: 1, 0 (none now) or -errno. */
static int next(struct weir_inotify *in, struct weir_inotify_event *e)
{
	size_t at;
	int r;

	weir__watched_free_retired(in);
	for (;;) {
		at = in->head;
		r = weir_inotify_decode(in->buf, in->tail, &at, e);
		if (r < 0)
			return give_up(in, e);
		if (r == 0) {
			in->head = in->tail = 0;
			r = fill(in);
			if (r <= 0)
				return r;
			continue;
		}
		if (complete(in, e) && e->mask != 0)
			break;
		in->head = at;
	}
	if (in->pair_ns > 0 && (e->mask & IN_MOVED_FROM))
		return join(in, e);
	in->head = at;
	return 1;
}

int weir_inotify_next(struct weir_inotify *in,
		      struct weir_inotify_event *ret_event)
{
	struct weir_inotify_event e;
	int r = weir__inotify_check(in);

	if (r < 0)
		return r;
	if (in->fn)
		return -EINVAL;
	r = next(in, &e);
	if (r > 0)
		*ret_event = e;
	return r;
}

/* Pass on what is there.  Return: whether there may be more. */
static bool pass_on(struct weir_reactor *r, struct weir_inotify *in,
		    const bool *is_freed)
{
	struct weir_inotify_event e;

	for (int i = 0; i < EVENTS_A_CALL; i++) {
		const int err = next(in, &e);

		if (err == 0)
			return false;
		if (err < 0)
			lost(in, &e);
		in->fn(r, in, &e, in->data);
		if (err < 0 || *is_freed)
			return false;
	}
	return true;
}

static enum weir_verdict on_readable(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	struct weir_inotify *in = data;
	bool is_freed = false;
	bool has_more;

	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	in->is_freed = &is_freed;
	has_more = pass_on(r, in, &is_freed);
	if (!is_freed)
		in->is_freed = NULL;
	return has_more ? WEIR_MORE : WEIR_DONE;
}

/* No second half has come in time. */
static void on_time(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct weir_inotify *in = data;

	(void)t;
	weir_source_again(r, in->token, WEIR_READABLE);
}

/* --- made and freed --- */

/* Its queue is the parent's: to read here would take events from there. */
static void orphan(struct weir__attached *attached)
{
	struct weir_inotify *in =
		WEIR__CONTAINER(attached, struct weir_inotify, attached);

	in->timer = weir_timer_free(in->timer);
	if (!weir_token_is_none(in->token))
		weir_source_remove(in->reactor, in->token);
	if (in->fd >= 0)
		weir__close(in->fd);
	in->token = weir_token_none();
	in->fd = WEIR__ORPHAN;
}

static void end(struct weir__attached *attached)
{
	struct weir_inotify *in =
		WEIR__CONTAINER(attached, struct weir_inotify, attached);

	if (in->is_freed)
		*in->is_freed = true;
	weir__list_remove(&in->attached.link);
	orphan(attached);
	weir__watched_free_all(in);
	free(in);
}

struct weir_inotify *weir_inotify_free(struct weir_inotify *in)
{
	if (in && weir__reactor_check(in->reactor) == 0)
		end(&in->attached);
	return NULL;
}

/* What can fail; end() undoes any part of it. */
static int acquire(struct weir_reactor *r, struct weir_inotify *in)
{
	int err;

	in->fd = weir__inotify_new();
	if (in->fd < 0)
		return in->fd;
	if (in->pair_ns > 0) {
		err = weir_timer_new(r, on_time, in, &in->timer);
		if (err < 0)
			return err;
	}
	err = weir_source_add(r, in->fd, WEIR_READABLE,
			      in->fn ? on_readable : NULL,
			      in->fn ? in : in->data, &in->token);
	return err < 0 ? err : weir__source_hide(r, in->token);
}

int weir_inotify_new(struct weir_reactor *r, weir_inotify_fn *fn, void *data,
		     const struct weir_inotify_options *options,
		     struct weir_inotify **ret_inotify)
{
	struct weir_inotify *in;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (options && options->size != sizeof(*options))
		return -EINVAL;
	in = calloc(1, sizeof(*in));
	if (!in)
		return -ENOMEM;
	in->attached.free = end;
	in->attached.orphan = orphan;
	in->reactor = r;
	in->fn = fn;
	in->data = data;
	in->pair_ns = options ? options->pair_ns : 0;
	weir__list_push(&r->attached, &in->attached.link);
	err = acquire(r, in);
	if (err < 0) {
		end(&in->attached);
		return err;
	}
	*ret_inotify = in;
	return 0;
}
