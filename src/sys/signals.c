/* SPDX-License-Identifier: MIT */
/*
 * signals.c - signals as data, and the masks that make it so
 */
#include "sys/signals.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/io.h"

#define NAME_SIZE 16	/* TASK_COMM_LEN, with the NUL */

/* The kernel numbers signals 1 .. 64 on every machine but MIPS. */
#define LAST_SIGNO 64

struct task {
	uint64_t blocked;	/* bit 0 is signal 1 */
	bool is_dead;
	char name[NAME_SIZE];
};

int weir__signalfd_new(const sigset_t *set)
{
	int r = weir__fault(WEIR__CALL_SIGNALFD_NEW);

	if (r < 0)
		return r;
	return (int)weir__result(signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC));
}

int weir__signalfd_set(int fd, const sigset_t *set)
{
	int r = weir__fault(WEIR__CALL_SIGNALFD_SET);

	if (r < 0)
		return r;
	if (fd < 0)
		return -EBADF;	/* -1 would make a new one */
	r = (int)weir__result(signalfd(fd, set, 0));
	return r < 0 ? r : 0;
}

int weir__signalfd_read(int fd, struct signalfd_siginfo *buf, size_t n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_SIGNALFD_READ);
		if (r == 0)
			r = weir__result(read(fd, buf, n * sizeof(*buf)));
	} while (r == -EINTR);
	return r < 0 ? (int)r : (int)((size_t)r / sizeof(*buf));
}

/* Is @signo in @set, and can it be blocked at all? */
static bool has(const sigset_t *set, int signo)
{
	return signo != SIGKILL && signo != SIGSTOP &&
	       sigismember(set, signo) == 1;
}

int weir__signals_block(const sigset_t *want, sigset_t *ret_added)
{
	sigset_t before;
	int r = weir__fault(WEIR__CALL_SIGMASK);

	if (r < 0)
		return r;
	r = -pthread_sigmask(SIG_BLOCK, want, &before);
	if (r < 0)
		return r;
	sigemptyset(ret_added);
	for (int signo = 1; signo <= LAST_SIGNO; signo++)
		if (has(want, signo) && sigismember(&before, signo) == 0)
			sigaddset(ret_added, signo);
	return 0;
}

void weir__signals_get(sigset_t *ret_mask)
{
	/* Only a wrong first argument makes it fail, and there is none. */
	pthread_sigmask(SIG_BLOCK, NULL, ret_mask);
}

int weir__signals_unblock(const sigset_t *set)
{
	int r = weir__fault(WEIR__CALL_SIGMASK);

	if (r < 0)
		return r;
	return -pthread_sigmask(SIG_UNBLOCK, set, NULL);
}

/*
 * Line by line: the line of supplementary groups, which comes before the masks,
 * can be hundreds of kilobytes long.
 */
static int read_status(const char *tid, struct task *task)
{
	char path[64];
	char *line = NULL;
	size_t size = 0;
	bool has_mask = false;
	char state;
	FILE *f;
	int r = weir__fault(WEIR__CALL_OPEN);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", tid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	errno = 0;
	while (!has_mask && getline(&line, &size, f) >= 0) {
		if (sscanf(line, "State: %c", &state) == 1)
			task->is_dead = state == 'Z' || state == 'X';
		has_mask = sscanf(line, "SigBlk: %" SCNx64,
				  &task->blocked) == 1;
	}
	r = has_mask ? 0 : errno ? -errno : -ESRCH;
	free(line);
	fclose(f);
	return r;
}

/* The name from comm, since status escapes it. */
static int read_name(const char *tid, char name[NAME_SIZE])
{
	char path[64];
	char comm[NAME_SIZE + 1];	/* and a newline */
	int r;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", tid);
	r = weir__read_file(path, comm, sizeof(comm));
	if (r < 0)
		return r;
	if (r > 0 && comm[r - 1] == '\n')
		comm[r - 1] = '\0';
	memcpy(name, comm, NAME_SIZE);
	name[NAME_SIZE - 1] = '\0';
	return 0;
}

static int read_task(const char *tid, struct task *task)
{
	int r;

	memset(task, 0, sizeof(*task));
	r = read_status(tid, task);
	return r < 0 ? r : read_name(tid, task->name);
}

/* The lowest signal of @set that @task does not block, or 0. */
static int first_unblocked(const struct task *task, const sigset_t *set)
{
	for (int signo = 1; signo <= LAST_SIGNO; signo++)
		if (has(set, signo) && !(task->blocked >> (signo - 1) & 1))
			return signo;
	return 0;
}

int weir__signals_unblocked_thread(const sigset_t *set, pid_t *ret_tid,
				   int *ret_signo, char name[16])
{
	const struct dirent *entry;
	struct task task;
	DIR *dir;
	int signo;
	int r = weir__fault(WEIR__CALL_OPENDIR);

	if (r < 0)
		return r;
	dir = opendir("/proc/self/task");
	if (!dir)
		return -errno;
	r = 0;
	while (r == 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		r = read_task(entry->d_name, &task);
		if (r == -ENOENT || r == -ESRCH)
			r = 0;		/* ended meanwhile */
		else if (r == 0 && !task.is_dead &&
			 (signo = first_unblocked(&task, set)) > 0) {
			*ret_tid = (pid_t)strtol(entry->d_name, NULL, 10);
			*ret_signo = signo;
			memcpy(name, task.name, NAME_SIZE);
			r = 1;
		}
	}
	closedir(dir);
	return r;
}

void weir__signals_discard(const sigset_t *set)
{
	const struct timespec now = { 0, 0 };

	while (sigtimedwait(set, NULL, &now) > 0)
		;
}
