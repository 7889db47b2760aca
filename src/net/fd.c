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

#include "sys/io.h"

ssize_t weir_fd_read(int fd, void *buf, size_t n)
{
	if (n == 0)
		return -EINVAL;
	return weir__read(fd, buf, n);
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

int weir_fd_set_nonblock(int fd, int is_nonblock)
{
	return weir__fd_nonblock_set(fd, is_nonblock != 0);
}
