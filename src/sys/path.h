/* SPDX-License-Identifier: MIT */
/*
 * sys/path.h - names in the file system
 */
#ifndef WEIR_SYS_PATH_H
#define WEIR_SYS_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Which file a name stood for when it was asked. */
struct weir__path_id {
	dev_t dev;
	ino_t ino;
};

/**
 * weir__path_id() - which file @path stands for; a symlink is not followed
 *
 * Return: 0, -ENOENT, -ENOTDIR, -EACCES, -ELOOP, -ENAMETOOLONG or -ENOMEM.
 */
int weir__path_id(const char *path, struct weir__path_id *ret_id);

/**
 * weir__path_socket_id() - the same, of a unix socket's name
 *
 * Return: 0, -EEXIST (it is something else) or as weir__path_id().
 */
int weir__path_socket_id(const char *path, struct weir__path_id *ret_id);

/**
 * weir__path_remove() - remove a name that still stands for the same file
 *
 * Somebody who replaces the file between the look and the removal loses: the
 * kernel has no call that does both at once.
 *
 * Return: 0, -ESTALE (@path is another file's by now) or -errno of lstat(2) or
 *         unlink(2).
 */
int weir__path_remove(const char *path, const struct weir__path_id *id);

/* What a file looked like when it was asked; enough to see it replaced. */
struct weir__path_stamp {
	bool exists;
	bool is_folder;
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t changed_ns;	/* st_ctim, which no program can set back */
};

/**
 * weir__path_stamp() - look at the file behind @path, following symlinks
 *
 * A file that cannot be reached does not exist; that is no error.
 */
void weir__path_stamp(const char *path, struct weir__path_stamp *ret_stamp);

/**
 * weir__path_readlink() - where the symlink @path leads to
 * @buf: receives the bytes, without a NUL; what does not fit is cut off
 *
 * Return: their number, -EINVAL (@path is no symlink), or -errno as for
 *         weir__path_id().
 */
ssize_t weir__path_readlink(const char *path, char *buf, size_t size);

#endif /* WEIR_SYS_PATH_H */
