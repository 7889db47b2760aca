/* SPDX-License-Identifier: MIT */
/*
 * test_sys_thread.c - threads by name and place, and the clocks
 */
#include "sys/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/clock.h"

#include "harness.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

struct seen {
	char name[16];
	pid_t tid;
};

static void *look(void *data)
{
	struct seen *seen = data;

	pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
	seen->tid = weir__gettid();
	CHECK_EQ(seen->tid, syscall(SYS_gettid));
	return data;
}

TEST(a_thread_begins_with_its_name)
{
	struct seen seen = { .tid = 0 };
	pthread_t thread;
	void *result;

	CHECK_EQ(weir__thread_start(&thread, "worker/3", look, &seen), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == &seen);
	CHECK_STR(seen.name, "worker/3");
	CHECK(seen.tid != 0 && seen.tid != weir__gettid());

	CHECK_EQ(weir__thread_start(&thread, "a name that is too long", look,
				    &seen), 0);
	pthread_join(thread, NULL);
	CHECK_STR(seen.name, "a name that is ");
}

TEST(a_thread_is_renamed)
{
	char name[16];

	weir__thread_name(pthread_self(), "short");
	pthread_getname_np(pthread_self(), name, sizeof(name));
	CHECK_STR(name, "short");
	weir__thread_name(pthread_self(), "exactly fifteen");
	pthread_getname_np(pthread_self(), name, sizeof(name));
	CHECK_STR(name, "exactly fifteen");
	weir__thread_name(pthread_self(), "exactly sixteen.");
	pthread_getname_np(pthread_self(), name, sizeof(name));
	CHECK_STR(name, "exactly sixteen");
}

TEST(no_memory_for_a_stack)
{
	struct rlimit old;
	struct rlimit tight;
	struct seen seen;
	pthread_t thread;

	if (IS_SANITIZED)
		SKIP("sanitizers do not live with a limit on memory");
	CHECK_EQ(getrlimit(RLIMIT_AS, &old), 0);
	tight = old;
	tight.rlim_cur = 4096;
	CHECK_EQ(setrlimit(RLIMIT_AS, &tight), 0);
	CHECK_EQ(weir__thread_start(&thread, "none", look, &seen), -EAGAIN);
	CHECK_EQ(setrlimit(RLIMIT_AS, &old), 0);
}

TEST(a_thread_is_pinned)
{
	cpu_set_t set;
	int last = -1;

	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &set))
			last = cpu;
	CHECK_EQ(weir__thread_pin(pthread_self(), last), 0);
	CHECK_EQ(sched_getcpu(), last);
	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	CHECK_EQ(CPU_COUNT(&set), 1);
	CHECK_EQ(weir__thread_pin(pthread_self(), -1), -EINVAL);
	CHECK_EQ(weir__thread_pin(pthread_self(), 1000000), -EINVAL);
	CHECK_EQ(sched_getcpu(), last);
}

TEST(timer_slack_is_set)
{
	int before = prctl(PR_GET_TIMERSLACK);

	CHECK_EQ(weir__timerslack(1234), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 1234);
	CHECK_EQ(weir__timerslack(0), 0);
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), before);
}

TEST(clocks_go_forward)
{
	uint64_t now = weir__clock_now();
	uint64_t boot = weir__clock_boot();

	CHECK(now > 0);
	CHECK(boot >= now);	/* it counts suspend too, and came later */
	for (int i = 0; i < 1000; i++) {
		uint64_t next = weir__clock_now();

		CHECK(next >= now);
		now = next;
	}
}
