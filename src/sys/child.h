/* SPDX-License-Identifier: MIT */
/*
 * sys/child.h - processes held by a descriptor
 *
 * A pidfd names one process for its lifetime, as a pid does not.  It becomes
 * readable when the process ends, and so stands in an epoll set.
 */
#ifndef WEIR_SYS_CHILD_H
#define WEIR_SYS_CHILD_H

#include <signal.h>
#include <sys/types.h>

/**
 * weir__pidfd_open() - a descriptor for a process, close-on-exec
 *
 * The caller must know that @pid still is the process it means: its own child
 * that nobody has reaped.
 *
 * Return: the fd, -ESRCH, -EINVAL (@pid below 1), -ENOSYS (before Linux 5.3),
 *         -EMFILE, -ENFILE, -ENODEV or -ENOMEM.
 */
int weir__pidfd_open(pid_t pid);

/**
 * weir__pidfd_signal() - send a signal
 * @signo: 0 only asks whether it could be sent
 *
 * Return: 0, -ESRCH (ended and reaped), -EPERM, -EINVAL, -EBADF or -ENOSYS.
 */
int weir__pidfd_signal(int pidfd, int signo);

/**
 * weir__wait_pidfd() - reap a child that has ended, without waiting
 * @ret_info: receives si_pid, si_uid, si_code and si_status
 *
 * Return: 1 when reaped; 0 when it has not ended; -ECHILD (not a child, or
 *         reaped already), -EBADF or -EINVAL (not a pidfd, or before Linux
 *         5.4).  @ret_info is written when it is 1.
 */
int weir__wait_pidfd(int pidfd, siginfo_t *ret_info);

/**
 * weir__wait_pid() - reap a child that has ended, by its pid, without waiting
 * @pid:      1 .., one child: never "any"
 * @ret_info: as for weir__wait_pidfd()
 *
 * Return: 1 when reaped; 0 when it has not ended; -ECHILD (not a child, or
 *         reaped already) or -EINVAL (@pid below 1).
 */
int weir__wait_pid(pid_t pid, siginfo_t *ret_info);

/**
 * weir__child_check() - is @pid a child of ours?  It is not reaped
 *
 * Return: 0 (running, or ended and waiting), -ECHILD or -EINVAL (@pid below 1).
 */
int weir__child_check(pid_t pid);

#endif /* WEIR_SYS_CHILD_H */
