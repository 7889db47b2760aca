/* SPDX-License-Identifier: MIT */
/*
 * test_unix.c - the names of unix sockets: whose they are, and for whom
 */
#include <weir/unix.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/fd.h>

#include "sys/fault.h"

#include "harness.h"
#include "service.h"

static const int types[] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };

#define EACH(i, array) size_t i = 0; i < sizeof(array) / sizeof(array[0]); i++

/* A folder with a name that nothing has yet. */
static struct {
	char folder[32], path[64];
	struct weir_addr addr;
} at;

static void set_up(void)
{
	snprintf(at.folder, sizeof(at.folder), "/tmp/weir-test-XXXXXX");
	CHECK(mkdtemp(at.folder));
	snprintf(at.path, sizeof(at.path), "%s/socket", at.folder);
	CHECK_EQ(weir_unix_addr(at.path, &at.addr), 0);
}

static void tear_down(void)
{
	unlink(at.path);
	CHECK_EQ(rmdir(at.folder), 0);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	CHECK_EQ(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static int bind_with(int type, mode_t mode, enum weir_unix_stale stale,
		     int backlog)
{
	const struct weir_unix_options options = {
		.size = sizeof(options),
		.mode = mode,
		.stale = stale,
		.backlog = backlog,
	};

	return weir_unix_bind(type, &at.addr, &options);
}

/* A connected client, or -errno. */
static int try_connect(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	CHECK(fd >= 0);
	if (connect(fd, (struct sockaddr *)&at.addr.ss, at.addr.len) < 0)
		err = -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

TEST(a_name_is_a_path_or_abstract)
{
	char text[WEIR_ADDR_TEXT], longest[110];
	struct weir_addr addr = { .len = 1 };

	CHECK_EQ(weir_unix_addr("/run/a b", &addr), 0);
	CHECK_STR(weir_addr_format(&addr, text, sizeof(text)), "unix:/run/a b");
	CHECK_EQ(weir_unix_addr("@name", &addr), 0);
	CHECK_STR(weir_addr_format(&addr, text, sizeof(text)), "unix:@name");
	/* No NUL behind it: that would be another name. */
	CHECK_EQ(addr.len, sizeof(sa_family_t) + 5);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[107] = '\0';
	CHECK_EQ(weir_unix_addr(longest, &addr), 0);
	CHECK_EQ(weir_addr_format(&addr, text, sizeof(text))[5 + 106], 'x');
	longest[107] = 'x';
	longest[108] = '\0';
	addr.len = 1;
	CHECK_EQ(weir_unix_addr(longest, &addr), -ENAMETOOLONG);
	longest[0] = '@';
	CHECK_EQ(weir_unix_addr(longest, &addr), -ENAMETOOLONG);
	CHECK_EQ(weir_unix_addr(NULL, &addr), -EINVAL);
	CHECK_EQ(weir_unix_addr("", &addr), -EINVAL);
	CHECK_EQ(weir_unix_addr("@", &addr), -EINVAL);
	CHECK_EQ(weir_unix_addr("run/x", &addr), -EINVAL);
	CHECK_EQ(addr.len, 1);
}

TEST(each_type_goes_there_and_back)
{
	for (EACH(i, types)) {
		const int backlog = types[i] == SOCK_DGRAM ? 0 : 8;
		int server, client, taken;
		char buf[8];

		set_up();
		server = bind_with(types[i], 0, WEIR_UNIX_REFUSE, backlog);
		CHECK(server >= 0);
		CHECK(fcntl(server, F_GETFD) & FD_CLOEXEC);
		CHECK(fcntl(server, F_GETFL) & O_NONBLOCK);
		client = try_connect(types[i]);
		CHECK(client >= 0);
		CHECK_EQ(weir_fd_write(client, "ping", 4), 4);
		taken = backlog ? accept4(server, NULL, NULL, SOCK_CLOEXEC) :
				  server;
		CHECK_EQ(weir_fd_read(taken, buf, sizeof(buf)), 4);
		if (backlog)
			close(taken);
		close(client);
		close(server);
		tear_down();
	}
}

TEST(a_datagram_socket_may_have_any_name)
{
	int fds[2], from = weir_unix_bind(SOCK_DGRAM, NULL, NULL);
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	CHECK(from >= 0);
	CHECK_EQ(getsockname(from, (struct sockaddr *)&name, &len), 0);
	CHECK(len > sizeof(sa_family_t));
	fds[0] = weir_unix_bind(SOCK_DGRAM, NULL, NULL);
	CHECK(fds[0] >= 0);
	CHECK_EQ(sendto(fds[0], "x", 1, 0, (struct sockaddr *)&name, len), 1);
	close(fds[0]);
	close(from);
}

TEST(an_abstract_name_goes_with_its_socket)
{
	const struct weir_unix_options replace = {
		.size = sizeof(replace),
		.stale = WEIR_UNIX_REPLACE,
	};
	struct weir_addr addr;
	char name[40];
	int fd;

	snprintf(name, sizeof(name), "@weir-test-%d", getpid());
	CHECK_EQ(weir_unix_addr(name, &addr), 0);
	fd = weir_unix_bind(SOCK_STREAM, &addr, NULL);
	CHECK(fd >= 0);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &addr, NULL), -EADDRINUSE);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &addr, &replace), -EADDRINUSE);
	close(fd);
	fd = weir_unix_bind(SOCK_STREAM, &addr, NULL);
	CHECK(fd >= 0);
	close(fd);
}

/* What the name allows at each call of the kernel after the one that bound. */
static unsigned widest;

static int look_at_mode(enum weir__call call)
{
	(void)call;
	if (access(at.path, F_OK) == 0)
		widest |= mode_of(at.path);
	return 0;
}

TEST(a_name_is_born_with_its_permissions)
{
	int fd;

	set_up();
	umask(0);
	widest = 0;
	weir__fault_hook = look_at_mode;
	fd = bind_with(SOCK_STREAM, 0600, WEIR_UNIX_REFUSE, 8);
	CHECK(fd >= 0);
	weir__fault_hook = NULL;
	CHECK_EQ(widest, 0600);
	CHECK_EQ(mode_of(at.path), 0600);
	close(fd);
	CHECK_EQ(unlink(at.path), 0);
	/* The umask takes away, and nothing is added. */
	umask(0077);
	fd = bind_with(SOCK_STREAM, 0666, WEIR_UNIX_REFUSE, 8);
	CHECK_EQ(mode_of(at.path), 0600);
	close(fd);
	CHECK_EQ(unlink(at.path), 0);
	fd = bind_with(SOCK_DGRAM, 0, WEIR_UNIX_REFUSE, 0);
	CHECK_EQ(mode_of(at.path), 0700);
	close(fd);
	/* That of the process is as it was. */
	CHECK_EQ(umask(0), 0077);
	tear_down();
}

TEST(a_name_that_is_served_is_not_replaced)
{
	for (EACH(i, types)) {
		const int backlog = types[i] == SOCK_DGRAM ? 0 : 1;
		int server, client;

		set_up();
		server = bind_with(types[i], 0, WEIR_UNIX_REFUSE, backlog);
		CHECK(server >= 0);
		/* Also of another type, and with its backlog full. */
		for (int n = 0; n < 5; n++)
			for (EACH(j, types))
				CHECK_EQ(bind_with(types[j], 0,
						   WEIR_UNIX_REPLACE, 0),
					 -EADDRINUSE);
		client = try_connect(types[i]);
		CHECK(client >= 0 || client == -EAGAIN);
		if (client >= 0)
			close(client);
		close(server);
		tear_down();
	}
}

TEST(a_stale_name_is_replaced_if_asked)
{
	for (EACH(i, types)) {
		const int backlog = types[i] == SOCK_DGRAM ? 0 : 1;
		int fd;

		set_up();
		fd = bind_with(types[i], 0, WEIR_UNIX_REFUSE, backlog);
		CHECK(fd >= 0);
		close(fd);	/* as a crash does: the name stays */
		CHECK_EQ(bind_with(types[i], 0, WEIR_UNIX_REFUSE, backlog),
			 -EADDRINUSE);
		fd = bind_with(types[i], 0, WEIR_UNIX_REPLACE, backlog);
		CHECK(fd >= 0);
		close(try_connect(types[i]));
		close(fd);
		tear_down();
	}
}

/* Connecting to it is refused, too. */
TEST(what_is_no_socket_is_never_removed)
{
	struct stat st;

	set_up();
	close(open(at.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	CHECK_ERRNO(weir_unix_bind, EEXIST,
		    bind_with(SOCK_STREAM, 0, WEIR_UNIX_REPLACE, 1));
	CHECK_EQ(unlink(at.path), 0);
	CHECK_EQ(symlink("/nowhere/at/all", at.path), 0);
	CHECK_EQ(bind_with(SOCK_STREAM, 0, WEIR_UNIX_REPLACE, 1), -EEXIST);
	CHECK_EQ(lstat(at.path, &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	tear_down();
}

/* Between the look and the removal somebody else has taken it over. */
static int steal(enum weir__call call)
{
	if (call != WEIR__CALL_CONNECT)
		return 0;
	CHECK_EQ(unlink(at.path), 0);
	close(open(at.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	return -ECONNREFUSED;
}

TEST(a_name_that_changes_hands_is_left_alone)
{
	int fd, keep;

	set_up();
	fd = bind_with(SOCK_STREAM, 0, WEIR_UNIX_REFUSE, 0);
	keep = open(at.path, O_PATH | O_CLOEXEC);	/* so its inode stays */
	weir__fault_hook = steal;
	CHECK_EQ(bind_with(SOCK_STREAM, 0, WEIR_UNIX_REPLACE, 0), -EADDRINUSE);
	weir__fault_hook = NULL;
	CHECK_EQ(access(at.path, F_OK), 0);
	close(keep);
	close(fd);
	tear_down();
}

TEST(what_cannot_be_bound)
{
	struct weir_unix_options odd = { .size = sizeof(odd) };
	struct weir_addr inet = fixture_addr(1), away;
	char path[80];

	set_up();
	CHECK_EQ(weir_unix_bind(SOCK_RAW, &at.addr, NULL), -EINVAL);
	odd.mode = 01000;
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &at.addr, &odd), -EINVAL);
	odd.mode = 0;
	odd.stale = (enum weir_unix_stale)2;
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &at.addr, &odd), -EINVAL);
	odd.stale = WEIR_UNIX_REFUSE;
	odd.backlog = -1;
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &at.addr, &odd), -EINVAL);
	odd.backlog = 1;
	CHECK_EQ(weir_unix_bind(SOCK_DGRAM, &at.addr, &odd), -EOPNOTSUPP);
	CHECK_EQ(unlink(at.path), 0);
	odd.size--;
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &at.addr, &odd), -EINVAL);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &inet, NULL), -EAFNOSUPPORT);
	CHECK_EQ(weir_unix_addr("/nowhere/at/all", &away), 0);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &away, NULL), -ENOENT);
	CHECK_EQ(weir_unix_addr("/proc/self/comm/x", &away), 0);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &away, NULL), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/loop", at.folder);
	CHECK_EQ(symlink("loop", path), 0);
	strcat(path, "/x");
	CHECK_EQ(weir_unix_addr(path, &away), 0);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &away, NULL), -ELOOP);
	path[strlen(path) - 2] = '\0';
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(access(at.path, F_OK), -1);
	tear_down();
}

TEST(a_folder_that_is_not_ours)
{
	set_up();
	if (geteuid() != 0) {
		tear_down();
		SKIP("it takes another user");
	}
	CHECK_EQ(seteuid(65534), 0);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &at.addr, NULL), -EACCES);
	CHECK_EQ(seteuid(0), 0);
	tear_down();
}

static struct {
	enum weir__call call;
	int err;
} broken;

static int break_it(enum weir__call call)
{
	return call == broken.call ? -broken.err : 0;
}

static int bound_where(enum weir__call call, int err)
{
	int r;

	broken.call = call;
	broken.err = err;
	weir__fault_hook = break_it;
	r = weir_unix_bind(SOCK_STREAM, &at.addr, NULL);
	weir__fault_hook = NULL;
	return r;
}

static int paired_where(int err)
{
	int fds[2] = { -7, -7 };
	int r;

	broken.call = WEIR__CALL_SOCKET_PAIR;
	broken.err = err;
	weir__fault_hook = break_it;
	r = weir_unix_pair(SOCK_STREAM, fds);
	weir__fault_hook = NULL;
	CHECK(fds[0] == -7 && fds[1] == -7);
	return r;
}

TEST(where_something_has_run_out)
{
	struct rlimit limit, old;
	int fds[2], fd;

	set_up();
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)fd;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(weir_unix_bind(SOCK_STREAM, &at.addr, NULL), -EMFILE);
	CHECK_EQ(weir_unix_pair(SOCK_STREAM, fds), -EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
	CHECK_EQ(weir_unix_pair(SOCK_RAW, fds), -EINVAL);
	CHECK_ERRNO(weir_unix_pair, ENFILE, paired_where(ENFILE));
	CHECK_ERRNO(weir_unix_pair, ENOMEM, paired_where(ENOMEM));
	CHECK_ERRNO(weir_unix_pair, ENOMEM, paired_where(ENOBUFS));
	CHECK_ERRNO(weir_unix_bind, ENFILE,
		    bound_where(WEIR__CALL_SOCKET, ENFILE));
	CHECK_ERRNO(weir_unix_bind, ENOMEM,
		    bound_where(WEIR__CALL_SOCKET, ENOBUFS));
	CHECK_ERRNO(weir_unix_bind, ENOMEM,
		    bound_where(WEIR__CALL_BIND, ENOMEM));
	CHECK_ERRNO(weir_unix_bind, ENOSPC,
		    bound_where(WEIR__CALL_BIND, ENOSPC));
	CHECK_ERRNO(weir_unix_bind, EROFS, bound_where(WEIR__CALL_BIND, EROFS));
	CHECK_ERRNO(weir_unix_bind, EPERM, bound_where(WEIR__CALL_BIND, EPERM));
	tear_down();
}

TEST(a_listener_takes_over_a_stale_name)
{
	struct weir_listener_options options = {
		.size = sizeof(options),
		.unix_mode = 0600,
		.unix_stale = WEIR_UNIX_REPLACE,
	};
	struct weir_pool *pool = fixture_pool(1);
	struct weir_listener *listener, *other;
	struct service s;

	set_up();
	umask(0);
	close(bind_with(SOCK_STREAM, 0666, WEIR_UNIX_REFUSE, 1));
	CHECK_EQ(weir_listener_open(pool, &at.addr, &options,
				    service_on_accept, &s, &listener), 0);
	CHECK_EQ(mode_of(at.path), 0600);
	CHECK_EQ(weir_listener_open(pool, &at.addr, &options,
				    service_on_accept, &s, &other),
		 -EADDRINUSE);
	options.unix_mode = 010000;
	CHECK_EQ(weir_listener_open(pool, &at.addr, &options,
				    service_on_accept, &s, &other), -EINVAL);
	options.unix_mode = 0;
	options.unix_stale = (enum weir_unix_stale)7;
	CHECK_EQ(weir_listener_open(pool, &at.addr, &options,
				    service_on_accept, &s, &other), -EINVAL);
	weir_pool_free(pool);
	CHECK_EQ(access(at.path, F_OK), -1);
	/* What is no socket stays. */
	pool = fixture_pool(1);
	options.unix_stale = WEIR_UNIX_REPLACE;
	close(open(at.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	CHECK_EQ(weir_listener_open(pool, &at.addr, &options,
				    service_on_accept, &s, &other), -EEXIST);
	weir_pool_free(pool);
	CHECK_EQ(access(at.path, F_OK), 0);
	tear_down();
}
