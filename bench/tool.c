/* SPDX-License-Identifier: MIT */
/* tool.c - see tool.h */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

_Noreturn void tool_die(const char *what, int error)
{
	fprintf(stderr, "weir-bench: %s: %s\n", what, strerror(abs(error)));
	exit(1);
}

int tool_compare_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

long tool_scaled(long count, long least)
{
	const long scaled = (long)((double)count * bench_options.scale);

	return scaled < least ? least : scaled;
}

/* Those the process began with; the main thread asks first. */
static const cpu_set_t *allowed_cpus(void)
{
	static cpu_set_t allowed;
	static bool is_known;

	if (!is_known)
		sched_getaffinity(0, sizeof(allowed), &allowed);
	is_known = true;
	return &allowed;
}

void tool_pin(unsigned which)
{
	const cpu_set_t *allowed = allowed_cpus();
	cpu_set_t one;
	unsigned seen = 0;

	if (!bench_options.is_pinned)
		return;
	which %= (unsigned)CPU_COUNT(allowed);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, allowed) || seen++ != which)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

void tool_unpin(void)
{
	sched_setaffinity(0, sizeof(cpu_set_t), allowed_cpus());
}

void tool_raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	/* Root may go beyond the hard limit; others get what they have. */
	if (limit.rlim_max < 65536) {
		const struct rlimit more = { 65536, 65536 };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

pthread_t tool_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, fn, arg);

	if (err)
		tool_die("pthread_create", err);
	return thread;
}

int tool_listen(int *ret_fd)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, 4096) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

void tool_ring(int eventfd)
{
	const uint64_t one = 1;

	if (write(eventfd, &one, sizeof(one)) < 0)
		tool_die("eventfd", errno);
}

void tool_set_up_socket(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	/* A reset on close leaves no port in TIME_WAIT for the next round. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
		   sizeof(struct linger));
}

int tool_connect(int listener, int *ret_client, int *ret_server)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int server, err;

	if (client < 0)
		return -errno;
	if (getsockname(listener, (struct sockaddr *)&addr, &len) < 0 ||
	    connect(client, (struct sockaddr *)&addr, len) < 0 ||
	    (server = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0) {
		err = -errno;
		close(client);
		return err;
	}
	tool_set_up_socket(client);
	tool_set_up_socket(server);
	*ret_client = client;
	*ret_server = server;
	return 0;
}
