/* SPDX-License-Identifier: MIT */
/*
 * loop/watched.c - the table of watches of an inotify instance
 *
 * Found by number and by path, in two trees of the C library's.  An inode that
 * was renamed keeps its watch under the path that was given, and the path may
 * lead to another by now: it is the newest watch that is found by it.
 */
#include "loop/inotify.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "sys/inotify.h"

static int compare_wd(const void *a, const void *b)
{
	const struct weir__watched *x = a, *y = b;

	return (x->wd > y->wd) - (x->wd < y->wd);
}

static int compare_path(const void *a, const void *b)
{
	const struct weir__watched *x = a, *y = b;

	return strcmp(x->path, y->path);
}

struct weir__watched *weir__watched_find(const struct weir_inotify *in, int wd)
{
	const struct weir__watched key = { .wd = wd };
	struct weir__watched *const *found =
		tfind(&key, &in->by_wd, compare_wd);

	return found ? *found : NULL;
}

static struct weir__watched *find_path(const struct weir_inotify *in,
				       char *path)
{
	const struct weir__watched key = { .path = path };
	struct weir__watched *const *found =
		tfind(&key, &in->by_path, compare_path);

	return found ? *found : NULL;
}

static void entry_free(void *e)
{
	struct weir__watched *entry = e;

	free(entry->path);
	free(entry);
}

static void keep_entry(void *e)
{
	(void)e;
}

static void retire(struct weir_inotify *in, struct weir__watched *e)
{
	e->next = in->retired;
	in->retired = e;
}

void weir__watched_free_retired(struct weir_inotify *in)
{
	struct weir__watched *e;

	while ((e = in->retired) != NULL) {
		in->retired = e->next;
		entry_free(e);
	}
}

static void unname(struct weir_inotify *in, struct weir__watched *e)
{
	if (e->is_by_path)
		tdelete(e, &in->by_path, compare_path);
	e->is_by_path = false;
}

/* Of several with the same path the newest has it. */
static int name(struct weir_inotify *in, struct weir__watched *e)
{
	struct weir__watched *const *found =
		tsearch(e, &in->by_path, compare_path);

	if (!found)
		return -ENOMEM;
	if (*found != e) {
		unname(in, *found);
		return name(in, e);
	}
	e->is_by_path = true;
	return 0;
}

static void take_out(struct weir_inotify *in, struct weir__watched *e)
{
	unname(in, e);
	if (weir__watched_find(in, e->wd) == e) {
		tdelete(e, &in->by_wd, compare_wd);
		in->count--;
	}
}

void weir__watched_retire(struct weir_inotify *in, struct weir__watched *w)
{
	take_out(in, w);
	retire(in, w);
}

void weir__watched_free_all(struct weir_inotify *in)
{
	tdestroy(in->by_path, keep_entry);
	tdestroy(in->by_wd, entry_free);
	in->by_path = in->by_wd = NULL;
	weir__watched_free_retired(in);
}

static struct weir__watched *entry_new(const char *path, void *data)
{
	struct weir__watched *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->path = strdup(path);
	e->data = data;
	if (e->path)
		return e;
	free(e);
	return NULL;
}

/* The watch had another path: it is @e's now. */
static void replace(struct weir_inotify *in, struct weir__watched *old,
		    struct weir__watched *e)
{
	char *path = old->path;

	unname(in, old);
	old->path = e->path;
	e->path = path;
	old->data = e->data;
	/* A node has just been freed; without one it is found by wd only. */
	name(in, old);
	retire(in, e);
}

int weir_inotify_add(struct weir_inotify *in, const char *path, uint32_t mask,
		     void *data, int *ret_wd)
{
	struct weir__watched *e, *old;
	int err = weir__inotify_check(in);

	if (err < 0)
		return err;
	if (!path || !*path)
		return -EINVAL;
	e = entry_new(path, data);
	if (!e)
		return -ENOMEM;
	e->wd = weir__inotify_add(in->fd, path, mask);
	if (e->wd < 0) {
		err = e->wd;
		entry_free(e);
		return err;
	}
	old = weir__watched_find(in, e->wd);
	if (old) {
		*ret_wd = e->wd;
		replace(in, old, e);
		return 0;
	}
	if (tsearch(e, &in->by_wd, compare_wd)) {
		in->count++;
		if (name(in, e) == 0) {
			*ret_wd = e->wd;
			return 0;
		}
	}
	weir__inotify_remove(in->fd, e->wd);
	take_out(in, e);
	entry_free(e);
	return -ENOMEM;
}

int weir_inotify_remove(struct weir_inotify *in, int wd)
{
	struct weir__watched *e;
	int err = weir__inotify_check(in);

	if (err < 0)
		return err;
	e = weir__watched_find(in, wd);
	if (!e)
		return -EINVAL;
	/* It fails if the watch has ended by itself: as good as removed. */
	weir__inotify_remove(in->fd, wd);
	weir__watched_retire(in, e);
	return 0;
}

const char *weir_inotify_path(const struct weir_inotify *in, int wd)
{
	const struct weir__watched *e = weir__watched_find(in, wd);

	return e ? e->path : NULL;
}

int weir_inotify_find(const struct weir_inotify *in, const char *path,
		      int *ret_wd)
{
	const struct weir__watched *e;

	if (!path)
		return -EINVAL;
	e = find_path(in, (char *)(uintptr_t)path);
	if (!e)
		return -ENOENT;
	*ret_wd = e->wd;
	return 0;
}

size_t weir_inotify_count(const struct weir_inotify *in)
{
	return in->count;
}
