/* SPDX-License-Identifier: MIT */
/*
 * tests/job.h - a script for the shell, run by weir_child_spawn(), and its end
 *
 * What cannot work fails the test: no function here reports an error.
 */
#ifndef WEIR_TESTS_JOB_H
#define WEIR_TESTS_JOB_H

#include <semaphore.h>
#include <weir.h>

#include "sys/fault.h"

/* Seconds; never reached by a test that passes. */
#define JOB_LONG "100"

struct job {
	struct weir_child_options options;
	char *argv[4];
	weir_token token;
	int result;			/* of the spawn */
	int ends;
	struct weir_child_status status;
	unsigned flags;
	char out[4096], err[256];	/* the head of what was collected */
	size_t out_bytes, err_bytes;
	int worker;			/* on which the end was told */
	sem_t ended;
};

/* Prepare @job: what @script writes is collected. */
void job_init(struct job *job, const char *script);

/* Run it on @worker.  Return: what weir_child_spawn() did. */
int job_spawn(struct job *job, struct weir_pool *pool, int worker);

/* Wait for its end, which must be this one. */
void job_check_end(struct job *job, int code, int status);

/* It must have ended with status 0, and no flag. */
void job_check_ok(struct job *job);

/* Turn @r, which stands alone, until the job has ended. */
void job_turn(const struct job *job, struct weir_reactor *r);

/* Two workers. */
struct weir_pool *job_pool(void);

/* A fault hook for a kernel without pidfds. */
int job_no_pidfd(enum weir__call call);

/* Run @fn on a pool of its own, with pidfds and without; no child is left. */
void job_both_ways(void (*fn)(struct weir_pool *pool));

/* One weir__pipe(); one weir__spawn() and its end.  Return: 0 or -errno. */
int job_try_pipe(void);
int job_try_spawn(void);

#endif /* WEIR_TESTS_JOB_H */
