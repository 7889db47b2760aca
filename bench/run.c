/* SPDX-License-Identifier: MIT */
/*
 * run.c - measuring rows, round by round
 *
 * The order within a round moves on by one each time, so that none of the
 * contenders always follows the same other one.  One round before the first is
 * thrown away: it has the page faults, the lazy binding and the cold caches.
 */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "table.h"
#include "tool.h"

struct run {
	struct results *results;
	const struct bench_row *row;
	const struct bench_point *point;
	void *shared;
	size_t base;		/* of its series in results */
	size_t contenders;
	size_t metrics;
};

static unsigned rounds_of(const struct bench_point *point)
{
	const unsigned most = point->rounds_most;

	if (most == 0 || bench_options.is_long || bench_options.rounds < most)
		return bench_options.rounds;
	return most;
}

static void show_progress(const struct run *run, unsigned round)
{
	const unsigned rounds = rounds_of(run->point);
	const unsigned width = 24;
	const unsigned filled = width * round / rounds;

	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%-12s %-28s [", run->row->name,
		run->point->name);
	for (unsigned i = 0; i < width; i++)
		putc(i < filled ? '#' : '.', stderr);
	fprintf(stderr, "] %u/%u", round, rounds);
	fflush(stderr);
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static struct series *series_of(const struct run *run, size_t contender,
				size_t metric)
{
	return &run->results->all[run->base + metric * run->contenders +
				  contender];
}

static void skip(const struct run *run, size_t contender, const char *why)
{
	for (size_t m = 0; m < run->metrics; m++) {
		struct series *s = series_of(run, contender, m);

		snprintf(s->skipped, sizeof(s->skipped), "%s", why);
		s->count = 0;
	}
}

static bool is_skipped(const struct run *run, size_t contender)
{
	return series_of(run, contender, 0)->skipped[0] != '\0';
}

static void add_series(struct run *run)
{
	const struct bench_row *row = run->row;

	run->base = run->results->count;
	run->metrics = 0;
	for (const struct bench_metric *m = row->metrics; m->name; m++) {
		run->metrics++;
		run->contenders = 0;
		for (const struct bench_contender *c = row->contenders;
		     c->name; c++) {
			run->contenders++;
			results_add(run->results, row->name, run->point->name,
				    c->name, m);
		}
	}
}

static void measure(const struct run *run, size_t contender, bool is_kept)
{
	double values[BENCH_METRICS_MAX] = { 0 };
	int err;

	if (is_skipped(run, contender))
		return;
	err = run->row->round(run->shared, run->point,
			      &run->row->contenders[contender], values);
	if (err < 0) {
		skip(run, contender, strerror(-err));
		return;
	}
	for (size_t m = 0; is_kept && m < run->metrics; m++) {
		struct series *s = series_of(run, contender, m);

		s->values[s->count++] = values[m];
	}
}

static void run_rounds(const struct run *run)
{
	const unsigned rounds = rounds_of(run->point);

	for (size_t c = 0; c < run->contenders; c++) {
		const char *missing = run->row->contenders[c].missing;

		if (missing)
			skip(run, c, missing);
		measure(run, c, false);
	}
	for (unsigned round = 0; round < rounds; round++) {
		show_progress(run, round);
		for (size_t c = 0; c < run->contenders; c++)
			measure(run, (c + round) % run->contenders, true);
	}
	clear_progress();
}

static void run_point(struct run *run)
{
	int err = 0;

	add_series(run);
	run->shared = NULL;
	if (run->row->prepare)
		err = run->row->prepare(run->point, &run->shared);
	if (err < 0) {
		for (size_t c = 0; c < run->contenders; c++)
			skip(run, c, strerror(-err));
		return;
	}
	run_rounds(run);
	if (run->row->finish)
		run->row->finish(run->shared);
}

/*
 * A pool places its workers on the CPUs that its maker may use, so the main
 * thread is pinned only while it does the work itself.
 */
static void run_row(struct results *results, const struct bench_row *row)
{
	if (row->has_threads)
		tool_unpin();
	else
		tool_pin(0);
	for (const struct bench_point *p = row->points; p->name; p++) {
		struct run run = { results, row, p, NULL, 0, 0, 0 };
		size_t begin = results->count;

		if (p->is_long && !bench_options.is_long)
			continue;
		run_point(&run);
		if (p == row->points)
			table_print_title(row, stdout);
		table_print(results, begin, stdout);
		fflush(stdout);
	}
}

static bool is_known(const char *name)
{
	for (size_t i = 0; bench_rows[i]; i++)
		if (strcmp(bench_rows[i]->name, name) == 0)
			return true;
	fprintf(stderr, "weir-bench: there is no row \"%s\"\n", name);
	return false;
}

static bool is_wanted(const struct bench_row *row)
{
	char **name = bench_options.rows;

	if (!*name)
		return true;
	while (*name && strcmp(*name, row->name) != 0)
		name++;
	return *name != NULL;
}

int run_rows(struct results *results)
{
	for (char **name = bench_options.rows; *name; name++)
		if (!is_known(*name))
			return -ENOENT;
	tool_raise_limits();
	run_describe(results);
	for (size_t i = 0; bench_rows[i]; i++)
		if (is_wanted(bench_rows[i]))
			run_row(results, bench_rows[i]);
	return 0;
}
