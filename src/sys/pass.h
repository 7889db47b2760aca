/* SPDX-License-Identifier: MIT */
/*
 * sys/pass.h - bytes with open descriptors, through unix sockets
 */
#ifndef WEIR_SYS_PASS_H
#define WEIR_SYS_PASS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The kernel takes no more with one message (SCM_MAX_FD). */
enum { WEIR__PASS_MAX = 253 };

struct weir__received {
	bool is_data_cut;	/* a datagram was longer than the room */
	bool is_fds_cut;	/* some descriptors could not be taken */
	size_t count;		/* of .fds, which are close-on-exec */
	int fds[WEIR__PASS_MAX];
};

/**
 * weir__send_fds() - send bytes, and descriptors with the first of them
 * @n:     at least 1
 * @count: 0 .. WEIR__PASS_MAX
 *
 * No SIGPIPE.
 *
 * Return: bytes sent, or -errno of sendmsg(2).
 */
ssize_t weir__send_fds(int fd, const void *buf, size_t n, const int *fds,
		       size_t count);

/**
 * weir__recv_fds() - receive bytes, and what came with them
 *
 * Other control messages are dropped; a pidfd in one of them (SO_PASSPIDFD) is
 * closed.
 *
 * Return: bytes received, 0 at the end, or -errno of recvmsg(2).
 */
ssize_t weir__recv_fds(int fd, void *buf, size_t n,
		       struct weir__received *ret_received);

#endif /* WEIR_SYS_PASS_H */
