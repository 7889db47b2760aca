/* SPDX-License-Identifier: MIT */
/*
 * result.h - what was measured, in memory and as JSON
 *
 * Everything that reports or compares works on this, whether it was measured a
 * moment ago or comes from a file of last year.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench.h"

/* All rounds of one metric of one contender at one point of a row. */
struct series {
	char row[24];
	char point[48];
	char contender[40];
	char metric[24];
	char unit[16];
	char skipped[96];	/* why there are no values, or "" */
	bool more_is_better;
	unsigned count;
	double values[BENCH_ROUNDS_MAX];
};

/* A line of what the run was made on and with. */
struct fact {
	char name[24];
	char value[160];
};

struct results {
	struct fact *facts;
	size_t fact_count;
	struct series *all;
	size_t count;
};

/* A new series; the names are copied, and cut if they are long. */
struct series *results_add(struct results *results, const char *row,
			   const char *point, const char *contender,
			   const struct bench_metric *metric);

void results_add_fact(struct results *results, const char *name,
		      const char *value);

/* The value of a fact, or "". */
const char *results_fact(const struct results *results, const char *name);

/* The same series of another run, or NULL. */
const struct series *results_find(const struct results *results,
				  const struct series *like);

/**
 * results_next_group() - walk through the results
 * @begin: where to begin: 0, then what the last call returned
 *
 * A group has one row, point and metric; its first series is the subject's.
 *
 * Return: the index after the group that begins at @begin.
 */
size_t results_next_group(const struct results *results, size_t begin);

/* Return: 0 or -errno. */
int results_write(const struct results *results, FILE *file);
/* Return: 0, -errno or -EINVAL (not a file of ours, with a message). */
int results_read(struct results *results, const char *path);
void results_done(struct results *results);

#endif /* BENCH_RESULT_H */
