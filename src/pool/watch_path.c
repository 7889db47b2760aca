/* SPDX-License-Identifier: MIT */
/*
 * pool/watch_path.c - every folder that leads to a path
 *
 * A path is a sequence of names, each looked up in a folder; a symlink puts
 * its own names in the place of its. All of those folders are watched, each
 * for the one name that was looked up in it. So it is noticed when any part of
 * the way is renamed, replaced, removed, unmounted, or comes into being, at
 * any depth: then the way is gone anew.
 *
 *     /etc/app/f -> ..data/f, ..data -> ..1
 *     steps: (/, etc) (/etc, app) (/etc/app, f) (/etc/app, ..data)
 *            (/etc/app, ..1) (/etc/app/..1, f)
 *
 * What inotify does not tell is that something is mounted over a folder.
 */
#include "pool/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sys/inotify.h"

/* Of the folders on the way: what happens to names, not to contents. */
static const uint32_t WAY_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM |
				 IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
/* Of a folder that holds the file. */
static const uint32_t END_MASK = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB;

enum { LINKS_MAX = 40 };	/* as the kernel's */

struct step {
	struct weir__list link;
	struct weir__wd_user user;
	struct weir__path *path;
	bool is_end;
	char name[];
};

/* Where a walk stands: @at has been reached, @rest is still to go. */
struct walk {
	struct weir__path *path;
	struct weir__list steps;
	unsigned links;
	char at[PATH_MAX];	/* "" is the current folder */
	char rest[PATH_MAX];
};

static void on_event(struct weir__wd_user *user, const struct inotify_event *ev)
{
	struct step *step = WEIR__CONTAINER(user, struct step, user);

	if (ev->mask & (IN_IGNORED | IN_UNMOUNT | IN_MOVE_SELF))
		step->path->fn(step->path, false);
	else if (ev->len > 0 && strcmp(ev->name, step->name) == 0)
		step->path->fn(step->path, step->is_end);
}

void weir__path_init(struct weir__path *p, struct weir__watches *ws,
		     const char *text)
{
	p->watches = ws;
	p->text = text;
	weir__list_init(&p->steps);
}

static void drop_steps(struct weir__path *p, struct weir__list *steps)
{
	struct weir__list *node;

	while ((node = weir__list_take(steps)) != NULL) {
		struct step *step = WEIR__CONTAINER(node, struct step, link);

		weir__wd_remove(&p->watches->table, &step->user);
		free(step);
	}
}

/* Watch the folder the walk is at for @name. */
static int add_step(struct walk *w, const char *name, bool is_end)
{
	const size_t size = strlen(name) + 1;
	struct step *step = calloc(1, sizeof(*step) + size);
	int err;

	if (!step)
		return -ENOMEM;
	memcpy(step->name, name, size);
	step->path = w->path;
	step->is_end = is_end;
	step->user.fn = on_event;
	err = weir__wd_add(&w->path->watches->table, w->at[0] ? w->at : ".",
			   is_end ? WAY_MASK | END_MASK : WAY_MASK,
			   &step->user);
	if (err < 0) {
		free(step);
		return err;
	}
	weir__list_init(&step->link);
	weir__list_push(&w->steps, &step->link);
	return 0;
}

/* Cut the first name off what is left to go; false if there is none. */
static bool next_name(struct walk *w, char name[NAME_MAX + 1], int *ret_err)
{
	const char *from = w->rest + strspn(w->rest, "/");
	const size_t length = strcspn(from, "/");

	*ret_err = length > NAME_MAX ? -ENAMETOOLONG : 0;
	if (length == 0 || length > NAME_MAX)
		return false;
	memcpy(name, from, length);
	name[length] = '\0';
	memmove(w->rest, from + length, strlen(from + length) + 1);
	return true;
}

/* at/name, in place. */
static int enter(struct walk *w, const char *name)
{
	const size_t at = strlen(w->at), length = strlen(name);
	const bool needs_slash = at > 0 && w->at[at - 1] != '/';

	if (at + needs_slash + length + 1 > sizeof(w->at))
		return -ENAMETOOLONG;
	if (needs_slash)
		w->at[at] = '/';
	memcpy(w->at + at + needs_slash, name, length + 1);
	return 0;
}

/* What @name, just entered, leads to if it is a symlink. */
static int follow(struct walk *w, size_t folder_length)
{
	char target[PATH_MAX];
	const ssize_t n = weir__path_readlink(w->at, target, sizeof(target));
	const size_t rest = strlen(w->rest);

	if (n < 0)
		return n == -EINVAL ? 0 : (int)n;	/* no symlink */
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)n + rest + 1 > sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + n, w->rest, rest + 1);
	memcpy(w->rest, target, (size_t)n);
	w->at[folder_length] = '\0';
	if (target[0] == '/')
		strcpy(w->at, "/");
	return 0;
}

/* A name that is not there, or no folder, ends the way for now. */
static bool is_end_of_way(int err)
{
	return err == -ENOENT || err == -ENOTDIR;
}

static int walk(struct walk *w)
{
	char name[NAME_MAX + 1];
	int err;

	while (next_name(w, name, &err)) {
		const size_t length = strlen(w->at);

		err = add_step(w, name, strspn(w->rest, "/") ==
					strlen(w->rest));
		if (err == 0)
			err = enter(w, name);
		if (err == 0)
			err = follow(w, length);
		if (err < 0)
			break;
	}
	return is_end_of_way(err) ? 0 : err;
}

int weir__path_walk(struct weir__path *p)
{
	struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return p->error = -ENOMEM;
	w->path = p;
	weir__list_init(&w->steps);
	if (p->text[0] == '/')
		strcpy(w->at, "/");
	strcpy(w->rest, p->text);
	p->error = walk(w);
	/* The old ones go last: a folder of both keeps its number. */
	drop_steps(p, &p->steps);
	weir__list_splice(&p->steps, &w->steps);
	free(w);
	return p->error;
}

void weir__path_done(struct weir__path *p)
{
	drop_steps(p, &p->steps);
}
