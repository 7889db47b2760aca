/* SPDX-License-Identifier: MIT */
/*
 * test_spawn_ends.c - eight ways in which running programs has gone wrong
 * elsewhere, S1 .. S8, and a child's end when its reactor's comes first
 */
#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "job.h"

/* A limit holds when nothing is captured, or the pipes are closed. */
static void s1(struct weir_pool *pool)
{
	static struct job job;

	job_init(&job, "exec sleep " JOB_LONG);
	job.options.stdio[1].how = WEIR_CHILD_NULL;
	job.options.stdio[2].how = WEIR_CHILD_NULL;
	job.options.limit = 20 * WEIR_NS_PER_MSEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_end(&job, CLD_KILLED, SIGKILL);
	CHECK_EQ(job.flags, WEIR_CHILD_TIMED_OUT);
	job_init(&job, "exec sleep " JOB_LONG " >/dev/null 2>&1");
	job.options.limit = 20 * WEIR_NS_PER_MSEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_end(&job, CLD_KILLED, SIGKILL);
	CHECK_EQ(job.flags, WEIR_CHILD_TIMED_OUT);
	/* Asked nicely, it ends, or it does not want to. */
	job_init(&job, "exec sleep " JOB_LONG);
	job.options.limit = 20 * WEIR_NS_PER_MSEC;
	job.options.limit_signo = SIGTERM;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_end(&job, CLD_KILLED, SIGTERM);
	job_init(&job, "trap '' TERM; while :; do sleep " JOB_LONG "; done");
	job.options.limit = 20 * WEIR_NS_PER_MSEC;
	job.options.limit_signo = SIGTERM;
	job.options.grace = 20 * WEIR_NS_PER_MSEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_end(&job, CLD_KILLED, SIGKILL);
	CHECK_EQ(job.flags, WEIR_CHILD_TIMED_OUT);
}

TEST(s1_the_time_limit_always_holds)
{
	job_both_ways(s1);
}

/* The child's ends block: 8 MB come through, whatever the pipe holds. */
TEST(s2_pipes_block_for_the_child)
{
	struct weir_pool *pool = job_pool();
	static struct job job;

	job_init(&job, "grep flags /proc/self/fdinfo/1 /proc/self/fdinfo/0 >&2;"
		     "exec head -c 8000000 /dev/zero");
	job.options.stdio[0].how = WEIR_CHILD_PIPE;
	job.options.input = "";
	job.options.stdio[1].limit_bytes = 8000000;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	CHECK_EQ(job.out_bytes, 8000000);
	/* O_NONBLOCK is 04000. */
	CHECK(strstr(job.err, "fdinfo/1:flags:\t01\n") ||
	      strstr(job.err, "fdinfo/1:flags:\t0100001\n"));
	fixture_pool_end(pool);
}

/* A grandchild that holds the pipe is waited for no longer than grace. */
static void s3(struct weir_pool *pool)
{
	static struct job job;

	job_init(&job, "sleep " JOB_LONG " & echo started");
	job.options.grace = 20 * WEIR_NS_PER_MSEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_end(&job, CLD_EXITED, 0);
	CHECK_EQ(job.flags, WEIR_CHILD_OUT_HELD | WEIR_CHILD_ERR_HELD);
	CHECK_STR(job.out, "started\n");
}

TEST(s3_a_grandchild_holds_the_pipe)
{
	job_both_ways(s3);
}

static void kill_here(struct weir_reactor *r, void *data)
{
	struct job *job = data;

	job->result = weir_child_kill(r, job->token, SIGKILL);
}

/* Nothing wakes up while a child lives: another worker's clock goes on. */
TEST(s4_nobody_polls)
{
	struct weir_pool *pool = job_pool();
	static struct job job;
	uint64_t before;

	job_init(&job, "exec sleep " JOB_LONG);
	job.options.limit = 100 * WEIR_NS_PER_SEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	fixture_settle(pool);
	before = FIXTURE_STAT(pool, 0, turns);
	fixture_pass(pool, 1, 450 * WEIR_NS_PER_MSEC);
	CHECK(FIXTURE_STAT(pool, 0, turns) - before <= 2);
	fixture_on(pool, 0, kill_here, &job);
	CHECK_EQ(job.result, 0);
	job_check_end(&job, CLD_KILLED, SIGKILL);
	fixture_pool_end(pool);
}

/* While it can be signalled its number is its own: it is a zombie at most. */
static void s5(struct weir_pool *pool)
{
	static struct job job;
	siginfo_t info;

	job_init(&job, "sleep " JOB_LONG " & exit 0");
	job.options.grace = 100 * WEIR_NS_PER_SEC;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	fixture_settle(pool);
	CHECK_EQ(waitid(P_PID, (id_t)info.si_pid, &info,
			WEXITED | WNOWAIT | WNOHANG), 0);
	CHECK_EQ(job.ends, 0);
	/* Only the grandchild is left to kill, and holds the pipe. */
	fixture_on(pool, 0, kill_here, &job);
	CHECK_EQ(job.result, 0);
	job_check_ok(&job);
	fixture_on(pool, 0, kill_here, &job);
	CHECK_EQ(job.result, -ESTALE);
}

TEST(s5_no_signal_to_a_recycled_pid)
{
	job_both_ways(s5);
}

/* Stop, drain and free leave no zombie, and no process. */
static void s6(struct weir_pool *pool)
{
	static struct job jobs[3];
	int alive[2];
	char c;

	CHECK_EQ(pipe2(alive, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++) {
		job_init(&jobs[i], "trap '' TERM; sleep " JOB_LONG " & wait");
		jobs[i].options.fds = &alive[1];
		jobs[i].options.fd_count = 1;
		CHECK_EQ(job_spawn(&jobs[i], pool, i - 1), 0);
	}
	close(alive[1]);
	weir_pool_stop(pool);
	CHECK_EQ(weir_pool_join(pool), 0);
	for (int i = 0; i < 3; i++) {
		job_check_end(&jobs[i], CLD_KILLED, SIGKILL);
		CHECK(jobs[i].flags & WEIR_CHILD_STOPPED);
	}
	/* Their children are gone, too. */
	CHECK_EQ(read(alive[0], &c, 1), 0);
	close(alive[0]);
}

TEST(s6_no_zombie_at_the_end)
{
	job_both_ways(s6);
}

TEST(s6_a_drain_waits_for_a_child)
{
	struct weir_pool *pool = job_pool();
	static struct job job;

	job_init(&job, "sleep 0.1; exit 3");
	job.options.stdio[1].how = WEIR_CHILD_NULL;
	job.options.stdio[2].how = WEIR_CHILD_NULL;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	CHECK_EQ(weir_pool_drain(pool, WEIR_FOREVER), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	job_check_end(&job, CLD_EXITED, 3);
	CHECK_EQ(job.flags, 0);
	weir_pool_free(pool);
}

/* One that writes for ever is stopped at the limit, and found out. */
TEST(s7_output_over_the_limit_is_stopped)
{
	struct weir_pool *pool = job_pool();
	static struct job job;

	job_init(&job, "exec cat /dev/zero");
	job.options.stdio[1].limit_bytes = 1000;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_end(&job, CLD_KILLED, SIGPIPE);
	CHECK_EQ(job.flags, WEIR_CHILD_OUT_LIMIT);
	CHECK_EQ(job.out_bytes, 1000);
	/* Just what is allowed is not too much. */
	job_init(&job, "head -c 1000 /dev/zero");
	job.options.stdio[1].limit_bytes = 1000;
	CHECK_EQ(job_spawn(&job, pool, 0), 0);
	job_check_ok(&job);
	CHECK_EQ(job.out_bytes, 1000);
	fixture_pool_end(pool);
}

static void with_closed(int mask)
{
	struct weir_reactor *r;
	static struct job job;
	int saved[3];

	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 20);
		CHECK(saved[i] >= 0);
		if (mask & 1 << i)
			close(i);
	}
	CHECK_EQ(weir_reactor_new(NULL, &r), 0);
	job_init(&job, "cat; echo err >&2");
	job.options.stdio[0].how = WEIR_CHILD_PIPE;
	job.options.input = "through\n";
	job.options.input_bytes = 8;
	CHECK_EQ(weir_child_spawn(r, &job.options, &job.token), 0);
	job_turn(&job, r);
	/* What is inherited closed is closed. */
	job_check_ok(&job);
	CHECK_STR(job.out, "through\n");
	CHECK_STR(job.err, "err\n");
	job_init(&job, "exec 3>&1; test -e /proc/self/fd/0 && echo open");
	job.options.stdio[0].how = WEIR_CHILD_INHERIT;
	CHECK_EQ(weir_child_spawn(r, &job.options, &job.token), 0);
	job_turn(&job, r);
	weir_reactor_free(r);
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	CHECK_STR(job.out, mask & 1 ? "" : "open\n");
}

TEST(s8_pipes_that_land_on_0_1_2)
{
	for (int mask = 0; mask < 8; mask++)
		with_closed(mask);
}
