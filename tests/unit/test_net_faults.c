/* SPDX-License-Identifier: MIT */
/*
 * test_net_faults.c - every system call of net/ made to fail in turn
 *
 * A whole life, client -> listener -> connect -> relay -> echo and back, with
 * the n-th call failing, for n = 1, 2, ... until none is left to fail.  Each
 * time everything must end, nothing may leak (the harness and the sanitizers
 * look), and a client that was not served must have been given a reason.
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "sys/fault.h"

enum { BYTES = 150000 };

/* What each call fails with; 0: it is not net's, and left alone. */
static const int failures[WEIR__CALL_COUNT] = {
	[WEIR__CALL_EPOLL_CTL] = ENOSPC,
	[WEIR__CALL_SEND] = EPIPE,
	[WEIR__CALL_RECV] = ECONNRESET,
	[WEIR__CALL_SENDV] = EPIPE,
	[WEIR__CALL_CLOSE] = EIO,
	[WEIR__CALL_FCNTL] = EBADF,
	[WEIR__CALL_STAT] = EACCES,
	[WEIR__CALL_UNLINK] = EACCES,
	[WEIR__CALL_SOCKET] = EMFILE,
	[WEIR__CALL_BIND] = EADDRINUSE,
	[WEIR__CALL_LISTEN] = EADDRINUSE,
	[WEIR__CALL_ACCEPT] = EMFILE,
	[WEIR__CALL_CONNECT] = ENETUNREACH,
	[WEIR__CALL_SHUTDOWN] = ENOTCONN,
	[WEIR__CALL_SOCKOPT_SET] = EINVAL,
	[WEIR__CALL_SOCKOPT_GET] = ENOBUFS,
	[WEIR__CALL_GETSOCKNAME] = ENOBUFS,
	[WEIR__CALL_ALLOC] = ENOMEM,
};

static struct {
	pthread_mutex_t lock;
	bool is_on;
	int left;		/* until the one that fails */
	enum weir__call failed;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int hook(enum weir__call call)
{
	int r = 0;

	pthread_mutex_lock(&fault.lock);
	if (fault.is_on && failures[call] && --fault.left == 0) {
		fault.failed = call;
		r = -failures[call];
	}
	pthread_mutex_unlock(&fault.lock);
	return r;
}

static void fault_begin(int n)
{
	pthread_mutex_lock(&fault.lock);
	fault.is_on = true;
	fault.left = n;
	pthread_mutex_unlock(&fault.lock);
}

/* Starting threads is the pool's affair, and tested there. */
static void start_without_fault(struct weir_pool *pool)
{
	pthread_mutex_lock(&fault.lock);
	fault.is_on = false;
	pthread_mutex_unlock(&fault.lock);
	CHECK_EQ(weir_pool_start(pool), 0);
	pthread_mutex_lock(&fault.lock);
	fault.is_on = true;
	pthread_mutex_unlock(&fault.lock);
}

/* Return: whether a call failed. */
static bool fault_end(void)
{
	bool has_failed;

	pthread_mutex_lock(&fault.lock);
	fault.is_on = false;
	has_failed = fault.left <= 0;
	pthread_mutex_unlock(&fault.lock);
	return has_failed;
}

struct life {
	struct weir_addr listen_at, backend_at;
	int backend;		/* listens */
	weir_token client;	/* the accepted side */
	int errors;		/* reasons given; the worker's */
	int error;		/* the last of them */
	bool is_finished;	/* the relay ended well */
};

static enum weir_verdict no_handler(struct weir_reactor *r,
				    const struct weir_event *event, void *data)
{
	(void)data;
	if (event->facts & WEIR_STOPPING)
		weir_source_close(r, event->token);
	return WEIR_MORE;
}

static void give_reason(struct life *life, int error)
{
	CHECK(error < 0);
	life->errors++;
	life->error = error;
}

static void on_end(struct weir_reactor *r,
		   const struct weir_relay_result *result, void *data)
{
	struct life *life = data;

	(void)r;
	life->is_finished = result->end == WEIR_RELAY_FINISHED;
	if (result->end == WEIR_RELAY_ERROR) {
		give_reason(life, result->error);
	}
}

static void on_connected(struct weir_reactor *r, weir_token token, int error,
			 void *data)
{
	struct life *life = data;
	struct weir_relay *relay;
	int err = error;

	if (err == 0) {
		err = weir_relay_start(r, life->client, token, NULL, on_end,
				       life, &relay);
		if (err < 0)
			weir_source_close(r, token);
	}
	if (err == 0)
		return;
	give_reason(life, err);
	weir_source_close(r, life->client);
}

static void on_accept(struct weir_reactor *r, int fd,
		      const struct weir_addr *peer, void *data)
{
	struct life *life = data;
	weir_token token;
	int err;

	(void)peer;
	err = weir_source_add(r, fd, WEIR_READABLE | WEIR_WRITABLE, no_handler,
			      NULL, &life->client);
	if (err < 0) {
		give_reason(life, err);
		close(fd);
		return;
	}
	weir_source_want(r, life->client, 0);
	err = weir_connect(r, &life->backend_at, WEIR_FOREVER, on_connected,
			   life, &token);
	if (err < 0) {
		give_reason(life, err);
		weir_source_close(r, life->client);
	}
}

/* Sends back what comes, on each connection until the listener is shut. */
static void *echo(void *arg)
{
	static char buf[1000];
	int listener = *(const int *)arg;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		ssize_t n;

		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
			if (send(fd, buf, (size_t)n, MSG_NOSIGNAL) < 0)
				break;
		close(fd);
	}
	return NULL;
}

static void *send_all(void *arg)
{
	static char buf[BYTES];
	int fd = *(const int *)arg;

	if (send(fd, buf, sizeof(buf), MSG_NOSIGNAL) == sizeof(buf))
		shutdown(fd, SHUT_WR);
	return NULL;
}

/* Return: whether all came back, and then an orderly end. */
static bool be_client(const struct weir_addr *addr)
{
	static char buf[1000];
	pthread_t sender;
	size_t got = 0;
	ssize_t n;
	int fd;

	fd = socket(addr->ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0);
	n = connect(fd, (const struct sockaddr *)&addr->ss, addr->len);
	if (n == 0) {
		CHECK_EQ(pthread_create(&sender, NULL, send_all, &fd), 0);
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
			got += (size_t)n;
		pthread_join(sender, NULL);
	}
	close(fd);
	return n == 0 && got == BYTES;
}

static bool addr_is_unix(const struct weir_addr *addr)
{
	return addr->ss.ss_family == AF_UNIX;
}

/* A unix socket's name is left behind if the call that removes it fails. */
static void remove_name(const struct weir_addr *addr)
{
	if (addr_is_unix(addr))
		unlink(((const struct sockaddr_un *)&addr->ss)->sun_path);
}

/* Return: whether the n-th call was there to fail. */
static bool live(struct life *life, enum weir_listener_mode mode, int n)
{
	const struct weir_listener_options options = {
		.size = sizeof(options),
		.mode = mode,
	};
	struct weir_pool *pool = fixture_pool(1);
	struct weir_listener *listener;
	bool is_served = false, has_failed;
	int err;

	life->errors = 0;
	life->is_finished = false;
	remove_name(&life->listen_at);
	fault_begin(n);
	err = weir_listener_open(pool, &life->listen_at, &options, on_accept,
				 life, &listener);
	if (err == 0) {
		struct weir_addr addr;

		CHECK_EQ(weir_listener_addr(listener, &addr), 0);
		start_without_fault(pool);
		is_served = be_client(&addr);
	}
	weir_pool_free(pool);
	has_failed = fault_end();
	if (err < 0)
		CHECK_EQ(err, -failures[fault.failed]);
	else if (!is_served)
		CHECK(life->errors > 0);
	else	/* a unix socket's peer cannot be told of a failure */
		CHECK(life->is_finished || addr_is_unix(&life->listen_at));
	if (!has_failed && !is_served)
		test_fail(__FILE__, __LINE__, "no call failed, but: %s",
			  strerror(-life->error));
	return has_failed;
}

static void fail_each(struct life *life, enum weir_listener_mode mode)
{
	pthread_t backend;
	int port, n = 1;

	life->backend = fixture_listen(1024, &port);
	life->backend_at = fixture_addr(port);
	CHECK_EQ(pthread_create(&backend, NULL, echo, &life->backend), 0);
	while (live(life, mode, n))
		n++;
	NOTE("%d calls", n - 1);
	CHECK(n > 30);
	shutdown(life->backend, SHUT_RDWR);
	pthread_join(backend, NULL);
	close(life->backend);
}

TEST(sharded_each_call_fails_in_turn)
{
	struct life life = { .listen_at = fixture_addr(0) };

	weir__fault_hook = hook;
	fail_each(&life, WEIR_LISTENER_SHARDED);
}

TEST(steered_each_call_fails_in_turn)
{
	struct life life = { .listen_at = fixture_addr(0) };

	weir__fault_hook = hook;
	fail_each(&life, WEIR_LISTENER_STEERED);
}

TEST(handoff_each_call_fails_in_turn)
{
	struct life life = { .listen_at = fixture_addr(0) };

	weir__fault_hook = hook;
	fail_each(&life, WEIR_LISTENER_HANDOFF);
}

TEST(unix_each_call_fails_in_turn)
{
	char folder[] = "/tmp/weir-test-XXXXXX", text[80];
	struct life life = { 0 };

	CHECK(mkdtemp(folder));
	snprintf(text, sizeof(text), "unix:%s/socket", folder);
	CHECK_EQ(weir_addr_parse(text, &life.listen_at), 0);
	weir__fault_hook = hook;
	fail_each(&life, WEIR_LISTENER_SHARDED);
	CHECK_EQ(rmdir(folder), 0);
}
