/* SPDX-License-Identifier: MIT */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

/*
 * weir/watch.h - a file that is watched by its path
 *
 * The watch is on the path, not on the inode: every folder and symlink on the
 * way to the file is watched too.  It survives a rename over the file, its
 * deletion and its coming back, the swap of a symlink (as Kubernetes does with
 * a ConfigMap), the renaming or removal of any folder above, one that is
 * missing and made later, and unmounting.  What the kernel does not tell is
 * that something is mounted over one of those folders.
 *
 * Changes that follow each other within 50 ms are reported once, after the
 * last of them, or 500 ms after the first at the latest; a writer that never
 * stops costs no memory.  If the kernel's queue overflows, every watch is
 * reported, for any of them may have changed.
 *
 * A folder that cannot be watched is named in the pool's log, with the sysctl
 * to raise if that is why, and tried again every 500 ms.
 */
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;

enum weir_watch_event {
	WEIR_WATCH_CHANGED,	/* written, replaced or come back */
	WEIR_WATCH_GONE,	/* there is no such file any more */
	WEIR_WATCH_RELOAD,	/* nothing seen; asked for by SIGHUP */
	WEIR_WATCH_OVERFLOW	/* events were lost: it may have changed */
};

/* Called on the control thread; @path is the one given to weir_watch_add(). */
typedef void weir_watch_fn(struct weir_reactor *control, const char *path,
			   enum weir_watch_event event, void *data);

/**
 * weir_watch_add() - watch a file
 * @pool:      the pool
 * @path:      the file, which need not exist, nor need its folders; bytes,
 *             copied
 * @fn:        called when it has changed
 * @data:      passed to @fn
 * @ret_token: receives the watch's token
 *
 * Threads: the one that made the pool, before weir_pool_start(); later, the
 *          control thread.
 * Return:  0, -EINVAL (@path is empty or names a folder, or @fn is NULL),
 *          -ENAMETOOLONG, -ELOOP (40 symlinks), -EACCES (a folder on the way),
 *          -ENOSPC (fs.inotify.max_user_watches), -EMFILE
 *          (max_user_instances or descriptors), -ENFILE, -ENOMEM, -EBUSY
 *          (another thread) or -ECHILD.
 */
int weir_watch_add(struct weir_pool *pool, const char *path, weir_watch_fn *fn,
		   void *data, weir_token *ret_token);

/**
 * weir_watch_remove() - end a watch
 * @pool:  the pool
 * @token: the watch
 *
 * Threads: as weir_watch_add(); also from within its own function.
 * Return:  0, -ESTALE, -EBUSY (another thread) or -ECHILD.
 */
int weir_watch_remove(struct weir_pool *pool, weir_token token);

WEIR_END_DECLS

#endif /* WEIR_WATCH_H */
