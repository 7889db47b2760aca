/* SPDX-License-Identifier: MIT */
#ifndef WEIR_FD_H
#define WEIR_FD_H

/*
 * weir/fd.h - reading and writing so that every outcome is told apart
 *
 *     > 0       bytes moved; fewer than asked for is normal
 *     0         read: the end of the stream; write: @n was 0
 *     -EAGAIN   it would block: say WEIR_DONE and wait for the next edge
 *     other     a negative errno of the system call
 *
 * EINTR is retried.  No call raises SIGPIPE on a socket.
 */
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

/**
 * weir_fd_read() - read what is there
 * @fd:  a descriptor
 * @buf: receives the bytes
 * @n:   room, at least 1, so that 0 can only mean the end
 *
 * Threads: any.
 * Return:  as above; -EINVAL if @n is 0.
 */
ssize_t weir_fd_read(int fd, void *buf, size_t n);

/**
 * weir_fd_write() - write what fits
 * @fd:  a descriptor; a socket gives -EPIPE instead of SIGPIPE
 * @buf: the bytes
 * @n:   how many
 *
 * Threads: any.
 * Return:  as above.
 */
ssize_t weir_fd_write(int fd, const void *buf, size_t n);

/**
 * weir_fd_writev() - write what fits, from several places
 * @fd:    as weir_fd_write()
 * @iov:   the pieces
 * @count: how many pieces, at most IOV_MAX
 *
 * Threads: any.
 * Return:  as above.
 */
ssize_t weir_fd_writev(int fd, const struct iovec *iov, int count);

/**
 * weir_fd_set_nonblock() - make a descriptor non-blocking, or blocking
 * @fd:          a descriptor
 * @is_nonblock: 1 or 0
 *
 * The flag belongs to the open file: duplicates change too.
 *
 * Threads: any.
 * Return:  0 or -EBADF.
 */
int weir_fd_set_nonblock(int fd, int is_nonblock);

WEIR_END_DECLS

#endif /* WEIR_FD_H */
