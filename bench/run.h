/* SPDX-License-Identifier: MIT */
/*
 * run.h - measuring rows, round by round
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "result.h"

/* Measure the rows that were asked for.  Return: 0 or -ENOENT (no such row). */
int run_rows(struct results *results);

/* What the run was made on and with. */
void run_describe(struct results *results);

#endif /* BENCH_RUN_H */
