/* SPDX-License-Identifier: MIT */
/*
 * test_sys_fault.c - no wrapper forgets the seam
 *
 * A table of every wrapper, each with arguments that make it succeed.  It must
 * succeed without a hook, and fail with what the hook says when the hook fails
 * its call.  The hook's errno is one that no kernel answers with.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys_rows.h"

static void set_up_sockets(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };

	on.listener = socket(AF_INET, SOCK_STREAM, 0);
	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(bind(on.listener, (struct sockaddr *)&any, sizeof(any)), 0);
	CHECK_EQ(listen(on.listener, 8), 0);
	on.at_len = sizeof(on.at);
	CHECK_EQ(getsockname(on.listener, (struct sockaddr *)&on.at,
			     &on.at_len), 0);
	on.client = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(connect(on.client, (struct sockaddr *)&on.at, on.at_len), 0);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, on.pair), 0);
	CHECK_EQ(write(on.pair[1], "something", 9), 9);
}

static void set_up(void)
{
	siginfo_t info;

	sigemptyset(&on.set);
	sigaddset(&on.set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &on.set, NULL);
	kill(getpid(), SIGUSR1);
	on.signal = weir__signalfd_new(&on.set);
	on.ep = weir__epoll_create();
	on.event = weir__eventfd_new();
	CHECK_EQ(weir__eventfd_ring(on.event), 0);
	on.child = fork();
	if (on.child == 0)
		_exit(0);
	on.pidfd = weir__pidfd_open(on.child);
	CHECK_EQ(waitid(P_PID, (id_t)on.child, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQ(weir__arena_new(&on.arena), 0);
	set_up_sockets();
}

static void tear_down(void)
{
	const int fds[] = {
		on.ep, on.event, on.signal, on.pair[0], on.pair[1],
		on.listener, on.client, on.pidfd,
	};

	for (EACH(i, fds))
		CHECK_EQ(close(fds[i]), 0);
	weir__arena_free(on.arena);
	waitpid(on.child, NULL, 0);	/* if no row has reaped it */
}

static enum weir__call failing;
static int answer;
static int times;
static int asked;

static int hook(enum weir__call call)
{
	if (call != failing)
		return 0;
	asked++;
	return times-- > 0 ? answer : 0;
}

static int run(const struct row *row, int (*with)(enum weir__call))
{
	int r;

	/* So that the harness can say in which row a test hangs. */
	weir__thread_name(pthread_self(), weir__call_name(row->call));
	set_up();
	failing = row->call;
	asked = 0;
	weir__fault_hook = with;
	r = row->run();
	weir__fault_hook = NULL;
	tear_down();
	return r;
}

TEST(every_call_has_a_row_and_a_name)
{
	for (int call = 0; call < WEIR__CALL_COUNT; call++) {
		const char *name = weir__call_name((enum weir__call)call);
		int found = 0;

		for (EACH(i, rows))
			found += rows[i].call == (enum weir__call)call;
		if (!found)
			NOTE("%s has no row", name);
		CHECK(found > 0);
		CHECK(strcmp(name, "?") != 0);
		for (int other = 0; other < call; other++)
			CHECK(strcmp(name, weir__call_name(
				(enum weir__call)other)) != 0);
	}
	CHECK_STR(weir__call_name(WEIR__CALL_COUNT), "?");
}

TEST(every_row_succeeds_without_a_hook)
{
	for (EACH(i, rows)) {
		int r = run(&rows[i], NULL);

		if (r < 0)
			NOTE("%s", weir__call_name(rows[i].call));
		CHECK(r >= 0);
	}
}

TEST(every_row_fails_as_the_hook_says)
{
	for (EACH(i, rows)) {
		int r;

		times = 1;
		answer = ODD;
		r = run(&rows[i], hook);
		if (r != ODD || asked != 1)
			NOTE("%s", weir__call_name(rows[i].call));
		CHECK_EQ(r, ODD);
		CHECK_EQ(asked, 1);
	}
}

TEST(an_interruption_is_retried)
{
	for (EACH(i, rows)) {
		bool is_close = rows[i].call == WEIR__CALL_CLOSE;
		int r;

		if (!rows[i].retries)
			continue;
		times = 2;
		answer = -EINTR;
		r = run(&rows[i], hook);
		if (r < 0 || (is_close ? asked != 1 : asked < 3))
			NOTE("%s", weir__call_name(rows[i].call));
		CHECK(r >= 0);
		CHECK(is_close ? asked == 1 : asked >= 3);
	}
}

/* The kernel's own answer when the process has no descriptor left. */
TEST(no_descriptor_left)
{
	static int (*const openers[])(void) = {
		epoll_create_, eventfd_new, timerfd_new, signalfd_new,
		inotify_new, fd_dup, open_, read_file, socket_, accept_, pidfd_open_,
		signals_unblocked_thread,
	};
	struct rlimit old;
	struct rlimit none;
	int r;

	set_up();
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;	/* 0, 1 and 2 are open */
	for (EACH(i, openers)) {
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
		r = openers[i]();
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
		if (r != -EMFILE)
			NOTE("opener %zu", i);
		CHECK_EQ(r, -EMFILE);
	}
	tear_down();
}
