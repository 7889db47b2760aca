/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what a row of the bench is made of
 *
 * A row measures one kind of work, at several points (sizes), for several
 * contenders.  All contenders of a point are measured in turn, round after
 * round, so that whatever else the machine does meets all of them.
 *
 * The first contender of a row is its subject, weir; the others are compared
 * with it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BENCH_ROUNDS_MAX = 64,
	BENCH_METRICS_MAX = 6,
};

/* What one round yields, in this order in its array of values. */
struct bench_metric {
	const char *name;
	const char *unit;
	bool more_is_better;
};

/* A size.  What a, b and c mean is the row's affair. */
struct bench_point {
	const char *name;	/* "idle 9000, active 100" */
	long a, b, c;
	bool is_long;		/* only with --long */
	unsigned rounds_most;	/* unless --long; 0: as many as asked for */
};

struct bench_contender {
	const char *name;
	const void *ops;	/* the row's own kind of table */
	long arg;		/* for the row, to tell variants apart */
	const char *missing;	/* why it cannot be measured, or NULL */
};

struct bench_row {
	const char *name;
	const char *title;
	const char *method;	/* what is measured, for the report */
	const struct bench_metric *metrics;	/* each list ends with a NULL */
	const struct bench_point *points;
	const struct bench_contender *contenders;
	bool has_threads;	/* of its own; else the main thread does it */
	/*
	 * What all contenders of a point share, such as connections.  Either
	 * may be NULL.  Return: 0 or -errno.
	 */
	int (*prepare)(const struct bench_point *point, void **ret_shared);
	void (*finish)(void *shared);
	/* One round of one contender.  Return: 0 or -errno. */
	int (*round)(void *shared, const struct bench_point *point,
		     const struct bench_contender *contender, double *values);
};

/* Ends with a NULL. */
extern const struct bench_row *const bench_rows[];

struct bench_options {
	unsigned rounds;
	bool is_pinned;
	bool is_long;
	double scale;	/* of the work in a round; 1, or 0.01 with --quick */
	const char *json;
	char **rows;	/* names, ending with NULL; empty: all */
};

extern struct bench_options bench_options;

#endif /* BENCH_H */
