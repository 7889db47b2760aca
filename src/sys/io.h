/* SPDX-License-Identifier: MIT */
/*
 * sys/io.h - bytes in and out of a descriptor
 *
 * All that can be interrupted retry at once on EINTR, except weir__close().
 * Those that return ssize_t return a count of bytes or a negative errno;
 * -EAGAIN means that a non-blocking descriptor has nothing to give, or no room.
 * A peer that is gone is -EPIPE or -ECONNRESET, never SIGPIPE, on all but
 * weir__write() and weir__writev(): the kernel has no such flag for those.
 * weir__splice() and weir__sendfile() block the signal meanwhile.
 */
#ifndef WEIR_SYS_IO_H
#define WEIR_SYS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/**
 * weir__read() - read(2)
 *
 * Return: bytes read, 0 at the end, or -errno.
 */
ssize_t weir__read(int fd, void *buf, size_t n);

/**
 * weir__write() - write(2); SIGPIPE is the caller's affair
 *
 * Return: bytes written, or -errno.
 */
ssize_t weir__write(int fd, const void *buf, size_t n);

/**
 * weir__readv() - readv(2)
 * @n: vectors, 0 .. IOV_MAX
 *
 * Return: bytes read, 0 at the end, or -errno.
 */
ssize_t weir__readv(int fd, const struct iovec *iov, int n);

/**
 * weir__writev() - writev(2); SIGPIPE is the caller's affair
 * @n: vectors, 0 .. IOV_MAX
 *
 * Return: bytes written, or -errno.
 */
ssize_t weir__writev(int fd, const struct iovec *iov, int n);

/**
 * weir__send() - send to a connected socket, without SIGPIPE
 *
 * Return: bytes sent, or -errno (-EPIPE: shut down, -ENOTSOCK ...).
 */
ssize_t weir__send(int fd, const void *buf, size_t n);

/**
 * weir__recv() - receive from a socket
 *
 * Return: bytes received, 0 when the peer has shut down, or -errno.
 */
ssize_t weir__recv(int fd, void *buf, size_t n);

/**
 * weir__sendv() - send vectors to a connected socket, without SIGPIPE
 * @n: vectors, 0 .. IOV_MAX
 *
 * Return: bytes sent, or -errno (-EMSGSIZE: more than IOV_MAX ...).
 */
ssize_t weir__sendv(int fd, const struct iovec *iov, int n);

/**
 * weir__splice() - splice(2) at the current positions, without waiting
 *
 * One of them is a pipe.  The signal mask costs two calls more.
 *
 * Return: bytes moved, 0 at the end of @in, or -errno (-EAGAIN: @in has
 *         nothing, or @out no room; -EINVAL: neither is a pipe ...).
 */
ssize_t weir__splice(int in, int out, size_t n);

/**
 * weir__sendfile() - sendfile(2)
 * @offset: where to begin in @in, moved on; or NULL: its own position
 *
 * Return: bytes sent, 0 at the end of @in, or -errno.
 */
ssize_t weir__sendfile(int out, int in, off_t *offset, size_t n);

/**
 * weir__seek() - lseek(2)
 *
 * Return: the new position, -EBADF, -EINVAL, -ENXIO or -ESPIPE.
 */
off_t weir__seek(int fd, off_t offset, int whence);

/**
 * weir__close() - close a descriptor
 *
 * Whatever the answer, @fd is no longer ours: Linux frees the number first and
 * reports afterwards.  Hence no retry, and EINTR counts as success.
 *
 * Return: 0, -EBADF, or -EIO, -ENOSPC, -EDQUOT (earlier writes were lost).
 */
int weir__close(int fd);

/**
 * weir__fd_nonblock_get() - is O_NONBLOCK set on the open file?
 *
 * Return: 1, 0 or -EBADF.
 */
int weir__fd_nonblock_get(int fd);

/**
 * weir__fd_nonblock_set() - set or clear O_NONBLOCK
 *
 * The flag belongs to the open file: every duplicate of @fd changes too, also
 * in other processes.
 *
 * Return: 0 or -EBADF.
 */
int weir__fd_nonblock_set(int fd, bool on);

/**
 * weir__fd_cloexec_get() - will exec close the descriptor?
 *
 * Return: 1, 0 or -EBADF.
 */
int weir__fd_cloexec_get(int fd);

/**
 * weir__fd_cloexec_set() - set or clear close-on-exec
 *
 * Return: 0 or -EBADF.
 */
int weir__fd_cloexec_set(int fd, bool on);

/**
 * weir__fd_dup() - a second descriptor for the same open file, close-on-exec
 *
 * Return: the new fd, -EBADF or -EMFILE.
 */
int weir__fd_dup(int fd);

/**
 * weir__fd_dup_to() - the same, with the number @target, which is closed first
 *
 * Return: @target, -EBADF, -EINVAL (it is @fd) or -EBUSY (another thread is
 *         about to have that number).
 */
int weir__fd_dup_to(int fd, int target);

/**
 * weir__fd_has_input() - is there something to read, without waiting?
 *
 * The end of a stream is nothing.  Where the kernel does not tell how much
 * there is (a listener, an eventfd) readable is something.
 *
 * Return: 1, 0, -EBADF or -ENOMEM.
 */
int weir__fd_has_input(int fd);

/**
 * weir__open() - open a file, close-on-exec
 * @flags: O_RDONLY ...; O_CLOEXEC is added
 * @mode:  permissions, used only if @flags create the file
 *
 * Return: the fd or -errno.
 */
int weir__open(const char *path, int flags, mode_t mode);

/**
 * weir__read_file() - read a small file whole
 * @buf:  receives the content and a NUL after it
 * @size: of @buf, 1 ..
 *
 * Works on files of /proc and /sys, which do not know their size.  On failure
 * the content of @buf is undefined.
 *
 * Return: the length without the NUL, -EFBIG (@size - 1 bytes are not enough),
 *         -EINVAL (@size is 0) or the errno of open or read.
 */
int weir__read_file(const char *path, char *buf, size_t size);

#endif /* WEIR_SYS_IO_H */
