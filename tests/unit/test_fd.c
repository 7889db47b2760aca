/* SPDX-License-Identifier: MIT */
#include <weir/fd.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static void make_sockets(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	CHECK_EQ(weir_fd_set_nonblock(fds[0], 1), 0);
	CHECK_EQ(weir_fd_set_nonblock(fds[1], 1), 0);
}

static void close_both(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

TEST(a_socket_tells_bytes_block_and_end_apart)
{
	char buf[8] = "";
	int fds[2];

	make_sockets(fds);
	CHECK_EQ(weir_fd_read(fds[0], buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(weir_fd_write(fds[1], "abcde", 5), 5);
	CHECK_EQ(weir_fd_read(fds[0], buf, 3), 3);
	CHECK_EQ(weir_fd_read(fds[0], buf + 3, 5), 2);
	CHECK_STR(buf, "abcde");
	CHECK_EQ(shutdown(fds[1], SHUT_WR), 0);
	CHECK_EQ(weir_fd_read(fds[0], buf, sizeof(buf)), 0);
	close_both(fds);
}

TEST(reading_no_bytes_is_an_error_and_writing_none_is_not)
{
	int fds[2];

	make_sockets(fds);
	CHECK_EQ(weir_fd_read(fds[0], NULL, 0), -EINVAL);
	CHECK_EQ(weir_fd_write(fds[0], "", 0), 0);
	CHECK_EQ(weir_fd_writev(fds[0], NULL, 0), 0);
	close_both(fds);
}

TEST(a_full_socket_says_so_after_a_short_write)
{
	const size_t size = 8 << 20;
	char *big = calloc(1, size);
	ssize_t n;
	int fds[2];

	CHECK(big);
	make_sockets(fds);
	n = weir_fd_write(fds[0], big, size);
	CHECK(n > 0 && (size_t)n < size);
	CHECK_EQ(weir_fd_write(fds[0], big, size), -EAGAIN);
	free(big);
	close_both(fds);
}

TEST(a_socket_whose_peer_is_gone_raises_no_signal)
{
	struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	int fds[2];

	make_sockets(fds);
	close(fds[1]);
	CHECK_EQ(weir_fd_write(fds[0], "x", 1), -EPIPE);
	CHECK_EQ(weir_fd_writev(fds[0], &iov, 1), -EPIPE);
	close(fds[0]);
}

TEST(a_pipe_is_read_and_written_like_a_socket)
{
	struct iovec iov[2] = {
		{ .iov_base = (char[]){ "cd" }, .iov_len = 2 },
		{ .iov_base = (char[]){ "e" }, .iov_len = 1 },
	};
	char buf[8] = "";
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK_EQ(weir_fd_read(fds[0], buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(weir_fd_write(fds[1], "ab", 2), 2);
	CHECK_EQ(weir_fd_writev(fds[1], iov, 2), 3);
	CHECK_EQ(weir_fd_read(fds[0], buf, sizeof(buf)), 5);
	CHECK_STR(buf, "abcde");
	close(fds[1]);
	CHECK_EQ(weir_fd_read(fds[0], buf, sizeof(buf)), 0);
	close(fds[0]);
}

TEST(a_pipe_without_a_reader_gives_epipe_where_sigpipe_is_ignored)
{
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	signal(SIGPIPE, SIG_IGN);
	close(fds[0]);
	CHECK_EQ(weir_fd_write(fds[1], "x", 1), -EPIPE);
	close(fds[1]);
}

TEST(several_places_are_written_in_order)
{
	struct iovec iov[3] = {
		{ .iov_base = (char[]){ "ab" }, .iov_len = 2 },
		{ .iov_base = NULL, .iov_len = 0 },
		{ .iov_base = (char[]){ "cde" }, .iov_len = 3 },
	};
	char buf[8] = "";
	int fds[2];

	make_sockets(fds);
	CHECK_EQ(weir_fd_writev(fds[1], iov, 3), 5);
	CHECK_EQ(weir_fd_read(fds[0], buf, sizeof(buf)), 5);
	CHECK_STR(buf, "abcde");
	CHECK_EQ(weir_fd_writev(fds[1], iov, -1), -EINVAL);
	CHECK_EQ(weir_fd_writev(fds[1], iov, IOV_MAX + 1), -EINVAL);
	close_both(fds);
}

TEST(a_descriptor_that_is_not_open_is_said_to_be_bad)
{
	struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	char c;

	CHECK_EQ(weir_fd_read(-1, &c, 1), -EBADF);
	CHECK_EQ(weir_fd_write(-1, &c, 1), -EBADF);
	CHECK_EQ(weir_fd_writev(-1, &iov, 1), -EBADF);
	CHECK_EQ(weir_fd_set_nonblock(-1, 1), -EBADF);
	CHECK_EQ(weir_fd_set_nonblock(-1, 0), -EBADF);
}

TEST(blocking_is_switched_off_and_on_for_all_duplicates)
{
	int fds[2], copy;

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	copy = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	CHECK(copy >= 0);
	CHECK_EQ(weir_fd_set_nonblock(fds[0], 1), 0);
	CHECK(fcntl(copy, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(weir_fd_set_nonblock(fds[0], 5), 0);
	CHECK(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	CHECK_EQ(weir_fd_set_nonblock(copy, 0), 0);
	CHECK(!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
	close(copy);
	close_both(fds);
}
