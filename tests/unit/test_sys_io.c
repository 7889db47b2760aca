/* SPDX-License-Identifier: MIT */
/*
 * test_sys_io.c - bytes in and out, and the errors on the way
 */
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"

static int fds[2];

static void open_pipe(void)
{
	CHECK_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
}

static void open_pair(void)
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void close_both(void)
{
	close(fds[0]);
	close(fds[1]);
}

TEST(pipes_read_and_write)
{
	char buf[8];

	open_pipe();
	CHECK_EQ(weir__read(fds[0], buf, sizeof(buf)), -EAGAIN);
	CHECK_EQ(weir__write(fds[1], "hello", 5), 5);
	CHECK_EQ(weir__read(fds[0], buf, 3), 3);
	CHECK_EQ(weir__read(fds[0], buf + 3, 5), 2);
	CHECK(memcmp(buf, "hello", 5) == 0);
	close(fds[1]);
	CHECK_EQ(weir__read(fds[0], buf, sizeof(buf)), 0);
	close(fds[0]);
	CHECK_EQ(weir__read(-1, buf, sizeof(buf)), -EBADF);
	CHECK_EQ(weir__write(-1, buf, sizeof(buf)), -EBADF);
}

TEST(a_full_pipe_is_eagain)
{
	static char buf[65536];

	open_pipe();
	while (weir__write(fds[1], buf, sizeof(buf)) > 0)
		continue;
	CHECK_EQ(weir__write(fds[1], buf, sizeof(buf)), -EAGAIN);
	close_both();
}

TEST(vectors_scatter_and_gather)
{
	char a[2], b[8];
	struct iovec out[] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	struct iovec in[] = { { a, 2 }, { b, 8 } };
	struct iovec many[IOV_MAX + 1];

	open_pair();
	CHECK_EQ(weir__writev(fds[0], out, 3), 5);
	CHECK_EQ(weir__sendv(fds[0], out, 3), 5);
	CHECK_EQ(weir__readv(fds[1], in, 2), 10);
	CHECK(memcmp(a, "ab", 2) == 0);
	CHECK(memcmp(b, "cdeabcde", 8) == 0);
	CHECK_EQ(weir__readv(fds[1], in, 2), -EAGAIN);

	for (int i = 0; i <= IOV_MAX; i++)
		many[i] = (struct iovec){ a, 1 };
	CHECK_EQ(weir__sendv(fds[0], many, IOV_MAX), IOV_MAX);
	CHECK_EQ(weir__sendv(fds[0], many, IOV_MAX + 1), -EMSGSIZE);
	CHECK_EQ(weir__writev(fds[0], many, IOV_MAX + 1), -EINVAL);
	CHECK_EQ(weir__readv(fds[0], many, IOV_MAX + 1), -EINVAL);
	CHECK_EQ(weir__sendv(fds[0], many, -1), -EMSGSIZE);
	close_both();
	CHECK_EQ(weir__readv(-1, in, 2), -EBADF);
	CHECK_EQ(weir__writev(-1, out, 3), -EBADF);
	CHECK_EQ(weir__sendv(-1, out, 3), -EBADF);
}

/* SIGPIPE has its default action here: it would kill the test. */
TEST(a_peer_that_is_gone_is_no_signal)
{
	struct iovec iov = { "x", 1 };
	char buf[8];

	open_pair();
	CHECK_EQ(weir__send(fds[0], "x", 1), 1);
	CHECK_EQ(weir__recv(fds[1], buf, sizeof(buf)), 1);
	CHECK_EQ(weir__recv(fds[1], buf, sizeof(buf)), -EAGAIN);
	close(fds[1]);
	CHECK_EQ(weir__recv(fds[0], buf, sizeof(buf)), 0);
	CHECK_EQ(weir__send(fds[0], "x", 1), -EPIPE);
	CHECK_EQ(weir__sendv(fds[0], &iov, 1), -EPIPE);
	close(fds[0]);
	CHECK_EQ(weir__send(0, "x", 1), -ENOTSOCK);
	CHECK_EQ(weir__sendv(0, &iov, 1), -ENOTSOCK);
	CHECK_EQ(weir__recv(0, buf, 1), -ENOTSOCK);
	CHECK_EQ(weir__send(-1, "x", 1), -EBADF);
	CHECK_EQ(weir__recv(-1, buf, 1), -EBADF);
}

static volatile sig_atomic_t signals;

/* The third signal brings the byte that the read is waiting for. */
static void on_alarm(int signo)
{
	(void)signo;
	if (++signals == 3 && write(fds[1], "x", 1) != 1)
		_exit(1);
}

TEST(read_goes_on_after_a_signal)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	char c;

	CHECK_EQ(pipe(fds), 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	CHECK_EQ(weir__read(fds[0], &c, 1), 1);
	setitimer(ITIMER_REAL, &never, NULL);
	CHECK(signals >= 3);
	close_both();
}

static int close_error;

static int fail_close(enum weir__call call)
{
	return call == WEIR__CALL_CLOSE ? close_error : 0;
}

TEST(close_always_closes)
{
	CHECK_EQ(weir__close(-1), -EBADF);
	open_pipe();
	CHECK_EQ(weir__close(fds[0]), 0);
	CHECK_EQ(weir__close(fds[0]), -EBADF);
	weir__fault_hook = fail_close;
	close_error = -EIO;
	CHECK_EQ(weir__close(fds[1]), -EIO);
	CHECK_EQ(fcntl(fds[1], F_GETFD), -1);

	open_pipe();
	close_error = -EINTR;
	CHECK_EQ(weir__close(fds[0]), 0);
	CHECK_EQ(weir__close(fds[1]), 0);
	CHECK_EQ(fcntl(fds[0], F_GETFD), -1);
	CHECK_EQ(fcntl(fds[1], F_GETFD), -1);
}

TEST(descriptor_flags)
{
	CHECK_EQ(pipe(fds), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(weir__fd_nonblock_set(fds[0], i), 0);
		CHECK_EQ(weir__fd_nonblock_set(fds[0], i), 0);
		CHECK_EQ(weir__fd_nonblock_get(fds[0]), i);
		CHECK_EQ(!!(fcntl(fds[0], F_GETFL) & O_NONBLOCK), i);
		CHECK_EQ(weir__fd_cloexec_set(fds[0], i), 0);
		CHECK_EQ(weir__fd_cloexec_set(fds[0], i), 0);
		CHECK_EQ(weir__fd_cloexec_get(fds[0]), i);
		CHECK_EQ(!!(fcntl(fds[0], F_GETFD) & FD_CLOEXEC), i);
	}
	close_both();
	CHECK_EQ(weir__fd_nonblock_get(-1), -EBADF);
	CHECK_EQ(weir__fd_nonblock_set(-1, true), -EBADF);
	CHECK_EQ(weir__fd_cloexec_get(-1), -EBADF);
	CHECK_EQ(weir__fd_cloexec_set(-1, true), -EBADF);
}

TEST(dup_is_close_on_exec)
{
	int fd;

	CHECK_EQ(pipe(fds), 0);
	fd = weir__fd_dup(fds[1]);
	CHECK(fd >= 0 && fd != fds[1]);
	CHECK_EQ(weir__fd_cloexec_get(fd), 1);
	CHECK_EQ(weir__fd_cloexec_get(fds[1]), 0);
	close(fd);
	close_both();
	CHECK_EQ(weir__fd_dup(-1), -EBADF);
}

TEST(open_is_close_on_exec)
{
	char path[] = "/tmp/weir-test-XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	close(fd);
	fd = weir__open(path, O_RDONLY, 0);
	CHECK(fd >= 0);
	CHECK_EQ(weir__fd_cloexec_get(fd), 1);
	close(fd);
	CHECK_EQ(weir__open(path, O_CREAT | O_EXCL | O_WRONLY, 0600), -EEXIST);
	unlink(path);
	CHECK_EQ(weir__open(path, O_RDONLY, 0), -ENOENT);
}

TEST(small_files_are_read_whole)
{
	char path[] = "/tmp/weir-test-XXXXXX";
	char buf[16];
	int fd = mkstemp(path);

	CHECK_EQ(weir__read_file(path, buf, sizeof(buf)), 0);
	CHECK_STR(buf, "");
	CHECK_EQ(write(fd, "123456789012345", 15), 15);
	CHECK_EQ(weir__read_file(path, buf, sizeof(buf)), 15);
	CHECK_STR(buf, "123456789012345");
	CHECK_EQ(write(fd, "6", 1), 1);
	CHECK_EQ(weir__read_file(path, buf, sizeof(buf)), -EFBIG);
	CHECK_EQ(weir__read_file(path, buf, 0), -EINVAL);
	close(fd);
	unlink(path);
	CHECK_EQ(weir__read_file(path, buf, sizeof(buf)), -ENOENT);
	CHECK_EQ(weir__read_file("/tmp", buf, sizeof(buf)), -EISDIR);
	CHECK(weir__read_file("/proc/self/comm", buf, sizeof(buf)) > 0);
	CHECK(strchr(buf, '\n'));
}

TEST(input_is_what_can_be_read)
{
	char c;
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK_EQ(weir__fd_has_input(p[0]), 0);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(weir__fd_has_input(p[0]), 1);
	CHECK_EQ(read(p[0], &c, 1), 1);
	close(p[1]);
	CHECK_EQ(weir__fd_has_input(p[0]), 0);	/* the end */
	close(p[0]);
	CHECK_EQ(weir__fd_has_input(p[0]), -EBADF);
	CHECK_EQ(weir__fd_has_input(-1), -EBADF);
}
