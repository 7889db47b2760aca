/* SPDX-License-Identifier: MIT */
/*
 * loop/tie.c - sources that move together
 *
 * They form a ring by token: each names the next, one that is alone names
 * nobody.  All of a ring are on one reactor at any time, for none of them moves
 * without the others; so the next is looked up where the one is.  Rings are
 * short (a relay's has two), and who leaves one walks it once.
 */
#include <weir/move.h>

#include <errno.h>

#include "loop/source.h"

struct weir__source *weir__source_next(const struct weir_reactor *r,
				       struct weir__source *s)
{
	return weir_token_is_none(s->mate) ? s : weir__source_get(r, s->mate);
}

bool weir__source_is_tied(const struct weir_reactor *r, struct weir__source *a,
			  const struct weir__source *b)
{
	struct weir__source *s = a;

	do {
		if (s == b)
			return true;
		s = weir__source_next(r, s);
	} while (s != a);
	return false;
}

static weir_token next_of(const struct weir__source *s)
{
	return weir_token_is_none(s->mate) ? s->token : s->mate;
}

static void set_next(struct weir__source *s, weir_token next)
{
	s->mate = weir_token_equal(next, s->token) ? weir_token_none() : next;
}

void weir__source_untie(const struct weir_reactor *r, struct weir__source *s)
{
	struct weir__source *before = s;

	if (weir_token_is_none(s->mate))
		return;
	while (!weir_token_equal(before->mate, s->token))
		before = weir__source_next(r, before);
	set_next(before, s->mate);
	s->mate = weir_token_none();
}

int weir_source_tie(struct weir_reactor *r, weir_token a, weir_token b)
{
	struct weir__source *s, *t;
	weir_token next;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	s = weir__source_get(r, a);
	t = weir__source_get(r, b);
	if (!s || !t)
		return -ESTALE;
	if (weir__source_is_tied(r, s, t))
		return 0;
	/* What was two rings is one. */
	next = next_of(s);
	set_next(s, next_of(t));
	set_next(t, next);
	return 0;
}
