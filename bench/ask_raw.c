/* SPDX-License-Identifier: MIT */
/*
 * ask_raw.c - questions to a loop by hand: epoll and an eventfd
 *
 * Edge-triggered and never read, written when the list was empty.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ask.h"
#include "tool.h"

struct asked {
	struct queue_list list;
	int epfd;
	int eventfd;
	atomic_bool is_over;
};

static int open_asked(long arg, struct asked **ret_asked)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	(void)arg;
	if (!asked)
		return -ENOMEM;
	queue_list_init(&asked->list);
	asked->epfd = epoll_create1(EPOLL_CLOEXEC);
	asked->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (epoll_ctl(asked->epfd, EPOLL_CTL_ADD, asked->eventfd, &event) < 0)
		tool_die("eventfd", errno);
	*ret_asked = asked;
	return 0;
}

static void serve(struct asked *asked)
{
	struct epoll_event event;

	while (!atomic_load(&asked->is_over)) {
		epoll_wait(asked->epfd, &event, 1, -1);
		ask_answer_all(&asked->list);
	}
}

static void ask(struct asked *asked, struct ask_question *question)
{
	if (queue_list_push(&asked->list, &question->node))
		tool_ring(asked->eventfd);
	sem_wait(&question->is_answered);
}

static void stop(struct asked *asked)
{
	atomic_store(&asked->is_over, true);
	tool_ring(asked->eventfd);
}

static void close_asked(struct asked *asked)
{
	close(asked->epfd);
	close(asked->eventfd);
	pthread_mutex_destroy(&asked->list.lock);
	free(asked);
}

const struct ask_ops ask_eventfd = {
	open_asked, serve, ask, stop, close_asked,
};
