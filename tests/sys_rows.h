/* SPDX-License-Identifier: MIT */
/*
 * tests/sys_rows.h - each system call of src/sys, made once
 *
 * For test_sys_fault.c alone, which makes each of them fail.
 */
#ifndef WEIR_TESTS_SYS_ROWS_H
#define WEIR_TESTS_SYS_ROWS_H

#include "sys/fault.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
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
#include "sys/futex.h"
#include "sys/inotify.h"
#include "sys/io.h"
#include "sys/map.h"
#include "sys/pass.h"
#include "sys/path.h"
#include "sys/signals.h"
#include "sys/socket.h"
#include "sys/spawn.h"
#include "sys/thread.h"
#include "sys/timerfd.h"

#include "harness.h"
#include "job.h"

#define ODD (-EL2HLT)
#define EACH(i, array) size_t i = 0; i < sizeof(array) / sizeof(array[0]); i++

/* What the wrappers below work on; set up anew for each run of one. */
static struct {
	int ep, event, signal, pair[2], listener, client, pidfd;
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

RUN(timerfd_new, opened(weir__timerfd_new(CLOCK_MONOTONIC)))

static int timerfd_set(void)
{
	int fd = weir__timerfd_new(CLOCK_MONOTONIC);
	int r = weir__timerfd_set(fd, 1, 0, 0);

	close(fd);
	return r;
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

/*
 * Not set up for each row as the rest is: closing one waits for work of the
 * kernel's own threads, which a loaded machine delays by tenths of a second.
 */
static int inotify_add(void)
{
	int fd = weir__inotify_new();
	int wd = weir__inotify_add(fd, "/", IN_CREATE);

	close(fd);
	return wd;
}

static int inotify_remove(void)
{
	int fd = weir__inotify_new();
	int r = weir__inotify_remove(fd, weir__inotify_add(fd, "/", IN_CREATE));

	close(fd);
	return r;
}

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

static int splice_(void)
{
	int fds[2];
	int r;

	CHECK_EQ(pipe(fds), 0);
	r = (int)weir__splice(on.pair[0], fds[1], 1);
	close(fds[0]);
	close(fds[1]);
	return r;
}

static int sendfile_(void)
{
	int in = open("/proc/self/exe", O_RDONLY);
	int r = (int)weir__sendfile(on.pair[0], in, NULL, 1);

	close(in);
	return r;
}

static int seek_(void)
{
	int fd = open("/dev/zero", O_RDONLY);
	int r = (int)weir__seek(fd, 0, SEEK_SET);

	close(fd);
	return r;
}

RUN(send_fds, weir__send_fds(on.pair[0], "x", 1, &on.event, 1))

static int recv_fds(void)
{
	struct weir__received got;
	char c;

	return (int)weir__recv_fds(on.pair[0], &c, 1, &got);
}

static int fd_dup_to(void)
{
	int other = dup(on.event);

	return opened(other) < 0 ? other : opened(weir__fd_dup_to(on.event,
								  other));
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

static int path_socket_id(void)
{
	struct weir__path_id id;
	const int r = weir__path_socket_id("/", &id);

	return r == -EEXIST ? 0 : r;
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

static int socket_mode(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int r = weir__socket_mode(fd, 0600);

	close(fd);
	return r;
}

static int socket_pair(void)
{
	int fds[2];
	int r = weir__socket_pair(SOCK_STREAM, fds);

	if (r == 0) {
		close(fds[0]);
		close(fds[1]);
	}
	return r;
}

static int peer_cred(void)
{
	struct ucred cred;

	return weir__peer_cred(on.pair[0], &cred);
}

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

static int reuseport_program(void)
{
	const struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1, r;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	CHECK_EQ(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	r = weir__reuseport_program(fd, &code, 1);
	close(fd);
	return r;
}

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

RUN(group_kill, weir__group_kill(-1, getpgrp(), 0))

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

static int wait_over_another_value(void)
{
	const uint32_t word = 1;
	const int r = weir__futex_wait(&word, 2, WEIR_FOREVER);

	return r == -EAGAIN ? 0 : r;
}

RUN(futex_wait, wait_over_another_value())
RUN(thread_pin, weir__thread_pin(pthread_self(), sched_getcpu()))
RUN(fd_has_input, weir__fd_has_input(0))
RUN(timerslack, weir__timerslack(0))

static int cpus_read(void)
{
	struct weir__cpus cpus;

	return weir__cpus_read(&cpus);
}

static int cpus_runs(void)
{
	struct weir__cpu_run run;

	const int r = weir__cpus_runs(&run, 1);

	return r == 1 ? 0 : r;
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
	{ WEIR__CALL_TIMERFD_NEW, timerfd_new, false },
	{ WEIR__CALL_TIMERFD_SET, timerfd_set, false },
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
	{ WEIR__CALL_SPLICE, splice_, true },
	{ WEIR__CALL_SIGMASK, splice_, false },
	{ WEIR__CALL_SENDFILE, sendfile_, true },
	{ WEIR__CALL_SIGMASK, sendfile_, false },
	{ WEIR__CALL_SEEK, seek_, false },
	{ WEIR__CALL_SENDMSG, send_fds, true },
	{ WEIR__CALL_RECVMSG, recv_fds, true },
	{ WEIR__CALL_CLOSE, close_, true },	/* says success, at least */
	{ WEIR__CALL_FCNTL, nonblock_get, false },
	{ WEIR__CALL_FCNTL, nonblock_set, false },
	{ WEIR__CALL_FCNTL, cloexec_get, false },
	{ WEIR__CALL_FCNTL, cloexec_set, false },
	{ WEIR__CALL_DUP, fd_dup, false },
	{ WEIR__CALL_DUP, fd_dup_to, true },
	{ WEIR__CALL_PIPE, job_try_pipe, false },
	{ WEIR__CALL_POLL, fd_has_input, false },
	{ WEIR__CALL_OPEN, open_, true },
	{ WEIR__CALL_OPEN, read_file, true },
	{ WEIR__CALL_OPEN, signals_unblocked_thread, false },
	{ WEIR__CALL_OPENDIR, signals_unblocked_thread, false },
	{ WEIR__CALL_STAT, path_id, false },
	{ WEIR__CALL_STAT, path_socket_id, false },
	{ WEIR__CALL_STAT, path_remove, false },
	{ WEIR__CALL_UNLINK, path_remove, false },
	{ WEIR__CALL_SOCKET, socket_, false },
	{ WEIR__CALL_SOCKET_MODE, socket_mode, false },
	{ WEIR__CALL_SOCKET_PAIR, socket_pair, false },
	{ WEIR__CALL_SOCKOPT_GET, peer_cred, false },
	{ WEIR__CALL_BIND, bind_, false },
	{ WEIR__CALL_LISTEN, listen_, false },
	{ WEIR__CALL_ACCEPT, accept_, true },
	{ WEIR__CALL_CONNECT, connect_, false },
	{ WEIR__CALL_SHUTDOWN, shutdown_, false },
	{ WEIR__CALL_SOCKOPT_SET, sockopt_set, false },
	{ WEIR__CALL_SOCKOPT_SET, reuseport_program, false },
	{ WEIR__CALL_SOCKOPT_SET, linger_reset, false },
	{ WEIR__CALL_SOCKOPT_GET, sockopt_get, false },
	{ WEIR__CALL_GETSOCKNAME, getsockname_, false },
	{ WEIR__CALL_SPAWN, job_try_spawn, false },
	{ WEIR__CALL_KILL, group_kill, false },
	{ WEIR__CALL_PIDFD_OPEN, pidfd_open_, false },
	{ WEIR__CALL_PIDFD_SIGNAL, pidfd_signal, false },
	{ WEIR__CALL_WAIT, wait_pidfd, true },
	{ WEIR__CALL_WAIT, wait_pid, true },
	{ WEIR__CALL_THREAD_CREATE, thread_start, false },
	{ WEIR__CALL_THREAD_PIN, thread_pin, false },
	{ WEIR__CALL_TIMERSLACK, timerslack, false },
	{ WEIR__CALL_FUTEX_WAIT, futex_wait, false },
	{ WEIR__CALL_AFFINITY, cpus_read, false },
	{ WEIR__CALL_AFFINITY, cpus_runs, false },
	{ WEIR__CALL_ARENA_NEW, arena_new, false },
	{ WEIR__CALL_ALLOC, arena_alloc, false },
	{ WEIR__CALL_ALLOC, arena_zalloc, false },
	{ WEIR__CALL_MMAP, map_new, false },
	{ WEIR__CALL_MEMFD_NEW, map_new_shared, false },
	{ WEIR__CALL_MEMFD_SIZE, map_new_shared, false },
	/* Once in a process: last, and never twice. */
	{ WEIR__CALL_FORK_PAGE, fork_generation, false },
};

#endif /* WEIR_TESTS_SYS_ROWS_H */
