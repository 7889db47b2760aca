/* SPDX-License-Identifier: MIT */
/*
 * sys/dir.h - folders by descriptor, and what is in them
 */
#ifndef WEIR_SYS_DIR_H
#define WEIR_SYS_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What an entry looks like; its own looks, not those of a symlink's target. */
struct weir__dir_stamp {
	mode_t mode;
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t written_ns;	/* st_mtim */
	int64_t changed_ns;	/* st_ctim */
};

/**
 * weir__dir_open() - open folder @name of folder @at to be read
 * @at:     a descriptor or AT_FDCWD
 * @follow: a symlink too
 *
 * Return: the descriptor or -errno of openat(2); -ENOTDIR or -ELOOP if it is
 *         no folder.
 */
int weir__dir_open(int at, const char *name, bool follow);

/* How @name of folder @at looks, or @at itself if @name is "". */
int weir__dir_look(int at, const char *name, struct weir__dir_stamp *ret);

/**
 * weir__dir_read() - read names of a folder
 * @size: of @buf, at least 512
 *
 * Return: bytes, for weir__dir_next(); 0 at the end; -errno of getdents64(2).
 */
ssize_t weir__dir_read(int fd, char *buf, size_t size);

/* The next name in what was read, not "." or ".."; NULL at the end. */
const char *weir__dir_next(const char *buf, size_t length, size_t *at);

#endif /* WEIR_SYS_DIR_H */
