/* SPDX-License-Identifier: MIT */
/*
 * test_sys_fork.c - generations along a line of ancestors
 *
 * Each expectation holds with the page and with process ids alike, so each
 * test runs in both ways.
 */
#include "sys/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"

static int no_page(enum weir__call call)
{
	return call == WEIR__CALL_FORK_PAGE ? -EINVAL : 0;
}

/* In a forked child: its CHECKs count, as it ends through this. */
static void run_child(void (*fn)(uint32_t), uint32_t generation)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(generation);
		_exit(42);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void check_mine(uint32_t theirs, uint32_t *ret_mine)
{
	CHECK(weir__fork_happened(theirs));
	*ret_mine = weir__fork_generation();
	CHECK(*ret_mine != 0 && *ret_mine != theirs);
	CHECK_EQ(weir__fork_generation(), *ret_mine);
	CHECK(!weir__fork_happened(*ret_mine));
	CHECK(weir__fork_happened(theirs));
}

static uint32_t grandparents;

static void grandchild(uint32_t theirs)
{
	uint32_t mine;

	check_mine(theirs, &mine);
	CHECK(weir__fork_happened(grandparents));
	CHECK(mine != grandparents);
}

static void child(uint32_t theirs)
{
	uint32_t mine;

	grandparents = theirs;
	run_child(grandchild, theirs);	/* whose parent made nothing */
	check_mine(theirs, &mine);
	run_child(grandchild, mine);
	CHECK(!weir__fork_happened(mine));
}

static void check_family(void)
{
	uint32_t mine = weir__fork_generation();

	CHECK(mine != 0);
	CHECK_EQ(weir__fork_generation(), mine);
	CHECK(!weir__fork_happened(mine));
	for (int i = 0; i < 3; i++)
		run_child(child, mine);
	CHECK(!weir__fork_happened(mine));
	CHECK_EQ(weir__fork_generation(), mine);
}

TEST(a_fork_is_seen)
{
	check_family();
	if (!weir__fork_current)
		SKIP("this kernel does not clear pages at fork");
}

TEST(a_fork_is_seen_by_pid)
{
	weir__fault_hook = no_page;
	check_family();
	CHECK(!weir__fork_current);
}

static uint32_t generations[4];

static void *take(void *data)
{
	uint32_t *ret = data;

	*ret = weir__fork_generation();
	CHECK(!weir__fork_happened(*ret));
	return NULL;
}

TEST(threads_agree)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, take,
					&generations[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(generations[i], weir__fork_generation());
}

static void *take_for_ever(void *data)
{
	char c;

	while (read(*(int *)data, &c, 1) < 0 && errno == EAGAIN)
		for (int i = 0; i < 1000; i++)
			weir__fork_generation();
	return NULL;
}

static void take_one(uint32_t theirs)
{
	CHECK(weir__fork_happened(theirs));
	CHECK(weir__fork_generation() != theirs);
}

/* The lock is mostly held when the fork comes; the child must not notice. */
TEST(a_lock_held_at_fork_does_no_harm)
{
	uint32_t mine = weir__fork_generation();
	pthread_t thread;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(pthread_create(&thread, NULL, take_for_ever, fds), 0);
	for (int i = 0; i < 100; i++)
		run_child(take_one, mine);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
}

/* What fork.c relies on for the lock in the page that was cleared. */
TEST(a_cleared_mutex_is_an_unlocked_one)
{
	const pthread_mutex_t unlocked = PTHREAD_MUTEX_INITIALIZER;
	const char zeroes[sizeof(unlocked)] = { 0 };

	CHECK(memcmp(&unlocked, zeroes, sizeof(unlocked)) == 0);
}
