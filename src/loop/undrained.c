/* SPDX-License-Identifier: MIT */
/*
 * loop/undrained.c - handlers that say "done" too early; debug builds only
 *
 * A handler says WEIR_DONE and its descriptor can still be read.  Either it
 * left something behind, and nobody will ever tell it so; or that came after it
 * met EAGAIN, and then its edge waits in the kernel.  So it is a suspect until
 * the kernel has been asked once more: no event, and still something to read,
 * is the proof.
 */
#include "loop/undrained.h"

#include <errno.h>
#include <stdlib.h>

#include "sys/io.h"

/* As many as a turn can have; who is not among them is caught another time. */
enum { SUSPECTS = WEIR__BUDGET_EVENTS };

struct weir__undrained {
	weir_undrained_fn *fn;
	void *data;
	unsigned count;
	unsigned asked;		/* of them, before the kernel was asked */
	weir_token suspects[SUSPECTS];
};

int weir_reactor_set_undrained(struct weir_reactor *r, weir_undrained_fn *fn,
			       void *data)
{
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!WEIR_DEBUG)
		return -ENOTSUP;
	if (!r->undrained) {
		r->undrained = calloc(1, sizeof(*r->undrained));
		if (!r->undrained)
			return -ENOMEM;
	}
	r->undrained->fn = fn;
	r->undrained->data = data;
	return 0;
}

static bool may_be_left(const struct weir__source *s)
{
	return s->fd >= 0 && !s->is_hidden && s->fn &&
	       (s->wanted & WEIR_READABLE) && (s->registered & EPOLLET) &&
	       !(s->registered & EPOLLONESHOT) &&
	       weir__fd_has_input(s->fd) == 1;
}

void weir__undrained_suspect(struct weir_reactor *r,
			     const struct weir__source *s)
{
	struct weir__undrained *u = r->undrained;

	if (!u || !u->fn || u->count == SUSPECTS || !may_be_left(s))
		return;
	weir__undrained_clear(r, s->token);	/* no more than once */
	u->suspects[u->count++] = s->token;
}

void weir__undrained_clear(struct weir_reactor *r, weir_token token)
{
	struct weir__undrained *u = r->undrained;

	for (unsigned i = 0; u && i < u->count; i++)
		if (weir_token_equal(u->suspects[i], token))
			u->suspects[i] = weir_token_none();
}

bool weir__undrained_begin(struct weir_reactor *r)
{
	struct weir__undrained *u = r->undrained;

	if (!u)
		return false;
	u->asked = u->count;
	return u->count > 0;
}

static void judge(struct weir_reactor *r, weir_token token)
{
	const struct weir__undrained *u = r->undrained;
	const struct weir__source *s = weir__source_get(r, token);

	/* One that is marked as ready will be called. */
	if (s && !(s->ready & WEIR_READABLE) && may_be_left(s) && u->fn)
		u->fn(r, token, u->data);
}

void weir__undrained_judge(struct weir_reactor *r, bool is_all)
{
	struct weir__undrained *u = r->undrained;
	unsigned asked;

	if (!u || !is_all)
		return;
	asked = u->asked;
	for (unsigned i = 0; i < asked; i++)
		if (!weir_token_is_none(u->suspects[i]))
			judge(r, u->suspects[i]);
	for (unsigned i = asked; i < u->count; i++)
		u->suspects[i - asked] = u->suspects[i];
	u->count -= asked;
}
