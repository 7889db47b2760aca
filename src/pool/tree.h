/* SPDX-License-Identifier: MIT */
/*
 * pool/tree.h - what the files of a watched tree share
 *
 *     tree.c         the public calls; settling; telling
 *     tree_event.c   what an event makes of the mirror
 *     tree_look.c    the file system compared with the mirror
 *     tree_mirror.c  the mirror: entries by folder and name
 *
 * The mirror is what the user has been told. An entry that is not told is a
 * name at which there is something to look at, no more.
 */
#ifndef WEIR_POOL_TREE_H
#define WEIR_POOL_TREE_H

#include <limits.h>
#include <weir/tree.h>

#include "pool/watch.h"
#include "sys/dir.h"

struct weir__tree;
struct weir__folder;

struct weir__entry {
	struct weir__list link;		/* of the folder's entries */
	struct weir__list dirty;	/* of the folder's dirty ones */
	struct weir__entry *next;	/* in the same slot */
	struct weir__folder *parent;
	struct weir__folder *folder;	/* if it is one, and watched */
	uint32_t hash;
	uint32_t cookie;	/* it was renamed: the other half has it too */
	bool is_told;
	bool is_named;		/* by an event that says it has changed */
	bool is_in;		/* it came by a rename */
	bool is_renamed;	/* and that was told: its ctime says nothing */
	weir_ns gone;		/* since when what was told is not at its name;
				   0: it is; TREE_GONE_SURE: an event has said
				   what became of it */
	struct weir__dir_stamp seen;
	char *name;
};

struct weir__folder {
	struct weir__wd_user user;
	struct weir__list todo;		/* the tree's todo or unsettled */
	struct weir__list entries;
	struct weir__list dirty;
	struct weir__tree *tree;
	struct weir__entry *entry;	/* NULL: the root */
	dev_t dev;
	ino_t ino;
	bool scan_due;
	bool is_unsure;		/* events were lost: its watch may be gone */
};

enum { TREE_GONE_SURE = 1 };

enum { TREE_HELD = 64, TREE_PATH = 2 * PATH_MAX };

struct weir__tree {
	struct weir__list link;
	struct weir__watches *watches;
	weir_token token;
	struct weir__path way;		/* to the root */
	struct weir_timer *timer;	/* once the control thread runs */
	weir_ns settle, limit;
	weir_ns first, due;		/* of what is unsettled; 0: nothing */
	struct weir__list todo;		/* folders to be looked at now */
	struct weir__list unsettled;	/* and later */
	bool is_root_unsure;
	bool is_collapsed;		/* too much to look at; not told yet */
	bool is_news;			/* something told since SETTLED */
	bool is_behind;			/* SETTLED waits for is_drained */
	bool is_drained;		/* every event there was has been read */
	bool is_ended;
	unsigned busy;			/* calls that still use it */
	struct weir__folder *root;	/* NULL: not there */
	struct weir__entry **slots;
	size_t size;			/* of slots */
	size_t waiting;			/* dirty entries */
	struct weir__entry *held[TREE_HELD];	/* first halves of renames */
	unsigned held_next;
	struct weir_tree_stats stats;
	weir_tree_fn *fn;
	void *data;
	char path[TREE_PATH];		/* what is told */
	char old_path[TREE_PATH];
	const char *old;		/* the path in it */
	char open_path[TREE_PATH];
	char text[];
};

/* tree_mirror.c */
struct weir__entry *weir__tree_find(struct weir__tree *t,
				    const struct weir__folder *f,
				    const char *name);
/* Found or made; NULL: no memory. */
struct weir__entry *weir__tree_entry(struct weir__tree *t,
				     struct weir__folder *f, const char *name);
int weir__tree_move(struct weir__tree *t, struct weir__entry *e,
		    struct weir__folder *f, const char *name);
void weir__tree_drop(struct weir__tree *t, struct weir__entry *e);
struct weir__folder *weir__tree_folder(struct weir__tree *t);
void weir__tree_drop_folder(struct weir__tree *t, struct weir__folder *f);
/* Its path, at the end of @buf; NULL: it does not fit. */
const char *weir__tree_path(const struct weir__tree *t,
			    const struct weir__folder *f, const char *name,
			    char buf[TREE_PATH]);
bool weir__tree_is_below(const struct weir__folder *f,
			 const struct weir__entry *e);

/* tree_event.c */
void weir__tree_on_event(struct weir__wd_user *user,
			 const struct inotify_event *ev);
/* @e is to be looked at when things have settled. */
void weir__tree_mark(struct weir__tree *t, struct weir__entry *e);
void weir__tree_queue(struct weir__tree *t, struct weir__folder *f, bool now);
void weir__tree_unhold(struct weir__tree *t, const struct weir__entry *e);
/* Move and tell, or mark both if it cannot be. */
void weir__tree_rename(struct weir__tree *t, struct weir__entry *e,
		       struct weir__folder *f, const char *name);

/* tree_look.c */
/* What was told of @e may be elsewhere: wait for an event that says so. */
void weir__tree_miss(struct weir__tree *t, struct weir__entry *e);
void weir__tree_look_now(struct weir__tree *t, struct weir__entry *e);
/* Up to @budget looks in @f; returns those that were made. */
size_t weir__tree_look_into(struct weir__tree *t, struct weir__folder *f,
			    size_t budget);
/* Tell that it is gone, with all that is below, and forget it. */
void weir__tree_gone(struct weir__tree *t, struct weir__entry *e,
		     enum weir_tree_what what);
void weir__tree_contents_gone(struct weir__tree *t, struct weir__folder *f);
/* Whether the root is the one that is watched. */
int weir__tree_check_root(struct weir__tree *t);

/* tree.c; after tell, t->is_ended may be true: then nothing may be done. */
void weir__tree_tell(struct weir__tree *t, enum weir_tree_what what,
		     const struct weir__entry *e, int error);
void weir__tree_unsettle(struct weir__tree *t);
void weir__tree_enter(struct weir__tree *t);
void weir__tree_leave(struct weir__tree *t);	/* may free it */

#endif /* WEIR_POOL_TREE_H */
