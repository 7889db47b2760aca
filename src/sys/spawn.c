/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - a new process, and the pipes to it
 *
 * posix_spawn() of glibc shares the memory with the child until it execs, with
 * all signals blocked on both sides: no page table is copied, no handler of
 * ours runs in the child, and an error of exec comes back as a return value.
 */
#include "sys/spawn.h"

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/io.h"

/* PIDFD_SIGNAL_PROCESS_GROUP of Linux 6.9. */
#define TO_GROUP 4u

/* A copy of @fd that is not below @above, close-on-exec. */
static int dup_above(int fd, int above)
{
	int r = weir__fault(WEIR__CALL_DUP);

	if (r < 0)
		return r;
	return (int)weir__result(fcntl(fd, F_DUPFD_CLOEXEC, above));
}

int weir__pipe(int ret_fds[2])
{
	int fds[2];
	int r = weir__fault(WEIR__CALL_PIPE);

	if (r == 0)
		r = (int)weir__result(pipe2(fds, O_CLOEXEC));
	/* What lies on 0, 1 or 2 would be somebody's standard output. */
	for (int i = 0; r >= 0 && i < 2; i++) {
		int high;

		if (fds[i] > STDERR_FILENO)
			continue;
		high = dup_above(fds[i], STDERR_FILENO + 1);
		if (high < 0) {
			weir__close(fds[0]);
			weir__close(fds[1]);
			return high;
		}
		weir__close(fds[i]);
		fds[i] = high;
	}
	if (r < 0)
		return r;
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

/*
 * Descriptor @to of the child. @fd lies above all that the child gets, so none
 * is overwritten before its turn, and dup2() always clears close-on-exec.
 */
static int place(posix_spawn_file_actions_t *actions, int fd, int to)
{
	switch (fd) {
	case WEIR__FD_NULL:
		return -posix_spawn_file_actions_addopen(actions, to,
						"/dev/null", O_RDWR, 0);
	case WEIR__FD_CLOSED:
		return -posix_spawn_file_actions_addclose(actions, to);
	default:
		return -posix_spawn_file_actions_adddup2(actions, fd, to);
	}
}

static int fill_actions(posix_spawn_file_actions_t *actions,
			const struct weir__spawn *s, const int *high)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->fd_count; i++)
		r = place(actions, high[i], (int)i);
	if (r == 0)
		r = -posix_spawn_file_actions_addclosefrom_np(actions,
							(int)s->fd_count);
	/* Before exec: a relative path of the program is one from there. */
	if (r == 0 && s->cwd)
		r = -posix_spawn_file_actions_addchdir_np(actions, s->cwd);
	return r;
}

static void fill_attr(posix_spawnattr_t *attr, const struct weir__spawn *s)
{
	sigset_t all;

	/* None of these can fail with values such as ours. */
	sigfillset(&all);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &s->mask);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF |
				 POSIX_SPAWN_SETSIGMASK |
				 POSIX_SPAWN_SETPGROUP);
}

static pid_t run(const struct weir__spawn *s, const int *high)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid = 0;
	int r = weir__fault(WEIR__CALL_SPAWN);

	if (r < 0)
		return r;
	r = -posix_spawn_file_actions_init(&actions);
	if (r < 0)
		return r;
	r = -posix_spawnattr_init(&attr);
	if (r == 0) {
		fill_attr(&attr, s);
		r = fill_actions(&actions, s, high);
		if (r == 0)
			r = -posix_spawnp(&pid, s->file, &actions, &attr,
					  s->argv, s->env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r < 0 ? r : pid;
}

pid_t weir__spawn(const struct weir__spawn *s)
{
	int *high = calloc(s->fd_count + 1, sizeof(*high));
	size_t n = 0;
	pid_t r = 0;

	if (!high)
		return -ENOMEM;
	for (; n < s->fd_count; n++) {
		high[n] = s->fds[n];
		if (high[n] >= 0)
			high[n] = dup_above(s->fds[n], (int)s->fd_count);
		if (high[n] < 0 && s->fds[n] >= 0) {
			r = high[n];
			break;
		}
	}
	if (r == 0)
		r = run(s, high);
	while (n-- > 0)
		if (high[n] >= 0)
			weir__close(high[n]);
	free(high);
	return r;
}

static int kill_by_number(pid_t pid, int signo)
{
	int r = weir__fault(WEIR__CALL_KILL);

	if (r < 0)
		return r;
	return (int)weir__result(kill(-pid, signo));
}

int weir__group_kill(int pidfd, pid_t pid, int signo)
{
	int r;

	if (pidfd < 0)
		return kill_by_number(pid, signo);
	r = weir__fault(WEIR__CALL_PIDFD_SIGNAL);
	if (r == 0)
		r = (int)weir__result(syscall(SYS_pidfd_send_signal, pidfd,
					      signo, NULL, TO_GROUP));
	if (r != -EINVAL)
		return r;
	/* An old kernel: the number will do while nobody has reaped it. */
	r = (int)weir__result(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL,
				      0u));
	return r < 0 ? r : kill_by_number(pid, signo);
}

/* Return: 1 if it has ended, 0 or -ECHILD. */
static int look(int pidfd, pid_t pid, int options)
{
	siginfo_t info;
	int r;

	do {
		info.si_pid = 0;	/* stays so if it has not ended */
		r = weir__fault(WEIR__CALL_WAIT);
		if (r == 0)
			r = (int)weir__result(waitid(
				pidfd < 0 ? P_PID : P_PIDFD,
				pidfd < 0 ? (id_t)pid : (id_t)pidfd, &info,
				WEXITED | WNOWAIT | options));
	} while (r == -EINTR);
	return r < 0 ? r : info.si_pid != 0;
}

int weir__wait_dead(int pidfd, pid_t pid)
{
	int r = look(pidfd, pid, 0);

	return r < 0 ? r : 0;
}

int weir__child_is_dead(int pidfd, pid_t pid)
{
	return look(pidfd, pid, WNOHANG);
}

ssize_t weir__pipe_write(int fd, const void *buf, size_t n)
{
	const struct timespec now = { 0, 0 };
	sigset_t set, pending, before;
	bool was_pending;
	ssize_t r;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &set, &before);
	r = weir__write(fd, buf, n);
	if (r == -EPIPE && !was_pending)
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}
