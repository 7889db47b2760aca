/* SPDX-License-Identifier: MIT */
/*
 * thread.c - start, name and place a thread
 */
#include "sys/thread.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/fault.h"

#define NAME_SIZE 16	/* the kernel's TASK_COMM_LEN, with the NUL */

/* What a new thread needs to know; it frees it. */
struct start {
	void *(*fn)(void *);
	void *arg;
	char name[NAME_SIZE];
};

static void cut_name(char ret[NAME_SIZE], const char *name)
{
	size_t len = strnlen(name, NAME_SIZE - 1);

	memcpy(ret, name, len);
	ret[len] = '\0';
}

/* The thread names itself: its creator might come too late. */
static void *begin(void *data)
{
	struct start start = *(struct start *)data;

	free(data);
	pthread_setname_np(pthread_self(), start.name);
	return start.fn(start.arg);
}

int weir__thread_start(pthread_t *ret, const char *name, void *(*fn)(void *),
		       void *arg)
{
	struct start *start;
	pthread_t thread;
	int r = weir__fault(WEIR__CALL_THREAD_CREATE);

	if (r < 0)
		return r;
	start = malloc(sizeof(*start));
	if (!start)
		return -ENOMEM;
	start->fn = fn;
	start->arg = arg;
	cut_name(start->name, name);
	r = -pthread_create(&thread, NULL, begin, start);
	if (r < 0) {
		free(start);
		return r;
	}
	*ret = thread;
	return 0;
}

void weir__thread_name(pthread_t thread, const char *name)
{
	char cut[NAME_SIZE];

	cut_name(cut, name);
	pthread_setname_np(thread, cut);
}

pid_t weir__gettid(void)
{
	return gettid();
}

int weir__thread_pin(pthread_t thread, int cpu)
{
	cpu_set_t *set;
	size_t size;
	int r = weir__fault(WEIR__CALL_THREAD_PIN);

	if (r < 0)
		return r;
	if (cpu < 0)
		return -EINVAL;
	set = CPU_ALLOC((size_t)cpu + 1);
	if (!set)
		return -ENOMEM;
	size = CPU_ALLOC_SIZE((size_t)cpu + 1);
	CPU_ZERO_S(size, set);
	CPU_SET_S((size_t)cpu, size, set);
	r = -pthread_setaffinity_np(thread, size, set);
	CPU_FREE(set);
	return r;
}

int weir__timerslack(unsigned long ns)
{
	int r = weir__fault(WEIR__CALL_TIMERSLACK);

	if (r < 0)
		return r;
	return (int)weir__result(prctl(PR_SET_TIMERSLACK, ns, 0ul, 0ul, 0ul));
}
