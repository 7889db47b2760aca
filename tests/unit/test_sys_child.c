/* SPDX-License-Identifier: MIT */
/*
 * test_sys_child.c - children watched, signalled and reaped once
 */
#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

static int gate[2];	/* a child runs until its write end is closed */

static pid_t child_at_gate(int status)
{
	char c;
	pid_t pid;

	CHECK_EQ(pipe(gate), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &c, 1) == 0 ? status : 99);
	}
	close(gate[0]);
	return pid;
}

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK(p.revents & POLLIN);
}

TEST(a_child_is_reaped_by_pidfd)
{
	siginfo_t info;
	pid_t pid = child_at_gate(7);
	int fd = weir__pidfd_open(pid);

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	memset(&info, 0x5a, sizeof(info));
	CHECK_EQ(weir__wait_pidfd(fd, &info), 0);
	CHECK_EQ(info.si_pid, 0x5a5a5a5a);	/* written when it is 1 */
	close(gate[1]);
	wait_readable(fd);
	CHECK_EQ(weir__wait_pidfd(fd, &info), 1);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 7);
	CHECK_EQ(weir__wait_pidfd(fd, &info), -ECHILD);
	CHECK_EQ(weir__pidfd_signal(fd, SIGTERM), -ESRCH);
	close(fd);
}

TEST(a_child_is_killed_by_pidfd)
{
	siginfo_t info;
	pid_t pid = child_at_gate(0);
	int fd = weir__pidfd_open(pid);

	CHECK_EQ(weir__pidfd_signal(fd, 0), 0);
	CHECK_EQ(weir__pidfd_signal(fd, 12345), -EINVAL);
	CHECK_EQ(weir__wait_pidfd(fd, &info), 0);
	CHECK_EQ(weir__pidfd_signal(fd, SIGKILL), 0);
	wait_readable(fd);
	CHECK_EQ(weir__wait_pidfd(fd, &info), 1);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_status, SIGKILL);
	close(fd);
	close(gate[1]);
}

TEST(a_child_is_reaped_by_pid)
{
	siginfo_t info;
	pid_t pid = child_at_gate(9);
	int fd = weir__pidfd_open(pid);

	CHECK_EQ(weir__wait_pid(pid, &info), 0);
	close(gate[1]);
	wait_readable(fd);
	CHECK_EQ(weir__wait_pid(pid, &info), 1);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, 9);
	CHECK_EQ(weir__wait_pid(pid, &info), -ECHILD);
	CHECK_EQ(weir__wait_pidfd(fd, &info), -ECHILD);
	close(fd);
}

/* Never -1 or 0, which to the kernel mean "any child". */
TEST(one_child_only)
{
	siginfo_t info;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(weir__wait_pid(-1, &info), -EINVAL);
	CHECK_EQ(weir__wait_pid(0, &info), -EINVAL);
	CHECK_EQ(weir__wait_pidfd(-1, &info), -EBADF);
	CHECK_EQ(weir__wait_pid(pid, &info), 1);
}

TEST(child_says_why_not)
{
	siginfo_t info;
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int parent = weir__pidfd_open(getppid());

	CHECK_EQ(weir__pidfd_open(-1), -EINVAL);
	CHECK_EQ(weir__pidfd_open(0), -EINVAL);
	CHECK_EQ(weir__pidfd_open(0x3fffffff), -ESRCH);	/* > PID_MAX_LIMIT */
	CHECK_EQ(weir__pidfd_signal(-1, 0), -EBADF);
	CHECK_EQ(weir__pidfd_signal(file, 0), -EBADF);
	CHECK_EQ(weir__wait_pidfd(file, &info), -EBADF);
	CHECK_EQ(weir__wait_pidfd(parent, &info), -ECHILD);
	CHECK_EQ(weir__wait_pid(getppid(), &info), -ECHILD);
	close(parent);
	close(file);
}
