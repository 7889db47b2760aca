/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - programs under limits: spawn PROGRAM [ARGUMENT...]
 *
 * Runs the program on each worker, with nothing on its standard input,
 * and prints what it wrote and how it ended.  No more than 64 KiB of output is
 * taken, and after two seconds it is killed with all that it started.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <weir.h>

static void on_end(struct weir_reactor *r,
		   const struct weir_child_result *result, void *data)
{
	const int worker = weir_reactor_index(r);

	(void)data;
	if (result->out)
		fwrite(result->out, 1, result->out_bytes, stdout);
	if (result->flags & WEIR_CHILD_TIMED_OUT)
		printf("worker %d: it took too long\n", worker);
	else if (result->flags & WEIR_CHILD_OUT_LIMIT)
		printf("worker %d: it wrote too much\n", worker);
	else if (result->status.code == CLD_EXITED)
		printf("worker %d: it ended with status %d\n", worker,
		       result->status.status);
	else
		printf("worker %d: signal %d ended it\n", worker,
		       result->status.status);
}

static void run(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	const struct weir_child_options options = {
		.size = sizeof(options),
		.argv = msg->arg,
		.stdio[1] = { WEIR_CHILD_PIPE, 0, 65536 },
		.stdio[2] = { .how = WEIR_CHILD_JOIN },
		.limit = 2 * WEIR_NS_PER_SEC,
		.on_end = on_end,
	};
	weir_token token;
	int err = weir_child_spawn(r, &options, &token);

	(void)data;
	if (err < 0)
		printf("worker %d: it does not run: %s\n",
		       weir_reactor_index(r), strerror(-err));
}

static const struct weir_call run_call = { .run = run };

int main(int argc, char **argv)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
	};
	struct weir_pool *pool;

	if (argc < 2) {
		fprintf(stderr, "usage: spawn PROGRAM [ARGUMENT...]\n");
		return 1;
	}
	if (weir_pool_new(&options, &pool) < 0)
		return 1;
	for (int i = 0; i < weir_pool_workers(pool); i++)
		weir_post(pool, i, &run_call, argv + 1, 0);
	if (weir_pool_start(pool) < 0)
		return 1;
	/* A drain runs what was posted, and waits for the children. */
	weir_pool_drain(pool, WEIR_FOREVER);
	weir_pool_join(pool);
	weir_pool_free(pool);
	return 0;
}
