/* SPDX-License-Identifier: MIT */
/*
 * pool/watch.h - what the files of the pool's watches share
 *
 *     watch.c        the public calls on watched files; when to tell
 *     watch_path.c   every folder that leads to a path
 *     watch_table.c  who is interested in which watch descriptor
 *     watch_queue.c  the one inotify instance, read on the control thread
 *     tree.h, tree*.c  watched trees
 *
 * All of it belongs to the control thread.
 */
#ifndef WEIR_POOL_WATCH_H
#define WEIR_POOL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <weir/pool.h>
#include <weir/watch.h>

#include "base/list.h"
#include "sys/path.h"

struct weir__watches;
struct weir__wd;
struct weir__wd_user;

/*
 * Called with each event of the user's folder. After IN_IGNORED, which is the
 * last, the user is not in the table any more.
 */
typedef void weir__wd_fn(struct weir__wd_user *user,
			 const struct inotify_event *ev);

/* One who wants the events of one folder; embedded in his own object. */
struct weir__wd_user {
	struct weir__list link;
	struct weir__wd *wd;	/* NULL: in no table */
	weir__wd_fn *fn;
};

/* watch_table.c */
struct weir__wd_table {
	struct weir__wd **slots;
	size_t size;		/* of slots; a power of 2, or 0 */
	size_t count;
	int fd;
};

/**
 * weir__wd_add() - have @user called with the events of the folder @path
 *
 * A folder that has a watch keeps its number, and @mask is added to what is
 * asked of it.
 *
 * Return: 0 or -errno, as weir__inotify_add(), or -ENOMEM.
 */
int weir__wd_add(struct weir__wd_table *table, const char *path, uint32_t mask,
		 struct weir__wd_user *user);

/* No more calls; harmless if there are none anyway. */
void weir__wd_remove(struct weir__wd_table *table, struct weir__wd_user *user);

/* The one after @last (NULL: the first) of those who share @user's folder. */
struct weir__wd_user *weir__wd_next(const struct weir__wd_user *user,
				    const struct weir__wd_user *last);

/* Give @ev, which is no overflow, to those it concerns. */
void weir__wd_dispatch(struct weir__wd_table *table,
		       const struct inotify_event *ev);

/* After an overflow: some of the IN_IGNORED that were waited for are lost. */
void weir__wd_forget_ignored(struct weir__wd_table *table);

void weir__wd_done(struct weir__wd_table *table);

/*
 * watch_path.c: the folders in which a name of the path is looked up, those
 * that its symlinks lead through included.
 */
struct weir__path {
	struct weir__watches *watches;
	struct weir__list steps;
	int error;		/* of the last walk: something is not watched */
	/* something on the way, or at its end, has or may have changed */
	void (*fn)(struct weir__path *path, bool is_end);
	const char *text;	/* the owner's */
};

void weir__path_init(struct weir__path *p, struct weir__watches *ws,
		     const char *text);

/**
 * weir__path_walk() - go the way anew, and watch it
 *
 * Each folder is watched before the name in it is looked up, so that no change
 * is missed.  Where the way ends early, that it goes on will be an event.
 *
 * Return: 0 (whether there is such a file or not) or -errno: a folder cannot
 *         be watched, or the way is endless (-ELOOP); also kept in p->error.
 */
int weir__path_walk(struct weir__path *p);

void weir__path_done(struct weir__path *p);

/* watch_queue.c */
struct weir__watches {
	struct weir_pool *pool;
	struct weir__wd_table table;
	struct weir__list files;	/* watch.c */
	struct weir__list trees;	/* tree.c */
	bool is_started;
	struct weir_timer *retry;
	uint64_t overflows;
};

/* Of the control thread. */
struct weir_reactor *weir__watches_reactor(const struct weir__watches *ws);

/* The pool's watches, made if need be. */
int weir__watches_get(struct weir_pool *pool, struct weir__watches **ret);

/* Read what has come, up to some buffers; whether there may be more. */
bool weir__watches_pump(struct weir__watches *ws);

/* Something could not be watched: look again soon. */
void weir__watches_retry(struct weir__watches *ws);

/* Log why @path cannot be watched, and what would help. */
void weir__watches_complain(struct weir__watches *ws, const char *path,
			    int err);

/* watch.c, for watch_queue.c */
int weir__files_start(struct weir__watches *ws);
void weir__files_overflow(struct weir__watches *ws);
void weir__files_retry(struct weir__watches *ws);
void weir__files_reload(struct weir__watches *ws);
void weir__files_close(struct weir__watches *ws);

/* tree.c, for watch_queue.c */
int weir__trees_start(struct weir__watches *ws);
void weir__trees_overflow(struct weir__watches *ws);
void weir__trees_retry(struct weir__watches *ws);
void weir__trees_close(struct weir__watches *ws);

#endif /* WEIR_POOL_WATCH_H */
