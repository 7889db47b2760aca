/* SPDX-License-Identifier: MIT */
/*
 * count_items.h - what is counted
 */
#ifndef BENCH_COUNT_ITEMS_H
#define BENCH_COUNT_ITEMS_H

typedef void count_mark_fn(void);

struct count_item {
	const char *name;	/* "event, 1 active" */
	const char *contender;
	/*
	 * Do the work @times times, once or twice, between two calls of the
	 * marks (or without, if they are NULL).
	 * Return: how many operations one time has, or -errno.
	 */
	int (*run)(const struct count_item *item, int times,
		   count_mark_fn *begin, count_mark_fn *end);
	const void *ops;
	long arg;
	const char *missing;	/* why it is left out, or NULL */
};

/* Ends with a NULL; items of one name stand together, weir first. */
extern const struct count_item count_items[];

#endif /* BENCH_COUNT_ITEMS_H */
