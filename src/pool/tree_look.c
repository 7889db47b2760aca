/* SPDX-License-Identifier: MIT */
/*
 * pool/tree_look.c - the file system compared with the mirror
 *
 * A folder is opened by the path that the mirror has for it. If that is not
 * the inode which is watched, the mirror is behind: nothing is concluded, the
 * folder's own name is looked at first, and this one later. Entries are looked
 * up by the descriptor, so that no rename can come in between.
 *
 * What is no more at its name may have got another one: the event that says
 * so was in the queue before the look, but need not have been read. So nothing
 * is concluded from a loss that no event explains before the queue has been
 * read to its end, and other halves of renames had their time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <weir/reactor.h>

#include "pool/tree.h"
#include "sys/io.h"

static const uint32_t MASK = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB |
			     IN_CREATE | IN_DELETE | IN_MOVED_FROM |
			     IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

enum { READ_BYTES = 8192 };

/* By the descriptor, so that it is the inode that was looked at. */
static int watch_fd(struct weir__tree *t, struct weir__folder *f, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return weir__wd_add(&t->watches->table, path, MASK, &f->user);
}

static bool is_same(const struct weir__folder *f,
		    const struct weir__dir_stamp *stamp)
{
	return f->user.wd && f->dev == stamp->dev && f->ino == stamp->ino;
}

static int open_at(struct weir__tree *t, const struct weir__folder *f)
{
	const char *path = weir__tree_path(t, f, NULL, t->open_path);

	if (!path)
		return -ENAMETOOLONG;
	return weir__dir_open(AT_FDCWD, *path ? path : "/", !f->entry);
}

/* Open @f if it is where the mirror has it; else see to it. */
static int open_folder(struct weir__tree *t, struct weir__folder *f)
{
	struct weir__dir_stamp now;
	int fd = open_at(t, f), err;

	if (fd >= 0) {
		err = weir__dir_look(fd, "", &now);
		if (err == 0 && is_same(f, &now))
			return fd;
		weir__close(fd);
		fd = -ESTALE;
	}
	if (f->entry)
		weir__tree_mark(t, f->entry);
	else
		t->is_root_unsure = true;
	weir__tree_queue(t, f, false);
	return fd;
}

/* What is left of @f's entries when all have been told. */
void weir__tree_contents_gone(struct weir__tree *t, struct weir__folder *f)
{
	struct weir__list *node;

	while (!t->is_ended && (node = weir__list_first(&f->entries)) != NULL) {
		struct weir__entry *e =
			WEIR__CONTAINER(node, struct weir__entry, link);
		struct weir__folder *up = f;

		/* From the bottom up, without recursion. */
		while (e->folder && !weir__list_is_empty(&e->folder->entries)) {
			up = e->folder;
			e = WEIR__CONTAINER(up->entries.next,
					    struct weir__entry, link);
		}
		if (e->is_told)
			weir__tree_tell(t, WEIR_TREE_DELETED, e, 0);
		if (!t->is_ended)
			weir__tree_drop(t, e);
	}
}

void weir__tree_gone(struct weir__tree *t, struct weir__entry *e,
		     enum weir_tree_what what)
{
	if (e->folder)
		weir__tree_contents_gone(t, e->folder);
	if (!t->is_ended && e->is_told)
		weir__tree_tell(t, what, e, 0);
	if (!t->is_ended)
		weir__tree_drop(t, e);
}

/* The mirror's folder of the inode that @f now watches, if there is one. */
static struct weir__folder *known(const struct weir__folder *f)
{
	struct weir__wd_user *user = NULL;

	while ((user = weir__wd_next(&f->user, user)) != NULL) {
		struct weir__folder *g;

		if (user == &f->user || user->fn != weir__tree_on_event)
			continue;
		g = WEIR__CONTAINER(user, struct weir__folder, user);
		if (g->tree == f->tree && g->entry)
			return g;
	}
	return NULL;
}

/* A told @e that is a new thing: tell the end of the old one, keep the name. */
static bool renew(struct weir__tree *t, struct weir__entry *e)
{
	if (e->folder) {
		weir__tree_contents_gone(t, e->folder);
		if (t->is_ended)
			return false;
		weir__tree_drop_folder(t, e->folder);
	}
	if (e->is_told)
		weir__tree_tell(t, WEIR_TREE_DELETED, e, 0);
	e->is_told = t->is_ended && e->is_told;
	return !t->is_ended;
}

static void adopt(struct weir__tree *t, struct weir__entry *e,
		  struct weir__folder *f, const struct weir__dir_stamp *now)
{
	const enum weir_tree_what what = e->is_in ? WEIR_TREE_MOVED_IN :
						    WEIR_TREE_CREATED;
	struct weir__folder *g = known(f), *parent = e->parent;

	if (g && !weir__tree_is_below(parent, g->entry)) {
		/* It is ours already, and has come here. */
		weir__tree_drop_folder(t, f);
		weir__tree_rename(t, g->entry, parent, e->name);
		return;
	}
	if (g)
		weir__tree_mark(t, g->entry);
	if (!renew(t, e))
		return;
	f->dev = now->dev;
	f->ino = now->ino;
	f->entry = e;
	e->folder = f;
	e->seen = *now;
	e->is_told = true;
	e->is_named = e->is_in = e->is_renamed = false;
	f->scan_due = true;
	weir__tree_queue(t, f, true);
	weir__tree_tell(t, what, e, 0);
}

static void cannot_watch(struct weir__tree *t, struct weir__entry *e,
			 const struct weir__dir_stamp *now, int err)
{
	const bool is_new = !e->is_told || e->folder;

	if (is_new && renew(t, e)) {
		e->is_told = true;
		e->seen = *now;
		weir__tree_tell(t, WEIR_TREE_CREATED, e, 0);
	}
	if (is_new && !t->is_ended)
		weir__tree_tell(t, WEIR_TREE_UNWATCHED, e, err);
}

static void look_folder(struct weir__tree *t, int fd, struct weir__entry *e,
			struct weir__dir_stamp *now)
{
	struct weir__folder *f;
	int sub, err;

	if (e->folder && is_same(e->folder, now)) {
		const bool is_news = e->seen.mode != now->mode;

		e->seen = *now;
		e->is_named = e->is_in = e->is_renamed = false;
		if (is_news)
			weir__tree_tell(t, WEIR_TREE_CHANGED, e, 0);
		return;
	}
	sub = weir__dir_open(fd, e->name, false);
	if (sub == -ENOENT || sub == -ELOOP || sub == -ENOTDIR) {
		weir__tree_mark(t, e);	/* another one, just now */
		return;
	}
	f = weir__tree_folder(t);
	err = sub < 0 ? sub : f ? weir__dir_look(sub, "", now) : -ENOMEM;
	if (err == 0)
		err = watch_fd(t, f, sub);
	if (sub >= 0)
		weir__close(sub);
	if (err == 0) {
		adopt(t, e, f, now);
		return;
	}
	if (f)
		weir__tree_drop_folder(t, f);
	cannot_watch(t, e, now, err);
}

static bool is_changed(const struct weir__entry *e,
		       const struct weir__dir_stamp *now)
{
	const struct weir__dir_stamp *seen = &e->seen;

	if (now->ino != seen->ino || now->dev != seen->dev ||
	    now->size != seen->size || now->mode != seen->mode ||
	    now->written_ns != seen->written_ns)
		return true;
	return !e->is_renamed && now->changed_ns != seen->changed_ns;
}

static void look_file(struct weir__tree *t, struct weir__entry *e,
		      const struct weir__dir_stamp *now)
{
	enum weir_tree_what what = WEIR_TREE_CHANGED;
	bool is_news = e->is_named || is_changed(e, now);

	if (e->is_told && S_ISDIR(e->seen.mode) && !renew(t, e))
		return;
	if (!e->is_told) {
		what = e->is_in ? WEIR_TREE_MOVED_IN : WEIR_TREE_CREATED;
		is_news = true;
	}
	e->is_told = true;
	e->seen = *now;
	e->is_named = e->is_in = e->is_renamed = false;
	if (is_news)
		weir__tree_tell(t, what, e, 0);
}

void weir__tree_miss(struct weir__tree *t, struct weir__entry *e)
{
	if (e->gone == 0)
		e->gone = weir_reactor_now(weir__watches_reactor(t->watches));
}

/*
 * What was told of @e is not at its name, or has left it and may be back: is
 * it too early to say so?
 */
static bool is_early(struct weir__tree *t, struct weir__entry *e)
{
	if (e->gone == TREE_GONE_SURE || (!e->is_told && !e->cookie))
		return false;
	weir__tree_miss(t, e);
	return !t->is_drained ||
	       weir_reactor_now(weir__watches_reactor(t->watches)) - e->gone <
		       t->settle;
}

static bool is_it(const struct weir__entry *e,
		  const struct weir__dir_stamp *now)
{
	return e->is_told && e->seen.ino == now->ino &&
	       e->seen.dev == now->dev;
}

/* @e is of the folder that @fd is. It may be gone, moved, or @t ended after. */
static void look(struct weir__tree *t, int fd, struct weir__entry *e)
{
	const bool was_from = e->cookie != 0;
	struct weir__dir_stamp now;
	const int err = weir__dir_look(fd, e->name, &now);

	if (weir__list_is_linked(&e->dirty)) {
		weir__list_remove(&e->dirty);
		t->waiting--;
	}
	if ((was_from || err < 0 || !is_it(e, &now)) && is_early(t, e)) {
		weir__tree_mark(t, e);
		return;
	}
	if (err < 0) {
		weir__tree_gone(t, e, was_from ? WEIR_TREE_MOVED_OUT :
						 WEIR_TREE_DELETED);
		return;
	}
	weir__tree_unhold(t, e);
	e->cookie = 0;
	e->gone = 0;
	if (S_ISDIR(now.mode))
		look_folder(t, fd, e, &now);
	else
		look_file(t, e, &now);
}

void weir__tree_look_now(struct weir__tree *t, struct weir__entry *e)
{
	const int fd = open_folder(t, e->parent);

	if (fd < 0)
		return;
	look(t, fd, e);
	weir__close(fd);
}

/* Every name that is there, and every one that the mirror has, is looked at. */
static int scan(struct weir__tree *t, struct weir__folder *f, int fd)
{
	char buf[READ_BYTES];
	struct weir__list *node;
	ssize_t n;

	t->stats.scans++;
	while ((n = weir__dir_read(fd, buf, sizeof(buf))) > 0) {
		const char *name;
		size_t at = 0;

		while ((name = weir__dir_next(buf, (size_t)n, &at)) != NULL) {
			if (!weir__tree_entry(t, f, name))
				return -ENOMEM;
		}
	}
	for (node = f->entries.next; node != &f->entries; node = node->next)
		weir__tree_mark(t, WEIR__CONTAINER(node, struct weir__entry,
						   link));
	return (int)n;
}

size_t weir__tree_look_into(struct weir__tree *t, struct weir__folder *f,
			    size_t budget)
{
	const int fd = open_folder(t, f);
	struct weir__list *node;
	size_t looks = 1;

	if (fd < 0)
		return looks;
	if (f->is_unsure) {
		weir__wd_remove(&t->watches->table, &f->user);
		f->is_unsure = watch_fd(t, f, fd) < 0;
	}
	if (f->scan_due)
		f->scan_due = scan(t, f, fd) < 0;
	/* Only what is dirty now: a look may mark its entry again. */
	for (size_t n = t->waiting; n > 0 && looks < budget && !t->is_ended &&
				    (node = weir__list_first(&f->dirty));
	     n--, looks++)
		look(t, fd, WEIR__CONTAINER(node, struct weir__entry, dirty));
	weir__close(fd);
	if (!t->is_ended &&
	    (f->scan_due || f->is_unsure || !weir__list_is_empty(&f->dirty)))
		weir__tree_queue(t, f, looks >= budget);
	return looks;
}

static int open_root(struct weir__tree *t)
{
	struct weir__folder *f = weir__tree_folder(t);
	struct weir__dir_stamp now;
	int fd, err;

	if (!f)
		return -ENOMEM;
	fd = open_at(t, f);
	err = fd < 0 ? fd : weir__dir_look(fd, "", &now);
	if (err == 0)
		err = watch_fd(t, f, fd);
	if (fd >= 0)
		weir__close(fd);
	if (err < 0) {
		weir__tree_drop_folder(t, f);
		return err;
	}
	f->dev = now.dev;
	f->ino = now.ino;
	f->scan_due = true;
	t->root = f;
	weir__tree_queue(t, f, true);
	return 0;
}

int weir__tree_check_root(struct weir__tree *t)
{
	struct weir__dir_stamp now;
	int fd;

	t->is_root_unsure = false;
	if (t->root) {
		fd = open_at(t, t->root);
		if (fd >= 0 && weir__dir_look(fd, "", &now) == 0 &&
		    is_same(t->root, &now)) {
			weir__close(fd);
			return 0;
		}
		if (fd >= 0)
			weir__close(fd);
		weir__tree_contents_gone(t, t->root);
		if (!t->is_ended)
			weir__tree_tell(t, WEIR_TREE_GONE, NULL, 0);
		if (t->is_ended)
			return 0;
		weir__tree_drop_folder(t, t->root);
		t->root = NULL;
	}
	return open_root(t);
}
