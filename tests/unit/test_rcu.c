/* SPDX-License-Identifier: MIT */
/*
 * test_rcu.c - what a reader holds stays, and what nobody holds goes
 */
#include "sync/rcu.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/cell.h"

#include "harness.h"
#include "stress.h"

TEST(without_readers_nobody_waits)
{
	weir__rcu_wait();
	weir__rcu_register();
	weir__rcu_offline();
	weir__rcu_wait();
	weir__rcu_online();
	weir__rcu_unregister();
	weir__rcu_wait();
}

enum stage { BEGIN, READING, WAITING, WAITED };

static _Atomic int stage;

static void *wait_once(void *unused)
{
	(void)unused;
	while (stage != READING)
		sched_yield();
	stage = WAITING;
	weir__rcu_wait();
	stage = WAITED;
	return NULL;
}

/* The reader is online: the other has time to be wrong, and may not be. */
static void check_waits_for(void (*let_go)(void), void (*resume)(void))
{
	pthread_t thread;

	stage = BEGIN;
	CHECK_EQ(pthread_create(&thread, NULL, wait_once, NULL), 0);
	weir__rcu_register();
	stage = READING;
	while (stage != WAITING)
		sched_yield();
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(stage, WAITING);
		sched_yield();
	}
	while (stage != WAITED) {
		let_go();
		sched_yield();
	}
	resume();
	weir__rcu_unregister();
	pthread_join(thread, NULL);
}

static void nothing(void)
{
}

TEST(a_grace_period_waits_for_a_quiescent_state)
{
	check_waits_for(weir__rcu_quiescent, nothing);
}

TEST(a_grace_period_does_not_wait_for_who_is_offline)
{
	check_waits_for(weir__rcu_offline, weir__rcu_online);
}

/* What a child that is forked now would be told. */
static int usable_in_child(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(weir__rcu_is_usable());
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(a_child_of_readers_has_no_rcu)
{
	CHECK(weir__rcu_is_usable());
	CHECK_EQ(usable_in_child(), 1);
	weir__rcu_register();
	CHECK(weir__rcu_is_usable());
	CHECK_EQ(usable_in_child(), 0);
	weir__rcu_unregister();
	CHECK(weir__rcu_is_usable());
	CHECK_EQ(usable_in_child(), 1);
}

/* The reader is not one of ours: what counts is who waits. */
TEST(nor_has_a_child_of_one_who_waits)
{
	pthread_t thread;

	if (HAS_SANITIZER)
		SKIP("sanitizers do not stand a fork between threads");
	urcu_qsbr_register_thread();
	stage = READING;
	CHECK_EQ(pthread_create(&thread, NULL, wait_once, NULL), 0);
	while (usable_in_child())
		sched_yield();
	CHECK_EQ(stage, WAITING);
	urcu_qsbr_unregister_thread();
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(usable_in_child(), 1);
}

/*
 * The storm.  A writer replaces an object and frees the old one after a grace
 * period; readers look at it all the time, and some of them sleep.
 */
enum { READERS = 3 };

struct object {
	uint64_t number, square;
};

static struct storm {
	struct weir__cell cell;
	_Atomic bool is_over;
	_Atomic uint64_t looks;
} storm;

static void *read_on(void *arg)
{
	const bool sleeps = arg != NULL;
	uint64_t last = 0, looks = 0;

	weir__rcu_register();
	while (!storm.is_over) {
		const struct object *o = weir__cell_get(&storm.cell);

		for (int i = 0; i < 100; i++)
			CHECK_EQ(o->square, o->number * o->number);
		CHECK(o->number >= last);
		last = o->number;
		looks++;
		if (sleeps) {
			weir__rcu_offline();
			sched_yield();
			weir__rcu_online();
		} else {
			weir__rcu_quiescent();
		}
	}
	weir__rcu_unregister();
	storm.looks += looks;
	return NULL;
}

TEST(what_a_reader_holds_is_not_freed)
{
	struct object *o = calloc(1, sizeof(*o));
	const weir_ns end = stress_end();
	pthread_t threads[READERS];

	weir__cell_init(&storm.cell, o);
	for (int i = 0; i < READERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, read_on,
					i == 0 ? &storm : NULL), 0);
	for (uint64_t n = 1; !stress_is_over(end); n++) {
		o = malloc(sizeof(*o));
		*o = (struct object){ n, n * n };
		o = weir__cell_swap(&storm.cell, o);
		weir__rcu_wait();
		*o = (struct object){ 1, 0 };
		free(o);
	}
	storm.is_over = true;
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	CHECK(storm.looks > 0);
	free(weir__cell_get(&storm.cell));
}
