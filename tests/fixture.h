/* SPDX-License-Identifier: MIT */
/*
 * tests/fixture.h - pools and sockets for the tests of net/
 *
 * What cannot work fails the test: no function here reports an error.
 */
#ifndef WEIR_TESTS_FIXTURE_H
#define WEIR_TESTS_FIXTURE_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <weir.h>

/* A pool that is NEW and serves no signals. */
struct weir_pool *fixture_pool(unsigned workers);

/* Stop, join and free. */
void fixture_pool_end(struct weir_pool *pool);

typedef void fixture_fn(struct weir_reactor *r, void *arg);

/* Call @fn on @worker (WEIR_CONTROL allowed) and wait until it has returned. */
void fixture_on(struct weir_pool *pool, int worker, fixture_fn *fn, void *arg);

/*
 * Wait until every thread has gone through two more turns: what it was about
 * to do is done, and its numbers are published.
 */
void fixture_settle(struct weir_pool *pool);

/* One counter of a worker, or of WEIR_ALL, by its place in the struct. */
#define FIXTURE_STAT(pool, worker, member) \
	fixture_stat(pool, worker, offsetof(struct weir_stats, member))
uint64_t fixture_stat(const struct weir_pool *pool, int worker, size_t offset);

void fixture_wait(sem_t *sem);

/*
 * Wait until that much time has gone by on @worker's clock: its timers that
 * were due by then have fired.
 */
void fixture_pass(struct weir_pool *pool, int worker, weir_ns ns);

/* Wait until thread @tid of this process sleeps in the kernel. */
void fixture_wait_asleep(pid_t tid);

/* The calling thread does nothing for a while. */
void fixture_sleep_ms(unsigned ms);

/* 127.0.0.1 and a port. */
struct weir_addr fixture_addr(int port);
int fixture_port(const struct weir_addr *addr);

/* A blocking TCP socket that listens on 127.0.0.1; *ret_port is its port. */
int fixture_listen(int backlog, int *ret_port);

/* A port of 127.0.0.1 on which nobody listens; held by the fd returned. */
int fixture_dead_port(int *ret_port);

/* A blocking TCP connection to 127.0.0.1. */
int fixture_connect(int port);
int fixture_connect_unix(const char *path);

/* A blocking unix socket that has a name, in a folder of its own. */
struct fixture_unix {
	char folder[32];
	char path[64];
	struct weir_addr addr;
	int fd;
};

/* It does not listen if @backlog is below 0. */
void fixture_unix_open(struct fixture_unix *u, int backlog);
void fixture_unix_close(struct fixture_unix *u);

/*
 * From here on the test has a network of its own: a loopback, and @ports (two
 * numbers) for the kernel to choose from.  Skips the test where that cannot be.
 */
void fixture_tiny_network(const char *ports);

/* Two ends of a TCP connection: [0] is blocking, [1] is not. */
void fixture_tcp_pair(int fds[2]);

/*
 * The same with buffers of a few KiB.  They are set before the connection is
 * made: TCP crawls where a window shrinks below the segments it is used to.
 */
void fixture_small_tcp_pair(int fds[2]);

/* The same of a unix socket pair. */
void fixture_unix_pair(int fds[2]);

/* Have close() send a reset. */
void fixture_reset_on_close(int fd);

/* What stands at position @n of stream @seed. */
uint8_t fixture_byte(unsigned seed, uint64_t n);

/* Write bytes @from .. @to - 1 of stream @seed, in pieces of random size. */
void fixture_send(int fd, unsigned seed, uint64_t from, uint64_t to);

/*
 * Read up to @to bytes, or to the end, in pieces of random size, and compare
 * them with stream @seed from byte @from on.
 *
 * Return: the position reached; *ret_errno (unless NULL) is 0 at the end of
 *         the stream or at @to, else what read() failed with.
 */
uint64_t fixture_receive(int fd, unsigned seed, uint64_t from, uint64_t to,
			 int *ret_errno);

/* 0 .. limit - 1, from a state of the caller's that is never 0. */
uint64_t fixture_random(uint64_t *state, uint64_t limit);

#endif /* WEIR_TESTS_FIXTURE_H */
