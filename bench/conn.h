/* SPDX-License-Identifier: MIT */
/*
 * conn.h - idle connections, as a server of each peer has them
 *
 * A connection is a stream socket that is watched for bytes, and a timer that
 * would end it: what its server keeps of its own is not counted.
 */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <stddef.h>

enum { CONN_IDLE_S = 3600 };

/*
 * Watch @count sockets, until the kernel knows of each, and never end: the
 * process that measures it does.
 * Return: 0 or -errno.
 */
typedef int conn_fn(const int *fds, size_t count);

extern conn_fn conn_weir;
#ifdef WEIR_HAVE_LIBEVENT
extern conn_fn conn_libevent;
#else
#define conn_libevent NULL
#endif
#ifdef WEIR_HAVE_LIBEV
extern conn_fn conn_libev;
#else
#define conn_libev NULL
#endif
#ifdef WEIR_HAVE_LIBUV
extern conn_fn conn_libuv;
#else
#define conn_libuv NULL
#endif

#endif /* BENCH_CONN_H */
