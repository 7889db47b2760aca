/* SPDX-License-Identifier: MIT */
/*
 * path.c - names in the file system
 */
#include "sys/path.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/fault.h"

static int look(const char *path, struct stat *ret_st)
{
	int r = weir__fault(WEIR__CALL_STAT);

	return r < 0 ? r : (int)weir__result(lstat(path, ret_st));
}

int weir__path_id(const char *path, struct weir__path_id *ret_id)
{
	struct stat st;
	int r = look(path, &st);

	if (r < 0)
		return r;
	ret_id->dev = st.st_dev;
	ret_id->ino = st.st_ino;
	return 0;
}

int weir__path_socket_id(const char *path, struct weir__path_id *ret_id)
{
	struct stat st;
	int r = look(path, &st);

	if (r < 0)
		return r;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	ret_id->dev = st.st_dev;
	ret_id->ino = st.st_ino;
	return 0;
}

int weir__path_remove(const char *path, const struct weir__path_id *id)
{
	struct weir__path_id now;
	int r = weir__path_id(path, &now);

	if (r < 0)
		return r;
	if (now.dev != id->dev || now.ino != id->ino)
		return -ESTALE;
	r = weir__fault(WEIR__CALL_UNLINK);
	if (r < 0)
		return r;
	return (int)weir__result(unlink(path));
}

void weir__path_stamp(const char *path, struct weir__path_stamp *ret_stamp)
{
	struct stat st;

	*ret_stamp = (struct weir__path_stamp){ .exists = false };
	if (weir__fault(WEIR__CALL_STAT) < 0 || stat(path, &st) < 0)
		return;
	*ret_stamp = (struct weir__path_stamp){
		.exists = true,
		.is_folder = S_ISDIR(st.st_mode),
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.changed_ns = st.st_ctim.tv_sec * INT64_C(1000000000) +
			      st.st_ctim.tv_nsec,
	};
}

ssize_t weir__path_readlink(const char *path, char *buf, size_t size)
{
	int r = weir__fault(WEIR__CALL_STAT);

	if (r < 0)
		return r;
	return weir__result(readlink(path, buf, size));
}
