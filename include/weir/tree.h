/* SPDX-License-Identifier: MIT */
#ifndef WEIR_TREE_H
#define WEIR_TREE_H

/*
 * weir/tree.h - a folder that is watched with all that is below it
 *
 * The pool keeps a mirror of the tree: what the user has been told.  An event
 * of the kernel is only a reason to look; what is told is the difference
 * between the file system and the mirror.  Hence:
 *
 * T1  Everything is told once: an entry that a scan and an event both find,
 *     too.  All that was told, applied in order, is the mirror.
 * T2  A folder is watched before it is scanned: nothing falls between.
 * T3  When SETTLED is told, all is told that had happened when the looking
 *     began: what happens later is told, and then SETTLED again.  So when
 *     nothing happens any more, the mirror is what the file system has, with
 *     the last change of each file told.
 * T4  A rename is told as one event, in the place of the mirror where both
 *     names are: also across two folders of the tree.  If one end is in no
 *     watched folder of this tree, it is MOVED_OUT or MOVED_IN; a folder that
 *     is newer than the last SETTLED may not have been watched yet.
 *
 * Changes settle: they are told when there was none for @settle, or @limit
 * after the first.  Renames of what was told, and new folders, are told at
 * once.  A file that is made and removed in between is not told.
 *
 * If the kernel's queue overflows, or more than 65,536 names wait to be looked
 * at, OVERFLOW is told and what is there is scanned anew: memory does not
 * grow with the number of changes, only with that of the entries (some 150
 * bytes and the name for each, and the kernel's watch for each folder).
 * Symlinks are entries; they are not followed.  /proc must be mounted.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;

enum weir_tree_what {
	WEIR_TREE_CREATED,	/* found by the first scan, or new */
	WEIR_TREE_CHANGED,	/* written, replaced, or other attributes */
	WEIR_TREE_DELETED,	/* a folder's entries are told before it */
	WEIR_TREE_RENAMED,	/* from @old_path; all below it went along;
				   what had the name is replaced */
	WEIR_TREE_MOVED_IN,	/* as CREATED, from elsewhere */
	WEIR_TREE_MOVED_OUT,	/* as DELETED, to elsewhere */
	WEIR_TREE_OVERFLOW,	/* events were lost: a scan has begun */
	WEIR_TREE_UNWATCHED,	/* a folder that cannot be watched: @error */
	WEIR_TREE_GONE,		/* the root is no more, or was moved away */
	WEIR_TREE_SETTLED	/* for now, all has been told */
};

struct weir_tree_event {
	enum weir_tree_what what;
	int is_folder;
	int error;		/* of UNWATCHED: negative errno */
	const char *path;	/* bytes, below the root as it was given */
	const char *old_path;	/* of RENAMED, else NULL */
	uint64_t size;		/* of the entry, as it was last looked at */
	int64_t written_ns;	/* its st_mtim, since 1970 */
};

/* Called on the control thread; @event lives until the return. */
typedef void weir_tree_fn(struct weir_reactor *control,
			  const struct weir_tree_event *event, void *data);

struct weir_tree_options {
	size_t size;		/* set it to sizeof(struct weir_tree_options) */
	weir_ns settle;		/* 0: 50 ms; at least 1 ms */
	weir_ns limit;		/* 0: 500 ms; at least settle */
};

/* Numbers of one tree. */
struct weir_tree_stats {
	size_t size;		/* set it to sizeof(struct weir_tree_stats) */
	uint64_t entries;	/* in the mirror, the root excluded */
	uint64_t folders;	/* of them, and the root */
	uint64_t overflows;	/* of the kernel's queue */
	uint64_t collapses;	/* of our own, with too many names waiting */
	uint64_t scans;		/* of single folders */
};

/**
 * weir_tree_add() - watch a folder and all below it
 * @pool:      the pool
 * @path:      the folder; copied
 * @options:   NULL: all defaults
 * @fn:        told what happens
 * @data:      passed to @fn
 * @ret_token: receives the tree's token
 *
 * What is there is told first, as CREATED, then SETTLED.
 *
 * Threads: the one that made the pool, before weir_pool_start(); later, the
 *          control thread.
 * Return:  0, -EINVAL (@path is empty, @fn is NULL, or an option is out of its
 *          range), -ENAMETOOLONG, -ENOENT (also: no /proc), -ENOTDIR, -EACCES,
 *          -ELOOP (40 symlinks), -ENOSPC (fs.inotify.max_user_watches), -EMFILE
 *          (max_user_instances or descriptors), -ENFILE, -ENOMEM, -EBUSY
 *          (another thread) or -ECHILD.
 */
int weir_tree_add(struct weir_pool *pool, const char *path,
		  const struct weir_tree_options *options, weir_tree_fn *fn,
		  void *data, weir_token *ret_token);

/**
 * weir_tree_remove() - end the watch of a tree
 * @pool:  the pool
 * @token: the tree
 *
 * Nothing is told any more, not even from the batch in hand.
 *
 * Threads: as weir_tree_add(); also from within its own function.
 * Return:  0, -ESTALE, -EBUSY (another thread) or -ECHILD.
 */
int weir_tree_remove(struct weir_pool *pool, weir_token token);

/**
 * weir_tree_stats() - what a tree has gone through
 * @pool:  the pool
 * @token: the tree
 * @stats: receives it; stats->size is set by the caller
 *
 * Threads: as weir_tree_add().
 * Return:  0, -EINVAL (stats->size), -ESTALE, -EBUSY or -ECHILD.
 */
int weir_tree_stats(struct weir_pool *pool, weir_token token,
		    struct weir_tree_stats *stats);

WEIR_END_DECLS

#endif /* WEIR_TREE_H */
