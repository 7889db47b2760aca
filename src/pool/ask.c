/* SPDX-License-Identifier: MIT */
/*
 * pool/ask.c - a foreign thread calls a function on a worker and waits
 *
 * The question is an object of its own with two references, the asker's and
 * the message's (sync/wait.h): whoever drops the last one frees it, so neither
 * a timeout nor a wake-up that comes late touches memory that is gone.
 */
#include <weir/ask.h>

#include <errno.h>
#include <stdlib.h>

#include "base/ns.h"
#include "pool/pool.h"
#include "sync/rcu.h"
#include "sync/wait.h"
#include "sys/fork.h"

struct question {
	struct weir__wait wait;
	weir_ask_fn *fn;
	void *arg;
	weir_ask_release_fn *release;
	/* written by the worker, read once it is done */
	int error;
	int64_t result;
};

static void drop(struct question *q)
{
	if (weir__wait_drop(&q->wait))
		free(q);
}

static void run(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	struct question *q = msg->arg;

	if (weir__wait_begin(&q->wait)) {
		q->result = q->fn(r, q->arg, data);
		if (weir__wait_finish(&q->wait))
			q->release(q->arg);
	}
	drop(q);
}

static void undeliverable(struct weir_reactor *r, const struct weir_msg *msg,
			  int why)
{
	struct question *q = msg->arg;

	(void)r;
	if (weir__wait_begin(&q->wait)) {
		q->error = why;
		/* If the asker has left it was told that this goes on. */
		if (weir__wait_finish(&q->wait))
			q->release(q->arg);
	}
	drop(q);
}

static const struct weir_call question_call = {
	.run = run,
	.undeliverable = undeliverable,
};

/* Return: 0 (done), -ETIMEDOUT (never begun) or -EINPROGRESS. */
static int wait_for(struct question *q, weir_ns deadline)
{
	if (weir__wait_sleep(&q->wait, deadline) == 0)
		return 0;
	if (weir__wait_leave(&q->wait, WEIR__WAIT_WAITING))
		return -ETIMEDOUT;
	if (q->release && weir__wait_leave(&q->wait, WEIR__WAIT_RUNNING))
		return -EINPROGRESS;
	return weir__wait_sleep(&q->wait, WEIR_FOREVER);
}

static int check(const struct weir_pool *pool, weir_ask_fn *fn)
{
	const struct weir__worker *caller = weir__pool_caller();

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (!fn)
		return -EINVAL;
	return caller && caller->pool == pool ? -EDEADLK : 0;
}

/* The question has been sent: wait, and drop the asker's reference. */
static int finish(struct question *q, weir_ns deadline, int64_t *ret_result)
{
	const bool is_reader = weir__pool_caller() != NULL;
	int err;

	/* A grace period of another pool must not wait for us. */
	if (is_reader)
		weir__rcu_offline();
	err = wait_for(q, deadline);
	if (is_reader)
		weir__rcu_online();
	if (err == 0)
		err = q->error;
	if (err == 0 && ret_result)
		*ret_result = q->result;
	drop(q);
	return err;
}

/* Make a question that may be asked.  Return: 0 or -errno. */
static int prepare(const struct weir_pool *pool, weir_ask_fn *fn, void *arg,
		   weir_ask_release_fn *release, struct question **ret_question)
{
	struct question *q;
	int err = check(pool, fn);

	if (err < 0)
		return err;
	q = malloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct question){ .fn = fn, .arg = arg, .release = release };
	weir__wait_init(&q->wait);
	*ret_question = q;
	return 0;
}

/* @err: of sending it. */
static int conclude(struct question *q, int err, weir_ns deadline,
		    int64_t *ret_result)
{
	if (err == 0)
		return finish(q, deadline, ret_result);
	free(q);
	return err;
}

int weir_ask(struct weir_pool *pool, int worker, weir_ask_fn *fn, void *arg,
	     weir_ask_release_fn *release, weir_ns limit, int64_t *ret_result)
{
	const weir_ns deadline = weir__ns_add(weir_clock(), limit);
	struct question *q;
	int err = prepare(pool, fn, arg, release, &q);

	if (err < 0)
		return err;
	err = weir_post(pool, worker, &question_call, q, 0);
	return conclude(q, err, deadline, ret_result);
}

int weir_ask_token(struct weir_pool *pool, weir_token token, weir_ask_fn *fn,
		   void *arg, weir_ask_release_fn *release, weir_ns limit,
		   int64_t *ret_result)
{
	const weir_ns deadline = weir__ns_add(weir_clock(), limit);
	struct question *q;
	int err = prepare(pool, fn, arg, release, &q);

	if (err < 0)
		return err;
	err = weir_send(pool, token, &question_call, q, 0);
	return conclude(q, err, deadline, ret_result);
}
