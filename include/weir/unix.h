/* SPDX-License-Identifier: MIT */
#ifndef WEIR_UNIX_H
#define WEIR_UNIX_H

/*
 * weir/unix.h - unix sockets: names, descriptors in messages, who the peer is
 *
 * Stream sockets are served by weir/listener.h and reached by weir_connect();
 * here is what only unix sockets have.  All descriptors made here, and those
 * received, are close-on-exec; sockets are non-blocking too.
 *
 * weir_connect() says -EAGAIN where a listener's backlog is full: the kernel
 * has nothing under way then, so try again by a timer.
 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <weir/base.h>
#include <weir/listener.h>

WEIR_BEGIN_DECLS

/**
 * weir_unix_addr() - the address of a name
 * @name:     "/path", or "@name" for one in no file system (abstract): that
 *            any process of the network namespace may bind or connect to
 * @ret_addr: receives the address
 *
 * Threads: any.
 * Return:  0, -EINVAL (@name is NULL, or begins otherwise, or is "@" alone) or
 *          -ENAMETOOLONG (107 bytes fit).
 */
int weir_unix_addr(const char *name, struct weir_addr *ret_addr);

struct weir_unix_options {
	size_t size;		/* sizeof(struct weir_unix_options) */
	mode_t mode;		/* as weir_listener_options.unix_mode */
	enum weir_unix_stale stale;	/* likewise */
	int backlog;		/* above 0: listen too */
};

/**
 * weir_unix_bind() - make a socket that has a name
 * @type:    SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM
 * @addr:    its name; NULL: an abstract one of the kernel's choice, as a
 *           datagram socket needs to get answers
 * @options: or NULL
 *
 * The name stays when the descriptor is closed: the caller removes it.
 *
 * Threads: any.
 * Owns:    the caller closes it.
 * Return:  the descriptor; -EINVAL (an unknown @type, or an option is out of
 *          range), -EAFNOSUPPORT (@addr is no unix socket's), -EADDRINUSE (the
 *          name is somebody's), -EEXIST (WEIR_UNIX_REPLACE, and the name is
 *          not a socket's), -ENOENT or -ENOTDIR (no such folder), -EACCES,
 *          -EPERM or -EROFS (it cannot be written), -ELOOP, -ENOSPC,
 *          -EOPNOTSUPP (datagram sockets cannot listen), -EMFILE, -ENFILE or
 *          -ENOMEM.
 */
int weir_unix_bind(int type, const struct weir_addr *addr,
		   const struct weir_unix_options *options);

/**
 * weir_unix_pair() - two sockets, connected with each other
 * @type:    SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM
 * @ret_fds: receives both
 *
 * Threads: any.
 * Owns:    the caller closes them.
 * Return:  0, -EINVAL (an unknown @type), -EMFILE, -ENFILE or -ENOMEM.
 */
int weir_unix_pair(int type, int ret_fds[2]);

/* So many descriptors go with one message. */
#define WEIR_UNIX_FDS 253

/**
 * weir_unix_send() - send bytes, and open descriptors with them
 * @fd:    a connected unix socket
 * @buf:   the bytes
 * @n:     how many, at least 1: what descriptors travel with
 * @fds:   the descriptors, or NULL
 * @count: how many of them, 0 .. WEIR_UNIX_FDS
 *
 * The descriptors go with the first byte: after a short write they are on
 * their way, and the rest is sent without them.  The receiver has the same
 * open files under numbers of its own, with their positions and flags.
 *
 * Threads: any.
 * Owns:    @fds stay the caller's, who may close them as soon as it returns.
 * Return:  bytes sent, at least 1; -EAGAIN (no room, nothing was sent),
 *          -EINVAL (@n is 0, or @count is out of range), -EBADF (@fd, or one
 *          of @fds), -ENOTSOCK, -EPROTOTYPE (@fds with a socket that is no
 *          unix socket: they would vanish), -EPIPE or -ECONNRESET (the peer is
 *          gone), -ECONNREFUSED (a datagram socket's is), -ENOTCONN, -EMSGSIZE
 *          (too long for a datagram), -ETOOMANYREFS (more descriptors of this
 *          user's are under way than it may have open), -ENOBUFS or -ENOMEM.
 */
ssize_t weir_unix_send(int fd, const void *buf, size_t n, const int *fds,
		       size_t count);

/* In weir_unix_got.flags */
#define WEIR_UNIX_FDS_LOST 0x1u	/* there were more than could be taken */
#define WEIR_UNIX_CUT 0x2u	/* the datagram was longer than the room */

/* What came with the bytes. */
struct weir_unix_got {
	unsigned fds;		/* how many descriptors */
	unsigned flags;		/* WEIR_UNIX_* */
};

/**
 * weir_unix_recv() - receive bytes, and the descriptors that came with them
 * @fd:      a unix socket
 * @buf:     receives the bytes
 * @n:       room for them, at least 1
 * @ret_fds: receives the descriptors; NULL if @room is 0
 * @room:    room for them
 * @ret_got: receives what came beside the bytes
 *
 * One call ends before the bytes that other descriptors came with.  If @room,
 * or the descriptors that this process may still open, do not suffice for all,
 * then those that came are closed, none is given out, and WEIR_UNIX_FDS_LOST
 * says so: half of them would be mistaken for all.
 *
 * Threads: any.
 * Owns:    the caller closes what it receives.
 * Return:  bytes received; 0: the end (a datagram of no bytes looks the same);
 *          -EAGAIN (nothing now), -EINVAL (@n is 0, or a stream socket that is
 *          not connected), -ENOTCONN, -ECONNRESET (the peer is gone, and has
 *          not read all), -EBADF, -ENOTSOCK, -EFAULT or -ENOMEM.
 */
ssize_t weir_unix_recv(int fd, void *buf, size_t n, int *ret_fds, size_t room,
		       struct weir_unix_got *ret_got);

/* Who was at the other end when the connection was made. */
struct weir_unix_peer {
	pid_t pid;		/* 0: of another pid namespace */
	uid_t uid;
	gid_t gid;
};

/**
 * weir_unix_peer() - who the peer is
 * @fd:       a connected unix socket
 * @ret_peer: receives it, as the kernel saw it
 *
 * The process may be gone, and its number another's: see
 * weir_unix_peer_pidfd().
 *
 * Threads: any.
 * Return:  0, -ENOTCONN, -EPROTOTYPE (no unix socket), -EBADF or -ENOTSOCK.
 */
int weir_unix_peer(int fd, struct weir_unix_peer *ret_peer);

/**
 * weir_unix_peer_pidfd() - a descriptor of the peer's process
 * @fd: a connected unix socket
 *
 * It names that process and no later one.  A source of it is READABLE when the
 * process has ended.
 *
 * Threads: any.
 * Owns:    the caller closes it.
 * Return:  the descriptor, -ENOTCONN, -ESRCH (it has ended, and was waited
 *          for), -EOPNOTSUPP (before Linux 6.5), -EPROTOTYPE (no unix socket),
 *          -EMFILE, -ENFILE, -ENOMEM, -EBADF or -ENOTSOCK.
 */
int weir_unix_peer_pidfd(int fd);

WEIR_END_DECLS

#endif /* WEIR_UNIX_H */
