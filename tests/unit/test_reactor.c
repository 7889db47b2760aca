/* SPDX-License-Identifier: MIT */
/*
 * test_reactor.c - a reactor alone: made, turned, stopped, posted to, freed
 */
#include "loop/reactor.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/memory.h>
#include <weir/timer.h>

#include "harness.h"
#include "probe.h"
#include "stress.h"

static int new_with(size_t size, unsigned inbox_messages)
{
	const struct weir_reactor_options options = {
		.size = size,
		.inbox_messages = inbox_messages,
	};
	struct weir_reactor *r = NULL;
	int err = weir_reactor_new(&options, &r);

	CHECK(err == 0 || !r);
	CHECK(!weir_reactor_free(r));
	return err;
}

TEST(options_are_checked)
{
	const size_t size = sizeof(struct weir_reactor_options);

	CHECK_EQ(new_with(size, 0), 0);
	CHECK_EQ(new_with(size, 16), 0);
	CHECK_EQ(new_with(size, 1u << 20), 0);
	CHECK_EQ(new_with(size, 15), -EINVAL);
	CHECK_EQ(new_with(size, (1u << 20) + 1), -EINVAL);
	CHECK_EQ(new_with(0, 0), -EINVAL);
	CHECK_EQ(new_with(size - 1, 0), -EINVAL);
	CHECK_EQ(new_with(size + 1, 0), -EINVAL);
}

TEST(free_takes_null)
{
	CHECK(!weir_reactor_free(NULL));
}

TEST(its_descriptors_are_close_on_exec)
{
	struct weir_reactor *r = probe_reactor();

	CHECK(fcntl(r->epfd, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(r->bell.fd, F_GETFD) & FD_CLOEXEC);
	weir_reactor_free(r);
}

/* It needs two descriptors: with room for none or for one nothing is left. */
TEST(without_descriptors_it_is_not_made)
{
	struct weir_reactor *r = NULL;
	struct rlimit before, few;
	const int lowest_free = dup(0);

	close(lowest_free);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int room = 0; room < 3; room++) {
		few = before;
		few.rlim_cur = (rlim_t)(lowest_free + room);
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
		CHECK_EQ(weir_reactor_new(NULL, &r), room < 2 ? -EMFILE : 0);
		CHECK_EQ(!r, room < 2);
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	weir_reactor_free(r);
}

TEST(without_memory_it_is_not_made)
{
	const struct weir_reactor_options options = {
		.size = sizeof(options),
		.inbox_messages = 1 << 20,
	};
	struct weir_reactor *r = NULL;
	struct rlimit before, none;

	if (HAS_SANITIZER)
		SKIP("a sanitizer does not live with RLIMIT_AS");
	CHECK_EQ(getrlimit(RLIMIT_AS, &before), 0);
	none = before;
	none.rlim_cur = 0;
	/* The first time is for what is taken once. */
	CHECK_EQ(new_with(sizeof(options), 0), 0);
	CHECK_EQ(setrlimit(RLIMIT_AS, &none), 0);
	CHECK_EQ(weir_reactor_new(&options, &r), -ENOMEM);
	CHECK(!r);
	CHECK_EQ(setrlimit(RLIMIT_AS, &before), 0);
	CHECK_EQ(weir_reactor_new(&options, &r), 0);
	weir_reactor_free(r);
}

TEST(there_is_an_end_to_reactors)
{
	static struct weir_reactor *all[4096];
	struct rlimit before, many;
	int n = 0, err = 0;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	many = before;
	many.rlim_cur = before.rlim_max;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &many), 0);
	while (n < 4096 && (err = weir_reactor_new(NULL, &all[n])) == 0)
		n++;
	while (n > 0)
		weir_reactor_free(all[--n]);
	if (err == -EMFILE)
		SKIP("too few descriptors");
	CHECK_EQ(err, -ENOSPC);
	CHECK_EQ(new_with(sizeof(struct weir_reactor_options), 0), 0);
}

TEST(a_wait_checks_its_arguments)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;

	CHECK_EQ(weir_reactor_wait(r, NULL, 1, 0), -EINVAL);
	CHECK_EQ(weir_reactor_wait(r, &event, 0, WEIR_FOREVER), 0);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), 0);
	weir_reactor_free(r);
}

TEST(a_wait_is_never_short)
{
	static const weir_ns timeouts[] = { 1, 100, 70000, 3 * WEIR_NS_PER_MSEC };
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;

	for (int i = 0; i < 4; i++) {
		const weir_ns begin = weir_clock();

		CHECK_EQ(weir_reactor_wait(r, &event, 1, timeouts[i]), 0);
		CHECK(weir_clock() - begin >= timeouts[i]);
	}
	weir_reactor_free(r);
}

/* Beyond INT64_MAX, and beyond the end of time with now added: for ever. */
TEST(a_long_wait_is_not_a_short_one)
{
	static const weir_ns timeouts[] = {
		INT64_MAX - 1, INT64_MAX, INT64_MAX / 2 * UINT64_C(3),
		WEIR_FOREVER - 1, WEIR_FOREVER,
	};
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	struct weir_event event;

	probe_pair(&p);
	CHECK_EQ(weir_source_add(r, p.fd, WEIR_READABLE, NULL, &p, &p.token),
		 0);
	for (int i = 0; i < 5; i++) {
		const uint64_t turns = weir__stat_get(r, WEIR__STAT_TURNS);

		if (fork() == 0) {
			/* The reader sleeps by now, or will find it. */
			usleep(2000);
			probe_send(&p, 1);
			_exit(0);
		}
		CHECK_EQ(weir_reactor_wait(r, &event, 1, timeouts[i]), 1);
		CHECK_EQ(weir__stat_get(r, WEIR__STAT_TURNS), turns + 1);
		CHECK_EQ(probe_take(&p), 1);
		CHECK(wait(NULL) > 0);
	}
	weir_reactor_free(r);
	probe_close(&p);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void set_alarm(long usec)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct itimerval often = { { 0, usec }, { 0, usec } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

TEST(a_signal_ends_a_wait)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;

	set_alarm(1000);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_FOREVER), -EINTR);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_FOREVER), -EINTR);
	set_alarm(0);
	weir_reactor_free(r);
}

/* What the stops are for: a timer that stops after some signals have come. */
static void stop_soon(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	int *count = data;

	(void)t;
	if (++*count == 5)
		CHECK_EQ(weir_reactor_stop(r), 0);
}

TEST(a_signal_does_not_end_a_run)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_timer *t;
	int count = 0;

	CHECK_EQ(weir_timer_new(r, stop_soon, &count, &t), 0);
	CHECK_EQ(weir_timer_start_every(t, 3 * WEIR_NS_PER_MSEC), 0);
	set_alarm(500);
	CHECK_EQ(weir_reactor_run(r), 0);
	set_alarm(0);
	CHECK_EQ(count, 5);
	weir_reactor_free(r);
}

TEST(a_stop_is_remembered_and_used_up)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;

	CHECK_EQ(weir_reactor_stop(r), 0);
	CHECK_EQ(weir_reactor_stop(r), 0);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_FOREVER), -ECANCELED);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), 0);
	CHECK_EQ(weir_reactor_stop(r), 0);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), 0);
	weir_reactor_free(r);
}

static struct weir_reactor *to_stop;

static void stop_it(int signo)
{
	(void)signo;
	weir_reactor_stop(to_stop);
}

TEST(a_signal_handler_may_stop_it)
{
	const struct sigaction action = { .sa_handler = stop_it };
	const struct itimerval once = { { 0, 0 }, { 0, 2000 } };
	struct weir_event event;

	to_stop = probe_reactor();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &once, NULL);
	CHECK_EQ(weir_reactor_run(to_stop), 0);
	setitimer(ITIMER_REAL, &once, NULL);
	/* Said by the interrupted wait, or by the one after it. */
	while (weir_reactor_wait(to_stop, &event, 1, WEIR_FOREVER) !=
	       -ECANCELED)
		;
	weir_reactor_free(to_stop);
}

static void turn_inside(struct weir_reactor *r, struct probe *p)
{
	struct weir_event event;

	(void)p;
	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), -EBUSY);
	CHECK_EQ(weir_reactor_run(r), -EBUSY);
	CHECK(!weir_reactor_free(r));
	CHECK(weir_reactor_current() == r);
}

TEST(a_handler_cannot_turn_or_free_it)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = turn_inside };

	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	PROBE_TURN(r, &p, 0, 0);
	weir_reactor_free(r);
	probe_close(&p);
}

static void turn_other(struct weir_reactor *r, struct probe *p)
{
	struct weir_reactor *other = p->arg;

	CHECK(weir_reactor_current() == r);
	probe_turn(other);
	CHECK(weir_reactor_current() == r);
}

TEST(reactors_nest)
{
	struct weir_reactor *r = probe_reactor(), *other = probe_reactor();
	struct probe p = { .act = turn_other, .arg = other }, q = { 0 };

	probe_add(r, &p, WEIR_READABLE);
	probe_add(other, &q, WEIR_READABLE);
	probe_send(&p, 1);
	probe_send(&q, 1);
	CHECK(!weir_reactor_current());
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(q.calls, 1);
	CHECK(!weir_reactor_current());
	weir_reactor_free(r);
	weir_reactor_free(other);
	probe_close(&p);
	probe_close(&q);
}

TEST(it_keeps_a_pointer_and_the_time)
{
	struct weir_reactor *r = probe_reactor();
	const weir_ns begin = weir_clock();
	weir_ns now;

	CHECK(!weir_reactor_data(r));
	weir_reactor_set_data(r, &now);
	CHECK(weir_reactor_data(r) == &now);
	now = weir_reactor_update_now(r);
	CHECK(now >= begin && now <= weir_clock());
	CHECK(weir_reactor_now(r) == now);
	probe_turn(r);
	CHECK(weir_reactor_now(r) >= now);
	weir_reactor_free(r);
}

/* Read when it is first asked for, and not again until the next wait. */
static void look_at_time(struct weir_reactor *r, struct probe *p)
{
	const weir_ns before = weir_clock();
	const weir_ns now = weir_reactor_now(r);

	CHECK(now >= before && now <= weir_clock());
	while (weir_clock() == now)
		;
	CHECK(weir_reactor_now(r) == now);
	CHECK(now > *(weir_ns *)p->arg);
	*(weir_ns *)p->arg = now;
	probe_take(p);
	if (p->calls == 3)
		weir_reactor_stop(r);
	probe_send(p, 1);
}

TEST(each_turn_has_a_time_of_its_own)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .verdict = WEIR_DONE, .act = look_at_time };
	weir_ns last = weir_clock();

	p.arg = &last;
	probe_add(r, &p, WEIR_READABLE);
	probe_send(&p, 1);
	CHECK_EQ(weir_reactor_run(r), 0);
	CHECK_EQ(p.calls, 3);
	weir_reactor_free(r);
	probe_close(&p);
}

TEST(memory_is_counted)
{
	struct weir_reactor *r = probe_reactor();
	unsigned char *block = weir_malloc(r, 100);
	unsigned char *zeroes = weir_mzalloc(r, 100);

	CHECK(block && zeroes);
	CHECK_EQ((uintptr_t)block % 16, 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(zeroes[i], 0);
	probe_turn(r);
	CHECK(weir__stat_get(r, WEIR__STAT_MEMORY_BYTES) >= 200);
	weir_mfree(r, block);
	weir_mfree(r, zeroes);
	weir_mfree(r, NULL);
	probe_turn(r);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_MEMORY_BYTES), 0);
	weir_reactor_free(r);
}

/* In the child nothing works, and in the parent everything still does. */
static void be_child(struct weir_reactor *r, struct probe *p,
		     struct weir_timer *t)
{
	static const struct weir_call call = { 0 };
	struct weir_reactor *own;
	struct weir_event event;
	weir_token token = p->token;
	void *data;
	int fd;

	CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), -ECHILD);
	CHECK_EQ(weir_reactor_run(r), -ECHILD);
	CHECK_EQ(weir_reactor_stop(r), -ECHILD);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_reactor_send(r, token, &call, NULL, 0), -ECHILD);
	CHECK_EQ(weir_source_add(r, -1, 0, NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_source_add_priority(r, -1, NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_source_add_flags(r, -1, ~0u, NULL, NULL, &token),
		 -ECHILD);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), -ECHILD);
	CHECK_EQ(weir_source_modify(r, token, EPOLLIN), -ECHILD);
	CHECK_EQ(weir_source_want(r, token, 0), -ECHILD);
	CHECK_EQ(weir_source_clear(r, token, 0), -ECHILD);
	CHECK_EQ(weir_source_again(r, token, 0), -ECHILD);
	CHECK_EQ(weir_source_set(r, token, NULL, NULL), -ECHILD);
	CHECK_EQ(weir_source_data(r, token, &data), -ECHILD);
	CHECK_EQ(weir_source_fd(r, token, &fd), -ECHILD);
	CHECK_EQ(weir_source_remove(r, token), -ECHILD);
	CHECK_EQ(weir_source_close(r, token), -ECHILD);
	CHECK_EQ(weir_timer_new(r, stop_soon, NULL, &t), -ECHILD);
	CHECK_EQ(weir_timer_start(t, 1), -ECHILD);
	CHECK_EQ(weir_timer_start_at(t, 1), -ECHILD);
	CHECK_EQ(weir_timer_start_every(t, 1), -ECHILD);
	CHECK_EQ(weir_timer_stop(t), -ECHILD);
	CHECK(!weir_timer_free(t));
	CHECK(!weir_malloc(r, 1));
	CHECK(!weir_mzalloc(r, 1));
	weir_mfree(r, &fd);
	CHECK(!weir_reactor_free(r));
	CHECK(weir_token_equal(token, p->token));
	/* One of its own works. */
	own = probe_reactor();
	probe_turn(own);
	weir_reactor_free(own);
}

TEST(a_forked_child_has_no_reactor)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { 0 };
	struct weir_timer *t;
	int status, count = 0;
	pid_t pid;

	probe_add(r, &p, WEIR_READABLE);
	CHECK_EQ(weir_timer_new(r, stop_soon, &count, &t), 0);
	pid = fork();
	if (pid == 0) {
		be_child(r, &p, t);
		_exit(7);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	probe_send(&p, 1);
	PROBE_TURN(r, &p, 1, WEIR_READABLE);
	CHECK_EQ(weir_timer_start(t, 0), 0);
	probe_turn(r);
	CHECK_EQ(count, 1);
	weir_reactor_free(r);
	probe_close(&p);
}

static void end_another(struct weir_reactor *r, struct probe *p)
{
	struct probe *other = p->arg;
	weir_token token;

	CHECK_EQ(p->last.facts, WEIR_STOPPING);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &token), -ECANCELED);
	CHECK_EQ(weir_source_remove(r, other->token), 0);
	CHECK_EQ(weir_source_remove(r, p->token), 0);
}

TEST(a_stop_ends_every_source)
{
	struct weir_reactor *r = probe_reactor();
	struct probe p = { .act = end_another }, q = { .verdict = WEIR_MORE };
	struct probe more = { .verdict = WEIR_MORE };
	weir_token nobody;

	p.arg = &q;
	probe_add(r, &p, WEIR_READABLE);
	probe_add(r, &q, WEIR_READABLE);
	probe_add(r, &more, WEIR_READABLE);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &nobody), 0);
	probe_send(&more, 1);
	PROBE_TURN(r, &more, 1, WEIR_READABLE);
	weir__reactor_enter(r);
	weir__reactor_end(r);
	weir__reactor_leave();
	CHECK_EQ(p.calls, 1);
	CHECK_EQ(q.calls, 0);
	CHECK_EQ(more.calls, 2);
	CHECK_EQ(more.last.facts, WEIR_STOPPING);
	CHECK_EQ(weir_source_remove(r, nobody), -ESTALE);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES), 0);
	CHECK_EQ(weir__stat_get(r, WEIR__STAT_SOURCES_FORCED), 3);
	CHECK_EQ(weir__arena_count(r->arena), 0);
	weir_reactor_free(r);
	probe_close(&p);
	probe_close(&q);
	probe_close(&more);
}
