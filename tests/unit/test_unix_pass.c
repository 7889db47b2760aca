/* SPDX-License-Identifier: MIT */
/*
 * test_unix_pass.c - descriptors in messages, and who the peer is
 */
#include <weir/unix.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fault.h"

#include "fixture.h"
#include "harness.h"

static int fds[2];

static void set_up(int type)
{
	CHECK_EQ(weir_unix_pair(type, fds), 0);
}

static void tear_down(void)
{
	close(fds[0]);
	close(fds[1]);
}

/* Is the file behind both the same? */
static int is_same(int a, int b)
{
	struct stat of_a, of_b;

	CHECK_EQ(fstat(a, &of_a), 0);
	CHECK_EQ(fstat(b, &of_b), 0);
	return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

TEST(a_descriptor_travels_and_is_close_on_exec)
{
	static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	char buf[8];

	for (int i = 0; i < 3; i++) {
		struct weir_unix_got got = { 7, 7 };
		int pipes[2], received[2] = { -1, -1 };

		set_up(types[i]);
		CHECK_EQ(pipe(pipes), 0);
		CHECK_EQ(weir_unix_recv(fds[1], buf, 8, received, 2, &got),
			 -EAGAIN);
		CHECK_EQ(got.fds, 7);
		CHECK_EQ(weir_unix_send(fds[0], "abc", 3, pipes, 2), 3);
		CHECK_EQ(weir_unix_recv(fds[1], buf, 8, received, 2, &got), 3);
		CHECK(memcmp(buf, "abc", 3) == 0);
		CHECK_EQ(got.fds, 2);
		CHECK_EQ(got.flags, 0);
		for (int j = 0; j < 2; j++) {
			CHECK(is_same(received[j], pipes[j]));
			CHECK(fcntl(received[j], F_GETFD) & FD_CLOEXEC);
			close(received[j]);
			close(pipes[j]);
		}
		tear_down();
	}
}

TEST(bytes_come_with_their_own_descriptors)
{
	int a = eventfd(0, EFD_CLOEXEC), b = open("/", O_RDONLY | O_CLOEXEC);
	struct weir_unix_got got;
	int received;
	char buf[32];

	set_up(SOCK_STREAM);
	CHECK_EQ(weir_unix_send(fds[0], "first", 5, &a, 1), 5);
	CHECK_EQ(weir_unix_send(fds[0], "second", 6, &b, 1), 6);
	CHECK_EQ(weir_unix_send(fds[0], "third", 5, NULL, 0), 5);
	CHECK_EQ(weir_unix_recv(fds[1], buf, 32, &received, 1, &got), 5);
	CHECK_EQ(got.fds, 1);
	close(received);
	CHECK_EQ(weir_unix_recv(fds[1], buf, 2, &received, 1, &got), 2);
	CHECK_EQ(got.fds, 1);
	CHECK(is_same(received, b));
	close(received);
	/* Its descriptor has gone with the first of its bytes. */
	CHECK_EQ(weir_unix_recv(fds[1], buf, 32, &received, 1, &got), 9);
	CHECK_EQ(got.fds, 0);
	close(fds[0]);
	CHECK_EQ(weir_unix_recv(fds[1], buf, 32, &received, 1, &got), 0);
	CHECK_EQ(got.fds, 0);
	close(fds[1]);
	close(a);
	close(b);
}

TEST(the_most_that_fit)
{
	int many[WEIR_UNIX_FDS + 1], received[WEIR_UNIX_FDS];
	struct weir_unix_got got;
	char c;

	set_up(SOCK_STREAM);
	for (int i = 0; i <= WEIR_UNIX_FDS; i++)
		many[i] = fds[0];
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, many, WEIR_UNIX_FDS + 1),
		 -EINVAL);
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, many, WEIR_UNIX_FDS), 1);
	CHECK_EQ(weir_unix_recv(fds[1], &c, 1, received, WEIR_UNIX_FDS, &got),
		 1);
	CHECK_EQ(got.fds, WEIR_UNIX_FDS);
	for (int i = 0; i < WEIR_UNIX_FDS; i++) {
		CHECK(is_same(received[i], fds[0]));
		CHECK_EQ(close(received[i]), 0);
	}
	tear_down();
}

/* The harness counts what is open at the end. */
TEST(without_room_for_all_there_is_none)
{
	int many[5] = { 0, 0, 0, 0, 0 }, received[4] = { -1, -1, -1, -1 };
	struct weir_unix_got got;
	struct rlimit limit, old;
	char c;

	set_up(SOCK_STREAM);
	CHECK_EQ(weir_unix_send(fds[0], "xyz", 3, many, 5), 3);
	CHECK_EQ(weir_unix_recv(fds[1], &c, 1, received, 4, &got), 1);
	CHECK_EQ(got.fds, 0);
	CHECK_EQ(got.flags, WEIR_UNIX_FDS_LOST);
	CHECK_EQ(received[0], -1);
	/* Nor a byte less. */
	CHECK_EQ(weir_unix_recv(fds[1], &c, 1, NULL, 0, &got), 1);
	CHECK_EQ(c, 'y');
	CHECK_EQ(got.flags, 0);
	/* The kernel stops at the limit, having made some. */
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, many, 4), 1);
	CHECK_EQ(weir_unix_recv(fds[1], &c, 1, NULL, 0, &got), 1);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)fds[1] + 3;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(weir_unix_recv(fds[1], &c, 1, received, 4, &got), 1);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_EQ(got.fds, 0);
	CHECK_EQ(got.flags, WEIR_UNIX_FDS_LOST);
	CHECK_EQ(received[0], -1);
	tear_down();
}

TEST(a_datagram_that_is_cut_says_so)
{
	struct weir_unix_got got;
	char buf[4];

	set_up(SOCK_SEQPACKET);
	CHECK_EQ(weir_unix_send(fds[0], "too long", 8, NULL, 0), 8);
	CHECK_EQ(weir_unix_send(fds[0], "fits", 4, NULL, 0), 4);
	CHECK_EQ(weir_unix_recv(fds[1], buf, 4, NULL, 0, &got), 4);
	CHECK_EQ(got.flags, WEIR_UNIX_CUT);
	CHECK_EQ(weir_unix_recv(fds[1], buf, 4, NULL, 0, &got), 4);
	CHECK_EQ(got.flags, 0);
	tear_down();
}

/* Others put control messages of their own beside ours. */
TEST(credentials_and_a_pidfd_beside_them_do_no_harm)
{
	const int on = 1, pass_pidfd = 76;
	struct weir_unix_got got;
	int received;
	char c;

	set_up(SOCK_STREAM);
	CHECK_EQ(setsockopt(fds[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)),
		 0);
	if (setsockopt(fds[1], SOL_SOCKET, pass_pidfd, &on, sizeof(on)) < 0)
		NOTE("no pidfds in messages here");
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, &fds[0], 1), 1);
	CHECK_EQ(weir_unix_recv(fds[1], &c, 1, &received, 1, &got), 1);
	CHECK_EQ(got.fds, 1);
	CHECK_EQ(got.flags, 0);
	CHECK(is_same(received, fds[0]));
	close(received);
	tear_down();
}

TEST(what_cannot_be_sent)
{
	static char big[1 << 20];
	int tcp[2], file = open("/", O_RDONLY | O_CLOEXEC);
	int alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int bad = -1;

	set_up(SOCK_DGRAM);
	fixture_tcp_pair(tcp);
	CHECK_EQ(weir_unix_send(fds[0], "", 0, NULL, 0), -EINVAL);
	CHECK_EQ(weir_unix_send(-1, "x", 1, NULL, 0), -EBADF);
	CHECK_EQ(weir_unix_send(-1, "x", 1, &file, 1), -EBADF);
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, &bad, 1), -EBADF);
	CHECK_EQ(weir_unix_send(file, "x", 1, &file, 1), -ENOTSOCK);
	/* TCP would take the byte, and drop the descriptor. */
	CHECK_EQ(weir_unix_send(tcp[1], "x", 1, &file, 1), -EPROTOTYPE);
	CHECK_EQ(weir_unix_send(alone, "x", 1, &file, 1), -ENOTCONN);
	CHECK_EQ(weir_unix_send(fds[0], big, sizeof(big), &file, 1), -EMSGSIZE);
	while (weir_unix_send(fds[0], "x", 1, NULL, 0) == 1)
		continue;
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, &file, 1), -EAGAIN);
	close(fds[1]);
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, &file, 1), -ECONNREFUSED);
	close(fds[0]);
	set_up(SOCK_STREAM);
	close(fds[1]);
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, &file, 1), -EPIPE);
	close(fds[0]);
	close(alone);
	close(file);
	close(tcp[0]);
	close(tcp[1]);
}

/* Root is exempt. */
TEST(too_many_on_their_way)
{
	const struct rlimit few = { .rlim_cur = 20, .rlim_max = 20 };
	int many[10];
	ssize_t r;

	set_up(SOCK_STREAM);
	for (int i = 0; i < 10; i++)
		many[i] = fds[0];
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0) {
		tear_down();
		SKIP("it takes another user");
	}
	for (int i = 0; i < 5; i++)
		r = weir_unix_send(fds[0], "x", 1, many, 10);
	CHECK_ERRNO(weir_unix_send, ETOOMANYREFS, r);
	tear_down();
}

TEST(what_cannot_be_received)
{
	int file = open("/", O_RDONLY | O_CLOEXEC);
	int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int packets = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct weir_unix_got got;
	char c;

	set_up(SOCK_STREAM);
	CHECK_EQ(weir_unix_recv(fds[0], &c, 0, NULL, 0, &got), -EINVAL);
	CHECK_EQ(weir_unix_recv(stream, &c, 1, NULL, 0, &got), -EINVAL);
	CHECK_EQ(weir_unix_recv(packets, &c, 1, NULL, 0, &got), -ENOTCONN);
	CHECK_EQ(weir_unix_recv(file, &c, 1, NULL, 0, &got), -ENOTSOCK);
	CHECK_EQ(weir_unix_recv(-1, &c, 1, NULL, 0, &got), -EBADF);
	CHECK_EQ(weir_unix_send(fds[0], "x", 1, NULL, 0), 1);
	close(fds[1]);
	CHECK_EQ(weir_unix_recv(fds[0], &c, 1, NULL, 0, &got), -ECONNRESET);
	close(fds[0]);
	close(stream);
	close(packets);
	close(file);
}

TEST(the_peer_is_known)
{
	int alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int file = open("/", O_RDONLY | O_CLOEXEC), tcp[2];
	struct weir_unix_peer peer = { .pid = -7 };

	set_up(SOCK_STREAM);
	fixture_tcp_pair(tcp);
	CHECK_EQ(weir_unix_peer(alone, &peer), -ENOTCONN);
	CHECK_EQ(weir_unix_peer(tcp[0], &peer), -EPROTOTYPE);
	CHECK_EQ(weir_unix_peer(file, &peer), -ENOTSOCK);
	CHECK_EQ(weir_unix_peer(-1, &peer), -EBADF);
	CHECK_EQ(peer.pid, -7);
	CHECK_EQ(weir_unix_peer(fds[0], &peer), 0);
	CHECK_EQ(peer.pid, getpid());
	CHECK_EQ(peer.uid, geteuid());
	CHECK_EQ(peer.gid, getegid());
	tear_down();
	close(alone);
	close(file);
	close(tcp[0]);
	close(tcp[1]);
}

static int pidfd_of(int fd)
{
	const int r = weir_unix_peer_pidfd(fd);

	if (r == -EOPNOTSUPP)
		SKIP("a kernel before 6.5");
	return r;
}

/* A child that connects, and ends when it is told to. */
TEST(the_peers_process_has_a_descriptor)
{
	int listener = weir_unix_bind(SOCK_STREAM, NULL, NULL);
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct pollfd p = { .events = POLLIN };
	pid_t child;
	int fd;
	char c;

	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&name, &len), 0);
	child = fork();
	if (child == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&name, len) < 0)
			_exit(1);
		_exit(read(fd, &c, 1) != 1);
	}
	p.fd = listener;
	CHECK_EQ(poll(&p, 1, -1), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	p.fd = pidfd_of(fd);
	CHECK(p.fd >= 0);
	CHECK(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(weir_unix_send(fd, "x", 1, NULL, 0), 1);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	close(p.fd);
	close(fd);
	close(listener);
}

static struct {
	enum weir__call call;
	int err, skipped;
} broken;

static int break_it(enum weir__call call)
{
	return call == broken.call && broken.skipped-- <= 0 ? -broken.err : 0;
}

static ssize_t call_of(enum weir__call call)
{
	struct weir_unix_got got;
	char c;

	switch (call) {
	case WEIR__CALL_SENDMSG:
		return weir_unix_send(fds[0], "x", 1, &fds[0], 1);
	case WEIR__CALL_RECVMSG:
		return weir_unix_recv(fds[0], &c, 1, NULL, 0, &got);
	default:
		return weir_unix_peer_pidfd(fds[0]);
	}
}

static ssize_t where(enum weir__call call, int err)
{
	ssize_t r;

	set_up(SOCK_STREAM);
	broken.call = call;
	broken.err = err;
	/* The first of these asks for the socket's domain. */
	broken.skipped = call == WEIR__CALL_SOCKOPT_GET;
	weir__fault_hook = break_it;
	r = call_of(call);
	weir__fault_hook = NULL;
	tear_down();
	return r;
}

TEST(what_only_a_broken_world_says)
{
	CHECK_ERRNO(weir_unix_send, ECONNRESET,
		    where(WEIR__CALL_SENDMSG, ECONNRESET));
	CHECK_ERRNO(weir_unix_send, ENOBUFS,
		    where(WEIR__CALL_SENDMSG, ENOBUFS));
	CHECK_ERRNO(weir_unix_send, ENOMEM, where(WEIR__CALL_SENDMSG, ENOMEM));
	CHECK_ERRNO(weir_unix_recv, ENOMEM, where(WEIR__CALL_RECVMSG, ENOMEM));
	CHECK_ERRNO(weir_unix_recv, EFAULT, where(WEIR__CALL_RECVMSG, EFAULT));
}

TEST(why_the_peers_process_has_no_descriptor)
{
	int alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int file = open("/", O_RDONLY | O_CLOEXEC), tcp[2];
	const enum weir__call get = WEIR__CALL_SOCKOPT_GET;

	fixture_tcp_pair(tcp);
	CHECK_EQ(weir_unix_peer_pidfd(tcp[0]), -EPROTOTYPE);
	CHECK_EQ(weir_unix_peer_pidfd(file), -ENOTSOCK);
	CHECK_EQ(weir_unix_peer_pidfd(-1), -EBADF);
	CHECK_ERRNO(weir_unix_peer_pidfd, ESRCH, where(get, ESRCH));
	CHECK_ERRNO(weir_unix_peer_pidfd, EMFILE, where(get, EMFILE));
	CHECK_ERRNO(weir_unix_peer_pidfd, ENFILE, where(get, ENFILE));
	CHECK_ERRNO(weir_unix_peer_pidfd, ENOMEM, where(get, ENOMEM));
	CHECK_ERRNO(weir_unix_peer_pidfd, EOPNOTSUPP, where(get, ENOPROTOOPT));
	CHECK_ERRNO(weir_unix_peer_pidfd, ENOTCONN, where(get, ENODATA));
	if (weir_unix_peer_pidfd(alone) != -EOPNOTSUPP)
		CHECK_EQ(weir_unix_peer_pidfd(alone), -ENOTCONN);
	close(alone);
	close(file);
	close(tcp[0]);
	close(tcp[1]);
}
