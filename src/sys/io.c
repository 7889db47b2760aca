/* SPDX-License-Identifier: MIT */
/*
 * io.c - bytes in and out of a descriptor
 */
#include "sys/io.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/signals.h"

ssize_t weir__read(int fd, void *buf, size_t n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_READ);
		if (r == 0)
			r = weir__result(read(fd, buf, n));
	} while (r == -EINTR);
	return r;
}

ssize_t weir__write(int fd, const void *buf, size_t n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_WRITE);
		if (r == 0)
			r = weir__result(write(fd, buf, n));
	} while (r == -EINTR);
	return r;
}

ssize_t weir__readv(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_READV);
		if (r == 0)
			r = weir__result(readv(fd, iov, n));
	} while (r == -EINTR);
	return r;
}

ssize_t weir__writev(int fd, const struct iovec *iov, int n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_WRITEV);
		if (r == 0)
			r = weir__result(writev(fd, iov, n));
	} while (r == -EINTR);
	return r;
}

ssize_t weir__send(int fd, const void *buf, size_t n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_SEND);
		if (r == 0)
			r = weir__result(send(fd, buf, n, MSG_NOSIGNAL));
	} while (r == -EINTR);
	return r;
}

ssize_t weir__recv(int fd, void *buf, size_t n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_RECV);
		if (r == 0)
			r = weir__result(recv(fd, buf, n, 0));
	} while (r == -EINTR);
	return r;
}

ssize_t weir__sendv(int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {
		.msg_iov = (struct iovec *)iov,	/* sendmsg only reads it */
		.msg_iovlen = (size_t)n,
	};
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_SENDV);
		if (r == 0)
			r = weir__result(sendmsg(fd, &msg, MSG_NOSIGNAL));
	} while (r == -EINTR);
	return r;
}

/* No SIGPIPE until unhush().  Return: 0 or -errno. */
static int hush(sigset_t *ret_added)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	return weir__signals_block(&pipe, ret_added);
}

/* @r: what the call had to say.  One that was blocked before stays pending. */
static ssize_t unhush(const sigset_t *added, ssize_t r)
{
	if (sigismember(added, SIGPIPE) != 1)
		return r;
	if (r == -EPIPE)
		weir__signals_discard(added);
	weir__signals_unblock(added);
	return r;
}

ssize_t weir__splice(int in, int out, size_t n)
{
	sigset_t added;
	ssize_t r = hush(&added);

	if (r < 0)
		return r;
	do {
		r = weir__fault(WEIR__CALL_SPLICE);
		if (r == 0)
			r = weir__result(splice(in, NULL, out, NULL, n,
						SPLICE_F_NONBLOCK));
	} while (r == -EINTR);
	return unhush(&added, r);
}

ssize_t weir__sendfile(int out, int in, off_t *offset, size_t n)
{
	sigset_t added;
	ssize_t r = hush(&added);

	if (r < 0)
		return r;
	do {
		r = weir__fault(WEIR__CALL_SENDFILE);
		if (r == 0)
			r = weir__result(sendfile(out, in, offset, n));
	} while (r == -EINTR);
	return unhush(&added, r);
}

off_t weir__seek(int fd, off_t offset, int whence)
{
	int r = weir__fault(WEIR__CALL_SEEK);

	return r < 0 ? r : weir__result(lseek(fd, offset, whence));
}

int weir__close(int fd)
{
	int asked = weir__fault(WEIR__CALL_CLOSE);
	int r = (int)weir__result(close(fd));

	/* As in the kernel: a close that is made to fail has closed. */
	if (asked < 0)
		r = asked;
	return r == -EINTR ? 0 : r;
}

/* Set or clear @flag in what @get reads and @set writes. */
static int change_flag(int fd, int get, int set, int flag, bool on)
{
	int flags;
	int r = weir__fault(WEIR__CALL_FCNTL);

	if (r < 0)
		return r;
	flags = fcntl(fd, get);
	if (flags < 0)
		return -errno;
	if (!(flags & flag) == !on)
		return 0;
	return (int)weir__result(fcntl(fd, set, flags ^ flag));
}

static int read_flag(int fd, int get, int flag)
{
	int r = weir__fault(WEIR__CALL_FCNTL);

	if (r < 0)
		return r;
	r = (int)weir__result(fcntl(fd, get));
	return r < 0 ? r : (r & flag) != 0;
}

int weir__fd_nonblock_get(int fd)
{
	return read_flag(fd, F_GETFL, O_NONBLOCK);
}

int weir__fd_nonblock_set(int fd, bool on)
{
	return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int weir__fd_cloexec_get(int fd)
{
	return read_flag(fd, F_GETFD, FD_CLOEXEC);
}

int weir__fd_cloexec_set(int fd, bool on)
{
	return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int weir__fd_dup(int fd)
{
	int r = weir__fault(WEIR__CALL_DUP);

	if (r < 0)
		return r;
	return (int)weir__result(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int weir__fd_dup_to(int fd, int target)
{
	int r;

	do {
		r = weir__fault(WEIR__CALL_DUP);
		if (r == 0)
			r = (int)weir__result(dup3(fd, target, O_CLOEXEC));
	} while (r == -EINTR);
	return r;
}

int weir__fd_has_input(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int bytes;
	int r = weir__fault(WEIR__CALL_POLL);

	if (r < 0)
		return r;
	do {
		r = (int)weir__result(poll(&p, 1, 0));
	} while (r == -EINTR);
	if (r < 0)
		return r;
	if (fd < 0 || (p.revents & POLLNVAL))
		return -EBADF;
	if (!(p.revents & POLLIN))
		return 0;
	return ioctl(fd, FIONREAD, &bytes) < 0 || bytes > 0;
}

int weir__open(const char *path, int flags, mode_t mode)
{
	int r;

	do {
		r = weir__fault(WEIR__CALL_OPEN);
		if (r == 0)
			r = (int)weir__result(open(path, flags | O_CLOEXEC,
						   mode));
	} while (r == -EINTR);
	return r;
}

int weir__read_file(const char *path, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t r;
	int fd;

	if (size == 0)
		return -EINVAL;
	fd = weir__open(path, O_RDONLY | O_NOCTTY, 0);
	if (fd < 0)
		return fd;
	do {
		r = weir__read(fd, buf + used, size - used);
		if (r > 0)
			used += (size_t)r;
	} while (r > 0 && used < size);
	weir__close(fd);	/* was only read: nothing can be lost */
	if (r < 0)
		return (int)r;
	if (used == size)
		return -EFBIG;	/* no room for the NUL */
	buf[used] = '\0';
	return (int)used;
}
