/* SPDX-License-Identifier: MIT */
/*
 * sys/spawn.h - a new process, and the pipes to it
 */
#ifndef WEIR_SYS_SPAWN_H
#define WEIR_SYS_SPAWN_H

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

/* In place of a descriptor of ours. */
#define WEIR__FD_NULL (-1)	/* /dev/null */
#define WEIR__FD_CLOSED (-2)	/* the child has none */

struct weir__spawn {
	const char *file;	/* looked for in PATH if it has no slash */
	char *const *argv;
	char *const *env;
	const char *cwd;	/* NULL: ours */
	sigset_t mask;		/* of the child */
	const int *fds;		/* fds[n] becomes descriptor n of the child */
	size_t fd_count;	/* what is above is closed in the child */
};

/**
 * weir__spawn() - run a program in a process group of its own
 *
 * Every signal has its default disposition in the child, and no descriptor but
 * those of @s stays open: this does not rely on close-on-exec.  Returns when
 * the program runs, or when it is known that it does not.
 *
 * Return: its pid, which is its group too; or the errno of exec (-ENOENT,
 *         -EACCES, -ENOEXEC, -E2BIG ...), of chdir, of clone (-EAGAIN,
 *         -ENOMEM), -EBADF (one of @s->fds) or -EMFILE.
 */
pid_t weir__spawn(const struct weir__spawn *s);

/**
 * weir__pipe() - a pipe, close-on-exec, whose ends are none of 0, 1 and 2
 * @ret_fds: receives the end to read and the end to write; both block, and
 *           have open files of their own
 *
 * Return: 0, -EMFILE, -ENFILE or -ENOMEM.
 */
int weir__pipe(int ret_fds[2]);

/**
 * weir__group_kill() - send a signal to a process group
 * @pidfd: of its leader, or -1
 * @pid:   the leader, a child of ours that we have not reaped: so its number
 *         belongs to nobody else
 *
 * Return: 0, -ESRCH (none is left, or somebody else reaped the leader) or
 *         -EPERM.
 */
int weir__group_kill(int pidfd, pid_t pid, int signo);

/**
 * weir__wait_dead() - sleep until a child of ours has ended; it is not reaped
 * @pidfd: or -1, then it is known by @pid
 *
 * Return: 0 or -ECHILD (somebody else reaped it).
 */
int weir__wait_dead(int pidfd, pid_t pid);

/* Has it ended?  Return: 1, 0 or -ECHILD; it is not reaped. */
int weir__child_is_dead(int pidfd, pid_t pid);

/**
 * weir__pipe_write() - write(2) without SIGPIPE
 *
 * There is no flag for it on a pipe, so the signal is blocked meanwhile, and
 * taken if it was this write that raised it.
 *
 * Return: bytes written, -EPIPE, -EAGAIN ...
 */
ssize_t weir__pipe_write(int fd, const void *buf, size_t n);

#endif /* WEIR_SYS_SPAWN_H */
