/* SPDX-License-Identifier: MIT */
/*
 * compare.h - two runs, on the same machine at different times
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "result.h"

/**
 * compare_runs() - say what of weir became slower or faster than its spread
 *
 * The runs have no rounds in common, and the machine may have changed: so what
 * weir did before is first scaled by what its peers in the same group have
 * changed by, in the median.  Then a change is one only if the middle halves of
 * the two do not meet and it is more than 2 %.
 *
 * Return: how many series became worse.
 */
int compare_runs(const struct results *base, const struct results *now,
		 FILE *file);

#endif /* BENCH_COMPARE_H */
