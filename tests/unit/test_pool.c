/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - what a pool is made of: options, threads, descriptors
 */
#include <weir.h>

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "loop/reactor.h"

static struct weir_pool_options defaults(void)
{
	return (struct weir_pool_options){
		.size = sizeof(struct weir_pool_options),
		.workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
	};
}

static int make(const struct weir_pool_options *o)
{
	struct weir_pool *const none = (void *)-1;
	struct weir_pool *pool = none;
	int err = weir_pool_new(o, &pool);

	if (err < 0)
		CHECK(pool == none);
	else
		CHECK(!weir_pool_free(pool));
	return err;
}

TEST(options_out_of_range)
{
	static const unsigned sizes[] = { 1, 63, (1u << 20) + 1, UINT32_MAX };
	struct weir_pool_options o = defaults();

	o.size--;
	CHECK_EQ(make(&o), -EINVAL);
	o.size = 0;
	CHECK_EQ(make(&o), -EINVAL);
	o = defaults();
	o.workers = 1025;
	CHECK_EQ(make(&o), -EINVAL);
	o = defaults();
	o.flags |= 0x4;
	CHECK_EQ(make(&o), -EINVAL);
	o = defaults();
	o.name = "";
	CHECK_EQ(make(&o), -EINVAL);
	o.name = "123456789";
	CHECK_EQ(make(&o), -EINVAL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		o = defaults();
		o.inbox_messages = sizes[i];
		CHECK_EQ(make(&o), -EINVAL);
		o = defaults();
		o.ring_messages = sizes[i];
		CHECK_EQ(make(&o), -EINVAL);
	}
}

TEST(options_at_the_edge)
{
	struct weir_pool_options o = defaults();

	CHECK_EQ(make(&o), 0);
	o.name = "12345678";
	o.inbox_messages = 64;
	o.ring_messages = 1 << 20;
	o.flags = WEIR_POOL_NO_SIGNALS | WEIR_POOL_PIN;
	CHECK_EQ(make(&o), 0);
	o.inbox_messages = 1 << 20;
	o.ring_messages = 65;
	CHECK_EQ(make(&o), 0);
	CHECK_EQ(make(NULL), 0);
	CHECK(!weir_pool_free(NULL));
}

static void run_nothing(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static const struct weir_call nothing = { .run = run_nothing };

/* How many posts worker 0 accepts before it runs. */
static int room(unsigned inbox_messages)
{
	struct weir_pool_options o = defaults();
	struct weir_pool *pool;
	int n = 0;

	o.inbox_messages = inbox_messages;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	while (weir_post(pool, 0, &nothing, NULL, 0) == 0)
		n++;
	CHECK_EQ(weir_post(pool, 0, &nothing, NULL, 0), -EAGAIN);
	weir_pool_free(pool);
	return n;
}

TEST(a_queue_is_as_long_as_asked)
{
	/* The rest is the library's own. */
	CHECK_EQ(room(64), 64 - WEIR__RESERVE);
	CHECK_EQ(room(65), 128 - WEIR__RESERVE);
	CHECK_EQ(room(128), 128 - WEIR__RESERVE);
	CHECK_EQ(room(0), 4096 - WEIR__RESERVE);
}

/* How many threads of the process have the name. */
static int count_threads(const char *name)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int n = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		char path[300], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(f);
		n += strcmp(comm, name) == 0;
	}
	closedir(dir);
	return n;
}

/* A thread that was joined may still be seen for a moment. */
static void wait_until_gone(const char *name)
{
	while (count_threads(name) > 0)
		sched_yield();
}

static void check_names(const char *option, const char *prefix)
{
	static const char *const suffixes[] = { "0", "1", "ctl", "rcu" };
	struct weir_pool_options o = defaults();
	struct weir_pool *pool;
	char name[32];

	o.name = option;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	snprintf(name, sizeof(name), "%s/0", prefix);
	CHECK_EQ(count_threads(name), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%s", prefix, suffixes[i]);
		/* The last one is not waited for, and names itself. */
		while (i == 3 && count_threads(name) == 0)
			sched_yield();
		CHECK_EQ(count_threads(name), 1);
	}
	snprintf(name, sizeof(name), "%s/2", prefix);
	CHECK_EQ(count_threads(name), 0);
	fixture_pool_end(pool);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%s", prefix, suffixes[i]);
		wait_until_gone(name);
	}
}

TEST(threads_have_names)
{
	char name[] = "eight_ch";

	check_names(NULL, "weir");
	check_names(name, "eight_ch");
}

/* The caller may run on its last CPU only, from here on. */
static void keep_last_cpu(void)
{
	cpu_set_t set;
	size_t last = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			last = cpu;
	CPU_ZERO(&set);
	CPU_SET(last, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

TEST(as_many_workers_as_asked)
{
	struct weir_pool_options o = defaults();
	struct weir_pool *pool;

	o.workers = 5;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_EQ(weir_pool_workers(pool), 5);
	CHECK(strstr(weir_pool_describe(pool), "5 workers as asked: "));
	CHECK(!strchr(weir_pool_describe(pool), '\n'));
	weir_pool_free(pool);
	o.workers = 1;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK(strstr(weir_pool_describe(pool), "1 worker as asked: "));
	weir_pool_free(pool);
}

TEST(as_many_workers_as_cpus)
{
	struct weir_pool_options o = defaults();
	struct weir_pool *pool;
	cpu_set_t set;

	o.workers = 0;
	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK(weir_pool_workers(pool) >= 1);
	CHECK(weir_pool_workers(pool) <= CPU_COUNT(&set));
	if (strstr(weir_pool_describe(pool), "no cgroup quota"))
		CHECK_EQ(weir_pool_workers(pool), CPU_COUNT(&set));
	weir_pool_free(pool);
	keep_last_cpu();
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_EQ(weir_pool_workers(pool), 1);
	CHECK(strstr(weir_pool_describe(pool), "1 worker: 1 of "));
	weir_pool_free(pool);
}

static void get_cpus(struct weir_reactor *r, void *set)
{
	(void)r;
	CHECK_EQ(sched_getaffinity(0, sizeof(cpu_set_t), set), 0);
}

/* Worker n on the n-th CPU of the mask; again from the first if it ends. */
static void check_pinned(void)
{
	struct weir_pool_options o = defaults();
	struct weir_pool *pool;
	cpu_set_t mask, set;
	size_t cpu = CPU_SETSIZE - 1;

	CHECK_EQ(sched_getaffinity(0, sizeof(mask), &mask), 0);
	o.workers = (unsigned)CPU_COUNT(&mask) + 1;
	o.flags |= WEIR_POOL_PIN;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = 0; i < (int)o.workers; i++) {
		do {
			cpu = (cpu + 1) % CPU_SETSIZE;
		} while (!CPU_ISSET(cpu, &mask));
		fixture_on(pool, i, get_cpus, &set);
		CHECK_EQ(CPU_COUNT(&set), 1);
		CHECK(CPU_ISSET(cpu, &set));
	}
	fixture_on(pool, WEIR_CONTROL, get_cpus, &set);
	CHECK(CPU_EQUAL(&set, &mask));
	fixture_pool_end(pool);
}

TEST(workers_are_pinned)
{
	check_pinned();
	keep_last_cpu();
	check_pinned();
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST(descriptors_are_counted)
{
	struct weir_pool_options o = defaults();
	const int before = count_fds();
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_EQ(count_fds(), before + 1 + 2 * 3);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(count_fds(), before + 1 + 2 * 3);
	fixture_pool_end(pool);
	CHECK_EQ(count_fds(), before);
	o.flags = 0;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_EQ(count_fds(), before + 1 + 2 * 3 + 1);
	weir_pool_free(pool);
	CHECK_EQ(count_fds(), before);
}

static void set_fd_limit(rlim_t limit)
{
	struct rlimit rlim;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rlim), 0);
	rlim.rlim_cur = limit;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &rlim), 0);
}

TEST(no_descriptor_is_left)
{
	struct weir_pool_options o = defaults();
	const int before = count_fds();
	int first_free = dup(0), err;
	struct rlimit rlim;
	rlim_t limit;

	close(first_free);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rlim), 0);
	o.flags = 0;
	for (limit = (rlim_t)first_free; ; limit++) {
		set_fd_limit(limit);
		err = make(&o);
		set_fd_limit(rlim.rlim_cur);
		CHECK_EQ(count_fds(), before);
		if (err == 0)
			break;
		CHECK_EQ(err, -EMFILE);
	}
	/* Other descriptors may lie above the first free one. */
	CHECK(limit >= (rlim_t)first_free + 7);
}

TEST(no_descriptor_is_left_for_the_start)
{
	struct weir_pool_options o = defaults();
	struct weir_pool *pool;
	struct rlimit rlim;
	int last;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &rlim), 0);
	o.flags = 0;
	CHECK_EQ(weir_pool_new(&o, &pool), 0);
	CHECK_STR(weir_pool_error(pool), "");
	last = dup(0);
	close(last);
	set_fd_limit((rlim_t)last);
	CHECK_EQ(weir_pool_start(pool), -EMFILE);
	set_fd_limit(rlim.rlim_cur);
	CHECK(strstr(weir_pool_error(pool), "Too many open files"));
	CHECK_EQ(weir_pool_state(pool), WEIR_POOL_STOPPED);
	CHECK_EQ(weir_pool_join(pool), 0);
	weir_pool_free(pool);
}

static void get_index(struct weir_reactor *r, void *index)
{
	*(int *)index = weir_reactor_index(r);
}

static void get_pool(struct weir_reactor *r, void *pool)
{
	*(struct weir_pool **)pool = weir_reactor_pool(r);
	CHECK(weir_reactor_current() == r);
}

TEST(a_reactor_knows_its_place)
{
	struct weir_pool *pool = fixture_pool(3), *seen;
	struct weir_reactor *alone;
	int index;

	CHECK_EQ(weir_pool_start(pool), 0);
	for (int i = -1; i < 3; i++) {
		fixture_on(pool, i, get_index, &index);
		CHECK_EQ(index, i);
		fixture_on(pool, i, get_pool, &seen);
		CHECK(seen == pool);
	}
	CHECK(!weir_reactor_current());
	fixture_pool_end(pool);
	CHECK_EQ(weir_reactor_new(NULL, &alone), 0);
	CHECK_EQ(weir_reactor_index(alone), 0);
	CHECK(!weir_reactor_pool(alone));
	weir_reactor_free(alone);
}
