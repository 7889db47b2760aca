/* SPDX-License-Identifier: MIT */
/*
 * tests/stress.h - how long a stress test goes on, and where
 *
 * 200 ms, or as many seconds as WEIR_STRESS_SECONDS says; then the limit of
 * the harness wants to be raised too (WEIR_TEST_TIMEOUT_FACTOR).  The verdict
 * never depends on it.
 */
#ifndef WEIR_TESTS_STRESS_H
#define WEIR_TESTS_STRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <weir/base.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#define HAS_SANITIZER \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define HAS_SANITIZER 0
#endif

static inline weir_ns stress_end(void)
{
	const char *text = getenv("WEIR_STRESS_SECONDS");
	double seconds = text ? strtod(text, NULL) : 0;

	if (seconds <= 0)
		seconds = 0.2;
	return weir_clock() + (weir_ns)(seconds * 1e9);
}

static inline bool stress_is_over(weir_ns end)
{
	return weir_clock() >= end;
}

#endif /* WEIR_TESTS_STRESS_H */
