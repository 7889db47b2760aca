/* SPDX-License-Identifier: MIT */
/*
 * test_spawn.c - programs run, talked to, and told of once
 */
#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "job.h"

static void all_threads(struct weir_pool *pool)
{
	static struct job job;

	for (int worker = WEIR_CONTROL; worker < 2; worker++) {
		job_init(&job, "echo out; echo err >&2; exit 7");
		CHECK_EQ(job_spawn(&job, pool, worker), 0);
		job_check_end(&job, CLD_EXITED, 7);
		CHECK_EQ(job.flags, 0);
		CHECK_EQ(job.worker, worker);
		CHECK_STR(job.out, "out\n");
		CHECK_STR(job.err, "err\n");
		job_init(&job, "kill -9 $$");
		CHECK_EQ(job_spawn(&job, pool, worker), 0);
		job_check_end(&job, CLD_KILLED, SIGKILL);
	}
}

TEST(the_end_is_told_to_the_thread_that_asked)
{
	job_both_ways(all_threads);
}

static void many(struct weir_pool *pool)
{
	enum { JOBS = 20 };
	static struct job jobs[JOBS];

	for (int i = 0; i < JOBS; i++) {
		job_init(&jobs[i], "exit $1");
		CHECK_EQ(job_spawn(&jobs[i], pool, i % 3 - 1), 0);
	}
	for (int i = 0; i < JOBS; i++)
		job_check_ok(&jobs[i]);
}

TEST(each_of_many_is_told_of)
{
	job_both_ways(many);
}

TEST(a_reactor_that_stands_alone)
{
	struct weir_reactor *r;
	static struct job job;

	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	job_init(&job, "exec /bin/echo hello");
	CHECK_EQ(weir_child_spawn(r, &job.options, &job.token), 0);
	job_turn(&job, r);
	job_check_ok(&job);
	CHECK_STR(job.out, "hello\n");
	weir__fault_hook = job_no_pidfd;
	CHECK_EQ(weir_child_spawn(r, &job.options, &job.token), -ENOSYS);
	weir__fault_hook = NULL;
	weir_reactor_free(r);
}

TEST(why_a_program_does_not_run)
{
	struct weir_pool *pool = job_pool();
	weir_token token;
	struct job job;

	job_init(&job, "");
	token = job.token;
	job.options.file = "/nonexistent/program";
	CHECK_EQ(job_spawn(&job, pool, 0), -ENOENT);
	job.options.file = "/dev/null";
	CHECK_EQ(job_spawn(&job, pool, 0), -EACCES);
	job.options.file = NULL;
	job.options.cwd = "/nonexistent";
	CHECK_EQ(job_spawn(&job, pool, 0), -ENOENT);
	job.options.cwd = "/dev/null";
	CHECK_EQ(job_spawn(&job, pool, 0), -ENOTDIR);
	job.options.cwd = NULL;
	job.options.stdio[0] = (struct weir_child_stdio){
		.how = WEIR_CHILD_FD, .fd = 1000,
	};
	CHECK_EQ(job_spawn(&job, pool, 0), -EBADF);
	job.options.stdio[0].how = WEIR_CHILD_JOIN;
	CHECK_EQ(job_spawn(&job, pool, 0), -EINVAL);
	job.options.stdio[0].how = WEIR_CHILD_NULL;
	job.options.input = "x";
	CHECK_EQ(job_spawn(&job, pool, 0), -EINVAL);
	job.options.input = NULL;
	job.options.on_end = NULL;
	CHECK_EQ(job_spawn(&job, pool, 0), -EINVAL);
	CHECK(weir_token_equal(job.token, token));
	fixture_pool_end(pool);
}

/* Each call it makes fails in turn: no child is left, nor a descriptor. */
static int calls_left;

static int fail_one(enum weir__call call)
{
	if (call == WEIR__CALL_CLOSE || call == WEIR__CALL_WAIT ||
	    call == WEIR__CALL_EPOLL_WAIT || call == WEIR__CALL_PIDFD_SIGNAL)
		return 0;
	return calls_left-- == 0 ? -ENOMEM : 0;
}

TEST(any_call_may_fail)
{
	struct weir_reactor *r;
	static struct job job;
	int n = 0, err;

	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	do {
		job_init(&job, "exec sleep " JOB_LONG);
		job.options.stdio[0].how = WEIR_CHILD_PIPE;
		calls_left = n++;
		weir__fault_hook = fail_one;
		err = weir_child_spawn(r, &job.options, &job.token);
		weir__fault_hook = NULL;
		if (err < 0) {
			CHECK_EQ(err, -ENOMEM);
			CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
			CHECK_EQ(errno, ECHILD);
		}
	} while (err < 0);
	CHECK(n > 10);
	CHECK_EQ(weir_child_kill(r, job.token, SIGTERM), 0);
	job_turn(&job, r);
	job_check_end(&job, CLD_KILLED, SIGTERM);
	weir_reactor_free(r);
}

TEST(a_folder_an_environment_and_descriptors)
{
	char *env[] = { (char *)"NAME=value", (char *)"PATH=/usr/bin:/bin",
			NULL };
	struct weir_pool *pool = job_pool();
	static struct job job;
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	CHECK_EQ(write(fds[1], "given\n", 6), 6);
	close(fds[1]);
	job_init(&job, "pwd; echo $NAME; cat <&3; cat <&4; echo e >&2");
	job.options.cwd = "/";
	job.options.env = env;
	job.options.fds = (int[]){ fds[0], fds[0] };
	job.options.fd_count = 2;
	job.options.stdio[2].how = WEIR_CHILD_JOIN;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	CHECK_STR(job.out, "/\nvalue\ngiven\ne\n");
	close(fds[0]);
	fixture_pool_end(pool);
}

TEST(no_descriptor_leaks_into_the_child)
{
	struct weir_pool *pool = job_pool();
	static struct job job;
	int open_ones[40];

	/* Without close-on-exec. */
	for (int i = 0; i < 40; i++)
		open_ones[i] = open("/dev/null", O_RDONLY);
	job_init(&job, "ls /proc/self/fd | sort -n | tr '\\n' ' '");
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	/* 3 is that of ls, which reads the folder. */
	CHECK_STR(job.out, "0 1 2 3 ");
	for (int i = 0; i < 40; i++)
		close(open_ones[i]);
	fixture_pool_end(pool);
}

TEST(the_child_has_the_signals_from_before)
{
	static struct job job;
	struct weir_pool *pool;
	unsigned long long blocked, ignored;
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pool = job_pool();
	job_init(&job, NULL);
	/* Some shells unblock all. */
	job.argv[0] = (char *)"grep";
	job.argv[1] = (char *)"Sig";
	job.argv[2] = (char *)"/proc/self/status";
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	CHECK_EQ(sscanf(strstr(job.out, "SigBlk:"), "SigBlk: %llx", &blocked),
		 1);
	CHECK_EQ(sscanf(strstr(job.out, "SigIgn:"), "SigIgn: %llx", &ignored),
		 1);
	CHECK_EQ(blocked, 1ull << (SIGUSR2 - 1));
	/* Two are the C library's own. */
	CHECK_EQ(ignored & ~(3ull << 31), 0);
	fixture_pool_end(pool);
	signal(SIGPIPE, SIG_DFL);
}

TEST(input_is_given)
{
	enum { BYTES = 300000 };
	struct weir_pool *pool = job_pool();
	static char input[BYTES];
	static struct job job;

	memset(input, 'x', sizeof(input));
	/* More than the pipe holds; the child is slow to begin. */
	job_init(&job, "sleep 0.05; wc -c");
	job.options.stdio[0].how = WEIR_CHILD_PIPE;
	job.options.input = input;
	job.options.input_bytes = BYTES;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	CHECK_EQ(atoi(job.out), BYTES);
	/* One that does not read it: no SIGPIPE hurts us. */
	job_init(&job, "exec 0</dev/null; echo closed");
	job.options.stdio[0].how = WEIR_CHILD_PIPE;
	job.options.input = input;
	job.options.input_bytes = BYTES;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	CHECK_STR(job.out, "closed\n");
	fixture_pool_end(pool);
}

enum { TALK_BYTES = 200000 };
static size_t written;

static void on_room(struct weir_reactor *r, weir_token token, void *data)
{
	static const char zeros[1000];

	(void)data;
	while (written < TALK_BYTES) {
		int n = weir_child_write(r, token, zeros, sizeof(zeros));

		CHECK(n >= 0);
		written += (size_t)n;
		if ((size_t)n < sizeof(zeros))
			return;
	}
	CHECK_EQ(weir_child_close_input(r, token), 0);
	CHECK_EQ(weir_child_close_input(r, token), 0);
	CHECK_EQ(weir_child_write(r, token, zeros, 1), -EPIPE);
}

TEST(input_is_written)
{
	struct weir_pool *pool = job_pool();
	static struct job job;
	int expected;

	job_init(&job, "sleep 0.05; wc -c");
	job.options.stdio[0].how = WEIR_CHILD_PIPE;
	job.options.on_room = on_room;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	/* A short write can have taken part of the last piece. */
	expected = atoi(job.out);
	CHECK_EQ(expected, (int)written);
	CHECK(expected >= TALK_BYTES && expected < TALK_BYTES + 1000);
	fixture_pool_end(pool);
}

static size_t streamed;
static sem_t is_paused;

static void on_bytes(struct weir_reactor *r, weir_token token, int which,
		     const void *bytes, size_t n, void *data)
{
	(void)bytes;
	(void)data;
	CHECK_EQ(which, 1);
	CHECK(n >= 1 && n <= 16384);
	if (streamed == 0) {
		CHECK_EQ(weir_child_pause(r, token, 1, 1), 0);
		sem_post(&is_paused);
	}
	streamed += n;
}

static void resume_here(struct weir_reactor *r, void *data)
{
	struct job *job = data;

	CHECK_EQ(weir_child_pause(r, job->token, 3, 0), -EINVAL);
	CHECK_EQ(weir_child_pause(r, job->token, 1, 0), 0);
}

/* The child cannot end while nobody takes what it writes. */
TEST(output_that_is_not_taken_holds_the_child)
{
	struct weir_pool *pool = job_pool();
	static struct job job;
	siginfo_t info;

	sem_init(&is_paused, 0, 0);
	job_init(&job, "exec head -c 1000000 /dev/zero");
	job.options.on_bytes = on_bytes;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	fixture_wait(&is_paused);
	fixture_pass(pool, 0, 50 * WEIR_NS_PER_MSEC);
	info.si_pid = 0;
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(job.ends, 0);
	fixture_on(pool, 0, resume_here, &job);
	job_check_ok(&job);
	CHECK_EQ(streamed, 1000000);
	fixture_pool_end(pool);
}

/* It ends while its output is paused: all of it still comes. */
TEST(output_of_the_dead_is_kept)
{
	struct weir_pool *pool = job_pool();
	static struct job job;
	siginfo_t info;

	sem_init(&is_paused, 0, 0);
	job_init(&job, "head -c 50000 /dev/zero");
	job.options.on_bytes = on_bytes;
	job.options.grace = WEIR_NS_PER_MSEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	fixture_wait(&is_paused);
	/* Until it is dead, if the pool has not collected it already. */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0)
		CHECK_EQ(errno, ECHILD);
	fixture_pass(pool, 0, 5 * job.options.grace);
	CHECK_EQ(job.ends, 0);
	fixture_on(pool, 0, resume_here, &job);
	job_check_ok(&job);
	CHECK_EQ(streamed, 50000);
	fixture_pool_end(pool);
}
