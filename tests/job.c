/* SPDX-License-Identifier: MIT */
/*
 * job.c - a script for the shell, run by weir_child_spawn(), and its end
 */
#include "job.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "sys/spawn.h"

static void keep(char *to, size_t size, const char *from, size_t n)
{
	if (n > size - 1)
		n = size - 1;
	if (from)
		memcpy(to, from, n);
	to[n] = '\0';
}

static void on_end(struct weir_reactor *r,
		   const struct weir_child_result *result, void *data)
{
	struct job *job = data;
	siginfo_t info;

	CHECK(weir_reactor_current() == r);
	job->worker = weir_reactor_index(r);
	CHECK_EQ(waitid(P_PID, (id_t)result->status.pid, &info,
			WEXITED | WNOHANG | WNOWAIT), -1);
	CHECK_EQ(errno, ECHILD);
	CHECK_EQ(weir_child_kill(r, job->token, 0), -ESTALE);
	job->ends++;
	job->status = result->status;
	job->flags = result->flags;
	job->out_bytes = result->out_bytes;
	job->err_bytes = result->err_bytes;
	keep(job->out, sizeof(job->out), result->out, result->out_bytes);
	keep(job->err, sizeof(job->err), result->err, result->err_bytes);
	sem_post(&job->ended);
}

void job_init(struct job *job, const char *script)
{
	memset(job, 0, sizeof(*job));
	sem_init(&job->ended, 0, 0);
	job->argv[0] = (char *)"sh";
	job->argv[1] = (char *)"-c";
	job->argv[2] = (char *)script;
	job->options = (struct weir_child_options){
		.size = sizeof(job->options),
		.argv = job->argv,
		.stdio[1] = { .how = WEIR_CHILD_PIPE },
		.stdio[2] = { .how = WEIR_CHILD_PIPE },
		.on_end = on_end,
		.data = job,
	};
}

static void spawn_here(struct weir_reactor *r, void *data)
{
	struct job *job = data;

	job->result = weir_child_spawn(r, &job->options, &job->token);
}

int job_spawn(struct job *job, struct weir_pool *pool, int worker)
{
	fixture_on(pool, worker, spawn_here, job);
	return job->result;
}

void job_check_end(struct job *job, int code, int status)
{
	fixture_wait(&job->ended);
	CHECK_EQ(job->ends, 1);
	if (job->status.code != code || job->status.status != status)
		NOTE("out: %s; err: %s", job->out, job->err);
	CHECK_EQ(job->status.code, code);
	CHECK_EQ(job->status.status, status);
}

void job_check_ok(struct job *job)
{
	job_check_end(job, CLD_EXITED, 0);
	CHECK_EQ(job->flags, 0);
}

void job_turn(const struct job *job, struct weir_reactor *r)
{
	struct weir_event event;

	while (job->ends == 0)
		CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_MSEC), 0);
}

struct weir_pool *job_pool(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

int job_no_pidfd(enum weir__call call)
{
	return call == WEIR__CALL_PIDFD_OPEN ? -ENOSYS : 0;
}

void job_both_ways(void (*fn)(struct weir_pool *pool))
{
	for (int round = 0; round < 2; round++) {
		struct weir_pool *pool;

		weir__fault_hook = round ? job_no_pidfd : NULL;
		pool = job_pool();
		fn(pool);
		fixture_pool_end(pool);
		CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
		CHECK_EQ(errno, ECHILD);
	}
	weir__fault_hook = NULL;
}

int job_try_pipe(void)
{
	int fds[2];
	int r = weir__pipe(fds);

	if (r < 0)
		return r;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

int job_try_spawn(void)
{
	char *argv[] = { (char *)"true", NULL };
	const struct weir__spawn s = {
		.file = argv[0], .argv = argv, .env = environ,
	};
	pid_t pid = weir__spawn(&s);

	if (pid < 0)
		return pid;
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	return 0;
}
