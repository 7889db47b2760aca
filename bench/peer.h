/* SPDX-License-Identifier: MIT */
/*
 * peer.h - the peers, and what each of them does for a row
 *
 * Each peer is written as somebody who knows it well would write it, and says
 * in a comment what it chose.  Those that were not found by configure have
 * tables all the same, with .missing set.
 *
 * All peers of a program share its malloc: with jemalloc, which takes the
 * place of libc's for the whole process.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#if defined(__clang__)
#define BENCH_COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define BENCH_COMPILER "gcc " __VERSION__
#else
#define BENCH_COMPILER "unknown"
#endif

#define PEER_NO_LIBEVENT "built without libevent"
#define PEER_NO_LIBEV "built without libev"
#define PEER_NO_LIBUV "built without libuv"
#define PEER_NO_LIBURING "built without liburing"

#ifdef WEIR_HAVE_LIBEVENT
#define PEER_LIBEVENT NULL
#else
#define PEER_LIBEVENT PEER_NO_LIBEVENT
#endif
#ifdef WEIR_HAVE_LIBEV
#define PEER_LIBEV NULL
#else
#define PEER_LIBEV PEER_NO_LIBEV
#endif
#ifdef WEIR_HAVE_LIBUV
#define PEER_LIBUV NULL
#else
#define PEER_LIBUV PEER_NO_LIBUV
#endif
#ifdef WEIR_HAVE_LIBURING
#define PEER_LIBURING NULL
#else
#define PEER_LIBURING PEER_NO_LIBURING
#endif

/* "none" if it was not found. */
const char *peer_libevent_version(void);
const char *peer_libev_version(void);
const char *peer_libuv_version(void);
const char *peer_liburing_version(void);

#endif /* BENCH_PEER_H */
