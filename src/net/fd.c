/* SPDX-License-Identifier: MIT */
/*
 * net/fd.c - reading and writing so that every outcome is told apart
 *
 * Only sockets can be told not to raise SIGPIPE, and only a call can tell
 * whether a descriptor is one.  Sockets are what most users have, so they go
 * first; anything else costs one refused call, about 150 ns.
 */
#include <weir/fd.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "sys/io.h"

ssize_t weir_fd_read(int fd, void *buf, size_t n)
{
	if (n == 0)
		return -EINVAL;
	return weir__read(fd, buf, n);
}

static bool has_room(const struct iovec *iov, int count)
{
	for (int i = 0; i < count; i++)
		if (iov[i].iov_len > 0)
			return true;
	return false;
}

ssize_t weir_fd_readv(int fd, const struct iovec *iov, int count)
{
	if (count > IOV_MAX || !has_room(iov, count))
		return -EINVAL;
	return weir__readv(fd, iov, count);
}

ssize_t weir_fd_write(int fd, const void *buf, size_t n)
{
	ssize_t done = weir__send(fd, buf, n);

	return done == -ENOTSOCK ? weir__write(fd, buf, n) : done;
}

ssize_t weir_fd_writev(int fd, const struct iovec *iov, int count)
{
	ssize_t done;

	if (count < 0 || count > IOV_MAX)
		return -EINVAL;
	done = weir__sendv(fd, iov, count);
	return done == -ENOTSOCK ? weir__writev(fd, iov, count) : done;
}

ssize_t weir_fd_splice(int in, int out, size_t n)
{
	if (n == 0)
		return -EINVAL;
	return weir__splice(in, out, n);
}

ssize_t weir_fd_sendfile(int out, int in, off_t *offset, size_t n)
{
	if (n == 0)
		return -EINVAL;
	return weir__sendfile(out, in, offset, n);
}

off_t weir_fd_seek(int fd, off_t offset, int whence)
{
	return weir__seek(fd, offset, whence);
}

int weir_fd_set_nonblock(int fd, int is_nonblock)
{
	return weir__fd_nonblock_set(fd, is_nonblock != 0);
}

int weir_fd_set_cloexec(int fd, int is_cloexec)
{
	return weir__fd_cloexec_set(fd, is_cloexec != 0);
}

int weir_fd_adopt(int fd)
{
	int err = weir__fd_cloexec_set(fd, true);

	if (err == 0)
		err = weir__fd_nonblock_set(fd, true);
	return err < 0 ? err : fd;
}

int weir_fd_dup(int fd)
{
	return weir__fd_dup(fd);
}

int weir_fd_dup_to(int fd, int target)
{
	return weir__fd_dup_to(fd, target);
}
