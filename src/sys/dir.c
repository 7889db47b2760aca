/* SPDX-License-Identifier: MIT */
/*
 * dir.c - folders by descriptor, and what is in them
 */
#include "sys/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fault.h"

int weir__dir_open(int at, const char *name, bool follow)
{
	int r = weir__fault(WEIR__CALL_OPEN);

	if (r < 0)
		return r;
	return (int)weir__result(openat(at, name,
					O_RDONLY | O_DIRECTORY | O_CLOEXEC |
					(follow ? 0 : O_NOFOLLOW)));
}

static int64_t to_ns(struct timespec ts)
{
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int weir__dir_look(int at, const char *name, struct weir__dir_stamp *ret)
{
	struct stat st;
	int r = weir__fault(WEIR__CALL_STAT);

	if (r < 0)
		return r;
	r = (int)weir__result(fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW |
							     AT_EMPTY_PATH));
	if (r < 0)
		return r;
	*ret = (struct weir__dir_stamp){
		.mode = st.st_mode,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.written_ns = to_ns(st.st_mtim),
		.changed_ns = to_ns(st.st_ctim),
	};
	return 0;
}

ssize_t weir__dir_read(int fd, char *buf, size_t size)
{
	int r = weir__fault(WEIR__CALL_OPENDIR);

	if (r < 0)
		return r;
	return weir__result(getdents64(fd, buf, size));
}

const char *weir__dir_next(const char *buf, size_t length, size_t *at)
{
	while (*at < length) {
		const char *record = buf + *at;
		const char *name = record + offsetof(struct dirent64, d_name);
		unsigned short size;

		memcpy(&size, record + offsetof(struct dirent64, d_reclen),
		       sizeof(size));
		*at += size;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			return name;
	}
	return NULL;
}
