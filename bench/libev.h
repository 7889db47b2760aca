/* SPDX-License-Identifier: MIT */
/*
 * libev.h - ev.h, without the warnings of its macros
 *
 * They reach a watcher's callback through another type.  libev is built that
 * way and says so; it is none of ours to repair.
 */
#ifndef BENCH_LIBEV_H
#define BENCH_LIBEV_H

#pragma GCC diagnostic ignored "-Wstrict-aliasing"
#pragma GCC diagnostic ignored "-Wconversion"

/* The functions of the current interface only. */
#define EV_COMPAT3 0
#include <ev.h>

#endif /* BENCH_LIBEV_H */
