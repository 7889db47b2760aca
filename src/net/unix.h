/* SPDX-License-Identifier: MIT */
/*
 * net/unix.h - binding unix sockets
 */
#ifndef WEIR_NET_UNIX_H
#define WEIR_NET_UNIX_H

#include <stdbool.h>
#include <weir/unix.h>

/* Are both options in range? */
bool weir__unix_options_ok(mode_t mode, enum weir_unix_stale stale);

/**
 * weir__unix_name() - bind a unix socket
 * @fd:   the socket
 * @type: its type
 * @mode: 0: the kernel's default
 *
 * Return: 0, -EEXIST (a stale name is to be replaced, and is no socket's) or
 *         another errno of bind(2).
 */
int weir__unix_name(int fd, int type, const struct weir_addr *addr,
		    mode_t mode, enum weir_unix_stale stale);

#endif /* WEIR_NET_UNIX_H */
