/* SPDX-License-Identifier: MIT */
/* table.c - see table.h */
#include "table.h"

#include <math.h>
#include <string.h>

#include "stat.h"

void table_print_title(const struct bench_row *row, FILE *file)
{
	fprintf(file, "\n%s: %s\n", row->name, row->title);
}

const char *table_value(double value, char *buf, size_t size)
{
	int digits = 0;

	/* 0.000123, 1.23, 12.3, 123 and 1230 */
	if (value != 0 && fabs(value) < 100)
		digits = 2 - (int)floor(log10(fabs(value)));
	snprintf(buf, size, "%.*f", digits, value);
	return buf;
}

const char *table_ratio(const struct series *subject,
			const struct series *other, char *buf, size_t size)
{
	const unsigned n = subject->count < other->count ? subject->count :
							   other->count;
	struct stat_ratio r;

	*buf = '\0';
	if (n == 0 || subject == other)
		return buf;
	/* Nothing is no measure of anything. */
	if (stat_summarise(other->values, n).median == 0)
		return buf;
	r = stat_compare(subject->values, other->values, n,
			 subject->more_is_better);
	/* A count is exact, and made once. */
	if (n == 1)
		snprintf(buf, size, "%5.2f", r.median);
	else if (r.confidence > 0)
		snprintf(buf, size, "%5.2f [%.2f, %.2f] %s", r.median, r.low,
			 r.high, stat_verdict_text(r.verdict));
	else
		snprintf(buf, size, "%5.2f %s", r.median,
			 stat_verdict_text(r.verdict));
	return buf;
}

static void print_series(const struct series *subject, const struct series *s,
			 FILE *file)
{
	struct stat_summary summary;
	char value[32], ratio[96];

	if (s->count == 0) {
		fprintf(file, "    %-28s skipped: %s\n", s->contender,
			s->skipped);
		return;
	}
	summary = stat_summarise(s->values, s->count);
	fprintf(file, "    %-28s %10s %6.1f %%  %s\n", s->contender,
		table_value(summary.median, value, sizeof(value)),
		summary.spread * 100,
		table_ratio(subject, s, ratio, sizeof(ratio)));
}

void table_print(const struct results *results, size_t begin, FILE *file)
{
	const char *point = "";

	while (begin < results->count) {
		const size_t end = results_next_group(results, begin);
		const struct series *subject = &results->all[begin];

		if (strcmp(point, subject->point) != 0)
			fprintf(file, "\n  %s\n", subject->point);
		point = subject->point;
		fprintf(file, "    %-28s %10s  spread  %s costs\n",
			subject->metric, subject->unit, subject->contender);
		for (size_t i = begin; i < end; i++)
			print_series(subject, &results->all[i], file);
		begin = end;
	}
}
