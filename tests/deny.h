/* SPDX-License-Identifier: MIT */
/*
 * tests/deny.h - what a thread asks of the kernel or of the heap is refused
 *
 * For the tests test_errno_*.c, one file of each program, as with heap.h.
 * Only the calling thread is refused anything.
 */
#ifndef WEIR_TESTS_DENY_H
#define WEIR_TESTS_DENY_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "heap.h"
#include "sys/fault.h"

static _Thread_local struct {
	enum weir__call call;
	int error;
	int pass, times;	/* so many go well, then so many do not */
	bool has_heap;
	int heap_pass;
} deny;

static int deny_hook(enum weir__call call)
{
	if (deny.times == 0 || call != deny.call)
		return 0;
	if (deny.pass > 0) {
		deny.pass--;
		return 0;
	}
	deny.times--;
	return deny.error;
}

static __attribute__((constructor)) void deny_init(void)
{
	weir__fault_hook = deny_hook;
}

/* @pass calls of this kind go well, then @times fail with @error. */
static inline void deny_some(enum weir__call call, int error, int pass,
			     int times)
{
	deny.call = call;
	deny.error = error;
	deny.pass = pass;
	deny.times = times;
}

/* All calls of this kind fail. */
static inline void deny_call(enum weir__call call, int error)
{
	deny_some(call, error, 0, INT_MAX);
}

/* After @pass blocks of the heap there is no more. */
static inline void deny_heap(int pass)
{
	deny.has_heap = true;
	deny.heap_pass = pass;
}

/* Neither is there one of the reactor's arena. */
static inline void deny_memory(void)
{
	deny_call(WEIR__CALL_ALLOC, -ENOMEM);
	deny_heap(0);
}

static inline void deny_nothing(void)
{
	deny.times = 0;
	deny.has_heap = false;
}

static bool heap_refuses(void)
{
	return deny.has_heap && deny.heap_pass-- <= 0;
}

/* The process can open no more descriptors, or as many as before again. */
static inline void deny_descriptors(bool is_denied)
{
	static rlim_t before;
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (is_denied) {
		before = limit.rlim_cur;
		limit.rlim_cur = 0;
	} else {
		limit.rlim_cur = before;
	}
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Call @fn in a forked child, which must be content. */
static inline void in_a_child(void (*fn)(void *arg), void *arg)
{
	const pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(7);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

#endif /* WEIR_TESTS_DENY_H */
