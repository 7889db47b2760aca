/* SPDX-License-Identifier: MIT */
/*
 * ask_weir.c - questions by weir_ask() to the worker of a pool
 */
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <weir.h>

#include "ask.h"
#include "bench.h"
#include "tool.h"

struct asked {
	struct weir_pool *pool;
	sem_t is_over;
};

static int64_t answer(struct weir_reactor *r, void *arg, void *data)
{
	(void)r, (void)arg, (void)data;
	return 0;
}

static int open_asked(long arg, struct asked **ret_asked)
{
	struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS |
			 (bench_options.is_pinned ? WEIR_POOL_PIN : 0),
		.spin_ns = (weir_ns)arg,
	};
	struct asked *asked = calloc(1, sizeof(*asked));
	int err;

	if (!asked)
		return -ENOMEM;
	sem_init(&asked->is_over, 0, 0);
	err = weir_pool_new(&options, &asked->pool);
	if (err == 0)
		err = weir_pool_start(asked->pool);
	if (err < 0) {
		weir_pool_free(asked->pool);
		free(asked);
		return err;
	}
	*ret_asked = asked;
	return 0;
}

/* The worker does it. */
static void serve(struct asked *asked)
{
	sem_wait(&asked->is_over);
}

static void ask(struct asked *asked, struct ask_question *question)
{
	int err = weir_ask(asked->pool, 0, answer, question, NULL,
			   WEIR_FOREVER, NULL);

	if (err < 0)
		tool_die("weir_ask", -err);
}

static void stop(struct asked *asked)
{
	sem_post(&asked->is_over);
}

static void close_asked(struct asked *asked)
{
	weir_pool_free(asked->pool);
	sem_destroy(&asked->is_over);
	free(asked);
}

const struct ask_ops ask_weir = {
	open_asked, serve, ask, stop, close_asked,
};
