/* SPDX-License-Identifier: MIT */
/*
 * io_weir.c - weir, as its headers tell users to use it
 *
 * A reactor of its own, edge-triggered sources with a handler; the other modes
 * are for the rows that compare them.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <weir.h>

#include "io.h"
#include "work.h"

enum { BATCH = 256 };

struct io_loop {
	struct io_job *job;
	enum io_mode mode;
	struct weir_reactor *reactor;
	bool is_stopping;	/* IO_WAIT */
	weir_token tokens[];
};

static enum weir_verdict on_chain(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)r, (void)event;
	work_chain(data);
	return WEIR_DONE;
}

static enum weir_verdict on_oneshot(struct weir_reactor *r,
				    const struct weir_event *event, void *data)
{
	work_chain(data);
	weir_source_modify(r, event->token,
			   EPOLLIN | EPOLLRDHUP | EPOLLONESHOT);
	return WEIR_DONE;
}

static enum weir_verdict on_echo(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	(void)r, (void)event;
	work_echo(data);
	return WEIR_DONE;
}

static enum weir_verdict on_http(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	(void)r, (void)event;
	work_http(data);
	return WEIR_DONE;
}

static int open_loop(struct io_job *job, enum io_mode mode,
		     struct io_loop **ret_loop)
{
	struct io_loop *loop = calloc(1, sizeof(*loop) +
				      job->count * sizeof(loop->tokens[0]));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->job = job;
	loop->mode = mode;
	err = weir_reactor_new(NULL, &loop->reactor);
	if (err < 0) {
		free(loop);
		return err;
	}
	*ret_loop = loop;
	return 0;
}

static int add(struct io_loop *loop, struct io_slot *slot)
{
	static weir_source_fn *const handlers[] = {
		[IO_CHAIN] = on_chain,
		[IO_ECHO] = on_echo,
		[IO_HTTP] = on_http,
	};
	weir_source_fn *fn = handlers[loop->job->work];
	weir_token *token = &loop->tokens[slot->number];

	switch (loop->mode) {
	case IO_LEVEL:
		return weir_source_add_flags(loop->reactor, slot->fd,
					     EPOLLIN | EPOLLRDHUP, fn, slot,
					     token);
	case IO_ONESHOT:
		return weir_source_add_flags(loop->reactor, slot->fd, EPOLLIN |
					     EPOLLRDHUP | EPOLLONESHOT,
					     on_oneshot, slot, token);
	case IO_WAIT:
		fn = NULL;
		break;
	case IO_EDGE:
		break;
	}
	return weir_source_add(loop->reactor, slot->fd, WEIR_READABLE, fn,
			       slot, token);
}

static int add_all(struct io_loop *loop)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < loop->job->count; i++)
		err = add(loop, &loop->job->slots[i]);
	return err;
}

static void remove_all(struct io_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		weir_source_remove(loop->reactor, loop->tokens[i]);
}

/* The other style: the events come back in an array. */
static void run_wait(struct io_loop *loop)
{
	struct weir_event events[BATCH];

	while (!loop->is_stopping) {
		int n = weir_reactor_wait(loop->reactor, events, BATCH,
					  WEIR_FOREVER);

		for (int i = 0; i < n; i++)
			work_chain(events[i].data);
	}
	loop->is_stopping = false;
}

static void run(struct io_loop *loop)
{
	if (loop->mode == IO_WAIT)
		run_wait(loop);
	else
		weir_reactor_run(loop->reactor);
}

static void stop(struct io_loop *loop)
{
	if (loop->mode == IO_WAIT)
		loop->is_stopping = true;
	else
		weir_reactor_stop(loop->reactor);
}

static void close_loop(struct io_loop *loop)
{
	weir_reactor_free(loop->reactor);
	free(loop);
}

const struct io_ops io_weir = {
	open_loop, add_all, remove_all, run, stop, close_loop,
};
