/* SPDX-License-Identifier: MIT */
/*
 * test_errno_net.c - each error of listeners, connects and relays
 */
#include <weir.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "deaf.h"
#include "deny.h"
#include "fixture.h"
#include "probe.h"

static weir_token token;

static struct weir_addr address(const char *text)
{
	struct weir_addr addr;

	CHECK_EQ(weir_addr_parse(text, &addr), 0);
	return addr;
}

static int connect_to(struct weir_reactor *r, const struct weir_addr *addr)
{
	return weir_connect(r, addr, WEIR_NS_PER_SEC, on_connect, NULL, &token);
}

static struct weir_pool *pool;

static int listen_on(const struct weir_addr *addr)
{
	struct weir_listener *l;

	return weir_listener_open(pool, addr, NULL, on_accept, NULL, &l);
}

/* From here on we are nobody, for the kernel's checks of permission. */
static void be_nobody(void)
{
	if (geteuid() == 0)
		CHECK_EQ(seteuid(65534), 0);
}

static void be_root_again(void)
{
	if (getuid() == 0)
		CHECK_EQ(seteuid(0), 0);
}

/* A symlink to itself, and a socket of another type. */
static void other_files(struct weir_reactor *r)
{
	struct weir_addr loop, addr;
	struct fixture_unix u;
	char path[128];
	int fd;

	fixture_unix_open(&u, -1);
	snprintf(path, sizeof(path), "unix:%s/loop", u.folder);
	CHECK_EQ(symlink(path + 5, path + 5), 0);
	strcat(path, "/x");
	loop = address(path);
	CHECK_ERRNO(weir_connect, ELOOP, connect_to(r, &loop));
	snprintf(path, sizeof(path), "unix:%s/dgram", u.folder);
	addr = address(path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr.ss, addr.len), 0);
	CHECK_ERRNO(weir_connect, EPROTOTYPE, connect_to(r, &addr));
	close(fd);
	unlink(path + 5);
	pool = fixture_pool(1);
	CHECK_ERRNO(weir_listener_open, ELOOP, listen_on(&loop));
	weir_pool_free(pool);
	snprintf(path, sizeof(path), "%s/loop", u.folder);
	unlink(path);
	fixture_unix_close(&u);
}

TEST(a_connect_is_refused_by_the_kernel)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_addr addr = address("255.255.255.255:9");
	struct fixture_unix u;
	int filler;

	CHECK_EQ(weir_connect(r, &addr, WEIR_FOREVER, NULL, NULL, &token),
		 -EINVAL);
	CHECK_ERRNO(weir_connect, ENETUNREACH, connect_to(r, &addr));
	addr = address("unix:/nowhere/at/all");
	CHECK_ERRNO(weir_connect, ENOENT, connect_to(r, &addr));
	addr = address("unix:/dev/null/x");
	CHECK_ERRNO(weir_connect, ENOTDIR, connect_to(r, &addr));
	addr.ss.ss_family = AF_MAX - 1;
	CHECK_ERRNO(weir_connect, EAFNOSUPPORT, connect_to(r, &addr));
	other_files(r);
	fixture_unix_open(&u, -1);
	CHECK_ERRNO(weir_connect, ECONNREFUSED, connect_to(r, &u.addr));
	fixture_unix_close(&u);
	fixture_unix_open(&u, 0);
	filler = fixture_connect_unix(u.path);
	CHECK_ERRNO(weir_connect, EAGAIN, connect_to(r, &u.addr));
	close(filler);
	be_nobody();
	CHECK_EQ(chmod(u.path, 0), geteuid() == 65534 ? -1 : 0);
	CHECK_ERRNO(weir_connect, EACCES, connect_to(r, &u.addr));
	be_root_again();
	fixture_unix_close(&u);
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
}

TEST(a_connect_finds_nothing_left)
{
	struct weir_reactor *r = probe_reactor();
	int port, listener = fixture_listen(4, &port);
	struct weir_addr addr = fixture_addr(port);

	deny_descriptors(true);
	CHECK_ERRNO(weir_connect, EMFILE, connect_to(r, &addr));
	deny_descriptors(false);
	deny_call(WEIR__CALL_SOCKET, -ENFILE);
	CHECK_ERRNO(weir_connect, ENFILE, connect_to(r, &addr));
	deny_call(WEIR__CALL_SOCKET, -ENOBUFS);
	CHECK_ERRNO(weir_connect, ENOMEM, connect_to(r, &addr));
	deny_call(WEIR__CALL_CONNECT, -EADDRNOTAVAIL);
	CHECK_ERRNO(weir_connect, EADDRNOTAVAIL, connect_to(r, &addr));
	deny_call(WEIR__CALL_CONNECT, -EHOSTUNREACH);
	CHECK_ERRNO(weir_connect, EHOSTUNREACH, connect_to(r, &addr));
	deny_call(WEIR__CALL_CONNECT, -EPERM);
	CHECK_ERRNO(weir_connect, EPERM, connect_to(r, &addr));
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_connect, ENOSPC, connect_to(r, &addr));
	deny_memory();
	CHECK_ERRNO(weir_connect, ENOMEM, connect_to(r, &addr));
	deny_nothing();
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
	close(listener);
}

static struct weir_addr target;
static int frees;

static void on_free(struct weir_reactor *r, const struct weir_msg *msg, int why)
{
	(void)msg;
	(void)why;
	frees++;
	CHECK_EQ(weir_connect(r, &target, WEIR_FOREVER, on_connect, NULL,
			      &token), -ECANCELED);
}

TEST(a_reactor_that_ends_connects_no_more)
{
	static const struct weir_call call = { run_nothing, on_free };
	struct weir_reactor *r = probe_reactor();
	int port, listener = fixture_listen(4, &port);

	target = fixture_addr(port);
	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
	weir_reactor_free(r);
	CHECK_EQ(frees, 1);
	close(listener);
}

/* --- listeners --- */

TEST(a_listener_is_refused_by_the_kernel)
{
	struct weir_listener_options options = { .size = 1 };
	struct weir_addr addr = address("192.0.2.1:0");
	struct weir_listener *l;
	int port, taken;

	pool = fixture_pool(1);
	CHECK_ERRNO(weir_listener_open, EADDRNOTAVAIL, listen_on(&addr));
	CHECK_EQ(weir_listener_open(pool, &addr, &options, on_accept, NULL,
				    &l), -EINVAL);
	addr.ss.ss_family = AF_MAX - 1;
	CHECK_ERRNO(weir_listener_open, EAFNOSUPPORT, listen_on(&addr));
	taken = fixture_listen(4, &port);
	addr = fixture_addr(port);
	CHECK_ERRNO(weir_listener_open, EADDRINUSE, listen_on(&addr));
	close(taken);
	addr = address("unix:/nowhere/at/all");
	CHECK_ERRNO(weir_listener_open, ENOENT, listen_on(&addr));
	addr = address("unix:/dev/null/x");
	CHECK_ERRNO(weir_listener_open, ENOTDIR, listen_on(&addr));
	be_nobody();
	addr = address("unix:/weir-test-may-not");
	CHECK_ERRNO(weir_listener_open, EACCES, listen_on(&addr));
	be_root_again();
	weir_pool_free(pool);
}

TEST(a_listener_finds_nothing_left)
{
	struct weir_addr addr = fixture_addr(0);

	pool = fixture_pool(1);
	deny_descriptors(true);
	CHECK_ERRNO(weir_listener_open, EMFILE, listen_on(&addr));
	deny_descriptors(false);
	deny_call(WEIR__CALL_SOCKET, -ENFILE);
	CHECK_ERRNO(weir_listener_open, ENFILE, listen_on(&addr));
	deny_call(WEIR__CALL_BIND, -EROFS);
	CHECK_ERRNO(weir_listener_open, EROFS, listen_on(&addr));
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_listener_open, ENOSPC, listen_on(&addr));
	deny_memory();
	CHECK_ERRNO(weir_listener_open, ENOMEM, listen_on(&addr));
	deny_nothing();
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_ERRNO(weir_listener_open, ECANCELED, listen_on(&addr));
	weir_pool_free(pool);
}

TEST(a_listener_is_the_control_threads)
{
	struct weir_addr addr = fixture_addr(0);
	struct weir_listener *l;

	pool = fixture_pool(1);
	CHECK_EQ(weir_listener_open(pool, &addr, NULL, on_accept, NULL, &l), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	CHECK_EQ(weir_listener_close(l), -EBUSY);
	CHECK_ERRNO(weir_listener_open, EBUSY, listen_on(&addr));
	fixture_pool_end(pool);
}

/* --- relays --- */

TEST(a_relay_is_not_started)
{
	struct weir_relay_options options = { .size = 1 };
	struct weir_reactor *r = probe_reactor();
	struct weir_relay *relay = NULL;
	struct probe a = { 0 }, b = { 0 };
	weir_token old;

	probe_add(r, &a, WEIR_READABLE | WEIR_WRITABLE);
	probe_add(r, &b, WEIR_READABLE);
	CHECK_EQ(weir_source_open(r, NULL, NULL, &old), 0);
	CHECK_EQ(weir_relay_start(r, a.token, old, &options, on_relay, NULL,
				  &relay), -EINVAL);
	CHECK_EQ(weir_relay_start(r, a.token, a.token, NULL, on_relay, NULL,
				  &relay), -EINVAL);
	CHECK_EQ(weir_relay_start(r, a.token, old, NULL, on_relay, NULL,
				  &relay), -EINVAL);
	/* Not registered for writing. */
	CHECK_EQ(weir_relay_start(r, a.token, b.token, NULL, on_relay, NULL,
				  &relay), -EINVAL);
	CHECK_EQ(weir_source_remove(r, old), 0);
	CHECK_EQ(weir_relay_start(r, a.token, old, NULL, on_relay, NULL,
				  &relay), -ESTALE);
	CHECK_EQ(weir_relay_start(r, old, a.token, NULL, on_relay, NULL,
				  &relay), -ESTALE);
	deny_memory();
	CHECK_EQ(weir_relay_start(r, a.token, b.token, NULL, on_relay, NULL,
				  &relay), -ENOMEM);
	deny_nothing();
	CHECK(!relay);
	/* Both are as they were. */
	probe_send(&b, 1);
	PROBE_TURN(r, &b, 1, WEIR_READABLE);
	weir_reactor_free(r);
	probe_close(&a);
	probe_close(&b);
}
