/* SPDX-License-Identifier: MIT */
/*
 * test_sys_fault.c - no wrapper forgets the seam
 *
 * A table of every wrapper, each with arguments that make it succeed.  It must
 * succeed without a hook, and fail with what the hook says when the hook fails
 * its call.  The hook's errno is one that no kernel answers with.
 */
#include "sys/fault.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/arena.h"
#include "sys/child.h"
#include "sys/cpus.h"
#include "sys/epoll.h"
#include "sys/eventfd.h"
#include "sys/fork.h"
#include "sys/inotify.h"
#include "sys/io.h"
#include "sys/map.h"
#include "sys/path.h"
#include "sys/signals.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/thread.h"

#include "harness.h"

#define ODD (-EL2HLT)
#define EACH(i, array) size_t i = 0; i < sizeof(array) / sizeof(array[0]); i++

/* What the wrappers below work on; set up anew for each run of one. */
static struct {
	int ep, event, signal, inotify, wd, pair[2], listener, client, pidfd;
	pid_t child;
	struct weir__arena *arena;
	struct sockaddr_storage at;
	socklen_t at_len;
	sigset_t set;
} on;

static struct iovec iov(void)
{
	static char c = 'x';

	return (struct iovec){ &c, 1 };
}

/* Results that are descriptors are closed, those that are blocks freed. */
static int opened(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd;
}

static int gave(void *block)
{
	weir__arena_dealloc(on.arena, block);
	return block ? 0 : ODD;
}

/* One of the functions that the table calls. */
#define RUN(name, call)							\
	static int name(void)						\
	{								\
		return (int)(call);					\
	}

RUN(epoll_create_, opened(weir__epoll_create()))
RUN(epoll_ctl_, weir__epoll_ctl(on.ep, EPOLL_CTL_ADD, on.event, EPOLLIN, 0))

static int epoll_wait_(void)
{
	struct epoll_event event;

	return weir__epoll_wait(on.ep, &event, 1, 0);
}

RUN(eventfd_new, opened(weir__eventfd_new()))
RUN(eventfd_ring, weir__eventfd_ring(on.event))

static int eventfd_read_(void)
{
	uint64_t count;

	return weir__eventfd_read(on.event, &count);
}

RUN(signalfd_new, opened(weir__signalfd_new(&on.set)))
RUN(signalfd_set, weir__signalfd_set(on.signal, &on.set))

static int signalfd_read(void)
{
	struct signalfd_siginfo info;

	return weir__signalfd_read(on.signal, &info, 1);
}

static int signals_block(void)
{
	sigset_t added;

	return weir__signals_block(&on.set, &added);
}

static int signals_unblock(void)
{
	sigset_t none;

	sigemptyset(&none);
	return weir__signals_unblock(&none);
}

static int signals_unblocked_thread(void)
{
	char name[16];
	pid_t tid;
	int signo;

	return weir__signals_unblocked_thread(&on.set, &tid, &signo, name);
}

RUN(inotify_new, opened(weir__inotify_new()))
RUN(inotify_add, weir__inotify_add(on.inotify, "/", IN_CREATE))
RUN(inotify_remove, weir__inotify_remove(on.inotify, on.wd))

static int read_(void)
{
	char c;

	return (int)weir__read(on.pair[0], &c, 1);
}

RUN(write_, weir__write(on.pair[0], "x", 1))

static int readv_(void)
{
	struct iovec v = iov();

	return (int)weir__readv(on.pair[0], &v, 1);
}

static int writev_(void)
{
	struct iovec v = iov();

	return (int)weir__writev(on.pair[0], &v, 1);
}

RUN(send_, weir__send(on.pair[0], "x", 1))

static int recv_(void)
{
	char c;

	return (int)weir__recv(on.pair[0], &c, 1);
}

static int sendv(void)
{
	struct iovec v = iov();

	return (int)weir__sendv(on.pair[0], &v, 1);
}

RUN(close_, weir__close(dup(on.event)))
RUN(nonblock_get, weir__fd_nonblock_get(on.event))
RUN(nonblock_set, weir__fd_nonblock_set(on.event, true))
RUN(cloexec_get, weir__fd_cloexec_get(on.event))
RUN(cloexec_set, weir__fd_cloexec_set(on.event, true))
RUN(fd_dup, opened(weir__fd_dup(on.event)))
RUN(open_, opened(weir__open("/dev/null", O_RDONLY, 0)))

static int read_file(void)
{
	char buf[64];

	return weir__read_file("/proc/self/comm", buf, sizeof(buf));
}

static int path_id(void)
{
	struct weir__path_id id;

	return weir__path_id("/", &id);
}

static int path_remove(void)
{
	char path[] = "/tmp/weir-test-XXXXXX";
	struct weir__path_id id;
	struct stat st;
	int fd = mkstemp(path);
	int r;

	CHECK_EQ(fstat(fd, &st), 0);
	id.dev = st.st_dev;
	id.ino = st.st_ino;
	close(fd);
	r = weir__path_remove(path, &id);
	if (r < 0)
		unlink(path);
	return r;
}

RUN(socket_, opened(weir__socket(AF_INET, SOCK_STREAM, 0)))

static int bind_(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r = weir__bind(fd, (struct sockaddr *)&any, sizeof(any));

	close(fd);
	return r;
}

RUN(listen_, weir__listen(on.listener, 1))

static int accept_(void)
{
	struct sockaddr_storage peer;
	socklen_t len;

	return opened(weir__accept(on.listener, &peer, &len));
}

static int connect_(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int r = weir__connect(fd, (struct sockaddr *)&on.at, on.at_len);

	close(fd);
	return r;
}

RUN(shutdown_, weir__shutdown(on.pair[0], SHUT_RDWR))
RUN(sockopt_set, weir__sockopt_set(on.client, SOL_SOCKET, SO_KEEPALIVE, 1))
RUN(linger_reset, weir__linger_reset(on.client))

static int sockopt_get(void)
{
	int value;

	return weir__sockopt_get(on.client, SOL_SOCKET, SO_ERROR, &value);
}

static int getsockname_(void)
{
	struct sockaddr_storage addr;
	socklen_t len;

	return weir__getsockname(on.client, &addr, &len);
}

RUN(pidfd_open_, opened(weir__pidfd_open(on.child)))
RUN(pidfd_signal, weir__pidfd_signal(on.pidfd, 0))

static int wait_pidfd(void)
{
	siginfo_t info;

	return weir__wait_pidfd(on.pidfd, &info);
}

static int wait_pid(void)
{
	siginfo_t info;

	return weir__wait_pid(on.child, &info);
}

static int pipe_(void)
{
	int fds[2];
	int r = weir__pipe(fds);

	if (r < 0)
		return r;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static int spawn(void)
{
	char *argv[] = { (char *)"true", NULL };
	const struct weir__spawn s = {
		.file = argv[0], .argv = argv, .env = environ,
	};
	pid_t pid = weir__spawn(&s);

	if (pid < 0)
		return pid;
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	return 0;
}

static int group_kill(void)
{
	return weir__group_kill(-1, getpgrp(), 0);
}

static void *nothing(void *data)
{
	return data;
}

static int thread_start(void)
{
	pthread_t thread;
	int r = weir__thread_start(&thread, "nothing", nothing, NULL);

	if (r == 0)
		pthread_join(thread, NULL);
	return r;
}

RUN(thread_pin, weir__thread_pin(pthread_self(), sched_getcpu()))
RUN(timerslack, weir__timerslack(0))

static int cpus_read(void)
{
	struct weir__cpus cpus;

	return weir__cpus_read(&cpus);
}

static int arena_new(void)
{
	struct weir__arena *arena;
	int r = weir__arena_new(&arena);

	if (r == 0)
		weir__arena_free(arena);
	return r;
}

RUN(arena_alloc, gave(weir__arena_alloc(on.arena, 64)))
RUN(arena_zalloc, gave(weir__arena_zalloc(on.arena, 64)))

static int map_new(void)
{
	void *memory;
	int r = weir__map_new(1, &memory);

	if (r == 0)
		weir__map_free(memory, 1);
	return r;
}

static int map_new_shared(void)
{
	void *memory;
	int fd;
	int r = weir__map_new_shared("nothing", 1, &memory, &fd);

	if (r < 0)
		return r;
	weir__map_free(memory, 1);
	close(fd);
	return 0;
}

/* It cannot fail: without the page there are process ids. */
static int fork_generation(void)
{
	CHECK_EQ(weir__fork_generation() == 0, false);
	return weir__fork_current ? 0 : ODD;
}

static const struct row {
	enum weir__call call;
	int (*run)(void);
	bool retries;		/* EINTR */
} rows[] = {
	{ WEIR__CALL_EPOLL_CREATE, epoll_create_, false },
	{ WEIR__CALL_EPOLL_CTL, epoll_ctl_, false },
	{ WEIR__CALL_EPOLL_WAIT, epoll_wait_, false },
	{ WEIR__CALL_EVENTFD_NEW, eventfd_new, false },
	{ WEIR__CALL_EVENTFD_WRITE, eventfd_ring, true },
	{ WEIR__CALL_EVENTFD_READ, eventfd_read_, true },
	{ WEIR__CALL_SIGNALFD_NEW, signalfd_new, false },
	{ WEIR__CALL_SIGNALFD_SET, signalfd_set, false },
	{ WEIR__CALL_SIGNALFD_READ, signalfd_read, true },
	{ WEIR__CALL_SIGMASK, signals_block, false },
	{ WEIR__CALL_SIGMASK, signals_unblock, false },
	{ WEIR__CALL_INOTIFY_NEW, inotify_new, false },
	{ WEIR__CALL_INOTIFY_ADD, inotify_add, false },
	{ WEIR__CALL_INOTIFY_REMOVE, inotify_remove, false },
	{ WEIR__CALL_READ, read_, true },
	{ WEIR__CALL_READ, read_file, true },
	{ WEIR__CALL_READ, signals_unblocked_thread, true },
	{ WEIR__CALL_WRITE, write_, true },
	{ WEIR__CALL_READV, readv_, true },
	{ WEIR__CALL_WRITEV, writev_, true },
	{ WEIR__CALL_SEND, send_, true },
	{ WEIR__CALL_RECV, recv_, true },
	{ WEIR__CALL_SENDV, sendv, true },
	{ WEIR__CALL_CLOSE, close_, true },	/* says success, at least */
	{ WEIR__CALL_FCNTL, nonblock_get, false },
	{ WEIR__CALL_FCNTL, nonblock_set, false },
	{ WEIR__CALL_FCNTL, cloexec_get, false },
	{ WEIR__CALL_FCNTL, cloexec_set, false },
	{ WEIR__CALL_DUP, fd_dup, false },
	{ WEIR__CALL_PIPE, pipe_, false },
	{ WEIR__CALL_OPEN, open_, true },
	{ WEIR__CALL_OPEN, read_file, true },
	{ WEIR__CALL_OPEN, signals_unblocked_thread, false },
	{ WEIR__CALL_OPENDIR, signals_unblocked_thread, false },
	{ WEIR__CALL_STAT, path_id, false },
	{ WEIR__CALL_STAT, path_remove, false },
	{ WEIR__CALL_UNLINK, path_remove, false },
	{ WEIR__CALL_SOCKET, socket_, false },
	{ WEIR__CALL_BIND, bind_, false },
	{ WEIR__CALL_LISTEN, listen_, false },
	{ WEIR__CALL_ACCEPT, accept_, true },
	{ WEIR__CALL_CONNECT, connect_, false },
	{ WEIR__CALL_SHUTDOWN, shutdown_, false },
	{ WEIR__CALL_SOCKOPT_SET, sockopt_set, false },
	{ WEIR__CALL_SOCKOPT_SET, linger_reset, false },
	{ WEIR__CALL_SOCKOPT_GET, sockopt_get, false },
	{ WEIR__CALL_GETSOCKNAME, getsockname_, false },
	{ WEIR__CALL_SPAWN, spawn, false },
	{ WEIR__CALL_KILL, group_kill, false },
	{ WEIR__CALL_PIDFD_OPEN, pidfd_open_, false },
	{ WEIR__CALL_PIDFD_SIGNAL, pidfd_signal, false },
	{ WEIR__CALL_WAIT, wait_pidfd, true },
	{ WEIR__CALL_WAIT, wait_pid, true },
	{ WEIR__CALL_THREAD_CREATE, thread_start, false },
	{ WEIR__CALL_THREAD_PIN, thread_pin, false },
	{ WEIR__CALL_TIMERSLACK, timerslack, false },
	{ WEIR__CALL_AFFINITY, cpus_read, false },
	{ WEIR__CALL_ARENA_NEW, arena_new, false },
	{ WEIR__CALL_ALLOC, arena_alloc, false },
	{ WEIR__CALL_ALLOC, arena_zalloc, false },
	{ WEIR__CALL_MMAP, map_new, false },
	{ WEIR__CALL_MEMFD_NEW, map_new_shared, false },
	{ WEIR__CALL_MEMFD_SIZE, map_new_shared, false },
	/* Once in a process: last, and never twice. */
	{ WEIR__CALL_FORK_PAGE, fork_generation, false },
};

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
	on.inotify = weir__inotify_new();
	on.wd = weir__inotify_add(on.inotify, "/", IN_CREATE);
	CHECK(on.wd > 0);
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
		on.ep, on.event, on.signal, on.inotify, on.pair[0], on.pair[1],
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
		epoll_create_, eventfd_new, signalfd_new, inotify_new, fd_dup,
		open_, read_file, socket_, accept_, pidfd_open_,
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
