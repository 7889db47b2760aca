/* SPDX-License-Identifier: MIT */
/*
 * sys/inotify.h - watches on inodes, and a strict reader of their events
 */
#ifndef WEIR_SYS_INOTIFY_H
#define WEIR_SYS_INOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>

/**
 * weir__inotify_new() - an inotify instance, non-blocking, close-on-exec
 *
 * Return: the fd, -EMFILE (also: max_user_instances), -ENFILE or -ENOMEM.
 */
int weir__inotify_new(void);

/**
 * weir__inotify_add() - watch @path, or change the mask of its watch
 * @mask: IN_CREATE ...
 *
 * A watch is on the inode: a second path to it yields the same descriptor.
 *
 * Return: the watch descriptor, 1 ..; -ENOENT, -EACCES, -ENOSPC (limit of
 *         max_user_watches), -ENOTDIR (IN_ONLYDIR), -EEXIST (IN_MASK_CREATE),
 *         -ENAMETOOLONG, -ENOMEM, -EINVAL or -EBADF.
 */
int weir__inotify_add(int fd, const char *path, uint32_t mask);

/**
 * weir__inotify_remove() - end a watch
 *
 * IN_IGNORED for @wd is still to come, and may follow older events of it.
 *
 * Return: 0, -EINVAL (@wd is not a watch of @fd) or -EBADF.
 */
int weir__inotify_remove(int fd, int wd);

/**
 * weir__inotify_next() - the next event in a buffer that was read
 * @buf:    what was read, aligned as a struct inotify_event
 * @len:    its length in bytes, as read
 * @offset: where to look, 0 at first; moved past the event
 *
 * Does not trust the buffer.  A record that is cut off, is longer than what is
 * left, would leave the next one misaligned, or whose name has no NUL, ends the
 * walk: *@offset is then SIZE_MAX, and stays so.
 *
 * The event's name may be read only if its len is not 0.
 *
 * Return: the event, inside @buf; NULL at the end or at a bad record.
 */
const struct inotify_event *weir__inotify_next(const void *buf, size_t len,
					       size_t *offset);

#endif /* WEIR_SYS_INOTIFY_H */
