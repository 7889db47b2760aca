/* SPDX-License-Identifier: MIT */
/*
 * compare.h - two runs, on the same machine at different times
 */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

#include "result.h"

/**
 * compare_runs() - say what became slower or faster by more than its spread
 *
 * The runs have no rounds in common, so a change is one only if the middle
 * halves of the two do not meet and it is more than 2 %.
 *
 * Return: how many series became worse.
 */
int compare_runs(const struct results *base, const struct results *now,
		 FILE *file);

#endif /* BENCH_COMPARE_H */
