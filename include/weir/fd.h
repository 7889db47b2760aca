/* SPDX-License-Identifier: MIT */
#ifndef WEIR_FD_H
#define WEIR_FD_H

/*
 * weir/fd.h - reading and writing so that every outcome is told apart
 *
 *     > 0       bytes moved; fewer than asked for is normal
 *     0         reading: the end; writing: nothing was to be written
 *     -EAGAIN   it would block: say WEIR_DONE and wait for the next edge
 *     other     a negative errno of the system call
 *
 * EINTR is retried.  No call raises SIGPIPE on a socket.
 *
 * What is listed below is the kernel's for files, pipes and sockets; a device
 * may have others of its own.
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
 * Return:  as above; -EAGAIN (nothing now), -EINVAL (@n is 0, or @fd cannot be
 *          read so), -EBADF (not open, or not for reading), -EISDIR, -EFAULT,
 *          -EIO; of sockets:
 *          -ENOTCONN, -ECONNRESET, -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH,
 *          -ENETUNREACH (how the connection ended; said once), -ENOMEM; of
 *          netlink: -ENOBUFS (messages were lost; said once).
 */
ssize_t weir_fd_read(int fd, void *buf, size_t n);

/**
 * weir_fd_readv() - read what is there, into several places
 * @fd:    as weir_fd_read()
 * @iov:   the places; together at least a byte
 * @count: how many places, 1 .. IOV_MAX
 *
 * Threads: any.
 * Return:  as weir_fd_read(); -EINVAL also if @count is out of range.
 */
ssize_t weir_fd_readv(int fd, const struct iovec *iov, int count);

/**
 * weir_fd_write() - write what fits
 * @fd:  a descriptor; a socket gives -EPIPE instead of SIGPIPE
 * @buf: the bytes
 * @n:   how many
 *
 * Threads: any.
 * Return:  as above; -EAGAIN (no room now), -EBADF (not open, or not for
 *          writing), -EPIPE (nobody will read it), -EFAULT, -EIO, -ENOSPC,
 *          -EDQUOT, -EFBIG, -EPERM (a sealed file), -EINVAL (@fd cannot be
 *          written so); of sockets:
 *          -ENOTCONN or -EDESTADDRREQ (to whom?), -ECONNRESET, -ECONNREFUSED,
 *          -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH, -EMSGSIZE (too long for a
 *          datagram), -ENOBUFS, -ENOMEM.
 */
ssize_t weir_fd_write(int fd, const void *buf, size_t n);

/**
 * weir_fd_writev() - write what fits, from several places
 * @fd:    as weir_fd_write()
 * @iov:   the pieces
 * @count: how many pieces, at most IOV_MAX
 *
 * Threads: any.
 * Return:  as weir_fd_write(); -EINVAL also if @count is out of range.
 */
ssize_t weir_fd_writev(int fd, const struct iovec *iov, int count);

/**
 * weir_fd_splice() - move bytes between a pipe and something else
 * @in:  a descriptor, read from its position
 * @out: another, written at its position; one of the two is a pipe
 * @n:   how many at most, at least 1
 *
 * The bytes do not pass through this process: socket to pipe to socket is two
 * calls and no copy.  Never waits for a pipe; the other descriptor is to be
 * non-blocking.  No SIGPIPE whatever @out is, at the price of two calls of the
 * kernel more, which is little for many bytes.
 *
 * Threads: any.
 * Return:  bytes moved; 0: the end of @in; -EAGAIN (@in has nothing now, or
 *          @out no room: which of them, an edge will say); -EINVAL (@n is 0,
 *          neither is a pipe, both are one pipe, @out appends, or a kind of
 *          file that cannot), -EBADF (not open, or not for this direction),
 *          -EPIPE, -EIO, -ENOSPC, -ENOMEM, or of sockets as weir_fd_read() and
 *          weir_fd_write().
 */
ssize_t weir_fd_splice(int in, int out, size_t n);

/**
 * weir_fd_sendfile() - send from a file, without a copy
 * @out:    a socket, or another descriptor
 * @in:     a file; since Linux 6.5 also a pipe or a socket
 * @offset: where to begin in @in; moved on by what was sent.  NULL: the
 *          position of @in, which moves
 * @n:      how many bytes at most, at least 1
 *
 * No SIGPIPE whatever @out is; see weir_fd_splice().
 *
 * Threads: any; with an @offset of their own several may send the same file.
 * Return:  bytes sent; 0: the end of @in; -EAGAIN (@out has no room), -EINVAL
 *          (@n is 0, @offset is below 0, a kind of file that cannot, or @out
 *          appends), -ESPIPE (@offset, and @in has no
 *          positions), -EBADF, -EPIPE, -EIO, -EFAULT, -EOVERFLOW (past the
 *          largest file), -ENOMEM, or as weir_fd_write().  On failure *@offset
 *          is as it was.
 */
ssize_t weir_fd_sendfile(int out, int in, off_t *offset, size_t n);

/**
 * weir_fd_seek() - move the position in a file
 * @fd:     a file
 * @offset: by how much, from where @whence says
 * @whence: SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA or SEEK_HOLE
 *
 * The position belongs to the open file: duplicates move too.
 *
 * Threads: any.
 * Return:  the new position; -EBADF, -EINVAL (an unknown @whence, or the
 *          position would be below 0), -ENXIO (SEEK_DATA, SEEK_HOLE: behind
 *          the end), -ESPIPE (a pipe, a socket) or -EOVERFLOW.
 */
off_t weir_fd_seek(int fd, off_t offset, int whence);

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

/**
 * weir_fd_set_cloexec() - have exec close a descriptor, or not
 * @fd:         a descriptor
 * @is_cloexec: 1 or 0
 *
 * The flag belongs to the descriptor: duplicates do not change.
 *
 * Threads: any.
 * Return:  0 or -EBADF.
 */
int weir_fd_set_cloexec(int fd, int is_cloexec);

/**
 * weir_fd_adopt() - make a descriptor from elsewhere fit for a reactor
 * @fd: inherited, or another library's
 *
 * Looks whether it is open, and makes it close-on-exec and non-blocking.
 *
 * Threads: any.
 * Owns:    nothing changes.
 * Return:  @fd, or -EBADF (below 0, or not open).
 */
int weir_fd_adopt(int fd);

/**
 * weir_fd_dup() - a second descriptor for the same open file, close-on-exec
 * @fd: a descriptor
 *
 * An epoll set watches the open file, not the number: end a source whose file
 * has a duplicate with weir_source_close(), or remove it before you close its
 * descriptor.  weir_source_find() tells whether @fd is watched.
 *
 * Threads: any.
 * Owns:    the caller closes it.
 * Return:  the new descriptor, -EBADF or -EMFILE.
 */
int weir_fd_dup(int fd);

/**
 * weir_fd_dup_to() - the same, with a number of one's choice
 * @fd:     a descriptor
 * @target: its number; what was open under it is closed first
 *
 * Close-on-exec too: call weir_fd_set_cloexec() where a program is to inherit
 * it.
 *
 * Threads: any.
 * Owns:    the caller closes it.
 * Return:  @target, -EBADF (@fd is not open, or @target is out of range),
 *          -EINVAL (they are equal) or -EBUSY (another thread is about to have
 *          @target: try again).
 */
int weir_fd_dup_to(int fd, int target);

WEIR_END_DECLS

#endif /* WEIR_FD_H */
