/* SPDX-License-Identifier: MIT */
/*
 * test_errno_fork.c - after a fork the parent's objects are refused to the child
 *
 * Every call that returns an int, with arguments that are right but for that.
 */
#include <weir.h>

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "deaf.h"
#include "deny.h"
#include "fixture.h"
#include "probe.h"

static struct {
	struct weir_reactor *r;
	struct weir_pool *pool;
	struct weir_listener *listener;
	struct weir_relay *relay;
	struct weir_timer *timer;
	struct weir_inotify *inotify;
	struct weir_sigfd *sigfd;
	struct weir_snapshot *snapshot;
	weir_token name, child, timerfd;
	struct probe p, a, b;
} the;

static weir_token token;

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r;
	(void)t;
	(void)data;
}

static void on_timerfd(struct weir_reactor *r, weir_token t,
		       uint64_t expirations, int error, void *data)
{
	(void)r;
	(void)t;
	(void)expirations;
	(void)data;
	CHECK_EQ(error, -ESHUTDOWN);
}

static const struct weir_call call = { .run = run_nothing };

static int64_t answer(struct weir_reactor *r, void *arg, void *data)
{
	(void)r;
	(void)arg;
	(void)data;
	return 0;
}

static int each(struct weir_reactor *r, const struct weir_source_info *info,
		void *data)
{
	(void)r;
	(void)info;
	(void)data;
	return 0;
}

static void undrained(struct weir_reactor *r, weir_token left, void *data)
{
	(void)r;
	(void)left;
	(void)data;
}

static void on_child_end(struct weir_reactor *r,
			 const struct weir_child_result *result, void *data)
{
	(void)result;
	(void)data;
	CHECK_EQ(weir_reactor_stop(r), 0);
}

static void on_free(void *object, void *data)
{
	(void)object;
	(void)data;
}

/* --- a reactor that stands alone --- */

static void sources(void *arg)
{
	struct weir_reactor *r = the.r;
	struct weir_source_info info;
	const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	void *data;
	int is;

	(void)arg;
	CHECK_EQ(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token),
		 -ECHILD);
	CHECK_EQ(weir_source_add_priority(r, fd, NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_source_add_flags(r, fd, EPOLLIN, NULL, NULL, &token),
		 -ECHILD);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_source_modify(r, the.p.token, EPOLLIN), -ECHILD);
	CHECK_EQ(weir_source_want(r, the.p.token, 0), -ECHILD);
	CHECK_EQ(weir_source_clear(r, the.p.token, WEIR_READABLE), -ECHILD);
	CHECK_EQ(weir_source_again(r, the.p.token, WEIR_READABLE), -ECHILD);
	CHECK_EQ(weir_source_set(r, the.p.token, NULL, NULL), -ECHILD);
	CHECK_EQ(weir_source_data(r, the.p.token, &data), -ECHILD);
	CHECK_EQ(weir_source_find(r, the.p.fd, &token), -ECHILD);
	CHECK_EQ(weir_source_info(r, the.p.token, sizeof(info), &info),
		 -ECHILD);
	CHECK_EQ(weir_source_each(r, each, NULL), -ECHILD);
	CHECK_EQ(weir_source_count(r), -ECHILD);
	CHECK_EQ(weir_source_fd(r, the.p.token, &is), -ECHILD);
	CHECK_EQ(weir_source_remove(r, the.p.token), -ECHILD);
	CHECK_EQ(weir_source_close(r, the.p.token), -ECHILD);
	CHECK_EQ(weir_source_move(r, the.p.token, 0), -ECHILD);
	CHECK_EQ(weir_source_tie(r, the.p.token, the.p.token), -ECHILD);
	CHECK_EQ(weir_reactor_set_undrained(r, undrained, NULL), -ECHILD);
	close(fd);
}

static void turns(void *arg)
{
	struct weir_reactor *r = the.r;
	struct weir_event events[1];

	(void)arg;
	CHECK_EQ(weir_reactor_wait(r, events, 1, 0), -ECHILD);
	CHECK_EQ(weir_reactor_wait_until(r, events, 1, 0, NULL), -ECHILD);
	CHECK_EQ(weir_reactor_run(r), -ECHILD);
	CHECK_EQ(weir_reactor_stop(r), -ECHILD);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_reactor_send(r, the.name, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_flush(r), -ECHILD);
	CHECK_EQ(weir_timer_new(r, on_timer, NULL, &the.timer), -ECHILD);
	CHECK_EQ(weir_timer_new_for(r, the.name, on_timer, NULL, &the.timer),
		 -ECHILD);
	CHECK_EQ(weir_timer_start(the.timer, 1), -ECHILD);
	CHECK_EQ(weir_timer_start_at(the.timer, 1), -ECHILD);
	CHECK_EQ(weir_timer_start_every(the.timer, 1), -ECHILD);
	CHECK_EQ(weir_timer_stop(the.timer), -ECHILD);
	CHECK_EQ(weir_timerfd_open(r, CLOCK_BOOTTIME, on_timerfd, NULL, &token),
		 -ECHILD);
	CHECK_EQ(weir_timerfd_start(r, the.timerfd, 1, 0, 0), -ECHILD);
	CHECK_EQ(weir_timerfd_stop(r, the.timerfd), -ECHILD);
	CHECK_EQ(weir_timerfd_close(r, the.timerfd), -ECHILD);
}

static void attached(void *arg)
{
	struct weir_addr addr = fixture_addr(1);
	const struct weir_child_options child = {
		.size = sizeof(child),
		.argv = (char *[]){ (char *)"true", NULL },
		.on_end = on_child_end,
	};
	struct weir_inotify_event event;
	struct signalfd_siginfo info;
	struct weir_sigfd *sigfd;
	struct weir_inotify *in;
	struct weir_relay *relay;
	sigset_t set;
	int wd;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(weir_inotify_new(the.r, NULL, NULL, NULL, &in), -ECHILD);
	CHECK_EQ(weir_inotify_add(the.inotify, "/", IN_CREATE, NULL, &wd),
		 -ECHILD);
	CHECK_EQ(weir_inotify_remove(the.inotify, 1), -ECHILD);
	CHECK_EQ(weir_inotify_next(the.inotify, &event), -ECHILD);
	CHECK_EQ(weir_sigfd_open(the.r, &set, 0, NULL, NULL, &sigfd), -ECHILD);
	CHECK_EQ(weir_sigfd_read(the.sigfd, &info, 1), -ECHILD);
	CHECK_EQ(weir_sigfd_close(the.sigfd), -ECHILD);
	CHECK_EQ(weir_connect(the.r, &addr, WEIR_FOREVER, on_connect, NULL,
			      &token), -ECHILD);
	CHECK_EQ(weir_connect_cancel(the.r, the.name), -ECHILD);
	CHECK_EQ(weir_relay_start(the.r, the.a.token, the.b.token, NULL,
				  on_relay, NULL, &relay), -ECHILD);
	CHECK_EQ(weir_relay_close(the.relay), -ECHILD);
	CHECK_EQ(weir_child_spawn(the.r, &child, &token), -ECHILD);
	CHECK_EQ(weir_child_kill(the.r, the.child, 0), -ECHILD);
	CHECK_EQ(weir_child_write(the.r, the.child, "x", 1), -ECHILD);
	CHECK_EQ(weir_child_close_input(the.r, the.child), -ECHILD);
	CHECK_EQ(weir_child_pause(the.r, the.child, 1, 1), -ECHILD);
}

static void make_all(void)
{
	const struct weir_child_options child = {
		.size = sizeof(child),
		.argv = (char *[]){ (char *)"cat", NULL },
		.stdio = { { .how = WEIR_CHILD_PIPE } },
		.on_end = on_child_end,
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	the.r = probe_reactor();
	probe_add(the.r, &the.p, WEIR_READABLE);
	probe_add(the.r, &the.a, WEIR_READABLE | WEIR_WRITABLE);
	probe_add(the.r, &the.b, WEIR_READABLE | WEIR_WRITABLE);
	CHECK_EQ(weir_source_open(the.r, NULL, NULL, &the.name), 0);
	CHECK_EQ(weir_timer_new(the.r, on_timer, NULL, &the.timer), 0);
	CHECK_EQ(weir_timerfd_open(the.r, CLOCK_BOOTTIME, on_timerfd, NULL,
				   &the.timerfd), 0);
	CHECK_EQ(weir_inotify_new(the.r, NULL, NULL, NULL, &the.inotify), 0);
	CHECK_EQ(weir_sigfd_open(the.r, &set, 0, NULL, NULL, &the.sigfd), 0);
	CHECK_EQ(weir_relay_start(the.r, the.a.token, the.b.token, NULL,
				  on_relay, NULL, &the.relay), 0);
	CHECK_EQ(weir_child_spawn(the.r, &child, &the.child), 0);
}

TEST(a_reactor_is_the_parents)
{
	make_all();
	in_a_child(sources, NULL);
	in_a_child(turns, NULL);
	in_a_child(attached, NULL);
	/* Nothing has become of the parent's. */
	probe_send(&the.p, 1);
	PROBE_TURN(the.r, &the.p, 1, WEIR_READABLE);
	CHECK_EQ(weir_relay_close(the.relay), 0);
	CHECK_EQ(weir_child_kill(the.r, the.child, SIGKILL), 0);
	CHECK_EQ(weir_reactor_run(the.r), 0);
	weir_reactor_free(the.r);
	probe_close(&the.p);
	close(the.a.peer);
	close(the.b.peer);
}

/* --- a pool --- */

static void messages(void *arg)
{
	struct weir_pool *pool = the.pool;
	struct weir_record records[1];
	struct weir_counter *counter;
	struct weir_room room;

	(void)arg;
	CHECK_EQ(weir_post(pool, 0, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_send(pool, the.name, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_room_ask(pool, 0, &room, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_room_ask_for(pool, the.name, &room, &call, NULL, 0),
		 -ECHILD);
	CHECK_EQ(weir_ask(pool, 0, answer, NULL, NULL, 0, NULL), -ECHILD);
	CHECK_EQ(weir_ask_token(pool, the.name, answer, NULL, NULL, 0, NULL),
		 -ECHILD);
	CHECK_EQ(weir_broadcast(pool, &call, NULL, 0, NULL), -ECHILD);
	CHECK_EQ(weir_pool_evacuate(pool, 0, &call, NULL), -ECHILD);
	CHECK_EQ(weir_pool_start(pool), -ECHILD);
	CHECK_EQ(weir_pool_drain(pool, 0), -ECHILD);
	CHECK_EQ(weir_pool_stop(pool), -ECHILD);
	CHECK_EQ(weir_pool_join(pool), -ECHILD);
	CHECK_EQ(weir_pool_records(pool, 0, records, 1), -ECHILD);
	CHECK_EQ(weir_counter_new(pool, &counter), -ECHILD);
}

static void of_control(void *arg)
{
	const struct weir_watchdog_options dog = { .size = sizeof(dog) };
	struct weir_tree_stats tree = { .size = sizeof(tree) };
	struct weir_stats stats = { .size = sizeof(stats) };
	struct weir_addr addr = fixture_addr(0);
	struct weir_pool *pool = the.pool;
	struct weir_listener *listener;
	struct weir_snapshot *snapshot;

	(void)arg;
	CHECK_EQ(weir_pool_stats(pool, 0, &stats), -ECHILD);
	CHECK_EQ(weir_watchdog_start(pool, &dog), -ECHILD);
	CHECK_EQ(weir_signal_add(pool, SIGUSR2, on_signal, NULL), -ECHILD);
	CHECK_EQ(weir_signal_remove(pool, SIGUSR2), -ECHILD);
	CHECK_EQ(weir_signal_subscribe(pool, SIGUSR2, 0, on_signal, NULL,
				       &token), -ECHILD);
	CHECK_EQ(weir_signal_unsubscribe(pool, the.name), -ECHILD);
	CHECK_EQ(weir_child_add(pool, 1, on_child, NULL, &token), -ECHILD);
	CHECK_EQ(weir_child_remove(pool, the.name), -ECHILD);
	CHECK_EQ(weir_watch_add(pool, "/x", on_watch, NULL, &token), -ECHILD);
	CHECK_EQ(weir_watch_remove(pool, the.name), -ECHILD);
	CHECK_EQ(weir_tree_add(pool, "/", NULL, on_tree, NULL, &token),
		 -ECHILD);
	CHECK_EQ(weir_tree_remove(pool, the.name), -ECHILD);
	CHECK_EQ(weir_tree_stats(pool, the.name, &tree), -ECHILD);
	CHECK_EQ(weir_snapshot_new(pool, NULL, on_free, NULL, &snapshot),
		 -ECHILD);
	CHECK_EQ(weir_snapshot_publish(the.snapshot, NULL), -ECHILD);
	CHECK_EQ(weir_listener_open(pool, &addr, NULL, on_accept, NULL,
				    &listener), -ECHILD);
	CHECK_EQ(weir_listener_addr(the.listener, &addr), -ECHILD);
	CHECK_EQ(weir_listener_close(the.listener), -ECHILD);
}

TEST(a_pool_is_the_parents)
{
	struct weir_addr addr = fixture_addr(0);

	the.pool = fixture_pool(2);
	CHECK_EQ(weir_listener_open(the.pool, &addr, NULL, on_accept, NULL,
				    &the.listener), 0);
	CHECK_EQ(weir_snapshot_new(the.pool, NULL, on_free, NULL,
				   &the.snapshot), 0);
	in_a_child(messages, NULL);
	in_a_child(of_control, NULL);
	weir_snapshot_free(the.snapshot);
	CHECK_EQ(weir_pool_start(the.pool), 0);
	fixture_pool_end(the.pool);
}
