/* SPDX-License-Identifier: MIT */
/*
 * fixture.c - pools and sockets for the tests of net/
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

struct weir_pool *fixture_pool(unsigned workers)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = workers,
		.flags = WEIR_POOL_NO_SIGNALS,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	return pool;
}

void fixture_pool_end(struct weir_pool *pool)
{
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(weir_pool_join(pool), 0);
	CHECK(!weir_pool_free(pool));
}

struct errand {
	fixture_fn *fn;
	void *arg;
	sem_t done;
};

static void errand_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct errand *errand = msg->arg;

	(void)data;
	errand->fn(r, errand->arg);
	sem_post(&errand->done);
}

void fixture_on(struct weir_pool *pool, int worker, fixture_fn *fn, void *arg)
{
	static const struct weir_call call = { .run = errand_run };
	struct errand errand = { .fn = fn, .arg = arg };
	int err;

	CHECK_EQ(sem_init(&errand.done, 0, 0), 0);
	do {
		err = weir_post(pool, worker, &call, &errand, 0);
	} while (err == -EAGAIN);
	CHECK_EQ(err, 0);
	fixture_wait(&errand.done);
	sem_destroy(&errand.done);
}

static void nothing(struct weir_reactor *r, void *arg)
{
	(void)r;
	(void)arg;
}

void fixture_settle(struct weir_pool *pool)
{
	for (int i = WEIR_CONTROL; i < weir_pool_workers(pool); i++)
		for (int turn = 0; turn < 3; turn++)
			fixture_on(pool, i, nothing, NULL);
}

uint64_t fixture_stat(const struct weir_pool *pool, int worker, size_t offset)
{
	struct weir_stats stats = { .size = sizeof(stats) };
	uint64_t value;

	CHECK_EQ(weir_pool_stats(pool, worker, &stats), 0);
	memcpy(&value, (const char *)&stats + offset, sizeof(value));
	return value;
}

void fixture_wait(sem_t *sem)
{
	int r;

	do {
		r = sem_wait(sem);
	} while (r < 0 && errno == EINTR);
	CHECK_EQ(r, 0);
}

struct pass {
	weir_ns ns;
	sem_t over;
	struct weir_timer *timer;
};

static void passed(struct weir_reactor *r, struct weir_timer *timer, void *data)
{
	struct pass *pass = data;

	(void)r;
	weir_timer_free(timer);
	sem_post(&pass->over);
}

static void pass_begin(struct weir_reactor *r, void *arg)
{
	struct pass *pass = arg;

	CHECK_EQ(weir_timer_new(r, passed, pass, &pass->timer), 0);
	CHECK_EQ(weir_timer_start(pass->timer, pass->ns), 0);
}

void fixture_pass(struct weir_pool *pool, int worker, weir_ns ns)
{
	struct pass pass = { .ns = ns };

	CHECK_EQ(sem_init(&pass.over, 0, 0), 0);
	fixture_on(pool, worker, pass_begin, &pass);
	fixture_wait(&pass.over);
	sem_destroy(&pass.over);
}

static char state_of(pid_t tid)
{
	char path[64], text[128] = "";
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	file = fopen(path, "re");
	CHECK(file != NULL);
	CHECK(fgets(text, sizeof(text), file) != NULL);
	fclose(file);
	end = strrchr(text, ')');	/* of its name */
	CHECK(end != NULL && end[1] == ' ');
	return end[2];
}

void fixture_wait_asleep(pid_t tid)
{
	while (state_of(tid) != 'S')
		sched_yield();
}

void fixture_sleep_ms(unsigned ms)
{
	const struct timespec time = {
		.tv_sec = ms / 1000,
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	nanosleep(&time, NULL);
}

struct weir_addr fixture_addr(int port)
{
	struct weir_addr addr;
	char text[WEIR_ADDR_TEXT];

	snprintf(text, sizeof(text), "127.0.0.1:%d", port);
	CHECK_EQ(weir_addr_parse(text, &addr), 0);
	return addr;
}

int fixture_port(const struct weir_addr *addr)
{
	struct sockaddr_in in;

	memcpy(&in, &addr->ss, sizeof(in));
	return ntohs(in.sin_port);
}

static int bind_any(int *ret_port)
{
	struct weir_addr addr = fixture_addr(0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr.ss, addr.len), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&addr.ss, &addr.len), 0);
	*ret_port = fixture_port(&addr);
	return fd;
}

int fixture_listen(int backlog, int *ret_port)
{
	int fd = bind_any(ret_port);

	CHECK_EQ(listen(fd, backlog), 0);
	return fd;
}

int fixture_dead_port(int *ret_port)
{
	return bind_any(ret_port);
}

int fixture_connect(int port)
{
	const struct weir_addr addr = fixture_addr(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	CHECK_EQ(connect(fd, (const struct sockaddr *)&addr.ss, addr.len), 0);
	return fd;
}

int fixture_connect_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	CHECK_EQ(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

void fixture_unix_open(struct fixture_unix *u, int backlog)
{
	char text[WEIR_ADDR_TEXT];

	snprintf(u->folder, sizeof(u->folder), "/tmp/weir-test-XXXXXX");
	CHECK(mkdtemp(u->folder));
	snprintf(u->path, sizeof(u->path), "%s/socket", u->folder);
	snprintf(text, sizeof(text), "unix:%s", u->path);
	CHECK_EQ(weir_addr_parse(text, &u->addr), 0);
	u->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(u->fd >= 0);
	CHECK_EQ(bind(u->fd, (struct sockaddr *)&u->addr.ss, u->addr.len), 0);
	if (backlog >= 0)
		CHECK_EQ(listen(u->fd, backlog), 0);
}

void fixture_unix_close(struct fixture_unix *u)
{
	close(u->fd);
	CHECK_EQ(unlink(u->path), 0);
	CHECK_EQ(rmdir(u->folder), 0);
}

void fixture_tiny_network(const char *ports)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET) < 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		SKIP("no network namespace can be made");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	ifr.ifr_flags = IFF_UP | IFF_LOOPBACK;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		SKIP("the loopback cannot be switched on");
	close(fd);
	fd = open("/proc/sys/net/ipv4/ip_local_port_range",
		  O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, ports, strlen(ports)) < 0)
		SKIP("the ephemeral ports cannot be chosen");
	close(fd);
}

static void set_buffers(int fd, int size)
{
	if (size == 0)
		return;
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
		 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)),
		 0);
}

static void tcp_pair(int fds[2], int size)
{
	struct weir_addr addr;
	int port;
	int listener = bind_any(&port);

	set_buffers(listener, size);	/* what it accepts inherits them */
	CHECK_EQ(listen(listener, 1), 0);
	addr = fixture_addr(port);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fds[0] >= 0);
	set_buffers(fds[0], size);
	CHECK_EQ(connect(fds[0], (struct sockaddr *)&addr.ss, addr.len), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK(fds[1] >= 0);
	close(listener);
}

void fixture_tcp_pair(int fds[2])
{
	tcp_pair(fds, 0);
}

void fixture_small_tcp_pair(int fds[2])
{
	tcp_pair(fds, 8192);
}

void fixture_unix_pair(int fds[2])
{
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	CHECK_EQ(weir_fd_set_nonblock(fds[1], 1), 0);
}

void fixture_reset_on_close(int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
			    sizeof(linger)), 0);
}

uint8_t fixture_byte(unsigned seed, uint64_t n)
{
	/* A period of 251 * 65,536: no buffer's size divides it. */
	return (uint8_t)(n % 251 + n / 251 / 7 + seed * 101);
}

uint64_t fixture_random(uint64_t *state, uint64_t limit)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return (x >> 11) % limit;
}

enum { CHUNK = 100000 };

void fixture_send(int fd, unsigned seed, uint64_t from, uint64_t to)
{
	static _Thread_local uint8_t buf[CHUNK];
	uint64_t state = seed + 88172645463325252u;

	while (from < to) {
		uint64_t n = 1 + fixture_random(&state, CHUNK);
		uint64_t done = 0;

		n = n < to - from ? n : to - from;
		for (uint64_t i = 0; i < n; i++)
			buf[i] = fixture_byte(seed, from + i);
		while (done < n) {
			ssize_t r = send(fd, buf + done, n - done,
					 MSG_NOSIGNAL);

			CHECK(r > 0);
			done += (uint64_t)r;
		}
		from += n;
	}
}

uint64_t fixture_receive(int fd, unsigned seed, uint64_t from, uint64_t to,
			 int *ret_errno)
{
	static _Thread_local uint8_t buf[CHUNK];
	uint64_t state = seed + 2463534242u;
	ssize_t r = 1;

	while (from < to && r > 0) {
		uint64_t n = 1 + fixture_random(&state, CHUNK);

		n = n < to - from ? n : to - from;
		r = recv(fd, buf, n, 0);
		for (ssize_t i = 0; i < r; i++, from++)
			if (buf[i] != fixture_byte(seed, from))
				test_fail(__FILE__, __LINE__,
					  "byte %ju is wrong", (uintmax_t)from);
	}
	CHECK(r >= 0 || ret_errno);
	if (ret_errno)
		*ret_errno = r < 0 ? errno : 0;
	return from;
}
