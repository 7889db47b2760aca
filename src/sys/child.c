/* SPDX-License-Identifier: MIT */
/*
 * child.c - processes held by a descriptor
 *
 * The pidfd calls are made by number: glibc has had them since 2.36 only.
 */
#include "sys/child.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fault.h"

int weir__pidfd_open(pid_t pid)
{
	int r = weir__fault(WEIR__CALL_PIDFD_OPEN);

	if (r < 0)
		return r;
	return (int)weir__result(syscall(SYS_pidfd_open, pid, 0u));
}

int weir__pidfd_signal(int pidfd, int signo)
{
	int r = weir__fault(WEIR__CALL_PIDFD_SIGNAL);

	if (r < 0)
		return r;
	return (int)weir__result(syscall(SYS_pidfd_send_signal, pidfd, signo,
					 NULL, 0u));
}

static int reap(idtype_t type, id_t id, siginfo_t *ret_info)
{
	siginfo_t info;
	int r;

	do {
		info.si_pid = 0;	/* stays so if none has ended */
		r = weir__fault(WEIR__CALL_WAIT);
		if (r == 0)
			r = (int)weir__result(waitid(type, id, &info,
						     WEXITED | WNOHANG));
	} while (r == -EINTR);
	if (r < 0)
		return r;
	if (info.si_pid == 0)
		return 0;
	*ret_info = info;
	return 1;
}

int weir__wait_pidfd(int pidfd, siginfo_t *ret_info)
{
	if (pidfd < 0)
		return -EBADF;
	return reap(P_PIDFD, (id_t)pidfd, ret_info);
}

int weir__wait_pid(pid_t pid, siginfo_t *ret_info)
{
	/* The kernel refuses 0 and -1 here: "any" is P_ALL's affair. */
	return reap(P_PID, (id_t)pid, ret_info);
}

int weir__child_check(pid_t pid)
{
	siginfo_t info;
	int r;

	if (pid < 1)
		return -EINVAL;
	r = weir__fault(WEIR__CALL_WAIT);
	if (r < 0)
		return r;
	return (int)weir__result(waitid(P_PID, (id_t)pid, &info,
					WEXITED | WNOHANG | WNOWAIT));
}
