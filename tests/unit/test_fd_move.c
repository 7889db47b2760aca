/* SPDX-License-Identifier: MIT */
/*
 * test_fd_move.c - bytes that do not pass through us, flags and duplicates
 */
#include <weir/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"

static void make_sockets(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0, fds), 0);
}

static void make_pipe(int fds[2])
{
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

/* A file with @size bytes, each its place modulo 251. */
static int make_file(size_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	CHECK(fd >= 0);
	for (size_t i = 0; i < size; i++) {
		const uint8_t byte = (uint8_t)(i % 251);

		CHECK_EQ(write(fd, &byte, 1), 1);
	}
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

TEST(several_places_are_filled_in_order)
{
	char a[2], b[8];
	struct iovec iov[] = { { a, 2 }, { NULL, 0 }, { b, 8 } };
	int fds[2];

	make_sockets(fds);
	CHECK_EQ(weir_fd_readv(fds[0], iov, 3), -EAGAIN);
	CHECK_EQ(weir_fd_write(fds[1], "abcde", 5), 5);
	CHECK_EQ(weir_fd_readv(fds[0], iov, 3), 5);
	CHECK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0);
	/* No room: 0 would look like the end. */
	CHECK_EQ(weir_fd_readv(fds[0], iov + 1, 1), -EINVAL);
	CHECK_EQ(weir_fd_readv(fds[0], iov, 0), -EINVAL);
	close(fds[1]);
	CHECK_EQ(weir_fd_readv(fds[0], iov, 3), 0);
	close(fds[0]);
}

TEST(a_pipe_carries_from_socket_to_socket)
{
	int from[2], to[2], carrier[2];
	char buf[8];

	make_sockets(from);
	make_sockets(to);
	make_pipe(carrier);
	CHECK_EQ(weir_fd_splice(from[0], carrier[1], 100), -EAGAIN);
	CHECK_EQ(weir_fd_splice(carrier[0], to[0], 100), -EAGAIN);
	CHECK_EQ(weir_fd_write(from[1], "abcde", 5), 5);
	CHECK_EQ(weir_fd_splice(from[0], carrier[1], 3), 3);
	CHECK_EQ(weir_fd_splice(from[0], carrier[1], 100), 2);
	CHECK_EQ(weir_fd_splice(carrier[0], to[0], 100), 5);
	CHECK_EQ(weir_fd_read(to[1], buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "abcde", 5) == 0);
	close(from[1]);
	CHECK_EQ(weir_fd_splice(from[0], carrier[1], 100), 0);
	close(carrier[1]);
	CHECK_EQ(weir_fd_splice(carrier[0], to[0], 100), 0);
	close(from[0]);
	close(carrier[0]);
	close_both(to);
}

TEST(a_file_is_sent_from_where_one_likes)
{
	const size_t size = 1000;
	int fd = make_file(size);
	uint8_t buf[1000];
	off_t offset = 990;
	int to[2];

	make_sockets(to);
	CHECK_EQ(weir_fd_sendfile(to[0], fd, &offset, 100), 10);
	CHECK_EQ(offset, 1000);
	CHECK_EQ(weir_fd_sendfile(to[0], fd, &offset, 100), 0);
	CHECK_EQ(weir_fd_read(to[1], buf, sizeof(buf)), 10);
	for (int i = 0; i < 10; i++)
		CHECK_EQ(buf[i], (990 + i) % 251);
	/* The position of the file is another one, and has not moved. */
	CHECK_EQ(weir_fd_seek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(weir_fd_sendfile(to[0], fd, NULL, 7), 7);
	CHECK_EQ(weir_fd_seek(fd, 0, SEEK_CUR), 7);
	close(fd);
	close_both(to);
}

TEST(a_full_socket_takes_no_more_of_a_file)
{
	int fd = memfd_create("large", MFD_CLOEXEC);
	off_t offset = 0, before;
	ssize_t n;
	int to[2];

	CHECK_EQ(ftruncate(fd, 64 << 20), 0);
	make_sockets(to);
	do {
		before = offset;
		n = weir_fd_sendfile(to[0], fd, &offset, 64 << 20);
	} while (n > 0);
	CHECK_EQ(n, -EAGAIN);
	CHECK_EQ(offset, before);
	close(fd);
	close_both(to);
}

/* The default of SIGPIPE is to kill. */
TEST(who_moves_bytes_to_nobody_gets_no_signal)
{
	int to[2], carrier[2], dead[2];
	int fd = make_file(10);
	sigset_t pending;

	make_sockets(to);
	make_pipe(carrier);
	make_pipe(dead);
	close(to[1]);
	close(dead[0]);
	CHECK_EQ(write(carrier[1], "x", 1), 1);
	CHECK_EQ(weir_fd_splice(carrier[0], to[0], 1), -EPIPE);
	CHECK_EQ(weir_fd_sendfile(to[0], fd, NULL, 1), -EPIPE);
	CHECK_EQ(write(carrier[1], "x", 1), 1);
	CHECK_EQ(weir_fd_splice(carrier[0], dead[1], 1), -EPIPE);
	CHECK_EQ(weir_fd_sendfile(dead[1], fd, NULL, 1), -EPIPE);
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGPIPE), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &pending), 0);
	CHECK_EQ(sigismember(&pending, SIGPIPE), 0);
	close(fd);
	close(to[0]);
	close(dead[1]);
	close_both(carrier);
}

/* Who has blocked it has blocked it, and may look for it. */
TEST(a_signal_that_is_blocked_stays_the_callers)
{
	sigset_t pipe, now;
	int dead[2];
	int fd = make_file(10);

	make_pipe(dead);
	close(dead[0]);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &pipe, NULL), 0);
	CHECK_EQ(weir_fd_sendfile(dead[1], fd, NULL, 1), -EPIPE);
	CHECK_EQ(sigpending(&now), 0);
	CHECK_EQ(sigismember(&now, SIGPIPE), 1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK_EQ(sigismember(&now, SIGPIPE), 1);
	close(fd);
	close(dead[1]);
}

static int interruptions;

/* Each attempt is interrupted twice. */
static int interrupt(enum weir__call call)
{
	if (call == WEIR__CALL_FCNTL || call == WEIR__CALL_SIGMASK)
		return 0;
	return ++interruptions % 3 ? -EINTR : 0;
}

TEST(what_is_interrupted_goes_on)
{
	int fd = make_file(10), to[2], carrier[2], copy;
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };

	make_sockets(to);
	make_pipe(carrier);
	weir__fault_hook = interrupt;
	CHECK_EQ(weir_fd_write(carrier[1], "abc", 3), 3);
	CHECK_EQ(weir_fd_splice(carrier[0], to[0], 10), 3);
	CHECK_EQ(weir_fd_readv(to[1], &iov, 1), 3);
	CHECK_EQ(weir_fd_sendfile(to[0], fd, NULL, 4), 4);
	CHECK_EQ(weir_fd_read(to[1], buf, sizeof(buf)), 4);
	copy = weir_fd_dup_to(to[0], fd);
	CHECK_EQ(copy, fd);
	weir__fault_hook = NULL;
	CHECK(interruptions >= 18);
	close(copy);
	close_both(to);
	close_both(carrier);
}

TEST(a_position_is_the_files)
{
	int fd = make_file(100), copy = weir_fd_dup(fd);
	char c;

	CHECK(copy >= 0);
	CHECK_EQ(weir_fd_seek(fd, 50, SEEK_SET), 50);
	CHECK_EQ(weir_fd_seek(copy, 10, SEEK_CUR), 60);
	CHECK_EQ(weir_fd_read(fd, &c, 1), 1);
	CHECK_EQ(c, 60);
	CHECK_EQ(weir_fd_seek(fd, -1, SEEK_END), 99);
	CHECK_EQ(weir_fd_seek(fd, 1 << 20, SEEK_SET), 1 << 20);
	CHECK_EQ(weir_fd_read(fd, &c, 1), 0);
	close(copy);
	close(fd);
}

static int is_cloexec(int fd)
{
	const int flags = fcntl(fd, F_GETFD);

	CHECK(flags >= 0);
	return (flags & FD_CLOEXEC) != 0;
}

TEST(a_duplicate_does_not_survive_an_exec)
{
	int fds[2], copy, other;
	char c;

	CHECK_EQ(pipe(fds), 0);
	CHECK(!is_cloexec(fds[0]));
	copy = weir_fd_dup(fds[0]);
	CHECK(copy > fds[0]);
	CHECK(is_cloexec(copy));
	/* In the place of another, which is closed. */
	other = dup(fds[1]);
	CHECK_EQ(weir_fd_dup_to(fds[0], other), other);
	CHECK(is_cloexec(other));
	close(fds[1]);
	CHECK_EQ(weir_fd_read(other, &c, 1), 0);
	CHECK_EQ(weir_fd_set_cloexec(other, 0), 0);
	CHECK(!is_cloexec(other));
	CHECK(is_cloexec(copy));
	CHECK_EQ(weir_fd_set_cloexec(other, 7), 0);
	CHECK(is_cloexec(other));
	close(copy);
	close(other);
	close(fds[0]);
}

/* A stale errno is nobody's answer. */
TEST(what_is_adopted_is_open_and_fit_for_a_reactor)
{
	int fds[2], old;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(weir_fd_adopt(fds[0]), fds[0]);
	CHECK(is_cloexec(fds[0]));
	CHECK(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	CHECK_EQ(weir_fd_adopt(fds[0]), fds[0]);
	old = fds[0];
	close(fds[0]);
	errno = ENOSPC;
	CHECK_EQ(weir_fd_adopt(old), -EBADF);
	errno = 0;
	CHECK_EQ(weir_fd_adopt(-1), -EBADF);
	errno = EINTR;
	CHECK_EQ(weir_fd_adopt(-100), -EBADF);
	CHECK_EQ(weir_fd_adopt(1 << 30), -EBADF);
	close(fds[1]);
}
