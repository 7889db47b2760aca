/* SPDX-License-Identifier: MIT */
/*
 * net/unix.c - what only unix sockets have
 *
 * A name gets its permissions from those of the socket that is bound to it,
 * so they are set on the socket, before.  To change them by path afterwards
 * leaves a while in which anybody may connect, and may hit another file; to
 * set the umask meanwhile hits files that other threads make.
 */
#include "net/unix.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include "net/listener.h"
#include "sys/io.h"
#include "sys/pass.h"
#include "sys/path.h"
#include "sys/socket.h"

_Static_assert(WEIR_UNIX_FDS == WEIR__PASS_MAX, "public and internal agree");

enum {
	NAME_OFFSET = offsetof(struct sockaddr_un, sun_path),
	NAME_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path),
};

int weir_unix_addr(const char *name, struct weir_addr *ret_addr)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len;

	if (!name || (name[0] != '/' && name[0] != '@') ||
	    (name[0] == '@' && name[1] == '\0'))
		return -EINVAL;
	len = strlen(name);
	if (len >= NAME_SIZE)
		return -ENAMETOOLONG;
	memcpy(un.sun_path, name, len);
	/* A path has its NUL behind it, an abstract name in front. */
	if (name[0] == '@')
		un.sun_path[0] = '\0';
	else
		len++;
	*ret_addr = (struct weir_addr){ .len = (socklen_t)(NAME_OFFSET + len) };
	memcpy(&ret_addr->ss, &un, sizeof(un));
	return 0;
}

static bool is_type(int type)
{
	return type == SOCK_STREAM || type == SOCK_SEQPACKET ||
	       type == SOCK_DGRAM;
}

bool weir__unix_options_ok(mode_t mode, enum weir_unix_stale stale)
{
	return (mode & ~(mode_t)0777) == 0 &&
	       (stale == WEIR_UNIX_REFUSE || stale == WEIR_UNIX_REPLACE);
}

static int bind_to(int fd, const struct weir_addr *addr)
{
	return weir__bind(fd, (const struct sockaddr *)&addr->ss, addr->len);
}

/*
 * Does anybody serve the name?  Who may not connect cannot tell; then somebody
 * does.
 *
 * Return: 1, 0 or -errno.
 */
static int is_served(int type, const struct weir_addr *addr)
{
	int fd = weir__socket(AF_UNIX, type, 0);
	int err;

	if (fd < 0)
		return fd;
	err = weir__connect(fd, (const struct sockaddr *)&addr->ss, addr->len);
	weir__close(fd);
	return err != -ECONNREFUSED && err != -ENOENT;
}

/* Return: 0 if the name is free now, -EADDRINUSE, -EEXIST or another -errno. */
static int remove_stale(int type, const struct weir_addr *addr)
{
	const char *path = weir__bind_path(addr);
	struct weir__path_id id;
	int err;

	if (!path)
		return -EADDRINUSE;	/* abstract: it goes with its socket */
	/* First: connecting to what is no socket is refused too. */
	err = weir__path_socket_id(path, &id);
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	err = is_served(type, addr);
	if (err != 0)
		return err < 0 ? err : -EADDRINUSE;
	err = weir__path_remove(path, &id);
	if (err == -ESTALE)
		return -EADDRINUSE;	/* somebody else has just replaced it */
	return err == -ENOENT ? 0 : err;
}

int weir__unix_name(int fd, int type, const struct weir_addr *addr,
		    mode_t mode, enum weir_unix_stale stale)
{
	/* Longer than any name, so that a path has a NUL behind it. */
	struct weir_addr name = { .len = addr->len };
	int err = 0;

	if (addr->len > sizeof(struct sockaddr_un))
		return -EINVAL;
	memcpy(&name.ss, &addr->ss, addr->len);
	if (mode != 0)
		err = weir__socket_mode(fd, mode);
	if (err == 0)
		err = bind_to(fd, &name);
	if (err != -EADDRINUSE || stale != WEIR_UNIX_REPLACE)
		return err;
	err = remove_stale(type, &name);
	return err < 0 ? err : bind_to(fd, &name);
}

static int check_options(const struct weir_unix_options *options)
{
	if (!options)
		return 0;
	if (options->size != sizeof(*options) || options->backlog < 0 ||
	    !weir__unix_options_ok(options->mode, options->stale))
		return -EINVAL;
	return 0;
}

int weir_unix_bind(int type, const struct weir_addr *addr,
		   const struct weir_unix_options *options)
{
	static const struct weir_addr any = {
		.ss = { .ss_family = AF_UNIX },
		.len = NAME_OFFSET,
	};
	int err = check_options(options);
	int fd;

	if (!addr)
		addr = &any;
	if (err < 0 || !is_type(type))
		return -EINVAL;
	if (addr->ss.ss_family != AF_UNIX)
		return -EAFNOSUPPORT;
	fd = weir__socket(AF_UNIX, type, 0);
	if (fd < 0)
		return fd == -ENOBUFS ? -ENOMEM : fd;
	if (options)
		err = weir__unix_name(fd, type, addr, options->mode,
				      options->stale);
	else
		err = bind_to(fd, addr);
	if (err == 0 && options && options->backlog > 0)
		err = weir__listen(fd, options->backlog);
	if (err < 0) {
		weir__close(fd);
		return err;
	}
	return fd;
}

int weir_unix_pair(int type, int ret_fds[2])
{
	int err;

	if (!is_type(type))
		return -EINVAL;
	err = weir__socket_pair(type, ret_fds);
	return err == -ENOBUFS ? -ENOMEM : err;
}

/* Return: 0, -EPROTOTYPE, -EBADF or -ENOTSOCK. */
static int check_domain(int fd)
{
	int domain;
	int err = weir__sockopt_get(fd, SOL_SOCKET, SO_DOMAIN, &domain);

	if (err < 0)
		return err;
	return domain == AF_UNIX ? 0 : -EPROTOTYPE;
}

ssize_t weir_unix_send(int fd, const void *buf, size_t n, const int *fds,
		       size_t count)
{
	int err;

	if (n == 0 || count > WEIR_UNIX_FDS)
		return -EINVAL;
	if (count == 0)
		return weir__send(fd, buf, n);
	/* Others take descriptors without an error, and drop them. */
	err = check_domain(fd);
	return err < 0 ? err : weir__send_fds(fd, buf, n, fds, count);
}

ssize_t weir_unix_recv(int fd, void *buf, size_t n, int *ret_fds, size_t room,
		       struct weir_unix_got *ret_got)
{
	struct weir_unix_got got = { 0 };
	struct weir__received received;
	ssize_t r;

	if (n == 0)
		return -EINVAL;
	r = weir__recv_fds(fd, buf, n, &received);
	if (r < 0)
		return r;
	if (received.is_data_cut)
		got.flags |= WEIR_UNIX_CUT;
	if (received.is_fds_cut || received.count > room) {
		got.flags |= WEIR_UNIX_FDS_LOST;
		for (size_t i = 0; i < received.count; i++)
			weir__close(received.fds[i]);
	} else if (received.count > 0) {
		memcpy(ret_fds, received.fds,
		       received.count * sizeof(ret_fds[0]));
		got.fds = (unsigned)received.count;
	}
	*ret_got = got;
	return r;
}

int weir_unix_peer(int fd, struct weir_unix_peer *ret_peer)
{
	struct ucred cred;
	int err = check_domain(fd);

	if (err == 0)
		err = weir__peer_cred(fd, &cred);
	if (err < 0)
		return err;
	if (cred.uid == (uid_t)-1)
		return -ENOTCONN;
	ret_peer->pid = cred.pid;
	ret_peer->uid = cred.uid;
	ret_peer->gid = cred.gid;
	return 0;
}

int weir_unix_peer_pidfd(int fd)
{
	int err = check_domain(fd);

	if (err < 0)
		return err;
	err = weir__peer_pidfd(fd);
	if (err == -ENODATA)
		return -ENOTCONN;
	return err == -ENOPROTOOPT ? -EOPNOTSUPP : err;
}
