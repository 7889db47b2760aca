/* SPDX-License-Identifier: MIT */
/* compare.c - see compare.h */
#include "compare.h"

#include <string.h>

#include "stat.h"
#include "table.h"

#define LEAST_CHANGE 0.02

static bool is_weir(const struct series *s)
{
	return strncmp(s->contender, "weir", 4) == 0;
}

/* What became of a series, as a factor; 0 if that cannot be said. */
static double factor_of(const struct results *base, const struct series *s)
{
	const struct series *b = results_find(base, s);
	double before;

	if (!b || b->count == 0 || s->count == 0)
		return 0;
	before = stat_summarise(b->values, b->count).median;
	if (before == 0)
		return 0;
	return stat_summarise(s->values, s->count).median / before;
}

/* By what the machine has changed for the group from @begin to @end. */
static double drift_of(const struct results *base, const struct results *now,
		       size_t begin, size_t end)
{
	double factors[BENCH_ROUNDS_MAX];
	size_t n = 0;

	for (size_t i = begin; i < end && n < BENCH_ROUNDS_MAX; i++) {
		const double factor = factor_of(base, &now->all[i]);

		if (!is_weir(&now->all[i]) && factor > 0)
			factors[n++] = factor;
	}
	return n > 0 ? stat_summarise(factors, n).median : 1;
}

/*
 * Above 1: worse.  1: no change that can be called one.  @drift scales what
 * was before.
 */
static double judge(const struct series *base, const struct series *now,
		    double drift)
{
	const struct stat_summary b =
		stat_summarise(base->values, base->count);
	const struct stat_summary n = stat_summarise(now->values, now->count);
	const bool do_meet = b.q1 * drift <= n.q3 && n.q1 <= b.q3 * drift;
	double change;

	if (do_meet || b.median == 0 || n.median == 0)
		return 1;
	change = n.median / (b.median * drift);
	if (now->more_is_better)
		change = 1 / change;
	if (change > 1 + LEAST_CHANGE || change < 1 / (1 + LEAST_CHANGE))
		return change;
	return 1;
}

static void print_facts(const struct results *base, const struct results *now,
			FILE *file)
{
	for (size_t i = 0; i < base->fact_count; i++) {
		const struct fact *f = &base->facts[i];
		const char *value = results_fact(now, f->name);

		if (strcmp(f->value, value) != 0)
			fprintf(file, "  %-12s %s -> %s\n", f->name, f->value,
				value);
	}
}

static void print_change(const struct series *base, const struct series *now,
			 double drift, double change, FILE *file)
{
	char before[32], after[32];

	fprintf(file, "  %s  %s, %s, %s, %s: %s -> %s %s (%.2f; peers %.2f)\n",
		change > 1 ? "worse " : "better", now->row, now->point,
		now->contender, now->metric,
		table_value(stat_summarise(base->values, base->count).median,
			    before, sizeof(before)),
		table_value(stat_summarise(now->values, now->count).median,
			    after, sizeof(after)),
		now->unit, change, drift);
}

struct tally {
	int compared, worse, better;
};

static void compare_group(const struct results *base,
			  const struct results *now, size_t begin, size_t end,
			  struct tally *tally, FILE *file)
{
	const double drift = drift_of(base, now, begin, end);

	for (size_t i = begin; i < end; i++) {
		const struct series *s = &now->all[i];
		const struct series *b = results_find(base, s);
		double change;

		if (!is_weir(s) || !b || b->count == 0 || s->count == 0)
			continue;
		change = judge(b, s, drift);
		if (change != 1)
			print_change(b, s, drift, change, file);
		tally->compared++;
		tally->worse += change > 1;
		tally->better += change < 1;
	}
}

int compare_runs(const struct results *base, const struct results *now,
		 FILE *file)
{
	struct tally tally = { 0, 0, 0 };
	size_t begin = 0;

	print_facts(base, now, file);
	while (begin < now->count) {
		const size_t end = results_next_group(now, begin);

		compare_group(base, now, begin, end, &tally, file);
		begin = end;
	}
	fprintf(file, "%d compared: %d worse, %d better, the rest within its "
		"spread\n", tally.compared, tally.worse, tally.better);
	return tally.worse;
}
