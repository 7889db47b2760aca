/* SPDX-License-Identifier: MIT */
/* compare.c - see compare.h */
#include "compare.h"

#include <string.h>

#include "stat.h"
#include "table.h"

#define LEAST_CHANGE 0.02

/* Above 1: it became worse. */
static double change_of(const struct series *s, double before, double now)
{
	if (before == now || before == 0 || now == 0)
		return 1;
	return s->more_is_better ? before / now : now / before;
}

/* -1, 0 or 1: better, no change that can be called one, worse. */
static int judge(const struct series *base, const struct series *now,
		 double *ret_change)
{
	const struct stat_summary b =
		stat_summarise(base->values, base->count);
	const struct stat_summary n = stat_summarise(now->values, now->count);
	const bool do_meet = b.q1 <= n.q3 && n.q1 <= b.q3;

	*ret_change = change_of(now, b.median, n.median);
	if (do_meet)
		return 0;
	if (*ret_change > 1 + LEAST_CHANGE)
		return 1;
	return *ret_change < 1 / (1 + LEAST_CHANGE) ? -1 : 0;
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
			 double change, FILE *file)
{
	char before[32], after[32];

	fprintf(file, "  %s  %s, %s, %s, %s: %s -> %s %s (%.2f)\n",
		change > 1 ? "worse " : "better", now->row, now->point,
		now->contender, now->metric,
		table_value(stat_summarise(base->values, base->count).median,
			    before, sizeof(before)),
		table_value(stat_summarise(now->values, now->count).median,
			    after, sizeof(after)),
		now->unit, change);
}

int compare_runs(const struct results *base, const struct results *now,
		 FILE *file)
{
	int worse = 0, better = 0, compared = 0;

	print_facts(base, now, file);
	for (size_t i = 0; i < now->count; i++) {
		const struct series *s = &now->all[i];
		const struct series *b = results_find(base, s);
		double change;
		int verdict;

		if (!b || b->count == 0 || s->count == 0)
			continue;
		compared++;
		verdict = judge(b, s, &change);
		if (verdict != 0)
			print_change(b, s, change, file);
		worse += verdict > 0;
		better += verdict < 0;
	}
	fprintf(file, "%d compared: %d worse, %d better, the rest within its "
		"spread\n", compared, worse, better);
	return worse;
}
