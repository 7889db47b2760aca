/* SPDX-License-Identifier: MIT */
/* html.c - see html.h */
#include "html.h"

#include <errno.h>
#include <string.h>

#include "stat.h"
#include "table.h"

static const char head[] =
"<!DOCTYPE html>\n"
"<html lang=\"en\">\n"
"<head>\n"
"<meta charset=\"utf-8\">\n"
"<title>weir-bench</title>\n"
"<style>\n"
"body { font: 15px/1.5 sans-serif; max-width: 64em; margin: 2em auto;\n"
"       padding: 0 1em; color: #222; }\n"
"table { border-collapse: collapse; margin: 0.5em 0 1.5em; }\n"
"th, td { padding: 0.1em 0.8em 0.1em 0; text-align: left; }\n"
"td.number { text-align: right; font-variant-numeric: tabular-nums; }\n"
"tr.point th { padding-top: 0.8em; }\n"
".better { color: #060; } .worse { color: #a00; }\n"
"svg { max-width: 100%; height: auto; }\n"
"</style>\n"
"</head>\n"
"<body>\n"
"<h1>weir-bench</h1>\n";

static const char method[] =
"<h2>Method</h2>\n"
"<p>All contenders of a point are measured in turn, round after round, in an\n"
"order that moves on by one; one round before the first is thrown away. The\n"
"figures are medians over the rounds; the spread is half the distance of the\n"
"quartiles, as a part of the median.</p>\n"
"<p>Each line compares the first contender with the one of the line, by the\n"
"median of the ratios of values of the same round: below 1 the first one is\n"
"the better one, also where more of the unit is better. In brackets stands\n"
"the confidence interval of that median by the sign test (order statistics,\n"
"no assumption about the distribution, 95 % or more). A difference is called\n"
"better or worse only if the interval leaves out 1 and the median ratio is\n"
"farther from 1 than the ratios spread.</p>\n"
"<p>Peers share one process, one allocator and one way to do the work; each\n"
"one's choices stand at the head of its file in bench/.</p>\n";

static void write_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", file);
		else if (*text == '>')
			fputs("&gt;", file);
		else if (*text == '&')
			fputs("&amp;", file);
		else
			putc(*text, file);
	}
}

static void write_element(FILE *file, const char *tag, const char *text)
{
	fprintf(file, "<%s>", tag);
	write_text(file, text);
	fprintf(file, "</%.*s>", (int)strcspn(tag, " "), tag);
}

static void write_facts(const struct results *results, FILE *file)
{
	fputs("<h2>Machine</h2>\n<table>\n", file);
	for (size_t i = 0; i < results->fact_count; i++) {
		fputs("<tr>", file);
		write_element(file, "th", results->facts[i].name);
		write_element(file, "td", results->facts[i].value);
		fputs("</tr>\n", file);
	}
	fputs("</table>\n", file);
}

static void write_series(const struct series *subject, const struct series *s,
			 FILE *file)
{
	struct stat_summary summary;
	char value[32], ratio[80];

	fputs("<tr>", file);
	write_element(file, "td", s->contender);
	if (s->count == 0) {
		fputs("<td colspan=\"3\">skipped: ", file);
		write_text(file, s->skipped);
		fputs("</td></tr>\n", file);
		return;
	}
	summary = stat_summarise(s->values, s->count);
	table_ratio(subject, s, ratio, sizeof(ratio));
	write_element(file, "td class=\"number\"",
		      table_value(summary.median, value, sizeof(value)));
	fprintf(file, "<td class=\"number\">%.1f %%</td>",
		summary.spread * 100);
	write_element(file, strstr(ratio, "] better") ? "td class=\"better\"" :
		      strstr(ratio, "] worse") ? "td class=\"worse\"" : "td",
		      ratio);
	fputs("</tr>\n", file);
}

static void write_group(const struct results *results, size_t begin,
			size_t end, FILE *file)
{
	const struct series *subject = &results->all[begin];

	fputs("<tr class=\"point\">", file);
	write_element(file, "th", subject->point);
	fputs("<th>", file);
	write_text(file, subject->metric);
	fputs(", ", file);
	write_text(file, subject->unit);
	fputs("</th><th>spread</th><th>", file);
	write_text(file, subject->contender);
	fputs(" costs</th></tr>\n", file);
	for (size_t i = begin; i < end; i++)
		write_series(subject, &results->all[i], file);
}

/* What a row is about, if this program still has it. */
static void write_title(const char *name, FILE *file)
{
	for (size_t i = 0; bench_rows[i]; i++) {
		if (strcmp(bench_rows[i]->name, name) != 0)
			continue;
		fputs("<h2>", file);
		write_text(file, name);
		fputs(": ", file);
		write_text(file, bench_rows[i]->title);
		fputs("</h2>\n", file);
		write_element(file, "p", bench_rows[i]->method);
		putc('\n', file);
		return;
	}
	write_element(file, "h2", strcmp(name, "count") == 0 ?
		      "user instructions, by callgrind" : name);
	putc('\n', file);
}

static void write_rows(const struct results *results, FILE *file)
{
	size_t begin = 0;

	while (begin < results->count) {
		const char *row = results->all[begin].row;

		write_title(row, file);
		plot_write(results, begin, file);
		fputs("<table>\n", file);
		while (begin < results->count &&
		       strcmp(results->all[begin].row, row) == 0) {
			const size_t end = results_next_group(results, begin);

			write_group(results, begin, end, file);
			begin = end;
		}
		fputs("</table>\n", file);
	}
}

int html_write(const struct results *results, const struct results *counts,
	       FILE *file)
{
	fputs(head, file);
	write_facts(results, file);
	fputs(method, file);
	write_rows(counts, file);
	write_rows(results, file);
	fputs("</body>\n</html>\n", file);
	return fflush(file) == 0 ? 0 : -errno;
}
