/* SPDX-License-Identifier: MIT */
#ifndef LB_VALUE_H
#define LB_VALUE_H

/*
 * lb/value.h - what stands on the right of an equal sign
 *
 * Stricter than strtol() and strtod(): the whole text counts, there is no sign,
 * no exponent, no hexadecimal, no NaN, and nothing wraps.
 */
#include <weir/base.h>

/**
 * lb_value_count() - read a whole number
 * @text:      digits only
 * @min:       the least one
 * @max:       the largest one
 * @ret_value: receives it
 *
 * Threads: any.
 * Return:  0, -EINVAL (no number) or -ERANGE.
 */
int lb_value_count(const char *text, uint64_t min, uint64_t max,
		   uint64_t *ret_value);

/**
 * lb_value_seconds() - read seconds, with up to nine digits after the point
 * @text:      such as "30" or "0.25"
 * @min:       the shortest one
 * @max:       the longest one
 * @ret_value: receives it
 *
 * Threads: any.
 * Return:  0, -EINVAL (no number) or -ERANGE.
 */
int lb_value_seconds(const char *text, weir_ns min, weir_ns max,
		     weir_ns *ret_value);

#endif /* LB_VALUE_H */
