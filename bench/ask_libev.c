/* SPDX-License-Identifier: MIT */
/*
 * ask_libev.c - questions to a loop of libev, told by ev_async_send()
 */
#include "ask.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBEV

#include "libev.h"

#include <errno.h>
#include <stdlib.h>

struct asked {
	struct queue_list list;
	struct ev_loop *loop;
	ev_async async;
	atomic_bool is_over;
};

static void on_async(struct ev_loop *loop, ev_async *async, int what)
{
	struct asked *asked = async->data;

	(void)what;
	ask_answer_all(&asked->list);
	if (atomic_load(&asked->is_over))
		ev_break(loop, EVBREAK_ONE);
}

static int open_asked(long arg, struct asked **ret_asked)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	(void)arg;
	if (!asked)
		return -ENOMEM;
	queue_list_init(&asked->list);
	asked->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	ev_async_init(&asked->async, on_async);
	asked->async.data = asked;
	ev_async_start(asked->loop, &asked->async);
	*ret_asked = asked;
	return 0;
}

static void serve(struct asked *asked)
{
	ev_run(asked->loop, 0);
}

static void ask(struct asked *asked, struct ask_question *question)
{
	if (queue_list_push(&asked->list, &question->node))
		ev_async_send(asked->loop, &asked->async);
	sem_wait(&question->is_answered);
}

static void stop(struct asked *asked)
{
	atomic_store(&asked->is_over, true);
	ev_async_send(asked->loop, &asked->async);
}

static void close_asked(struct asked *asked)
{
	ev_async_stop(asked->loop, &asked->async);
	ev_loop_destroy(asked->loop);
	pthread_mutex_destroy(&asked->list.lock);
	free(asked);
}

const struct ask_ops ask_libev = {
	open_asked, serve, ask, stop, close_asked,
};

#else

const struct ask_ops ask_libev;

#endif
