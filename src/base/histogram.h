/* SPDX-License-Identifier: MIT */
/*
 * base/histogram.h - geometry of a log-linear histogram
 *
 * Each power of two is cut into 32 buckets of equal width:
 *
 *     values            bucket width   buckets
 *     0 .. 63                      1      0 .. 63
 *     64 .. 127                    2     64 .. 95
 *     128 .. 255                   4     96 .. 127
 *     ...
 *     2^39 .. 2^40 - 1          2^34   1120 .. 1151
 *
 * H1  A bucket is one value wide, or at most 1/32 of any value in it.
 *     Hence reporting a bucket's edge for a value errs by less than 3.2 %.
 * H2  The buckets cover 0 .. 2^40 - 1 without gap or overlap, in order.
 * H3  Larger values are counted in the last bucket.  As nanoseconds that is
 *     above 18 minutes; a quantile equal to the last edge means "or more".
 *
 * Only geometry: functions of numbers and of plain arrays.  The live counters
 * belong to the threads that count, which is another floor's matter; what is
 * read here is a snapshot of them, WEIR__HISTOGRAM_BUCKETS words (9 KiB).
 */
#ifndef WEIR_BASE_HISTOGRAM_H
#define WEIR_BASE_HISTOGRAM_H

#include <stdint.h>

enum {
	WEIR__HISTOGRAM_SUB_BITS = 5,
	WEIR__HISTOGRAM_VALUE_BITS = 40,
	WEIR__HISTOGRAM_BUCKETS = (WEIR__HISTOGRAM_VALUE_BITS -
				   WEIR__HISTOGRAM_SUB_BITS + 1)
				  << WEIR__HISTOGRAM_SUB_BITS,
};

/*
 * The bucket that counts @value.  On the path of every event measured, hence
 * inline, and without a branch: both conditionals become moves.
 */
static inline unsigned weir__histogram_bucket(uint64_t value)
{
	const uint64_t max = (UINT64_C(1) << WEIR__HISTOGRAM_VALUE_BITS) - 1;
	unsigned shift;

	value = value < max ? value : max;
	/* The bit or-ed in keeps shift at 0 or above, for the small values. */
	shift = 63u - WEIR__HISTOGRAM_SUB_BITS -
		(unsigned)__builtin_clzll(value |
					  1u << WEIR__HISTOGRAM_SUB_BITS);
	return (shift << WEIR__HISTOGRAM_SUB_BITS) + (unsigned)(value >> shift);
}

/* The smallest and the largest value of @bucket, by its geometry (see H3). */
uint64_t weir__histogram_low(unsigned bucket);
uint64_t weir__histogram_high(unsigned bucket);

/* How many values were counted. */
uint64_t weir__histogram_total(const uint64_t *counts);

/*
 * A value that the share @q of all values counted does not exceed: the upper
 * edge of the bucket in which that share is reached.  @q is clamped to 0 .. 1;
 * 0 gives the smallest value's bucket, 1 the largest's.
 * Return: a value, or 0 if nothing was counted.
 */
uint64_t weir__histogram_quantile(const uint64_t *counts, double q);

#endif /* WEIR_BASE_HISTOGRAM_H */
