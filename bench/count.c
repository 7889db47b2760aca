/* SPDX-License-Identifier: MIT */
/*
 * count.c - user instructions, counted by callgrind
 *
 * Callgrind is told to begin anew when count_begin() is entered and to write
 * its sum when count_end() is; nothing of its own is needed in this program.
 * Each item is done twice, with different amounts of work: the difference is
 * what one operation costs, and what is there once cancels out.
 */
#include "count.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "count_items.h"
#include "run.h"
#include "tool.h"

/* A change by more than this part of a budget is one. */
#define TOLERANCE 0.03

/* Callgrind knows them by name. */
void count_begin(void);
void count_end(void);

/* Not inlined and not empty, or there would be no call to see. */
__attribute__((noinline)) void count_begin(void)
{
	__asm__ volatile("" : : : "memory");
}

__attribute__((noinline)) void count_end(void)
{
	__asm__ volatile("" : : : "memory");
}

static const struct bench_metric instructions = {
	"user instructions", "per operation", false,
};

int count_run(FILE *list)
{
	for (const struct count_item *item = count_items; item->name; item++) {
		int err;

		if (item->missing)
			continue;
		/* Lazy binding and first allocations are not of interest. */
		err = item->run(item, 1, NULL, NULL);
		for (int twice = 1; err >= 0 && twice <= 2; twice++)
			err = item->run(item, twice, count_begin, count_end);
		if (err < 0)
			return err;
		fprintf(list, "%s|%s|%d\n", item->name, item->contender, err);
	}
	return fflush(list) == 0 ? 0 : -errno;
}

/* The next sum of a file of callgrind's; false at its end. */
static bool next_sum(FILE *file, double *ret_sum)
{
	char line[512];

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "summary: %lf", ret_sum) == 1)
			return true;
	return false;
}

static int read_items(struct results *results, FILE *list, FILE *callgrind)
{
	char name[48], contender[40];
	double once, twice;
	int operations;

	while (fscanf(list, "%47[^|]|%39[^|]|%d ", name, contender,
		      &operations) == 3) {
		struct series *s;

		if (!next_sum(callgrind, &once) || !next_sum(callgrind, &twice))
			return -EINVAL;
		s = results_add(results, "count", name, contender,
				&instructions);
		s->values[s->count++] = (twice - once) / operations;
	}
	return results->count > 0 ? 0 : -EINVAL;
}

int count_read(struct results *results, const char *list,
	       const char *callgrind)
{
	FILE *list_file = fopen(list, "re");
	FILE *callgrind_file = fopen(callgrind, "re");
	int err = -ENOENT;

	if (list_file && callgrind_file) {
		run_describe(results);
		err = read_items(results, list_file, callgrind_file);
	}
	if (list_file)
		fclose(list_file);
	if (callgrind_file)
		fclose(callgrind_file);
	return err;
}

/* What must be the same, or two counts are of different programs. */
static const char *const build_facts[] = {
	"arch", "compiler", "flags", "checks", "jemalloc", NULL,
};

static bool is_comparable(const struct results *counts,
			  const struct results *budget, FILE *file)
{
	for (const char *const *name = build_facts; *name; name++) {
		const char *ours = results_fact(counts, *name);
		const char *theirs = results_fact(budget, *name);

		if (strcmp(ours, theirs) == 0)
			continue;
		fprintf(file, "the budget is of %s \"%s\", this is \"%s\"\n",
			*name, theirs, ours);
		return false;
	}
	return true;
}

/* Whether one count is what it should be. */
static bool check(const struct results *counts, const struct series *b,
		  FILE *file)
{
	const struct series *s = results_find(counts, b);
	double change;

	if (!s || s->count == 0 || b->count == 0) {
		fprintf(file, "%s, %s: not counted\n", b->point, b->contender);
		return false;
	}
	change = (s->values[0] - b->values[0]) / b->values[0];
	if (change <= TOLERANCE && change >= -TOLERANCE)
		return true;
	fprintf(file, "%s, %s: %.1f instructions, %+.1f %% of the budget "
		"of %.1f\n", b->point, b->contender, s->values[0],
		change * 100, b->values[0]);
	return false;
}

enum count_verdict count_check(const struct results *counts,
			       const struct results *budget, FILE *file)
{
	bool is_within = budget->count > 0;

	if (!is_comparable(counts, budget, file))
		return COUNT_NOT_COMPARABLE;
	for (size_t i = 0; i < budget->count; i++)
		if (!check(counts, &budget->all[i], file))
			is_within = false;
	return is_within ? COUNT_WITHIN : COUNT_CHANGED;
}

/* Our own figures only: those of a peer are not ours to keep. */
int count_write_budget(const struct results *counts, FILE *file)
{
	struct results budget = { 0 };
	int err;

	for (const char *const *name = build_facts; *name; name++)
		results_add_fact(&budget, *name, results_fact(counts, *name));
	for (size_t i = 0; i < counts->count; i++) {
		const struct series *s = &counts->all[i];
		struct series *b;

		if (strncmp(s->contender, "weir", 4) != 0 || s->count == 0)
			continue;
		b = results_add(&budget, s->row, s->point, s->contender,
				&instructions);
		b->values[b->count++] = s->values[0];
	}
	err = results_write(&budget, file);
	results_done(&budget);
	return err;
}
