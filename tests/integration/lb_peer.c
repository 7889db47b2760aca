/* SPDX-License-Identifier: MIT */
/*
 * lb_peer.c - servers and clients for the tests of weir-lb
 *
 *     lb_peer serve ADDRESS NAME   an echo server; after a client's last byte
 *                                  it says "bye NAME" and closes
 *     lb_peer hold ADDRESS         listens, alone, and accepts nobody; its
 *                                  queue is full, so a connect to it hangs
 *     lb_peer who ADDRESS [N]      prints the NAME that answers, N times
 *     lb_peer leave ADDRESS        connects, and resets the connection
 *     lb_peer echo ADDRESS BYTES   has so many bytes echoed, ends its side,
 *                                  and prints the NAME
 *     lb_peer flood ADDRESS CONNS  has messages echoed on so many connections;
 *                                  prints "open" when all are; on SIGUSR1 ends
 *                                  them and prints what it has seen
 *
 * ADDRESS is IPv4:PORT.  Exit status 0 if each byte came as it should.  Plain
 * sockets and epoll: nothing here is the library's, so that a mistake of it
 * cannot hide itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

/* How a stream ends: "bye NAME\n". */
#define BYE "bye "
#define BYE_MAX 64

static volatile sig_atomic_t must_end;

static void on_usr1(int signo)
{
	(void)signo;
	must_end = 1;
}

_Noreturn static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in parse_address(const char *text)
{
	struct sockaddr_in addr = { .sin_family = AF_INET };
	char host[64] = "";
	unsigned short port = 0;

	if (sscanf(text, "%63[^:]:%hu", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
		fprintf(stderr, "lb_peer: what is '%s'?\n", text);
		exit(2);
	}
	addr.sin_port = htons(port);
	return addr;
}

static int listen_on(const char *address, int backlog)
{
	struct sockaddr_in addr = parse_address(address);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("bind");
	if (listen(fd, backlog) < 0)
		die("listen");
	return fd;
}

/* Returns a socket, connected or about to be (@flags: SOCK_NONBLOCK). */
static int connect_to(const struct sockaddr_in *addr, int flags)
{
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void watch(int epoll, int op, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, op, fd, &event) < 0)
		die("epoll_ctl");
}

/* --- serve --- */

struct guest {
	int fd;
	int is_last;		/* the client has ended its side */
	size_t length, at;	/* of what is to be sent */
	char buf[16384];
};

static void guest_free(struct guest *g)
{
	close(g->fd);
	free(g);
}

/* Sends what is there; returns -1 when the guest is gone. */
static int guest_send(int epoll, struct guest *g)
{
	while (g->at < g->length) {
		ssize_t n = send(g->fd, g->buf + g->at, g->length - g->at,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			watch(epoll, EPOLL_CTL_MOD, g->fd, EPOLLOUT, g);
			return 0;
		}
		if (n < 0)
			return -1;
		g->at += (size_t)n;
	}
	if (g->is_last)
		return -1;
	return 1;
}

static void guest_turn(int epoll, struct guest *g, const char *name)
{
	int r = guest_send(epoll, g);

	while (r > 0) {
		ssize_t n = recv(g->fd, g->buf, sizeof(g->buf), 0);

		if (n < 0 && errno == EAGAIN) {
			watch(epoll, EPOLL_CTL_MOD, g->fd, EPOLLIN, g);
			return;
		}
		if (n < 0) {
			r = -1;
			break;
		}
		g->at = 0;
		g->length = (size_t)n;
		if (n == 0) {
			g->is_last = 1;
			g->length = (size_t)snprintf(g->buf, sizeof(g->buf),
						     BYE "%s\n", name);
		}
		r = guest_send(epoll, g);
	}
	if (r < 0)
		guest_free(g);
}

static void take_guests(int epoll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		const int on = 1;
		struct guest *g = calloc(1, sizeof(*g));

		if (!g)
			die("calloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		g->fd = fd;
		watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN, g);
	}
}

_Noreturn static void serve(const char *address, const char *name)
{
	int listener = listen_on(address, 4096);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];

	watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				guest_turn(epoll, events[i].data.ptr, name);
			else
				take_guests(epoll, listener);
	}
}

_Noreturn static void hold(const char *address)
{
	struct sockaddr_in addr = parse_address(address);

	/* A backlog of 0 has room for one. */
	listen_on(address, 0);
	if (connect_to(&addr, 0) < 0)
		die("connect");
	printf("full\n");
	fflush(stdout);
	for (;;)
		pause();
}

/* --- leave, who, echo --- */

static int leave(const char *address)
{
	struct sockaddr_in addr = parse_address(address);
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	int fd = connect_to(&addr, 0);

	if (fd < 0)
		die("connect");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	return 0;
}

/* The byte at a place in a stream; repeats only after a long while. */
static char byte_at(size_t place)
{
	return (char)(place ^ (place >> 8) ^ (place >> 16));
}

/* Reads the farewell and prints the name in it; 0 if it is one. */
static int print_farewell(int fd, const char *begun, size_t length)
{
	char text[BYE_MAX] = "";
	ssize_t n = 1;

	if (length > 0)
		memcpy(text, begun, length);
	while (n > 0 && length < sizeof(text) - 1) {
		n = recv(fd, text + length, sizeof(text) - 1 - length, 0);
		length += n > 0 ? (size_t)n : 0;
	}
	if (n < 0 || strncmp(text, BYE, strlen(BYE)) != 0) {
		fprintf(stderr, "lb_peer: no farewell: %s\n",
			n < 0 ? strerror(errno) : text);
		return 1;
	}
	printf("%s", text + strlen(BYE));
	return 0;
}

static int who(const char *address, int count)
{
	struct sockaddr_in addr = parse_address(address);
	int failed = 0;

	for (int i = 0; i < count; i++) {
		int fd = connect_to(&addr, 0);

		if (fd < 0)
			die("connect");
		shutdown(fd, SHUT_WR);
		failed |= print_farewell(fd, NULL, 0);
		close(fd);
	}
	return failed;
}

/* Sends some bytes of the stream from @sent on, and after the last one ends
 * our side.  Returns how many. */
static size_t send_some(int fd, size_t sent, size_t total)
{
	char buf[16384];
	size_t n = total - sent < sizeof(buf) ? total - sent : sizeof(buf);
	ssize_t done;

	for (size_t i = 0; i < n; i++)
		buf[i] = byte_at(sent + i);
	done = send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (done < 0 && errno != EAGAIN)
		die("send");
	if (done > 0 && sent + (size_t)done == total)
		shutdown(fd, SHUT_WR);
	return done > 0 ? (size_t)done : 0;
}

static int echo(const char *address, size_t total)
{
	struct sockaddr_in addr = parse_address(address);
	struct pollfd wait = { .fd = connect_to(&addr, 0) };
	size_t sent = 0, got = 0;
	char buf[16384];

	if (wait.fd < 0)
		die("connect");
	for (;;) {
		ssize_t n = 0, used;

		wait.events = sent < total ? POLLIN | POLLOUT : POLLIN;
		poll(&wait, 1, -1);
		if (wait.revents & POLLOUT)
			sent += send_some(wait.fd, sent, total);
		if (!(wait.revents & (POLLIN | POLLHUP | POLLERR)))
			continue;
		n = recv(wait.fd, buf, sizeof(buf), 0);
		if (n <= 0)
			die("recv");
		for (used = 0; used < n && got < total; used++, got++)
			if (buf[used] != byte_at(got)) {
				fprintf(stderr, "byte %zu is wrong\n", got);
				return 1;
			}
		if (used < n)
			return n - used < BYE_MAX ?
			       print_farewell(wait.fd, buf + used,
					      (size_t)(n - used)) : 1;
		if (got == total)
			return print_farewell(wait.fd, NULL, 0);
	}
}

/* --- flood --- */

/* One message: what is sent, and must come back. */
#define MESSAGE 64

enum phase {
	CONNECTING,
	WAITING,	/* for the rest of a message */
	LEAVING,	/* our side has ended */
	GONE
};

struct caller {
	int fd;
	enum phase phase;
	size_t got;	/* of a message, or of the farewell */
	unsigned number;/* of the message */
};

struct flood {
	int epoll;
	unsigned count, open, gone;
	unsigned long messages, errors;
	struct caller *callers;
};

static void caller_end(struct flood *f, struct caller *c, const char *error)
{
	if (error && f->errors++ < 10)
		fprintf(stderr, "connection %td, message %u: %s\n",
			c - f->callers, c->number, error);
	c->phase = GONE;
	close(c->fd);
	f->gone++;
}

static void fill_message(struct flood *f, struct caller *c, char *buf)
{
	memset(buf, 0, MESSAGE);
	snprintf(buf, MESSAGE, "connection %td message %u", c - f->callers,
		 c->number);
}

/* The next message, or the end.  One message always fits: the last one has
 * come back. */
static void caller_send(struct flood *f, struct caller *c)
{
	char buf[MESSAGE];

	c->got = 0;
	if (must_end) {
		c->phase = LEAVING;
		shutdown(c->fd, SHUT_WR);
		return;
	}
	c->number++;
	fill_message(f, c, buf);
	if (send(c->fd, buf, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
		caller_end(f, c, strerror(errno));
}

static void caller_connected(struct flood *f, struct caller *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		caller_end(f, c, strerror(error));
		return;
	}
	watch(f->epoll, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
	c->phase = WAITING;
	caller_send(f, c);
}

/* The echo of a message, or some of it. */
static void caller_read(struct flood *f, struct caller *c)
{
	char buf[MESSAGE], wanted[MESSAGE];
	ssize_t n = recv(c->fd, buf, MESSAGE - c->got, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	fill_message(f, c, wanted);
	if (n < 0)
		caller_end(f, c, strerror(errno));
	else if (n == 0)
		caller_end(f, c, "closed");
	else if (memcmp(buf, wanted + c->got, (size_t)n) != 0)
		caller_end(f, c, "wrong bytes");
	if (c->phase == GONE)
		return;
	c->got += (size_t)n;
	if (c->got < MESSAGE)
		return;
	/* Its first message has come back: it has reached a server. */
	f->open += c->number == 1;
	f->messages++;
	caller_send(f, c);
}

static void caller_leave(struct flood *f, struct caller *c)
{
	char buf[BYE_MAX];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n > 0)
		c->got += (size_t)n;
	else if (n == 0)
		caller_end(f, c, c->got > strlen(BYE) ? NULL : "no farewell");
	else if (errno != EAGAIN)
		caller_end(f, c, strerror(errno));
}

static void caller_turn(struct flood *f, struct caller *c)
{
	if (c->phase == CONNECTING)
		caller_connected(f, c);
	else if (c->phase == WAITING)
		caller_read(f, c);
	else if (c->phase == LEAVING)
		caller_leave(f, c);
}

/* No more than this many connects at a time, or the backlog is full and SYNs
 * are sent again a second later. */
#define CONNECTS 500

static unsigned connect_more(struct flood *f, unsigned begun,
			     const struct sockaddr_in *addr)
{
	while (begun < f->count && begun < f->open + f->gone + CONNECTS) {
		struct caller *c = &f->callers[begun++];

		c->fd = connect_to(addr, SOCK_NONBLOCK);
		if (c->fd < 0)
			die("connect");
		watch(f->epoll, EPOLL_CTL_ADD, c->fd, EPOLLOUT, c);
	}
	return begun;
}

static void raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int flood(const char *address, unsigned count)
{
	struct sockaddr_in addr = parse_address(address);
	struct flood f = { .epoll = epoll_create1(EPOLL_CLOEXEC),
			   .count = count };
	struct epoll_event events[EVENTS];
	unsigned begun = 0;
	int was_open = 0;

	f.callers = calloc(count, sizeof(*f.callers));
	if (!f.callers)
		die("calloc");
	while (f.gone < count) {
		int n;

		begun = connect_more(&f, begun, &addr);
		n = epoll_wait(f.epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++)
			caller_turn(&f, events[i].data.ptr);
		if (!was_open && f.open + f.gone == count) {
			printf("open %u\n", f.open);
			fflush(stdout);
			was_open = 1;
		}
	}
	printf("conns=%u messages=%lu errors=%lu\n", count, f.messages,
	       f.errors);
	free(f.callers);
	return f.errors > 0;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_usr1 };
	const char *what = argc > 2 ? argv[1] : "";
	int number = argc > 3 ? atoi(argv[3]) : 1;

	sigaction(SIGUSR1, &action, NULL);
	raise_limit();
	if (strcmp(what, "serve") == 0 && argc == 4)
		serve(argv[2], argv[3]);
	if (strcmp(what, "hold") == 0)
		hold(argv[2]);
	if (strcmp(what, "leave") == 0)
		return leave(argv[2]);
	if (strcmp(what, "who") == 0)
		return who(argv[2], number);
	if (strcmp(what, "echo") == 0)
		return echo(argv[2], (size_t)number);
	if (strcmp(what, "flood") == 0)
		return flood(argv[2], (unsigned)number);
	fprintf(stderr, "lb_peer: see lb_peer.c\n");
	return 2;
}
