/* SPDX-License-Identifier: MIT */
/*
 * socket.c - sockets, always non-blocking and close-on-exec
 */
#include "sys/socket.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "sys/fault.h"

/* Newer than the C library of some. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

/*
 * Each failure that is retried has used up one waiting connection, so a few in
 * a row are bad luck.  This many mean that the listener itself is at fault,
 * which a loop without end would hide.
 */
#define ACCEPT_TRIES 32

int weir__socket(int domain, int type, int protocol)
{
	int r = weir__fault(WEIR__CALL_SOCKET);

	if (r < 0)
		return r;
	type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
	return (int)weir__result(socket(domain, type, protocol));
}

int weir__bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	int r = weir__fault(WEIR__CALL_BIND);

	if (r < 0)
		return r;
	return (int)weir__result(bind(fd, addr, len));
}

int weir__listen(int fd, int backlog)
{
	int r = weir__fault(WEIR__CALL_LISTEN);

	if (r < 0)
		return r;
	return (int)weir__result(listen(fd, backlog));
}

/* Does this error of accept concern the one connection only? */
static bool is_connections_own(int r)
{
	switch (-r) {
	case EINTR:
	case ECONNABORTED:
	/* accept(2), "Error handling": as EAGAIN, to be retried. */
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

int weir__accept(int fd, struct sockaddr_storage *ret_peer,
		 socklen_t *ret_len)
{
	struct sockaddr_storage peer;
	socklen_t len;
	int r = -EINTR;

	for (int i = 0; i < ACCEPT_TRIES && is_connections_own(r); i++) {
		len = sizeof(peer);
		r = weir__fault(WEIR__CALL_ACCEPT);
		if (r == 0)
			r = (int)weir__result(accept4(
				fd, ret_peer ? (struct sockaddr *)&peer : NULL,
				ret_peer ? &len : NULL,
				SOCK_NONBLOCK | SOCK_CLOEXEC));
	}
	if (r >= 0 && ret_peer) {
		*ret_peer = peer;
		*ret_len = len;
	}
	return r;
}

int weir__connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int r = weir__fault(WEIR__CALL_CONNECT);

	if (r == 0)
		r = (int)weir__result(connect(fd, addr, len));
	/* Interrupted, it goes on; a second call would say EALREADY. */
	return r == -EINTR ? -EINPROGRESS : r;
}

int weir__shutdown(int fd, int how)
{
	int r = weir__fault(WEIR__CALL_SHUTDOWN);

	if (r < 0)
		return r;
	return (int)weir__result(shutdown(fd, how));
}

int weir__sockopt_set(int fd, int level, int name, int value)
{
	int r = weir__fault(WEIR__CALL_SOCKOPT_SET);

	if (r < 0)
		return r;
	return (int)weir__result(setsockopt(fd, level, name, &value,
					    sizeof(value)));
}

int weir__sockopt_get(int fd, int level, int name, int *ret_value)
{
	int value = 0;
	socklen_t len = sizeof(value);
	int r = weir__fault(WEIR__CALL_SOCKOPT_GET);

	if (r < 0)
		return r;
	r = (int)weir__result(getsockopt(fd, level, name, &value, &len));
	if (r < 0)
		return r;
	*ret_value = value;
	return 0;
}

int weir__linger_reset(int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	int r = weir__fault(WEIR__CALL_SOCKOPT_SET);

	if (r < 0)
		return r;
	return (int)weir__result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
					    sizeof(linger)));
}

int weir__reuseport_program(int fd, const struct sock_filter *code,
			    size_t count)
{
	const struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = (struct sock_filter *)code,
	};
	int r = weir__fault(WEIR__CALL_SOCKOPT_SET);

	if (r < 0)
		return r;
	return (int)weir__result(setsockopt(fd, SOL_SOCKET,
					    SO_ATTACH_REUSEPORT_CBPF, &program,
					    sizeof(program)));
}

int weir__getsockname(int fd, struct sockaddr_storage *ret_addr,
		      socklen_t *ret_len)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int r = weir__fault(WEIR__CALL_GETSOCKNAME);

	if (r < 0)
		return r;
	r = (int)weir__result(getsockname(fd, (struct sockaddr *)&addr, &len));
	if (r < 0)
		return r;
	*ret_addr = addr;
	*ret_len = len;
	return 0;
}

int weir__socket_mode(int fd, mode_t mode)
{
	int r = weir__fault(WEIR__CALL_SOCKET_MODE);

	if (r < 0)
		return r;
	return (int)weir__result(fchmod(fd, mode));
}

int weir__socket_pair(int type, int ret_fds[2])
{
	int fds[2];
	int r = weir__fault(WEIR__CALL_SOCKET_PAIR);

	if (r < 0)
		return r;
	r = (int)weir__result(socketpair(AF_UNIX, type | SOCK_NONBLOCK |
					 SOCK_CLOEXEC, 0, fds));
	if (r < 0)
		return r;
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return 0;
}

int weir__peer_cred(int fd, struct ucred *ret_cred)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int r = weir__fault(WEIR__CALL_SOCKOPT_GET);

	if (r < 0)
		return r;
	r = (int)weir__result(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred,
					 &len));
	if (r < 0)
		return r;
	*ret_cred = cred;
	return 0;
}

int weir__peer_pidfd(int fd)
{
	int pidfd;
	int r = weir__sockopt_get(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd);

	return r < 0 ? r : pidfd;
}
