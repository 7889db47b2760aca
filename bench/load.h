/* SPDX-License-Identifier: MIT */
/*
 * load.h - the other end: a client that sends requests and counts answers
 *
 * With raw epoll on one thread.  Either each connection sends its next request
 * when the answer to the last is there, or requests are sent at a fixed rate
 * whatever the answers do.  In the second case the latency of a request counts
 * from the moment at which it should have been sent, so that a server that
 * stalls pays for all the requests that had to wait (no coordinated omission).
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct load {
	const int *fds;
	size_t count;		/* of connections */
	const char *request;
	size_t request_bytes;
	size_t answer_bytes;
	long requests;		/* in all, a multiple of count if rate is 0 */
	double rate;		/* a second; 0: as fast as the answers come */
	uint32_t *latencies_ns;	/* of each, with a rate */
	uint64_t begin, end;	/* ns, filled in */
};

/* Threads: one of its own.  Return: 0 or -errno. */
int load_run(struct load *load);

/* The same as a thread's function, on the second CPU; its failure ends the
 * program. */
void *load_main(void *arg);

#endif /* BENCH_LOAD_H */
