/* SPDX-License-Identifier: MIT */
/*
 * test_sys_signals.c - signalfd, masks, and the thread that was forgotten
 */
#include "sys/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/io.h"
#include "sys/thread.h"

#include "harness.h"

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	sigaddset(&set, b);
	return set;
}

static void send_self(int signo, int value)
{
	union sigval v = { .sival_int = value };

	CHECK_EQ(sigqueue(getpid(), signo, v), 0);
}

TEST(signalfd_yields_what_is_blocked)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2);
	struct signalfd_siginfo info[4];
	sigset_t added;
	int fd;

	CHECK_EQ(weir__signals_block(&set, &added), 0);
	fd = weir__signalfd_new(&set);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(weir__signalfd_read(fd, info, 4), -EAGAIN);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1);	/* coalesces with the first */
	kill(getpid(), SIGUSR2);
	CHECK_EQ(weir__signalfd_read(fd, info, 4), 2);
	CHECK_EQ(info[0].ssi_signo, SIGUSR1);
	CHECK_EQ(info[0].ssi_pid, getpid());
	CHECK_EQ(info[1].ssi_signo, SIGUSR2);
	CHECK_EQ(weir__signalfd_read(fd, info, 4), -EAGAIN);
	close(fd);
}

TEST(signalfd_fills_a_short_buffer)
{
	sigset_t set = set_of(SIGRTMIN, SIGRTMIN);
	struct signalfd_siginfo info[2];
	sigset_t added;
	int fd;

	CHECK_EQ(weir__signals_block(&set, &added), 0);
	fd = weir__signalfd_new(&set);
	for (int i = 0; i < 3; i++)
		send_self(SIGRTMIN, i);
	CHECK_EQ(weir__signalfd_read(fd, info, 2), 2);
	CHECK_EQ(info[0].ssi_int, 0);
	CHECK_EQ(info[1].ssi_int, 1);
	CHECK_EQ(weir__signalfd_read(fd, info, 2), 1);
	CHECK_EQ(info[0].ssi_int, 2);
	CHECK_EQ(weir__signalfd_read(fd, info, 0), -EINVAL);
	close(fd);
}

TEST(signalfd_set_changes_the_set)
{
	sigset_t both = set_of(SIGUSR1, SIGUSR2);
	sigset_t one = set_of(SIGUSR1, SIGUSR1);
	struct signalfd_siginfo info;
	sigset_t added;
	int fd;

	CHECK_EQ(weir__signals_block(&both, &added), 0);
	fd = weir__signalfd_new(&one);
	kill(getpid(), SIGUSR2);
	CHECK_EQ(weir__signalfd_read(fd, &info, 1), -EAGAIN);
	CHECK_EQ(weir__signalfd_set(fd, &both), 0);
	CHECK_EQ(weir__signalfd_read(fd, &info, 1), 1);
	CHECK_EQ(info.ssi_signo, SIGUSR2);
	/* -1 must not make a descriptor; 0 is /dev/null. */
	CHECK_EQ(weir__signalfd_set(-1, &both), -EBADF);
	CHECK_EQ(weir__signalfd_set(0, &both), -EINVAL);
	CHECK_EQ(weir__signalfd_read(-1, &info, 1), -EBADF);
	close(fd);
}

TEST(block_tells_what_it_added)
{
	sigset_t first = set_of(SIGUSR1, SIGUSR1);
	sigset_t want = set_of(SIGUSR1, SIGUSR2);
	sigset_t added;
	sigset_t now;

	sigaddset(&want, SIGKILL);	/* cannot be, and is not "added" */
	sigaddset(&want, SIGSTOP);
	sigaddset(&want, SIGRTMAX);
	CHECK_EQ(weir__signals_block(&first, &added), 0);
	CHECK(sigismember(&added, SIGUSR1));
	CHECK_EQ(weir__signals_block(&want, &added), 0);
	CHECK(!sigismember(&added, SIGUSR1));
	CHECK(sigismember(&added, SIGUSR2));
	CHECK(sigismember(&added, SIGRTMAX));
	CHECK(!sigismember(&added, SIGKILL));
	CHECK(!sigismember(&added, SIGSTOP));

	CHECK_EQ(weir__signals_unblock(&added), 0);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
	CHECK(!sigismember(&now, SIGUSR2));
	CHECK(!sigismember(&now, SIGRTMAX));
}

/* Unblocks, says so on data[1], and ends when data[2] is closed. */
static void *open_to_signals(void *data)
{
	sigset_t set = set_of(SIGUSR2, SIGRTMAX);
	int *fds = data;
	char c = 'x';

	CHECK_EQ(weir__signals_unblock(&set), 0);
	CHECK_EQ(write(fds[1], &c, 1), 1);
	CHECK_EQ(read(fds[2], &c, 1), 0);
	return NULL;
}

TEST(a_thread_with_signals_open_is_found)
{
	sigset_t set = set_of(SIGUSR2, SIGRTMAX);
	int fds[4];
	char name[16] = "untouched";
	sigset_t added;
	pthread_t thread;
	pid_t tid = 0;
	int signo = 0;
	char c;

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(pipe(fds + 2), 0);
	sigaddset(&set, SIGKILL);	/* never counts */
	CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo, name), 1);
	CHECK_EQ(tid, getpid());
	CHECK_EQ(signo, SIGUSR2);

	CHECK_EQ(weir__signals_block(&set, &added), 0);
	tid = 0;
	CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo, name), 0);
	CHECK_EQ(tid, 0);

	/* A name that status would escape, and that mimics a line of it. */
	CHECK_EQ(weir__thread_start(&thread, "\nSigBlk:\t0\\ \nab",
				    open_to_signals, fds), 0);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo, name), 1);
	CHECK(tid > 0 && tid != getpid());
	CHECK_EQ(signo, SIGUSR2);
	CHECK_STR(name, "\nSigBlk:\t0\\ \nab");
	close(fds[3]);
	pthread_join(thread, NULL);
	CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo, name), 0);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
}

static void *nothing(void *data)
{
	return data;
}

static void *come_and_go(void *data)
{
	int stop = *(int *)data;
	pthread_t thread;
	char c;

	while (read(stop, &c, 1) < 0) {
		CHECK_EQ(pthread_create(&thread, NULL, nothing, NULL), 0);
		pthread_join(thread, NULL);
	}
	return NULL;
}

TEST(threads_that_end_meanwhile_do_not_count)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2);
	char name[16];
	sigset_t added;
	pthread_t thread;
	pid_t tid;
	int fds[2];
	int signo;

	CHECK_EQ(pipe2(fds, O_NONBLOCK), 0);
	CHECK_EQ(weir__signals_block(&set, &added), 0);
	CHECK_EQ(pthread_create(&thread, NULL, come_and_go, fds), 0);
	for (int i = 0; i < 300; i++)
		CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo,
							name), 0);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
}

/* The exit status says what was found once the first thread is a zombie. */
static void *look_when_leader_is_dead(void *data)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR2);
	char status[4096];
	char path[64];
	char name[16];
	sigset_t added;
	pid_t tid;
	int signo;

	(void)data;
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", getpid());
	do {
		sched_yield();
		if (weir__read_file(path, status, sizeof(status)) < 0)
			_exit(98);
	} while (!strstr(status, "\nState:\tZ"));
	if (weir__signals_block(&set, &added) < 0)
		_exit(97);
	_exit(weir__signals_unblocked_thread(&set, &tid, &signo, name));
}

TEST(a_dead_first_thread_does_not_count)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, look_when_leader_is_dead,
				   NULL))
			_exit(99);
		pthread_exit(NULL);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

/* Fail the call @failing when it comes for the @nth time. */
static enum weir__call failing;
static int nth;
static int error;

static int fail_nth(enum weir__call call)
{
	return call == failing && --nth == 0 ? error : 0;
}

TEST(the_search_reports_what_it_cannot_read)
{
	sigset_t set = set_of(SIGUSR1, SIGUSR1);
	char name[16];
	sigset_t added;
	pid_t tid;
	int signo;

	CHECK_EQ(weir__signals_block(&set, &added), 0);
	weir__fault_hook = fail_nth;
	failing = WEIR__CALL_OPEN;	/* 1: status, 2: comm */
	for (int i = 1; i <= 2; i++) {
		nth = i;
		error = -EMFILE;
		CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo,
							name), -EMFILE);
		nth = i;
		error = -ENOENT;
		CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo,
							name), 0);
	}
	failing = WEIR__CALL_READ;
	nth = 1;
	error = -ESRCH;
	CHECK_EQ(weir__signals_unblocked_thread(&set, &tid, &signo, name), 0);
}
