/* SPDX-License-Identifier: MIT */
#ifndef WEIR_CONNECT_H
#define WEIR_CONNECT_H

/*
 * weir/connect.h - connecting to somebody without waiting
 */
#include <weir/base.h>
#include <weir/listener.h>

WEIR_BEGIN_DECLS

struct weir_reactor;

/*
 * Called once.  @error is 0, and @token names a source that owns the connected
 * socket, registered for reading and writing, wanting nothing, without a
 * handler: give it one with weir_source_set(), or hand it to a relay.  Or
 * @error is a negative errno (-ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, ...,
 * -ECANCELED if the pool stops) and @token has ended.
 */
typedef void weir_connect_fn(struct weir_reactor *r, weir_token token,
			     int error, void *data);

/**
 * weir_connect() - connect to an address
 * @r:         the reactor
 * @addr:      to whom
 * @timeout:   for this attempt; WEIR_FOREVER: the kernel's own
 * @fn:        called when it is decided, never during this call
 * @data:      passed to @fn
 * @ret_token: receives the token, for weir_connect_cancel()
 *
 * TCP_NODELAY is set on a TCP socket.
 *
 * Threads: owner only.
 * Return:  0 (@fn will be called), or, and @fn is not called: -EINVAL (@fn is
 *          NULL), -ECONNREFUSED, -ENETUNREACH or -EHOSTUNREACH (no way there),
 *          -EADDRNOTAVAIL (no local port is left), -EPERM (a firewall's rule),
 *          -EAFNOSUPPORT, of a unix socket -EAGAIN (its backlog is full),
 *          -EACCES, -ENOENT, -ENOTDIR, -ELOOP or -EPROTOTYPE (no stream socket),
 *          -EMFILE, -ENFILE, -ENOSPC (as weir_source_add()), -ENOMEM,
 *          -ECANCELED (the reactor has stopped) or -ECHILD.
 */
int weir_connect(struct weir_reactor *r, const struct weir_addr *addr,
		 weir_ns timeout, weir_connect_fn *fn, void *data,
		 weir_token *ret_token);

/**
 * weir_connect_cancel() - give up an attempt; its function is not called
 * @r:     the reactor
 * @token: the attempt
 *
 * Threads: owner only.
 * Return:  0, -ESTALE (no such attempt: decided already) or -ECHILD.
 */
int weir_connect_cancel(struct weir_reactor *r, weir_token token);

WEIR_END_DECLS

#endif /* WEIR_CONNECT_H */
