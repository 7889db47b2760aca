/* SPDX-License-Identifier: MIT */
/*
 * net/bind.c - sockets that listen
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/un.h>

#include "net/listener.h"
#include "net/unix.h"
#include "sys/io.h"
#include "sys/socket.h"

struct option {
	int level, name;
};

/* Return: 0, or the first error. */
static int set_all(int fd, const struct option *options, int count)
{
	int err = 0;

	for (int i = 0; err == 0 && i < count; i++)
		err = weir__sockopt_set(fd, options[i].level, options[i].name,
					1);
	return err;
}

static int set_options(int fd, int family, bool is_shared)
{
	static const struct option common[] = {
		/* An earlier process's TIME_WAITs are no reason to wait. */
		{ SOL_SOCKET, SO_REUSEADDR },
		/* Inherited by what is accepted: saves a call for each. */
		{ IPPROTO_TCP, TCP_NODELAY },
		{ SOL_SOCKET, SO_REUSEPORT },
	};
	/* So that "*:80" and "[::]:80" exclude each other nowhere. */
	static const struct option ipv6_only = { IPPROTO_IPV6, IPV6_V6ONLY };
	int err = 0;

	if (family == AF_INET6)
		err = set_all(fd, &ipv6_only, 1);
	if (err == 0)
		err = set_all(fd, common, is_shared ? 3 : 2);
	return err;
}

static int bind_inet(int fd, const struct weir_addr *addr, bool is_shared)
{
	int err = set_options(fd, addr->ss.ss_family, is_shared);

	if (err < 0)
		return err;
	return weir__bind(fd, (const struct sockaddr *)&addr->ss, addr->len);
}

int weir__bind_socket(const struct weir_listener *l)
{
	const struct weir_addr *addr = &l->addr;
	const bool is_shared = weir__mode_is_shared(l->mode);
	const int family = addr->ss.ss_family;
	int err = 0;
	int fd;

	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return -EAFNOSUPPORT;
	fd = weir__socket(family, SOCK_STREAM, 0);
	if (fd < 0)
		return fd == -ENOBUFS ? -ENOMEM : fd;
	if (family == AF_UNIX)
		err = weir__unix_name(fd, SOCK_STREAM, addr, l->unix_mode,
				      l->unix_stale);
	else
		err = bind_inet(fd, addr, is_shared);
	if (err < 0) {
		weir__close(fd);
		return err;
	}
	return fd;
}

const char *weir__bind_path(const struct weir_addr *addr)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&addr->ss;

	/* One that begins with a NUL is in no file system. */
	if (addr->ss.ss_family != AF_UNIX ||
	    addr->len <= offsetof(struct sockaddr_un, sun_path) ||
	    un->sun_path[0] == '\0')
		return NULL;
	return un->sun_path;
}
