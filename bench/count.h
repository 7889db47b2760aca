/* SPDX-License-Identifier: MIT */
/*
 * count.h - user instructions, counted by callgrind
 *
 * Three steps, which bench/count.sh does in order:
 *
 *     valgrind ... weir-bench count >LIST   does work between two marks
 *     weir-bench counts LIST CALLGRIND      what callgrind saw, as results
 *     weir-bench budget COUNTS BUDGET       against what was agreed upon
 */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

#include "result.h"

/* Do the work; to be run under callgrind.  Return: 0 or -errno. */
int count_run(FILE *list);

/* Make results of both files.  Return: 0 or -errno. */
int count_read(struct results *results, const char *list,
	       const char *callgrind);

enum count_verdict {
	COUNT_WITHIN,
	COUNT_CHANGED,
	COUNT_NOT_COMPARABLE,	/* another compiler, other flags */
};

/* Compare with a budget, and say what differs. */
enum count_verdict count_check(const struct results *counts,
			       const struct results *budget, FILE *file);

/* Write the part of @counts that is a budget.  Return: 0 or -errno. */
int count_write_budget(const struct results *counts, FILE *file);

#endif /* BENCH_COUNT_H */
