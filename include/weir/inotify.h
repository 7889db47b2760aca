/* SPDX-License-Identifier: MIT */
#ifndef WEIR_INOTIFY_H
#define WEIR_INOTIFY_H

/*
 * weir/inotify.h - what inotify says, on any reactor
 *
 * An inotify instance with its table of watches: events come with the path and
 * the data of their watch, the two halves of a rename as one event if asked
 * for, and a watch that has ended is forgotten.  A reactor may have several.
 * weir/watch.h is for the other wish: to hear of a path, whatever becomes of
 * the inode it led to.
 *
 * Nothing is allocated to read events: names stay in a buffer of 64 KiB, one
 * read of the kernel fills it, and it is emptied event by event.  A call of the
 * reactor passes on at most 64 events; the others have their turn then.
 *
 * Lost events are said: an event with IN_Q_OVERFLOW and the wd -1 means that
 * whatever is watched may have changed.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;
struct weir_inotify;

/* Names are bytes, in no encoding, and end with a NUL. */
struct weir_inotify_event {
	int wd;			/* -1: IN_Q_OVERFLOW */
	uint32_t mask;		/* IN_* */
	uint32_t cookie;	/* the same in both halves of a rename */
	uint32_t name_len;	/* without the NUL */
	const char *name;	/* within the folder; NULL: the watch itself */
	const char *path;	/* as given to weir_inotify_add() */
	void *data;		/* as given to weir_inotify_add() */

	/* If mask has both IN_MOVED_FROM and IN_MOVED_TO: where it was. */
	int from_wd;
	uint32_t from_name_len;
	const char *from_name;
	const char *from_path;
	void *from_data;
};

/* May add and remove watches, and free @in. */
typedef void weir_inotify_fn(struct weir_reactor *r, struct weir_inotify *in,
			     const struct weir_inotify_event *event,
			     void *data);

struct weir_inotify_options {
	size_t size;		/* sizeof(struct weir_inotify_options) */
	/*
	 * Report a rename between watched folders as one event, and wait for
	 * its second half for at most this long; 5 ms is plenty.  What stays
	 * alone left the watched folders, or came into them.  0: report each
	 * half as it comes.
	 */
	weir_ns pair_ns;
};

/**
 * weir_inotify_new() - make an inotify instance and watch it
 * @r:           the reactor, of a pool or alone
 * @fn:          called with each event; NULL: weir_reactor_wait() says when
 *               there are events, and weir_inotify_next() has them
 *               (standalone reactors only)
 * @data:        passed to @fn, and the data of the event of
 *               weir_reactor_wait()
 * @options:     or NULL
 * @ret_inotify: receives it
 *
 * It does not hold up a drain, and ends with the reactor.
 *
 * Threads: owner only.
 * Owns:    the caller frees it; what is left is freed with the reactor.
 * Return:  0, -EINVAL (an option, or @fn NULL in a pool), -EMFILE (no
 *          descriptor, or fs.inotify.max_user_instances), -ENFILE, -ENOMEM,
 *          -ENOSPC (as weir_source_add()), -ECANCELED (the reactor has
 *          stopped) or -ECHILD.
 */
int weir_inotify_new(struct weir_reactor *r, weir_inotify_fn *fn, void *data,
		     const struct weir_inotify_options *options,
		     struct weir_inotify **ret_inotify);

/**
 * weir_inotify_free() - end all watches, and the instance
 * @in: the instance, or NULL
 *
 * In a forked child it does nothing: the watches are the parent's.
 *
 * Threads: owner only; also from within its function.
 * Return:  NULL.
 */
struct weir_inotify *weir_inotify_free(struct weir_inotify *in);

/**
 * weir_inotify_add() - watch an inode, or change how it is watched
 * @in:     the instance
 * @path:   leads to it; bytes; copied
 * @mask:   IN_MODIFY ..., also IN_ONLYDIR, IN_DONT_FOLLOW, IN_ONESHOT,
 *          IN_EXCL_UNLINK, IN_MASK_ADD, IN_MASK_CREATE
 * @data:   comes with the events of the watch
 * @ret_wd: receives the watch's number
 *
 * A second path to an inode yields the number that it has; path, mask and data
 * become the new ones.
 *
 * Threads: owner only.
 * Return:  0, -EINVAL (@path is empty or NULL, or @mask has no event),
 *          -ENOENT, -ENOTDIR, -EACCES, -ENAMETOOLONG, -ELOOP (@path leads
 *          nowhere), -EEXIST (IN_MASK_CREATE: there is a watch), -ENOSPC
 *          (fs.inotify.max_user_watches), -ENOMEM or -ECHILD.
 */
int weir_inotify_add(struct weir_inotify *in, const char *path, uint32_t mask,
		     void *data, int *ret_wd);

/**
 * weir_inotify_remove() - end a watch
 * @in: the instance
 * @wd: the watch's number
 *
 * After it returns no event of @wd is reported, IN_IGNORED included.
 *
 * Threads: owner only.
 * Return:  0, -EINVAL (@wd is no watch of @in: never was, or has ended) or
 *          -ECHILD.
 */
int weir_inotify_remove(struct weir_inotify *in, int wd);

/**
 * weir_inotify_next() - take the next event
 * @in:        an instance without a function of its own
 * @ret_event: receives it; its names and paths are valid until the next call
 *             for @in
 *
 * Whoever stops before it says 0 goes on when he likes; weir_source_again()
 * on weir_inotify_token() makes weir_reactor_wait() come back to it.
 *
 * Threads: owner only.
 * Return:  1; 0 if there is none at this moment; -EINVAL (@in has a function),
 *          -EIO (the kernel's answer to a read) or -ECHILD.
 */
int weir_inotify_next(struct weir_inotify *in,
		      struct weir_inotify_event *ret_event);

/**
 * weir_inotify_token() - the token under which the reactor watches it
 * @in: the instance
 *
 * Threads: owner only.
 * Return:  the token.
 */
weir_token weir_inotify_token(const struct weir_inotify *in);

/**
 * weir_inotify_path() - the path of a watch
 * @in: the instance
 * @wd: the watch's number
 *
 * Threads: owner only.
 * Return:  the path last given for it, until the watch changes; NULL if there
 *          is no such watch.
 */
const char *weir_inotify_path(const struct weir_inotify *in, int wd);

/**
 * weir_inotify_find() - the watch of a path
 * @in:     the instance
 * @path:   spelled as it was given to weir_inotify_add()
 * @ret_wd: receives the watch's number
 *
 * Threads: owner only.
 * Return:  0, -ENOENT (none has this path) or -EINVAL (@path is NULL).
 */
int weir_inotify_find(const struct weir_inotify *in, const char *path,
		      int *ret_wd);

/**
 * weir_inotify_count() - how many watches there are
 * @in: the instance
 *
 * Threads: owner only.
 * Return:  0 ..
 */
size_t weir_inotify_count(const struct weir_inotify *in);

/**
 * weir_inotify_overflows() - how often events were lost
 * @in: the instance
 *
 * Threads: owner only.
 * Return:  0 ..; each was reported with IN_Q_OVERFLOW.
 */
uint64_t weir_inotify_overflows(const struct weir_inotify *in);

/**
 * weir_inotify_decode() - decode one event of a buffer
 * @buf:       what read(2) gave, aligned as a uint32_t
 * @len:       its length in bytes
 * @offset:    where to begin, 0 at first; moved behind the event
 * @ret_event: receives it; its name is within @buf; path and data are NULL
 *
 * For those who read an inotify descriptor of their own.  It trusts nothing: a
 * record that is cut off, whose length leads beyond @len or is no multiple of
 * four, or whose name has no NUL is refused, and @offset stays.
 *
 * Threads: any.
 * Return:  1; 0 at the end; -EINVAL for what is no event.
 */
int weir_inotify_decode(const void *buf, size_t len, size_t *offset,
			struct weir_inotify_event *ret_event);

/**
 * weir_inotify_hint() - which limit an error of inotify speaks of
 * @err: what a function of this header returned
 *
 * Threads: any.
 * Return:  a static text that names the sysctl to raise, where @err says that
 *          there is no space or too many files; NULL for any other.
 */
const char *weir_inotify_hint(int err);

WEIR_END_DECLS

#endif /* WEIR_INOTIFY_H */
