/* SPDX-License-Identifier: MIT */
/*
 * test_sys_socket.c - connections made, refused, aborted and passed over
 */
#include "sys/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/io.h"

#include "harness.h"

static struct sockaddr_in at;		/* where listen_tcp() listens */

static int listen_tcp(void)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd = weir__socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	at = (struct sockaddr_in){ .sin_family = AF_INET };
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ(weir__bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	CHECK_EQ(weir__listen(fd, 16), 0);
	CHECK_EQ(weir__getsockname(fd, &addr, &len), 0);
	CHECK_EQ(len, sizeof(at));
	memcpy(&at, &addr, sizeof(at));
	CHECK(at.sin_port != 0);
	return fd;
}

static int connect_tcp(void)
{
	struct pollfd p = { .events = POLLOUT };
	int error = -1;
	int r;

	p.fd = weir__socket(AF_INET, SOCK_STREAM, 0);
	CHECK(p.fd >= 0);
	r = weir__connect(p.fd, (struct sockaddr *)&at, sizeof(at));
	CHECK(r == 0 || r == -EINPROGRESS);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(weir__sockopt_get(p.fd, SOL_SOCKET, SO_ERROR, &error), 0);
	CHECK_EQ(error, 0);
	return p.fd;
}

static in_port_t own_port(int fd)
{
	struct sockaddr_storage addr;
	struct sockaddr_in in;
	socklen_t len;

	CHECK_EQ(weir__getsockname(fd, &addr, &len), 0);
	memcpy(&in, &addr, sizeof(in));
	return in.sin_port;
}

/* Close with a reset instead of a goodbye. */
static void reset(int fd)
{
	CHECK_EQ(weir__linger_reset(fd), 0);
	close(fd);
}

TEST(sockets_have_their_flags)
{
	int fd = weir__socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(weir__fd_nonblock_get(fd), 1);
	CHECK_EQ(weir__fd_cloexec_get(fd), 1);
	close(fd);
	CHECK_EQ(weir__socket(12345, SOCK_STREAM, 0), -EAFNOSUPPORT);
	CHECK_EQ(weir__socket(AF_INET, SOCK_STREAM, IPPROTO_UDP),
		 -EPROTONOSUPPORT);
}

TEST(accept_takes_a_connection)
{
	struct sockaddr_storage peer;
	struct sockaddr_in in;
	socklen_t len = 77;
	int listener = listen_tcp();
	int client, server;
	char c;

	CHECK_EQ(weir__accept(listener, &peer, &len), -EAGAIN);
	CHECK_EQ(len, 77);
	client = connect_tcp();
	server = weir__accept(listener, &peer, &len);
	CHECK(server >= 0);
	CHECK_EQ(weir__fd_nonblock_get(server), 1);
	CHECK_EQ(weir__fd_cloexec_get(server), 1);
	CHECK_EQ(len, sizeof(in));
	memcpy(&in, &peer, sizeof(in));
	CHECK_EQ(in.sin_port, own_port(client));

	CHECK_EQ(weir__send(client, "x", 1), 1);
	CHECK_EQ(weir__recv(server, &c, 1), 1);
	CHECK_EQ(weir__shutdown(client, SHUT_WR), 0);
	CHECK_EQ(weir__recv(server, &c, 1), 0);
	CHECK_EQ(weir__send(client, "x", 1), -EPIPE);
	close(server);
	close(client);

	client = connect_tcp();
	server = weir__accept(listener, NULL, NULL);
	CHECK(server >= 0);
	close(server);
	close(client);
	close(listener);
}

TEST(a_connection_that_was_reset_is_taken_all_the_same)
{
	struct sockaddr_storage peer;
	struct sockaddr_in in;
	socklen_t len;
	int listener = listen_tcp();
	int client, server;
	char c;

	reset(connect_tcp());
	client = connect_tcp();
	server = weir__accept(listener, &peer, &len);
	CHECK(server >= 0);
	CHECK_EQ(weir__recv(server, &c, 1), -ECONNRESET);
	close(server);
	server = weir__accept(listener, &peer, &len);
	CHECK(server >= 0);
	memcpy(&in, &peer, sizeof(in));
	CHECK_EQ(in.sin_port, own_port(client));
	close(server);
	close(client);
	close(listener);
}

static int error;
static int times;
static int asked;

static int fail_accept(enum weir__call call)
{
	if (call != WEIR__CALL_ACCEPT)
		return 0;
	asked++;
	return times-- > 0 ? error : 0;
}

TEST(accept_retries_what_concerns_one_connection)
{
	static const int passed_over[] = {
		EINTR, ECONNABORTED, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN,
		ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
	};
	static const int reported[] = {
		EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EINVAL, EAGAIN,
	};
	int listener = listen_tcp();

	weir__fault_hook = fail_accept;
	for (size_t i = 0; i < sizeof(passed_over) / sizeof(int); i++) {
		error = -passed_over[i];
		times = 2;
		asked = 0;
		CHECK_EQ(weir__accept(listener, NULL, NULL), -EAGAIN);
		CHECK_EQ(asked, 3);
		times = 1000000;	/* but not for ever */
		CHECK_EQ(weir__accept(listener, NULL, NULL), error);
		CHECK(asked < 1000);
	}
	for (size_t i = 0; i < sizeof(reported) / sizeof(int); i++) {
		error = -reported[i];
		times = 1;
		asked = 0;
		CHECK_EQ(weir__accept(listener, NULL, NULL), error);
		CHECK_EQ(asked, 1);
	}
	close(listener);
}

TEST(accept_says_why_not)
{
	int tcp = weir__socket(AF_INET, SOCK_STREAM, 0);
	int udp = weir__socket(AF_INET, SOCK_DGRAM, 0);

	CHECK_EQ(weir__accept(tcp, NULL, NULL), -EINVAL);
	CHECK_EQ(weir__accept(udp, NULL, NULL), -EOPNOTSUPP);
	CHECK_EQ(weir__accept(0, NULL, NULL), -ENOTSOCK);
	CHECK_EQ(weir__accept(-1, NULL, NULL), -EBADF);
	CHECK_EQ(weir__listen(udp, 1), -EOPNOTSUPP);
	CHECK_EQ(weir__listen(-1, 1), -EBADF);
	close(tcp);
	close(udp);
}

TEST(bind_says_why_not)
{
	struct sockaddr_in elsewhere = { .sin_family = AF_INET };
	int listener = listen_tcp();
	int fd = weir__socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(weir__bind(fd, (struct sockaddr *)&at, sizeof(at)),
		 -EADDRINUSE);
	CHECK_EQ(weir__bind(fd, (struct sockaddr *)&at, 3), -EINVAL);
	/* 192.0.2.0/24 is for documentation: nobody has it. */
	elsewhere.sin_addr.s_addr = htonl(0xc0000201);
	CHECK_EQ(weir__bind(fd, (struct sockaddr *)&elsewhere,
			    sizeof(elsewhere)), -EADDRNOTAVAIL);
	CHECK_EQ(weir__bind(-1, (struct sockaddr *)&at, sizeof(at)), -EBADF);
	close(fd);
	close(listener);
}

TEST(connect_is_refused)
{
	struct pollfd p = { .events = POLLOUT };
	int error_now = 0;
	int listener = listen_tcp();
	int r;

	close(listener);
	p.fd = weir__socket(AF_INET, SOCK_STREAM, 0);
	r = weir__connect(p.fd, (struct sockaddr *)&at, sizeof(at));
	if (r == -EINPROGRESS) {
		CHECK_EQ(poll(&p, 1, -1), 1);
		CHECK_EQ(weir__sockopt_get(p.fd, SOL_SOCKET, SO_ERROR,
					   &error_now), 0);
		r = -error_now;
	}
	CHECK_EQ(r, -ECONNREFUSED);
	close(p.fd);
	CHECK_EQ(weir__connect(-1, (struct sockaddr *)&at, sizeof(at)),
		 -EBADF);
}

static int interrupt_connect(enum weir__call call)
{
	return call == WEIR__CALL_CONNECT ? -EINTR : 0;
}

TEST(an_interrupted_connect_goes_on)
{
	int fd = weir__socket(AF_INET, SOCK_STREAM, 0);

	weir__fault_hook = interrupt_connect;
	CHECK_EQ(weir__connect(fd, (struct sockaddr *)&at, sizeof(at)),
		 -EINPROGRESS);
	close(fd);
}

TEST(a_full_unix_backlog_is_eagain)
{
	struct sockaddr_storage addr;
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	socklen_t len;
	int listener = weir__socket(AF_UNIX, SOCK_STREAM, 0);
	int clients[8];
	int r = 0;
	int n = 0;

	/* The family alone: the kernel picks an abstract name. */
	CHECK_EQ(weir__bind(listener, (struct sockaddr *)&any,
			    sizeof(any.sun_family)), 0);
	CHECK_EQ(weir__listen(listener, 1), 0);
	CHECK_EQ(weir__getsockname(listener, &addr, &len), 0);
	while (r == 0 && n < 8) {
		clients[n] = weir__socket(AF_UNIX, SOCK_STREAM, 0);
		r = weir__connect(clients[n++], (struct sockaddr *)&addr, len);
	}
	CHECK_EQ(r, -EAGAIN);
	while (n > 0)
		close(clients[--n]);
	close(listener);
}

TEST(options_are_set_and_read)
{
	int fd = weir__socket(AF_INET, SOCK_STREAM, 0);
	int value = 5;

	CHECK_EQ(weir__sockopt_set(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	CHECK_EQ(weir__sockopt_get(fd, SOL_SOCKET, SO_KEEPALIVE, &value), 0);
	CHECK_EQ(value, 1);
	value = 5;
	CHECK_EQ(weir__sockopt_set(fd, SOL_SOCKET, 9999, 1), -ENOPROTOOPT);
	CHECK_EQ(weir__sockopt_get(fd, SOL_SOCKET, 9999, &value), -ENOPROTOOPT);
	CHECK_EQ(weir__sockopt_get(0, SOL_SOCKET, SO_ERROR, &value), -ENOTSOCK);
	CHECK_EQ(weir__sockopt_set(-1, SOL_SOCKET, SO_KEEPALIVE, 1), -EBADF);
	CHECK_EQ(value, 5);
	CHECK_EQ(weir__linger_reset(0), -ENOTSOCK);
	CHECK_EQ(weir__linger_reset(-1), -EBADF);
	close(fd);
}

TEST(shutdown_and_getsockname_say_why_not)
{
	struct sockaddr_storage addr;
	socklen_t len = 77;
	int fd = weir__socket(AF_INET, SOCK_STREAM, 0);

	CHECK_EQ(weir__shutdown(fd, SHUT_WR), -ENOTCONN);
	CHECK_EQ(weir__shutdown(fd, 99), -EINVAL);
	CHECK_EQ(weir__shutdown(0, SHUT_WR), -ENOTSOCK);
	CHECK_EQ(weir__shutdown(-1, SHUT_WR), -EBADF);
	CHECK_EQ(weir__getsockname(0, &addr, &len), -ENOTSOCK);
	CHECK_EQ(weir__getsockname(-1, &addr, &len), -EBADF);
	CHECK_EQ(len, 77);
	close(fd);
}
