/* SPDX-License-Identifier: MIT */
/*
 * test_fork.c - what a forked child may do, and that it harms nobody
 *
 * doc/fork.md is the text of it.
 */
#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "job.h"
#include "stress.h"

/* All that the parent has, of each kind. */
static struct {
	struct weir_pool *pool;
	struct weir_reactor *r;		/* the pool's worker 0 */
	struct weir_reactor *alone;
	struct weir_timer *timer;
	struct weir_snapshot *snapshot;
	struct weir_listener *listener;
	struct weir_inotify *inotify;
	struct weir_sigfd *sigfd;
	struct weir_room room;
	struct weir_addr addr;
	sigset_t set;
	weir_token token;
	struct job job;
} on;

static void nothing(struct weir_reactor *r, const struct weir_msg *msg,
		    void *data)
{
	(void)r, (void)msg, (void)data;
}

static const struct weir_call call = { .run = nothing };

static void on_accept(struct weir_reactor *r, int fd,
		      const struct weir_addr *peer, void *data)
{
	(void)r, (void)peer, (void)data;
	close(fd);
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r, (void)t, (void)data;
}

/* One line for each call that takes a pool, a reactor or what they made. */
#define REFUSED(statement) CHECK_EQ(statement, -ECHILD)

static void check_pool(void)
{
	struct weir_stats stats = { .size = sizeof(stats) };
	struct weir_pool *pool = on.pool;
	struct weir_counter *counter;
	struct weir_snapshot *snapshot;
	struct weir_listener *listener;
	struct weir_tree_stats tree;
	struct weir_record record;
	struct weir_addr at;
	weir_token token;
	int64_t result;

	REFUSED(weir_pool_start(pool));
	REFUSED(weir_pool_drain(pool, 0));
	REFUSED(weir_pool_stop(pool));
	REFUSED(weir_pool_join(pool));
	REFUSED(weir_pool_stats(pool, 0, &stats));
	REFUSED(weir_pool_records(pool, 0, &record, 1));
	REFUSED(weir_watchdog_start(pool, NULL));
	REFUSED(weir_post(pool, 0, &call, NULL, 0));
	REFUSED(weir_send(pool, on.token, &call, NULL, 0));
	REFUSED(weir_ask(pool, 0, NULL, NULL, NULL, 0, &result));
	REFUSED(weir_ask_token(pool, on.token, NULL, NULL, NULL, 0, &result));
	REFUSED(weir_broadcast(pool, &call, NULL, 0, NULL));
	REFUSED(weir_room_ask(pool, 0, &on.room, &call, NULL, 0));
	REFUSED(weir_room_ask_for(pool, on.token, &on.room, &call, NULL, 0));
	REFUSED(weir_pool_evacuate(pool, 0, &call, NULL));
	REFUSED(weir_signal_add(pool, SIGUSR1, NULL, NULL));
	REFUSED(weir_signal_remove(pool, SIGUSR1));
	REFUSED(weir_signal_subscribe(pool, SIGUSR1, 0, NULL, NULL, &token));
	REFUSED(weir_signal_unsubscribe(pool, on.token));
	REFUSED(weir_child_add(pool, 1, NULL, NULL, &token));
	REFUSED(weir_child_remove(pool, on.token));
	REFUSED(weir_watch_add(pool, "/", NULL, NULL, &token));
	REFUSED(weir_watch_remove(pool, on.token));
	REFUSED(weir_tree_add(pool, "/", NULL, NULL, NULL, &token));
	REFUSED(weir_tree_remove(pool, on.token));
	REFUSED(weir_tree_stats(pool, on.token, &tree));
	REFUSED(weir_counter_new(pool, &counter));
	REFUSED(weir_snapshot_new(pool, NULL, NULL, NULL, &snapshot));
	REFUSED(weir_snapshot_publish(on.snapshot, NULL));
	REFUSED(weir_listener_open(pool, &on.addr, NULL, on_accept, NULL,
				   &listener));
	REFUSED(weir_listener_addr(on.listener, &at));
	REFUSED(weir_listener_close(on.listener));
	CHECK(!weir_snapshot_free(on.snapshot));
	CHECK(!weir_pool_free(pool));
}

static void check_reactor(struct weir_reactor *r)
{
	struct weir_inotify *inotify;
	struct weir_source_info info;
	struct weir_sigfd *sigfd;
	struct weir_event event;
	struct weir_relay *relay;
	struct weir_timer *timer;
	weir_token token;
	void *data;
	int fd;

	REFUSED(weir_reactor_wait(r, &event, 1, 0));
	REFUSED(weir_reactor_wait_until(r, &event, 1, 0, NULL));
	REFUSED(weir_reactor_set_undrained(r, NULL, NULL));
	REFUSED(weir_reactor_run(r));
	REFUSED(weir_reactor_stop(r));
	REFUSED(weir_reactor_post(r, &call, NULL, 0));
	REFUSED(weir_reactor_send(r, on.token, &call, NULL, 0));
	REFUSED(weir_flush(r));
	REFUSED(weir_source_add(r, 0, WEIR_READABLE, NULL, NULL, &token));
	REFUSED(weir_source_add_priority(r, 0, NULL, NULL, &token));
	REFUSED(weir_source_add_flags(r, 0, EPOLLIN, NULL, NULL, &token));
	REFUSED(weir_source_open(r, NULL, NULL, &token));
	REFUSED(weir_source_modify(r, on.token, EPOLLIN));
	REFUSED(weir_source_want(r, on.token, 0));
	REFUSED(weir_source_clear(r, on.token, 0));
	REFUSED(weir_source_again(r, on.token, 0));
	REFUSED(weir_source_set(r, on.token, NULL, NULL));
	REFUSED(weir_source_data(r, on.token, &data));
	REFUSED(weir_source_fd(r, on.token, &fd));
	REFUSED(weir_source_find(r, 0, &token));
	REFUSED(weir_source_info(r, on.token, sizeof(info), &info));
	REFUSED(weir_source_count(r));
	REFUSED(weir_source_each(r, NULL, NULL));
	REFUSED(weir_source_move(r, on.token, 0));
	REFUSED(weir_source_tie(r, on.token, on.token));
	REFUSED(weir_source_remove(r, on.token));
	REFUSED(weir_source_close(r, on.token));
	REFUSED(weir_timer_new(r, on_timer, NULL, &timer));
	REFUSED(weir_timer_new_for(r, on.token, on_timer, NULL, &timer));
	REFUSED(weir_timerfd_open(r, CLOCK_MONOTONIC, NULL, NULL, &token));
	REFUSED(weir_timerfd_start(r, on.token, 1, 0, 0));
	REFUSED(weir_timerfd_stop(r, on.token));
	REFUSED(weir_timerfd_close(r, on.token));
	REFUSED(weir_sigfd_open(r, &on.set, 0, NULL, NULL, &sigfd));
	REFUSED(weir_connect(r, &on.addr, 1, NULL, NULL, &token));
	REFUSED(weir_connect_cancel(r, on.token));
	REFUSED(weir_relay_start(r, on.token, on.token, NULL, NULL, NULL,
				 &relay));
	REFUSED(weir_inotify_new(r, NULL, NULL, NULL, &inotify));
	REFUSED(weir_child_spawn(r, &on.job.options, &token));
	REFUSED(weir_child_kill(r, on.job.token, SIGKILL));
	REFUSED(weir_child_write(r, on.job.token, "", 1));
	REFUSED(weir_child_close_input(r, on.job.token));
	REFUSED(weir_child_pause(r, on.job.token, 1, 1));
}

static void check_others(void)
{
	struct weir_inotify_event event;
	struct signalfd_siginfo info;
	int wd;

	REFUSED(weir_timer_start(on.timer, 1));
	REFUSED(weir_timer_start_at(on.timer, 1));
	REFUSED(weir_timer_start_every(on.timer, 1));
	REFUSED(weir_timer_stop(on.timer));
	REFUSED(weir_inotify_add(on.inotify, "/", IN_CREATE, NULL, &wd));
	REFUSED(weir_inotify_remove(on.inotify, 1));
	REFUSED(weir_inotify_next(on.inotify, &event));
	REFUSED(weir_sigfd_read(on.sigfd, &info, 1));
	REFUSED(weir_sigfd_close(on.sigfd));
	CHECK(!weir_timer_free(on.timer));
	CHECK(!weir_inotify_free(on.inotify));
	CHECK(!weir_reactor_free(on.alone));
}

static void begin(struct weir_reactor *r, void *data)
{
	(void)data;
	on.r = r;
	CHECK_EQ(weir_source_open(r, NULL, NULL, &on.token), 0);
	CHECK_EQ(weir_child_spawn(r, &on.job.options, &on.job.token), 0);
}

static void finish_child(struct weir_reactor *r, void *data)
{
	(void)data;
	CHECK_EQ(weir_child_kill(r, on.job.token, 0), 0);
	CHECK_EQ(weir_child_close_input(r, on.job.token), 0);
}

static void free_object(void *object, void *data)
{
	(void)data;
	free(object);
}

static void set_up(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 2,
	};

	CHECK_EQ(weir_pool_new(&options, &on.pool), 0);
	CHECK_EQ(weir_snapshot_new(on.pool, malloc(1), free_object, NULL,
				   &on.snapshot), 0);
	on.addr = fixture_addr(0);
	CHECK_EQ(weir_listener_open(on.pool, &on.addr, NULL, on_accept, NULL,
				    &on.listener), 0);
	CHECK_EQ(weir_pool_start(on.pool), 0);
	job_init(&on.job, "read x; echo after");
	on.job.options.stdio[0].how = WEIR_CHILD_PIPE;
	fixture_on(on.pool, 0, begin, NULL);
	CHECK_EQ(weir_reactor_new(NULL, &on.alone), 0);
	CHECK_EQ(weir_timer_new(on.alone, on_timer, NULL, &on.timer), 0);
	CHECK_EQ(weir_inotify_new(on.alone, NULL, NULL, NULL, &on.inotify),
		 0);
	sigemptyset(&on.set);
	sigaddset(&on.set, SIGUSR2);
	CHECK_EQ(weir_sigfd_open(on.alone, &on.set, 0, NULL, NULL, &on.sigfd),
		 0);
}

static void wait_child(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* The parent goes on as if nothing had been. */
static void tear_down(void)
{
	struct weir_addr at;
	int fd;
	char c;

	/* A doorbell, an epoll set, a pidfd and the pipes still work. */
	fixture_on(on.pool, 0, finish_child, NULL);
	fixture_wait(&on.job.ended);
	CHECK_STR(on.job.out, "after\n");
	CHECK_EQ(weir_listener_addr(on.listener, &at), 0);
	fd = fixture_connect(fixture_port(&at));
	CHECK_EQ(read(fd, &c, 1), 0);
	close(fd);
	CHECK_EQ(weir_timer_start(on.timer, 1), 0);
	weir_inotify_free(on.inotify);
	CHECK_EQ(weir_sigfd_close(on.sigfd), 0);
	weir_reactor_free(on.alone);
	CHECK_EQ(weir_pool_stop(on.pool), 0);
	CHECK_EQ(weir_pool_join(on.pool), 0);
	weir_snapshot_free(on.snapshot);
	weir_pool_free(on.pool);
}

TEST(every_call_is_refused_in_a_child)
{
	pid_t pid;

	set_up();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		check_pool();
		check_reactor(on.r);
		check_reactor(on.alone);
		check_others();
		_exit(0);
	}
	wait_child(pid);
	tear_down();
}

/* exit() runs what atexit() and destructors left: none of them is ours. */
TEST(a_child_that_exits_harms_nobody)
{
	pid_t pid;

	set_up();
	for (int i = 0; i < 10; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			/* Its copies of all descriptors go, too. */
			check_pool();
			close_range(3, ~0u, 0);
			exit(0);
		}
		wait_child(pid);
	}
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char *argv[] = { (char *)"true", NULL };

		execvp(argv[0], argv);
		_exit(1);
	}
	wait_child(pid);
	tear_down();
}

static atomic_bool is_over;

/* Takes and gives the registry's lock, and the allocator's, all the time. */
static void *make_pools(void *data)
{
	(void)data;
	while (!atomic_load(&is_over)) {
		struct weir_pool *pool = NULL;

		CHECK_EQ(weir_pool_new(NULL, &pool), 0);
		weir_pool_free(pool);
	}
	return NULL;
}

/* Whatever lock another thread held: a child's own pool is made and runs. */
TEST(a_lock_held_at_fork_does_not_hang_the_child)
{
	pthread_t thread;

	/* Their own locks are held at a fork, or no thread may be started. */
	if (HAS_SANITIZER)
		SKIP("sanitizers do not stand a fork between threads");
	CHECK_EQ(pthread_create(&thread, NULL, make_pools, NULL), 0);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			struct weir_pool *own = job_pool();

			fixture_pool_end(own);
			_exit(0);
		}
		wait_child(pid);
	}
	atomic_store(&is_over, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
