/* SPDX-License-Identifier: MIT */
/*
 * ask_libevent.c - questions to a base of libevent, told by event_active()
 *
 * The base has its lock, as it must when other threads call event_active().
 */
#include "ask.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <stdlib.h>

struct asked {
	struct queue_list list;
	struct event_base *base;
	struct event *event;
	atomic_bool is_over;
};

static void on_active(evutil_socket_t fd, short what, void *data)
{
	struct asked *asked = data;

	(void)fd, (void)what;
	ask_answer_all(&asked->list);
	if (atomic_load(&asked->is_over))
		event_base_loopbreak(asked->base);
}

static int open_asked(long arg, struct asked **ret_asked)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	(void)arg;
	if (!asked)
		return -ENOMEM;
	evthread_use_pthreads();
	queue_list_init(&asked->list);
	asked->base = event_base_new();
	asked->event = event_new(asked->base, -1, EV_PERSIST, on_active,
				 asked);
	*ret_asked = asked;
	return 0;
}

static void serve(struct asked *asked)
{
	event_base_loop(asked->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

static void ask(struct asked *asked, struct ask_question *question)
{
	if (queue_list_push(&asked->list, &question->node))
		event_active(asked->event, EV_READ, 0);
	sem_wait(&question->is_answered);
}

static void stop(struct asked *asked)
{
	atomic_store(&asked->is_over, true);
	event_active(asked->event, EV_READ, 0);
}

static void close_asked(struct asked *asked)
{
	event_free(asked->event);
	event_base_free(asked->base);
	pthread_mutex_destroy(&asked->list.lock);
	free(asked);
}

const struct ask_ops ask_libevent = {
	open_asked, serve, ask, stop, close_asked,
};

#else

const struct ask_ops ask_libevent;

#endif
