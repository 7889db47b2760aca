/* SPDX-License-Identifier: MIT */
/*
 * queue.h - what the rows about messages ask of each peer
 *
 * A message is a function and a value: the receiver calls the function through
 * a pointer.  Peers that link messages have a window of nodes for each producer
 * and use them again once they were run, so that they are as bounded, and as
 * warm in the cache, as weir's queues are; nothing is allocated for a message.
 */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	/* For each producer; a worker of weir has as much by default for all
	 * foreign threads together. */
	QUEUE_WINDOW = 4096,
	QUEUE_PRODUCERS_MAX = 8,
};

struct queue_job;

struct queue_node {
	struct queue_node *next;
	void (*run)(struct queue_job *job, uint64_t word);
	uint64_t word;
	unsigned producer;
};

struct queue_producer {
	/* the producer's */
	_Alignas(128) struct queue_node *nodes;
	long sent;
	long room_until;	/* may send while sent is below it */
	uint64_t begin;		/* when it began, ns */
	/* the consumer's */
	_Alignas(128) long taken;
	_Atomic long taken_shared;
};

struct queue_job {
	unsigned producers;
	long total;		/* messages of all producers */
	long each;		/* of one */
	/* the consumer's */
	_Alignas(128) long seen;
	long wakeups;
	uint64_t sum;
	uint64_t end;		/* when the last one was run, ns */
	bool is_done;
	sem_t done;		/* posted then */
	struct queue_producer producer[QUEUE_PRODUCERS_MAX];
};

struct queue;		/* each peer has its own */

struct queue_ops {
	int (*open)(struct queue_job *job, long arg, struct queue **ret_queue);
	/* On a thread of its own: until job.is_done. */
	void (*consume)(struct queue *queue);
	/* On a thread of its own: send job.each messages. */
	void (*produce)(struct queue *queue, unsigned producer);
	void (*close)(struct queue *queue);
};

/* For queue_weir: bits of arg. */
enum {
	QUEUE_POOL = 1,		/* the producers are workers of the pool */
	QUEUE_TOKEN = 2,	/* to a token, not to the worker */
};

extern const struct queue_ops queue_weir;
extern const struct queue_ops queue_libevent;
extern const struct queue_ops queue_libev;
extern const struct queue_ops queue_libuv;
extern const struct queue_ops queue_eventfd;	/* arg: a write for each? */
extern const struct queue_ops queue_wfcq;

/* What every message does. */
void queue_run(struct queue_job *job, uint64_t word);

/* The next free node, once there is one. */
static inline struct queue_node *queue_node(struct queue_producer *p)
{
	while (p->sent == p->room_until) {
		p->room_until = QUEUE_WINDOW +
				atomic_load_explicit(&p->taken_shared,
						     memory_order_acquire);
		if (p->sent == p->room_until)
			sched_yield();
	}
	return &p->nodes[p->sent++ % QUEUE_WINDOW];
}

/* Run all of a list of nodes. */
static inline void queue_run_list(struct queue_job *job,
				  struct queue_node *node)
{
	while (node) {
		struct queue_node *next = node->next;

		job->producer[node->producer].taken++;
		node->run(job, node->word);
		node = next;
	}
}

/* After a batch: its nodes may be used again. */
static inline void queue_release(struct queue_job *job)
{
	for (unsigned i = 0; i < job->producers; i++)
		atomic_store_explicit(&job->producer[i].taken_shared,
				      job->producer[i].taken,
				      memory_order_release);
}

/*
 * A list behind a mutex, as a user of a single-threaded loop writes it: the
 * receiver takes all of it at once, and the sender wakes it only if the list
 * was empty.
 */
struct queue_list {
	pthread_mutex_t lock;
	struct queue_node *head;
	struct queue_node **end;
};

static inline void queue_list_init(struct queue_list *list)
{
	pthread_mutex_init(&list->lock, NULL);
	list->head = NULL;
	list->end = &list->head;
}

/* Whether it was empty. */
static inline bool queue_list_push(struct queue_list *list,
				   struct queue_node *node)
{
	bool was_empty;

	node->next = NULL;
	pthread_mutex_lock(&list->lock);
	was_empty = list->head == NULL;
	*list->end = node;
	list->end = &node->next;
	pthread_mutex_unlock(&list->lock);
	return was_empty;
}

static inline struct queue_node *queue_list_take(struct queue_list *list)
{
	struct queue_node *head;

	pthread_mutex_lock(&list->lock);
	head = list->head;
	list->head = NULL;
	list->end = &list->head;
	pthread_mutex_unlock(&list->lock);
	return head;
}

#endif /* BENCH_QUEUE_H */
