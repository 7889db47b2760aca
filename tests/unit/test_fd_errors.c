/* SPDX-License-Identifier: MIT */
/*
 * test_fd_errors.c - each errno that weir/fd.h lists
 *
 * The kernel is brought to say it where that can be done here; what takes a
 * broken disk or network is said in its place.
 */
#include <weir/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "sys/fault.h"

#include "fixture.h"
#include "harness.h"

static char c;
static struct iovec one = { &c, 1 };

static int unix_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	return fd;
}

/* A TCP connection whose peer has reset it. */
static int reset_socket(void)
{
	int fds[2];

	fixture_tcp_pair(fds);
	fixture_reset_on_close(fds[0]);
	close(fds[0]);
	return fds[1];
}

TEST(why_nothing_can_be_read)
{
	int folder = open("/", O_RDONLY | O_CLOEXEC);
	int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int alone = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int reset = reset_socket();

	CHECK_EQ(weir_fd_read(folder, &c, 1), -EISDIR);
	CHECK_EQ(weir_fd_read(out, &c, 1), -EBADF);
	CHECK_EQ(weir_fd_read(timer, &c, 1), -EINVAL);
	CHECK_EQ(weir_fd_read(alone, &c, 1), -ENOTCONN);
	CHECK_EQ(weir_fd_read(reset, &c, 1), -ECONNRESET);
	/* Said once. */
	CHECK_EQ(weir_fd_read(reset, &c, 1), 0);
	CHECK_EQ(weir_fd_readv(folder, &one, 1), -EISDIR);
	CHECK_EQ(weir_fd_readv(-1, &one, 1), -EBADF);
	CHECK_EQ(weir_fd_readv(0, &one, IOV_MAX + 1), -EINVAL);
	CHECK_EQ(weir_fd_readv(0, &one, -1), -EINVAL);
	close(folder);
	close(out);
	close(timer);
	close(alone);
	close(reset);
}

TEST(a_refused_datagram_is_said_by_the_next_read)
{
	int port, dead = fixture_dead_port(&port);
	struct weir_addr to = fixture_addr(port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK_EQ(connect(fd, (struct sockaddr *)&to.ss, to.len), 0);
	CHECK_EQ(weir_fd_write(fd, "x", 1), 1);
	CHECK_EQ(weir_fd_read(fd, &c, 1), -ECONNREFUSED);
	CHECK_EQ(weir_fd_read(fd, &c, 1), -EAGAIN);
	close(fd);
	close(dead);
}

/* To call that "nothing there" is to lose the edge. */
TEST(a_netlink_overflow_is_said_and_reading_goes_on)
{
	static char big[4096];
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	const int small = 1;
	ssize_t n;
	int from, to;

	to = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    NETLINK_USERSOCK);
	from = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
		      NETLINK_USERSOCK);
	if (to < 0 || from < 0 ||
	    bind(to, (struct sockaddr *)&all, sizeof(all)) < 0) {
		close(to);
		close(from);
		SKIP("no netlink for us");
	}
	CHECK_EQ(setsockopt(to, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)),
		 0);
	/* Also to the kernel, which refuses; so the result says nothing. */
	for (int i = 0; i < 10; i++)
		sendto(from, big, sizeof(big), 0, (struct sockaddr *)&all,
		       sizeof(all));
	CHECK_EQ(weir_fd_read(to, big, sizeof(big)), -ENOBUFS);
	while ((n = weir_fd_read(to, big, sizeof(big))) > 0)
		continue;
	CHECK_EQ(n, -EAGAIN);
	sendto(from, "abc", 3, 0, (struct sockaddr *)&all, sizeof(all));
	CHECK_EQ(weir_fd_read(to, big, sizeof(big)), 3);
	close(from);
	close(to);
}

TEST(why_nothing_can_be_written)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int dgram = unix_socket(SOCK_DGRAM);

	CHECK_EQ(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
	CHECK_EQ(weir_fd_write(in, "x", 1), -EBADF);
	CHECK_EQ(weir_fd_write(full, "x", 1), -ENOSPC);
	CHECK_EQ(weir_fd_write(sealed, "x", 1), -EPERM);
	CHECK_EQ(weir_fd_write(timer, "x", 1), -EINVAL);
	CHECK_EQ(weir_fd_write(udp, "x", 1), -EDESTADDRREQ);
	CHECK_EQ(weir_fd_write(dgram, "x", 1), -ENOTCONN);
	CHECK_EQ(weir_fd_writev(full, &one, 1), -ENOSPC);
	CHECK_EQ(weir_fd_writev(0, &one, -1), -EINVAL);
	close(in);
	close(full);
	close(sealed);
	close(timer);
	close(udp);
	close(dgram);
}

TEST(a_connection_that_is_gone_says_how)
{
	int reset = reset_socket(), other = reset_socket();

	CHECK_EQ(weir_fd_write(reset, "x", 1), -ECONNRESET);
	CHECK_EQ(weir_fd_write(reset, "x", 1), -EPIPE);
	CHECK_EQ(weir_fd_writev(other, &one, 1), -ECONNRESET);
	close(reset);
	close(other);
}

TEST(too_long_for_a_datagram_or_a_file)
{
	const struct rlimit limit = { .rlim_cur = 10, .rlim_max = 10 };
	static char big[1 << 20];
	int fd = memfd_create("file", MFD_CLOEXEC);
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0, fds), 0);
	CHECK_EQ(weir_fd_write(fds[0], big, sizeof(big)), -EMSGSIZE);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(weir_fd_write(fd, big, 100), 10);
	CHECK_EQ(weir_fd_write(fd, big, 100), -EFBIG);
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

TEST(what_cannot_be_spliced)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int appended = open("/tmp", O_TMPFILE | O_WRONLY | O_APPEND | O_CLOEXEC,
			    0600);
	int pipes[2], fds[2];

	CHECK_EQ(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0, fds), 0);
	CHECK_EQ(weir_fd_splice(fds[0], pipes[1], 0), -EINVAL);
	CHECK_EQ(weir_fd_splice(file, fds[0], 1), -EINVAL);
	CHECK_EQ(weir_fd_splice(pipes[0], pipes[1], 1), -EINVAL);
	CHECK_EQ(weir_fd_splice(-1, pipes[1], 1), -EBADF);
	CHECK_EQ(weir_fd_splice(fds[0], pipes[0], 1), -EBADF);
	CHECK_EQ(weir_fd_splice(fds[0], -1, 1), -EBADF);
	if (appended >= 0) {
		CHECK_EQ(write(pipes[1], "x", 1), 1);
		CHECK_EQ(weir_fd_splice(pipes[0], appended, 1), -EINVAL);
		CHECK_EQ(weir_fd_sendfile(appended, file, NULL, 1), -EINVAL);
		close(appended);
	}
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	close(fds[0]);
	close(fds[1]);
}

TEST(what_cannot_be_sent_as_a_file)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t offset = -1;
	int pipes[2], fds[2];

	CHECK_EQ(pipe2(pipes, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    0, fds), 0);
	CHECK_EQ(weir_fd_sendfile(fds[0], file, NULL, 0), -EINVAL);
	CHECK_EQ(weir_fd_sendfile(fds[0], file, &offset, 1), -EINVAL);
	CHECK_EQ(offset, -1);
	offset = 0;
	CHECK_EQ(weir_fd_sendfile(fds[0], pipes[0], &offset, 1), -ESPIPE);
	CHECK_EQ(weir_fd_sendfile(fds[0], -1, NULL, 1), -EBADF);
	CHECK_EQ(weir_fd_sendfile(-1, file, NULL, 1), -EBADF);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
	close(fds[0]);
	close(fds[1]);
}

TEST(where_there_are_no_positions)
{
	int file = memfd_create("file", MFD_CLOEXEC);
	int pipes[2];

	CHECK_EQ(pipe2(pipes, O_CLOEXEC), 0);
	CHECK_EQ(weir_fd_seek(pipes[0], 0, SEEK_CUR), -ESPIPE);
	CHECK_EQ(weir_fd_seek(-1, 0, SEEK_CUR), -EBADF);
	CHECK_EQ(weir_fd_seek(file, -1, SEEK_SET), -EINVAL);
	CHECK_EQ(weir_fd_seek(file, 0, 99), -EINVAL);
	CHECK_EQ(weir_fd_seek(file, 10, SEEK_DATA), -ENXIO);
	close(file);
	close(pipes[0]);
	close(pipes[1]);
}

TEST(when_there_is_no_duplicate)
{
	struct rlimit limit, old;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(weir_fd_dup(-1), -EBADF);
	CHECK_EQ(weir_fd_dup_to(-1, fd), -EBADF);
	CHECK_EQ(weir_fd_dup_to(fd, -1), -EBADF);
	CHECK_EQ(weir_fd_dup_to(fd, fd), -EINVAL);
	CHECK_EQ(weir_fd_set_cloexec(-1, 1), -EBADF);
	CHECK_EQ(weir_fd_set_cloexec(-1, 0), -EBADF);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)fd + 1;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(weir_fd_dup(fd), -EMFILE);
	CHECK_EQ(weir_fd_dup_to(fd, fd + 1), -EBADF);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
}

static struct {
	enum weir__call call;
	int err;
} broken;

static int break_it(enum weir__call call)
{
	return call == broken.call ? -broken.err : 0;
}

/* What @run returns where @call fails with @err. */
static ssize_t where(enum weir__call call, int err, ssize_t (*run)(void))
{
	ssize_t r;

	broken.call = call;
	broken.err = err;
	weir__fault_hook = break_it;
	r = run();
	weir__fault_hook = NULL;
	return r;
}

#define RUN(name, call)							\
	static ssize_t name(void)					\
	{								\
		return call;						\
	}

RUN(read_one, weir_fd_read(0, &c, 1))
RUN(readv_one, weir_fd_readv(0, &one, 1))
RUN(write_one, weir_fd_write(0, &c, 1))
RUN(writev_one, weir_fd_writev(0, &one, 1))
RUN(splice_one, weir_fd_splice(0, 1, 1))
RUN(send_one, weir_fd_sendfile(0, 1, NULL, 1))
RUN(seek_one, weir_fd_seek(0, 0, SEEK_SET))
RUN(dup_to, weir_fd_dup_to(0, 1))

/* It takes a bad disk, a bad network, no memory, or a race. */
TEST(what_only_a_broken_world_says_to_a_reader)
{
	CHECK_ERRNO(weir_fd_read, EFAULT,
		    where(WEIR__CALL_READ, EFAULT, read_one));
	CHECK_ERRNO(weir_fd_read, EHOSTUNREACH,
		    where(WEIR__CALL_READ, EHOSTUNREACH, read_one));
	CHECK_ERRNO(weir_fd_read, EIO,
		    where(WEIR__CALL_READ, EIO, read_one));
	CHECK_ERRNO(weir_fd_read, ENETUNREACH,
		    where(WEIR__CALL_READ, ENETUNREACH, read_one));
	CHECK_ERRNO(weir_fd_read, ENOMEM,
		    where(WEIR__CALL_READ, ENOMEM, read_one));
	CHECK_ERRNO(weir_fd_read, ETIMEDOUT,
		    where(WEIR__CALL_READ, ETIMEDOUT, read_one));
}

TEST(to_one_who_reads_into_several_places)
{
	CHECK_ERRNO(weir_fd_readv, ECONNREFUSED,
		    where(WEIR__CALL_READV, ECONNREFUSED, readv_one));
	CHECK_ERRNO(weir_fd_readv, ECONNRESET,
		    where(WEIR__CALL_READV, ECONNRESET, readv_one));
	CHECK_ERRNO(weir_fd_readv, EFAULT,
		    where(WEIR__CALL_READV, EFAULT, readv_one));
	CHECK_ERRNO(weir_fd_readv, EHOSTUNREACH,
		    where(WEIR__CALL_READV, EHOSTUNREACH, readv_one));
	CHECK_ERRNO(weir_fd_readv, EIO,
		    where(WEIR__CALL_READV, EIO, readv_one));
	CHECK_ERRNO(weir_fd_readv, ENETUNREACH,
		    where(WEIR__CALL_READV, ENETUNREACH, readv_one));
	CHECK_ERRNO(weir_fd_readv, ENOBUFS,
		    where(WEIR__CALL_READV, ENOBUFS, readv_one));
	CHECK_ERRNO(weir_fd_readv, ENOMEM,
		    where(WEIR__CALL_READV, ENOMEM, readv_one));
	CHECK_ERRNO(weir_fd_readv, ENOTCONN,
		    where(WEIR__CALL_READV, ENOTCONN, readv_one));
	CHECK_ERRNO(weir_fd_readv, ETIMEDOUT,
		    where(WEIR__CALL_READV, ETIMEDOUT, readv_one));
}

TEST(to_a_writer)
{
	CHECK_ERRNO(weir_fd_write, ECONNREFUSED,
		    where(WEIR__CALL_SEND, ECONNREFUSED, write_one));
	CHECK_ERRNO(weir_fd_write, EDQUOT,
		    where(WEIR__CALL_SEND, EDQUOT, write_one));
	CHECK_ERRNO(weir_fd_write, EFAULT,
		    where(WEIR__CALL_SEND, EFAULT, write_one));
	CHECK_ERRNO(weir_fd_write, EHOSTUNREACH,
		    where(WEIR__CALL_SEND, EHOSTUNREACH, write_one));
	CHECK_ERRNO(weir_fd_write, EIO,
		    where(WEIR__CALL_SEND, EIO, write_one));
	CHECK_ERRNO(weir_fd_write, ENETUNREACH,
		    where(WEIR__CALL_SEND, ENETUNREACH, write_one));
	CHECK_ERRNO(weir_fd_write, ENOBUFS,
		    where(WEIR__CALL_SEND, ENOBUFS, write_one));
	CHECK_ERRNO(weir_fd_write, ENOMEM,
		    where(WEIR__CALL_SEND, ENOMEM, write_one));
	CHECK_ERRNO(weir_fd_write, ETIMEDOUT,
		    where(WEIR__CALL_SEND, ETIMEDOUT, write_one));
}

TEST(to_one_who_writes_several_places)
{
	CHECK_ERRNO(weir_fd_writev, EAGAIN,
		    where(WEIR__CALL_SENDV, EAGAIN, writev_one));
	CHECK_ERRNO(weir_fd_writev, ECONNREFUSED,
		    where(WEIR__CALL_SENDV, ECONNREFUSED, writev_one));
	CHECK_ERRNO(weir_fd_writev, EDESTADDRREQ,
		    where(WEIR__CALL_SENDV, EDESTADDRREQ, writev_one));
	CHECK_ERRNO(weir_fd_writev, EDQUOT,
		    where(WEIR__CALL_SENDV, EDQUOT, writev_one));
	CHECK_ERRNO(weir_fd_writev, EFAULT,
		    where(WEIR__CALL_SENDV, EFAULT, writev_one));
	CHECK_ERRNO(weir_fd_writev, EFBIG,
		    where(WEIR__CALL_SENDV, EFBIG, writev_one));
	CHECK_ERRNO(weir_fd_writev, EHOSTUNREACH,
		    where(WEIR__CALL_SENDV, EHOSTUNREACH, writev_one));
	CHECK_ERRNO(weir_fd_writev, EIO,
		    where(WEIR__CALL_SENDV, EIO, writev_one));
	CHECK_ERRNO(weir_fd_writev, EMSGSIZE,
		    where(WEIR__CALL_SENDV, EMSGSIZE, writev_one));
	CHECK_ERRNO(weir_fd_writev, ENETUNREACH,
		    where(WEIR__CALL_SENDV, ENETUNREACH, writev_one));
	CHECK_ERRNO(weir_fd_writev, ENOBUFS,
		    where(WEIR__CALL_SENDV, ENOBUFS, writev_one));
	CHECK_ERRNO(weir_fd_writev, ENOMEM,
		    where(WEIR__CALL_SENDV, ENOMEM, writev_one));
	CHECK_ERRNO(weir_fd_writev, ENOTCONN,
		    where(WEIR__CALL_SENDV, ENOTCONN, writev_one));
	CHECK_ERRNO(weir_fd_writev, EPERM,
		    where(WEIR__CALL_SENDV, EPERM, writev_one));
	CHECK_ERRNO(weir_fd_writev, ETIMEDOUT,
		    where(WEIR__CALL_SENDV, ETIMEDOUT, writev_one));
}

TEST(to_one_who_splices)
{
	CHECK_ERRNO(weir_fd_splice, ECONNREFUSED,
		    where(WEIR__CALL_SPLICE, ECONNREFUSED, splice_one));
	CHECK_ERRNO(weir_fd_splice, ECONNRESET,
		    where(WEIR__CALL_SPLICE, ECONNRESET, splice_one));
	CHECK_ERRNO(weir_fd_splice, EFAULT,
		    where(WEIR__CALL_SPLICE, EFAULT, splice_one));
	CHECK_ERRNO(weir_fd_splice, EHOSTUNREACH,
		    where(WEIR__CALL_SPLICE, EHOSTUNREACH, splice_one));
	CHECK_ERRNO(weir_fd_splice, EIO,
		    where(WEIR__CALL_SPLICE, EIO, splice_one));
	CHECK_ERRNO(weir_fd_splice, EISDIR,
		    where(WEIR__CALL_SPLICE, EISDIR, splice_one));
	CHECK_ERRNO(weir_fd_splice, ENETUNREACH,
		    where(WEIR__CALL_SPLICE, ENETUNREACH, splice_one));
	CHECK_ERRNO(weir_fd_splice, ENOBUFS,
		    where(WEIR__CALL_SPLICE, ENOBUFS, splice_one));
	CHECK_ERRNO(weir_fd_splice, ENOMEM,
		    where(WEIR__CALL_SPLICE, ENOMEM, splice_one));
	CHECK_ERRNO(weir_fd_splice, ENOSPC,
		    where(WEIR__CALL_SPLICE, ENOSPC, splice_one));
	CHECK_ERRNO(weir_fd_splice, ENOTCONN,
		    where(WEIR__CALL_SPLICE, ENOTCONN, splice_one));
	CHECK_ERRNO(weir_fd_splice, ETIMEDOUT,
		    where(WEIR__CALL_SPLICE, ETIMEDOUT, splice_one));
}

TEST(to_one_who_sends_a_file)
{
	CHECK_ERRNO(weir_fd_sendfile, EAGAIN,
		    where(WEIR__CALL_SENDFILE, EAGAIN, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ECONNREFUSED,
		    where(WEIR__CALL_SENDFILE, ECONNREFUSED, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ECONNRESET,
		    where(WEIR__CALL_SENDFILE, ECONNRESET, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EDESTADDRREQ,
		    where(WEIR__CALL_SENDFILE, EDESTADDRREQ, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EDQUOT,
		    where(WEIR__CALL_SENDFILE, EDQUOT, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EFAULT,
		    where(WEIR__CALL_SENDFILE, EFAULT, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EFBIG,
		    where(WEIR__CALL_SENDFILE, EFBIG, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EHOSTUNREACH,
		    where(WEIR__CALL_SENDFILE, EHOSTUNREACH, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EIO,
		    where(WEIR__CALL_SENDFILE, EIO, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EMSGSIZE,
		    where(WEIR__CALL_SENDFILE, EMSGSIZE, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ENETUNREACH,
		    where(WEIR__CALL_SENDFILE, ENETUNREACH, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ENOBUFS,
		    where(WEIR__CALL_SENDFILE, ENOBUFS, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ENOMEM,
		    where(WEIR__CALL_SENDFILE, ENOMEM, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ENOSPC,
		    where(WEIR__CALL_SENDFILE, ENOSPC, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ENOTCONN,
		    where(WEIR__CALL_SENDFILE, ENOTCONN, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EOVERFLOW,
		    where(WEIR__CALL_SENDFILE, EOVERFLOW, send_one));
	CHECK_ERRNO(weir_fd_sendfile, EPERM,
		    where(WEIR__CALL_SENDFILE, EPERM, send_one));
	CHECK_ERRNO(weir_fd_sendfile, ETIMEDOUT,
		    where(WEIR__CALL_SENDFILE, ETIMEDOUT, send_one));
}

TEST(to_one_who_seeks_or_duplicates)
{
	CHECK_ERRNO(weir_fd_seek, EOVERFLOW,
		    where(WEIR__CALL_SEEK, EOVERFLOW, seek_one));
	CHECK_ERRNO(weir_fd_dup_to, EBUSY,
		    where(WEIR__CALL_DUP, EBUSY, dup_to));
}
