/* SPDX-License-Identifier: MIT */
/*
 * sys/probe.h - static probes, for bpftrace, perf, SystemTap and gdb
 *
 * A probe that nobody listens to is one nop; without <sys/sdt.h> at build time
 * it is nothing.  doc/observing.md lists them with their arguments.
 */
#ifndef WEIR_SYS_PROBE_H
#define WEIR_SYS_PROBE_H

#ifdef WEIR_HAVE_SDT
#include <sys/sdt.h>
/* Its macros have empty argument lists, which clang says where they are used. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define WEIR__PROBE2(name, a, b) DTRACE_PROBE2(weir, name, a, b)
#define WEIR__PROBE3(name, a, b, c) DTRACE_PROBE3(weir, name, a, b, c)
#define WEIR__PROBE4(name, a, b, c, d) DTRACE_PROBE4(weir, name, a, b, c, d)
#else
/* Evaluated by nobody, and still no unused variables. */
#define WEIR__PROBE2(name, a, b) ((void)sizeof(a), (void)sizeof(b))
#define WEIR__PROBE3(name, a, b, c) \
	((void)sizeof(a), (void)sizeof(b), (void)sizeof(c))
#define WEIR__PROBE4(name, a, b, c, d) \
	((void)sizeof(a), (void)sizeof(b), (void)sizeof(c), (void)sizeof(d))
#endif

#endif /* WEIR_SYS_PROBE_H */
