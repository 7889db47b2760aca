/* SPDX-License-Identifier: MIT */
/*
 * accept.h - what the row about accepting asks of each peer
 */
#ifndef BENCH_ACCEPT_H
#define BENCH_ACCEPT_H

#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ACCEPT_BACKLOG = 4096 };

struct accept_job {
	long count;		/* connections to come */
	struct sockaddr_in to;
	uint64_t begin;
	uint64_t end;		/* when the last one was accepted */
	uint64_t cpu_ns;	/* of the process, meanwhile */
	_Atomic long accepted;
	sem_t done;
};

struct accept_ops {
	/* Listen, set job.to, let the clients come, and accept them all on one
	 * thread of its own.  Return: 0 or -errno. */
	int (*run)(struct accept_job *job, long arg);
};

extern const struct accept_ops accept_libevent;
extern const struct accept_ops accept_libuv;

/* One was accepted and closed.  True if it was the last. */
bool accept_count(struct accept_job *job);

/* Let the clients come, and wait until all were counted. */
void accept_drive(struct accept_job *job);

#endif /* BENCH_ACCEPT_H */
