/* SPDX-License-Identifier: MIT */
/*
 * ask.h - what the row about questions asks of each peer
 *
 * Threads without a loop ask a thread with one, and sleep until it answers.
 * Only weir has a call for it; with the peers their user writes it: a list
 * behind a mutex as in queue.h, and a semaphore of each asking thread.
 */
#ifndef BENCH_ASK_H
#define BENCH_ASK_H

#include "queue.h"

struct asked;		/* the thread that is asked: each peer has its own */

struct ask_question {
	struct queue_node node;		/* first */
	sem_t is_answered;
};

struct ask_ops {
	/* @arg: of ask_weir, spin_ns; the others have nothing of the kind. */
	int (*open)(long arg, struct asked **ret_asked);
	/* On a thread of its own: until stop(). */
	void (*serve)(struct asked *asked);
	/* Any thread: until it is answered. */
	void (*ask)(struct asked *asked, struct ask_question *question);
	void (*stop)(struct asked *asked);
	void (*close)(struct asked *asked);
};

extern const struct ask_ops ask_weir;
extern const struct ask_ops ask_eventfd;	/* epoll and an eventfd */
extern const struct ask_ops ask_libevent;
extern const struct ask_ops ask_libev;
extern const struct ask_ops ask_libuv;

/* A node may be used again as soon as its semaphore was posted. */
static inline void ask_answer_all(struct queue_list *list)
{
	struct queue_node *node = queue_list_take(list);

	while (node) {
		struct queue_node *next = node->next;

		sem_post(&((struct ask_question *)node)->is_answered);
		node = next;
	}
}

#endif /* BENCH_ASK_H */
