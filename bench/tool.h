/* SPDX-License-Identifier: MIT */
/*
 * tool.h - clocks, threads, descriptors: what every row needs
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

/* Nanoseconds of a clock. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* CPU time of the calling thread: what other processes do is not in it. */
static inline uint64_t thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* xorshift: the same sequence for each contender. */
static inline uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* For qsort(). */
int tool_compare_u32(const void *a, const void *b);

/* @count times the scale of the run, at least @least. */
long tool_scaled(long count, long least);

/* With --pin, put the calling thread on the @which-th CPU we may use. */
void tool_pin(unsigned which);
void tool_unpin(void);

/* Let the process have as many descriptors as it may. */
void tool_raise_limits(void);

/* Run @fn on a thread of its own, or end the program: no bench without. */
pthread_t tool_thread(void *(*fn)(void *arg), void *arg);

/* A TCP connection over loopback, both ends.  Return: 0 or -errno. */
int tool_listen(int *ret_fd);
int tool_connect(int listener, int *ret_client, int *ret_server);

/* Write to an eventfd, or end the program. */
void tool_ring(int eventfd);

/* Make a socket non-blocking and without delay. */
void tool_set_up_socket(int fd);

/* End the program with a message: for what must not fail in a bench. */
_Noreturn void tool_die(const char *what, int error);

#endif /* BENCH_TOOL_H */
