/* SPDX-License-Identifier: MIT */
/*
 * sys/socket.h - sockets, always non-blocking and close-on-exec
 *
 * Bytes go in and out through sys/io.h.
 */
#ifndef WEIR_SYS_SOCKET_H
#define WEIR_SYS_SOCKET_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct sock_filter;

/**
 * weir__socket() - open a socket, non-blocking, close-on-exec
 *
 * Return: the fd, -EAFNOSUPPORT, -EPROTONOSUPPORT, -EINVAL, -EACCES, -EMFILE,
 *         -ENFILE, -ENOBUFS or -ENOMEM.
 */
int weir__socket(int domain, int type, int protocol);

/**
 * weir__bind() - give a socket its own address
 *
 * Return: 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EINVAL (bound already) or
 *         another errno of bind(2).
 */
int weir__bind(int fd, const struct sockaddr *addr, socklen_t len);

/**
 * weir__listen() - accept connections
 * @backlog: how many may wait; the kernel caps it at somaxconn
 *
 * Return: 0, -EADDRINUSE or -EOPNOTSUPP (not a kind of socket that listens).
 */
int weir__listen(int fd, int backlog);

/**
 * weir__accept() - take one waiting connection, non-blocking, close-on-exec
 * @ret_peer: receives its address; NULL if @ret_len is
 * @ret_len:  receives the address's length; NULL if @ret_peer is
 *
 * An error that concerns one connection only, which is then gone, is passed
 * over and the next one taken: see accept(2), "Error handling".  After 32 in a
 * row the last is returned.  (TCP mostly hands out a connection that was reset
 * while it waited; the first read tells.)
 *
 * Return: the fd, -EAGAIN (none waits), -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM
 *         (out of resources: the connection still waits, and an edge-triggered
 *         listener gets no other edge for it), -EPERM (firewall), -EINVAL (not
 *         listening), -EBADF, -ENOTSOCK or, see above, -ECONNABORTED ...
 */
int weir__accept(int fd, struct sockaddr_storage *ret_peer,
		 socklen_t *ret_len);

/**
 * weir__connect() - connect, or begin to
 *
 * Return: 0 (connected), -EINPROGRESS (wait until the socket is writable, then
 *         ask SO_ERROR), -ECONNREFUSED, -ENETUNREACH, -EADDRNOTAVAIL (no port
 *         left), -EAGAIN (AF_UNIX: the listener's backlog is full; nothing is
 *         in progress) or another errno of connect(2).
 */
int weir__connect(int fd, const struct sockaddr *addr, socklen_t len);

/**
 * weir__shutdown() - end one or both directions
 * @how: SHUT_RD, SHUT_WR or SHUT_RDWR
 *
 * Return: 0, -ENOTCONN, -EINVAL, -EBADF or -ENOTSOCK.
 */
int weir__shutdown(int fd, int how);

/**
 * weir__sockopt_set() - set an option that is an int
 *
 * Return: 0, -ENOPROTOOPT (no such option), -EINVAL, -EPERM, -EBADF or
 *         -ENOTSOCK.
 */
int weir__sockopt_set(int fd, int level, int name, int value);

/**
 * weir__sockopt_get() - get an option that is an int
 *
 * Reading SO_ERROR also clears it.
 *
 * Return: 0, -ENOPROTOOPT (no such option), -EINVAL, -EBADF or -ENOTSOCK.
 */
int weir__sockopt_get(int fd, int level, int name, int *ret_value);

/**
 * weir__linger_reset() - have the last close of a socket reset its connection
 *
 * A TCP peer then sees ECONNRESET, not the end of the stream, and what was not
 * sent yet is thrown away.  Other sockets close as ever.
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int weir__linger_reset(int fd);

/**
 * weir__reuseport_program() - choose among the sockets that share an address
 * @fd:    one of them; the program is all of theirs
 * @code:  classic BPF, copied; it returns the number of a socket, in the order
 *         in which they began to listen.  For what is no number of one the
 *         kernel chooses by hash.
 * @count: instructions
 *
 * Return: 0, -EINVAL (no program, or @fd shares no address), -ENOPROTOOPT (the
 *         kernel knows no such programs), -ENOMEM (also: longer than
 *         net.core.optmem_max has room for), -EPERM, -EBADF or -ENOTSOCK.
 */
int weir__reuseport_program(int fd, const struct sock_filter *code,
			    size_t count);

/**
 * weir__socket_mode() - the permissions that a unix socket's name will have
 *
 * Before weir__bind(), which takes the process's umask away from them.
 *
 * Return: 0 or -EBADF.
 */
int weir__socket_mode(int fd, mode_t mode);

/**
 * weir__socket_pair() - two unix sockets, non-blocking, close-on-exec
 *
 * Return: 0, -EMFILE, -ENFILE, -ENOMEM or another errno of socketpair(2).
 */
int weir__socket_pair(int type, int ret_fds[2]);

/**
 * weir__peer_cred() - who is at the other end of a unix socket
 *
 * Others, and those that are not connected, have a uid of -1.
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int weir__peer_cred(int fd, struct ucred *ret_cred);

/**
 * weir__peer_pidfd() - a pidfd of the process at the other end
 *
 * Return: the fd, -ENOPROTOOPT (before Linux 6.5), -ENODATA (not connected),
 *         -ESRCH, -EMFILE, -ENFILE, -ENOMEM, -EBADF or -ENOTSOCK.
 */
int weir__peer_pidfd(int fd);

/**
 * weir__getsockname() - the socket's own address
 *
 * Return: 0, -EBADF, -ENOTSOCK or -ENOBUFS.
 */
int weir__getsockname(int fd, struct sockaddr_storage *ret_addr,
		      socklen_t *ret_len);

#endif /* WEIR_SYS_SOCKET_H */
