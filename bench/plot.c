/* SPDX-License-Identifier: MIT */
/*
 * plot.c - bar charts by gnuplot
 *
 * One group of bars for each point, one colour for each contender, and the
 * quartiles as lines over the bars.  Of a row with several metrics the first
 * is drawn: it is the one that the row is about.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "html.h"
#include "stat.h"

/* gnuplot's own quotes; no name of ours has any. */
static void write_name(FILE *plot, const char *text)
{
	fputc('"', plot);
	for (; *text; text++)
		fputc(*text == '"' ? '\'' : *text, plot);
	fputc('"', plot);
}

/* Where each group of the row and metric of @begin begins. */
static size_t find_groups(const struct results *results, size_t begin,
			  size_t *groups, size_t most)
{
	const struct series *first = &results->all[begin];
	size_t count = 0;

	while (begin < results->count &&
	       strcmp(results->all[begin].row, first->row) == 0) {
		if (strcmp(results->all[begin].metric, first->metric) == 0 &&
		    count < most)
			groups[count++] = begin;
		begin = results_next_group(results, begin);
	}
	return count;
}

/* The series of a contender in a group, or NULL. */
static const struct series *find_in(const struct results *results,
				    size_t group, const char *contender)
{
	const size_t end = results_next_group(results, group);

	for (size_t i = group; i < end; i++)
		if (strcmp(results->all[i].contender, contender) == 0)
			return &results->all[i];
	return NULL;
}

static void write_data(const struct results *results, const size_t *groups,
		       size_t count, const char *contender, FILE *plot)
{
	for (size_t g = 0; g < count; g++) {
		const struct series *s = find_in(results, groups[g], contender);
		struct stat_summary summary;

		write_name(plot, results->all[groups[g]].point);
		if (s && s->count > 0) {
			summary = stat_summarise(s->values, s->count);
			fprintf(plot, " %g %g %g\n", summary.median,
				summary.q1, summary.q3);
		} else {
			fputs(" NaN NaN NaN\n", plot);
		}
	}
	fputs("e\n", plot);
}

static void write_script(const struct results *results, size_t begin,
			 const char *svg, FILE *plot)
{
	size_t groups[32];
	const size_t count = find_groups(results, begin, groups, 32);
	const size_t end = results_next_group(results, begin);

	fprintf(plot, "set terminal svg size 960,360 noenhanced\n"
		"set output '%s'\n"
		"set style data histogram\n"
		"set style histogram errorbars gap 1 lw 1\n"
		"set style fill solid 0.7 noborder\n"
		"set yrange [0:*]\nset ylabel ", svg);
	write_name(plot, results->all[begin].unit);
	fputs("\nset key outside right\nset grid y\n"
	      "set xtics rotate by -15\nplot ", plot);
	for (size_t i = begin; i < end; i++) {
		fprintf(plot, "%s'-' using 2:3:4:xtic(1) title ",
			i > begin ? ", " : "");
		write_name(plot, results->all[i].contender);
	}
	fputc('\n', plot);
	for (size_t i = begin; i < end; i++)
		write_data(results, groups, count, results->all[i].contender,
			   plot);
}

/* Without the lines before <svg>, which belong to a file of its own. */
static bool copy_svg(const char *path, FILE *file)
{
	FILE *svg = fopen(path, "re");
	char line[4096];
	bool has_begun = false;

	while (svg && fgets(line, sizeof(line), svg)) {
		has_begun = has_begun || strstr(line, "<svg") != NULL;
		if (has_begun)
			fputs(line, file);
	}
	if (svg)
		fclose(svg);
	return has_begun;
}

bool plot_write(const struct results *results, size_t begin, FILE *file)
{
	char path[] = "/tmp/weir-bench.XXXXXX";
	bool is_drawn = false;
	FILE *plot;
	int fd;

	if (system("command -v gnuplot >/dev/null 2>&1") != 0)
		return false;
	fd = mkstemp(path);
	if (fd < 0)
		return false;
	close(fd);
	plot = popen("gnuplot 2>/dev/null", "w");
	if (plot) {
		write_script(results, begin, path, plot);
		is_drawn = pclose(plot) == 0 && copy_svg(path, file);
	}
	unlink(path);
	return is_drawn;
}
