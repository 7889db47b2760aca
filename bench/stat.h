/* SPDX-License-Identifier: MIT */
/*
 * stat.h - medians, spreads, and when a difference may be called one
 */
#ifndef BENCH_STAT_H
#define BENCH_STAT_H

#include <stdbool.h>
#include <stddef.h>

struct stat_summary {
	double median;
	double q1, q3;		/* quartiles */
	double spread;		/* (q3 - q1) / 2 as a part of the median */
};

/* Of @n values, 1 .. BENCH_ROUNDS_MAX. */
struct stat_summary stat_summarise(const double *values, size_t n);

enum stat_verdict {
	STAT_TOO_FEW,		/* rounds, for an interval of 95 % */
	STAT_NO_DIFFERENCE,	/* none that is larger than chance or spread */
	STAT_BETTER,
	STAT_WORSE,
};

/*
 * How much the subject costs for one of what the other costs: below 1 the
 * subject is better, also where more of the unit is better.
 */
struct stat_ratio {
	double median;
	double low, high;	/* confidence interval of the median */
	double confidence;	/* its exact level; 0: too few rounds */
	double spread;		/* of the ratios, as above */
	enum stat_verdict verdict;
};

/**
 * stat_compare() - the subject against another, round by round
 * @subject: @n values
 * @other:   @n values; those of one index are of the same round
 *
 * Values that were 0 on both sides count as equal.
 */
struct stat_ratio stat_compare(const double *subject, const double *other,
			       size_t n, bool more_is_better);

/* "faster" and so on, for a table. */
const char *stat_verdict_text(enum stat_verdict verdict);

#endif /* BENCH_STAT_H */
