/* SPDX-License-Identifier: MIT */
/*
 * pool/tree_event.c - what an event makes of the mirror
 *
 * Most only mark a name as one to be looked at. Two cannot wait: a new folder,
 * whose entries would go unheard, and a rename, after which events come by the
 * folder's new place. Both are checked again when things have settled, for
 * what is there when an event is read need not be what it was of.
 */
#include <errno.h>
#include <string.h>

#include "pool/tree.h"

enum { WAITING_MAX = 65536 };

void weir__tree_queue(struct weir__tree *t, struct weir__folder *f, bool now)
{
	if (now) {
		weir__list_remove(&f->todo);
		weir__list_push(&t->todo, &f->todo);
	} else if (!weir__list_is_linked(&f->todo)) {
		weir__list_push(&t->unsettled, &f->todo);
	}
	weir__tree_unsettle(t);
}

void weir__tree_mark(struct weir__tree *t, struct weir__entry *e)
{
	if (!weir__list_is_linked(&e->dirty)) {
		weir__list_push(&e->parent->dirty, &e->dirty);
		t->waiting++;
	}
	weir__tree_queue(t, e->parent, false);
}

/* Too many names, or no memory for one: the folder is scanned instead. */
static void collapse(struct weir__tree *t, struct weir__folder *f)
{
	if (!f->scan_due) {
		f->scan_due = true;
		t->is_collapsed = true;
		t->stats.collapses++;
	}
	weir__tree_queue(t, f, false);
}

static struct weir__entry *mark_name(struct weir__tree *t,
				     struct weir__folder *f, const char *name)
{
	struct weir__entry *e;

	e = t->waiting < WAITING_MAX ? weir__tree_entry(t, f, name) :
				       weir__tree_find(t, f, name);
	if (!e) {
		collapse(t, f);
		return NULL;
	}
	weir__tree_mark(t, e);
	return e;
}

void weir__tree_unhold(struct weir__tree *t, const struct weir__entry *e)
{
	for (unsigned i = 0; e->cookie && i < TREE_HELD; i++) {
		if (t->held[i] == e)
			t->held[i] = NULL;
	}
}

static void hold(struct weir__tree *t, struct weir__entry *e, uint32_t cookie)
{
	weir__tree_unhold(t, e);
	e->cookie = cookie;
	t->held[t->held_next++ % TREE_HELD] = e;
}

static struct weir__entry *take_held(struct weir__tree *t, uint32_t cookie)
{
	for (unsigned i = 0; i < TREE_HELD; i++) {
		struct weir__entry *e = t->held[i];

		if (e && e->cookie == cookie) {
			t->held[i] = NULL;
			e->cookie = 0;
			return e;
		}
	}
	return NULL;
}

void weir__tree_rename(struct weir__tree *t, struct weir__entry *e,
		       struct weir__folder *f, const char *name)
{
	struct weir__entry *target = weir__tree_find(t, f, name);
	struct weir__folder *from = e->parent;
	char old[NAME_MAX + 1], new[NAME_MAX + 1];

	if (target == e || (e->folder && weir__tree_is_below(f, e)) ||
	    (target && weir__tree_is_below(e->parent, target))) {
		weir__tree_mark(t, e);
		mark_name(t, f, name);
		return;
	}
	/* Either name may be of an entry that is freed below. */
	strcpy(old, e->name);
	strcpy(new, name);
	if (target && target->folder)
		weir__tree_contents_gone(t, target->folder);
	if (t->is_ended)
		return;
	if (target)
		weir__tree_drop(t, target);
	t->old = weir__tree_path(t, from, old, t->old_path);
	if (!t->old || weir__tree_move(t, e, f, new) < 0) {
		collapse(t, from);
		collapse(t, f);
		return;
	}
	/* Either name may stand for something else by now. */
	mark_name(t, from, old);
	mark_name(t, f, new);
	if (e->gone != TREE_GONE_SURE)
		e->gone = 0;
	e->is_renamed = true;
	e->is_in = false;
	weir__tree_tell(t, WEIR_TREE_RENAMED, e, 0);
}

static void on_moved_to(struct weir__tree *t, struct weir__folder *f,
			const struct inotify_event *ev)
{
	struct weir__entry *e = take_held(t, ev->cookie);
	const bool is_ours = e != NULL;

	if (e && e->is_told) {
		weir__tree_rename(t, e, f, ev->name);
		return;
	}
	e = mark_name(t, f, ev->name);
	if (!e)
		return;
	e->is_named = true;
	e->is_in = !is_ours;
	e->gone = TREE_GONE_SURE;	/* replaced */
	if (ev->mask & IN_ISDIR)
		weir__tree_look_now(t, e);
}

static void on_name(struct weir__tree *t, struct weir__folder *f,
		    const struct inotify_event *ev)
{
	struct weir__entry *e;

	if (ev->mask & IN_MOVED_TO) {
		on_moved_to(t, f, ev);
		return;
	}
	e = mark_name(t, f, ev->name);
	if (!e)
		return;
	if (ev->mask & IN_MOVED_FROM) {
		hold(t, e, ev->cookie);
		weir__tree_miss(t, e);
		return;
	}
	if (ev->mask & IN_DELETE)
		e->gone = TREE_GONE_SURE;
	e->is_named = true;
	if ((ev->mask & IN_CREATE) && (ev->mask & IN_ISDIR))
		weir__tree_look_now(t, e);
}

void weir__tree_on_event(struct weir__wd_user *user,
			 const struct inotify_event *ev)
{
	struct weir__folder *f =
		WEIR__CONTAINER(user, struct weir__folder, user);
	struct weir__tree *t = f->tree;

	weir__tree_enter(t);
	if (t->is_ended) {
		weir__tree_leave(t);
		return;
	}
	if (ev->len > 0) {
		on_name(t, f, ev);
	} else if (!f->entry) {
		t->is_root_unsure = true;
		weir__tree_unsettle(t);
	} else if (ev->mask & (IN_IGNORED | IN_UNMOUNT)) {
		weir__tree_mark(t, f->entry);
	}
	weir__tree_leave(t);
}
