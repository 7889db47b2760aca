/* SPDX-License-Identifier: MIT */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

/*
 * weir/base.h - the small values every other header speaks of
 *
 * Rules that hold for the whole library, so that no contract repeats them:
 *
 * Errors     A function that returns int returns 0 (or a count) or a negative
 *            errno value.  On failure no ret_* parameter is written.
 * Time       Always weir_ns: nanoseconds, CLOCK_MONOTONIC unless said.
 * Fork       After fork() every call in the child on an object that the parent
 *            made returns -ECHILD, or does nothing if it returns no int.  The
 *            child may exec, _exit, or make objects of its own; a pool only
 *            if no pool ran when it was forked.
 * Options    A struct of options begins with its own size, so that it can
 *            grow: set .size to sizeof, leave what you do not care about 0.
 *            A NULL pointer means all defaults.  A size the library does not
 *            know is -EINVAL.
 * Threads    "owner only" is the thread that runs the reactor; before a
 *            reactor runs, the thread that made it.  A debug build checks.
 */
#include <stdint.h>

/*
 * Around all declarations: they have C linkage, and stay visible in a library
 * that is built with hidden visibility.
 */
#ifdef __cplusplus
#define WEIR_BEGIN_DECLS \
	extern "C" { \
	_Pragma("GCC visibility push(default)")
#define WEIR_END_DECLS \
	_Pragma("GCC visibility pop") \
	}
#else
#define WEIR_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define WEIR_END_DECLS _Pragma("GCC visibility pop")
#endif

WEIR_BEGIN_DECLS

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0

/* A time span or a point in time, in nanoseconds. */
typedef uint64_t weir_ns;

#define WEIR_NS_PER_USEC UINT64_C(1000)
#define WEIR_NS_PER_MSEC UINT64_C(1000000)
#define WEIR_NS_PER_SEC UINT64_C(1000000000)

/* As a timeout: never.  As a deadline: the end of time. */
#define WEIR_FOREVER UINT64_MAX

/*
 * A token names one registration for one lifetime.  It is a plain value: any
 * thread may keep it, compare it and send to it, for ever.  Once its
 * registration has ended it resolves to nothing, and never to a later one.
 * A struct, so that a file descriptor cannot be passed for a token.
 */
typedef struct weir_token {
	uint64_t bits;
} weir_token;

/**
 * weir_token_none() - the token of nothing; it never resolves
 *
 * Threads: any.
 * Return:  the token whose bits are 0.
 */
static inline weir_token weir_token_none(void)
{
	weir_token none = { 0 };

	return none;
}

/**
 * weir_token_is_none() - whether a token is weir_token_none()
 * @token: any token
 *
 * Threads: any.
 * Return:  1 or 0.
 */
static inline int weir_token_is_none(weir_token token)
{
	return token.bits == 0;
}

/**
 * weir_token_equal() - whether two tokens name the same registration
 * @a: any token
 * @b: any token
 *
 * Threads: any.
 * Return:  1 or 0.
 */
static inline int weir_token_equal(weir_token a, weir_token b)
{
	return a.bits == b.bits;
}

/**
 * weir_version() - the version of the library that is linked
 *
 * Threads: any.
 * Return:  a static string such as "0.1.0".
 */
const char *weir_version(void);

/**
 * weir_clock() - read CLOCK_MONOTONIC
 *
 * A fresh reading, about 23 ns.  Inside a handler weir_reactor_now() costs one
 * load and is what timers count from.
 *
 * Threads: any; async-signal-safe.
 * Return:  nanoseconds.
 */
weir_ns weir_clock(void);

WEIR_END_DECLS

#endif /* WEIR_BASE_H */
