/* SPDX-License-Identifier: MIT */
/*
 * main.c - weir-bench: the hot paths of weir, beside those of its peers
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "count.h"
#include "html.h"
#include "rows.h"
#include "run.h"
#include "table.h"

/* The least number of rounds with an interval of 95 % that can leave out the
 * two extremes. */
#define DEFAULT_ROUNDS 9

struct bench_options bench_options = { .rounds = DEFAULT_ROUNDS, .scale = 1 };

static const char usage_text[] =
"Usage: weir-bench [OPTION]... [run] [ROW]...\n"
"       weir-bench list\n"
"       weir-bench compare BASE.json NEW.json\n"
"       weir-bench report RESULTS.json [COUNTS.json]   (HTML, to stdout)\n"
"       weir-bench show RESULTS.json                   (as a table)\n"
"       weir-bench count                               (under callgrind)\n"
"       weir-bench counts LIST CALLGRIND-FILE\n"
"       weir-bench budget COUNTS.json BUDGET.json\n"
"       weir-bench new-budget COUNTS.json\n"
"\n"
"  -j, --json FILE    write what was measured to FILE\n"
"  -r, --rounds N     1 .. 64, default 9; below 6 no difference is called one\n"
"  -p, --pin          pin threads to CPUs\n"
"  -l, --long         also the points that take long\n"
"  -q, --quick        a hundredth of the work: to see that it works\n"
"  -h, --help\n";

static int usage(FILE *file)
{
	fputs(usage_text, file);
	return file == stdout ? 0 : 2;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "weir-bench: %s: %s\n", what,
		err == -EINVAL ? "not what it should be" : strerror(-err));
	return 1;
}

static int write_json(const struct results *results, const char *path)
{
	FILE *file = fopen(path, "we");
	int err = file ? results_write(results, file) : -errno;

	if (file && fclose(file) != 0)
		err = -errno;
	return err < 0 ? fail(path, err) : 0;
}

static int do_run(char **args)
{
	struct results results = { 0 };
	int status = 0;

	bench_options.rows = args;
	if (run_rows(&results) < 0)
		status = 2;
	else if (bench_options.json)
		status = write_json(&results, bench_options.json);
	results_done(&results);
	return status;
}

static int do_list(char **args)
{
	(void)args;
	for (size_t i = 0; bench_rows[i]; i++)
		printf("%-10s %s\n", bench_rows[i]->name,
		       bench_rows[i]->title);
	return 0;
}

static int do_count(char **args)
{
	int err;

	(void)args;
	err = count_run(stdout);
	return err < 0 ? fail("count", err) : 0;
}

static int do_counts(char **args)
{
	struct results results = { 0 };
	int err = count_read(&results, args[0], args[1]);

	if (err == 0)
		err = results_write(&results, stdout);
	results_done(&results);
	return err < 0 ? fail(args[1], err) : 0;
}

/* Reads the files named by @args, for commands on one or two of them. */
static int with_results(char **args, int (*fn)(const struct results *a,
					       const struct results *b))
{
	struct results results[2] = { 0 };
	int status = 0;

	for (int i = 0; i < 2 && args[i] && status == 0; i++) {
		int err = results_read(&results[i], args[i]);

		if (err < 0)
			status = fail(args[i], err);
	}
	if (status == 0)
		status = fn(&results[0], &results[1]);
	results_done(&results[0]);
	results_done(&results[1]);
	return status;
}

static int show(const struct results *a, const struct results *b)
{
	(void)b;
	table_print(a, 0, stdout);
	return 0;
}

static int compare(const struct results *base, const struct results *now)
{
	return compare_runs(base, now, stdout) > 0;
}

static int report(const struct results *results, const struct results *counts)
{
	int err = html_write(results, counts, stdout);

	return err < 0 ? fail("report", err) : 0;
}

/* 77 is what Automake takes for a skipped test. */
static int budget(const struct results *counts, const struct results *agreed)
{
	static const int status[] = {
		[COUNT_WITHIN] = 0,
		[COUNT_CHANGED] = 1,
		[COUNT_NOT_COMPARABLE] = 77,
	};

	return status[count_check(counts, agreed, stdout)];
}

static int new_budget(const struct results *counts, const struct results *b)
{
	int err;

	(void)b;
	err = count_write_budget(counts, stdout);
	return err < 0 ? fail("budget", err) : 0;
}

static int do_show(char **args)
{
	return with_results(args, show);
}

static int do_compare(char **args)
{
	return with_results(args, compare);
}

static int do_report(char **args)
{
	return with_results(args, report);
}

static int do_budget(char **args)
{
	return with_results(args, budget);
}

static int do_new_budget(char **args)
{
	return with_results(args, new_budget);
}

struct command {
	const char *name;
	int (*fn)(char **args);
	int least, most;	/* arguments */
};

static const struct command commands[] = {
	{ "list", do_list, 0, 0 },
	{ "show", do_show, 1, 1 },
	{ "compare", do_compare, 2, 2 },
	{ "report", do_report, 1, 2 },
	{ "count", do_count, 0, 0 },
	{ "counts", do_counts, 2, 2 },
	{ "budget", do_budget, 2, 2 },
	{ "new-budget", do_new_budget, 1, 1 },
	/* Of row_memory only; hence not in the usage. */
	{ "memory-of", row_memory_of, 3, 3 },
	{ NULL, NULL, 0, 0 },
};

static int run_command(int count, char **args)
{
	const struct command *c;

	if (count > 0 && strcmp(args[0], "run") == 0)
		return do_run(args + 1);
	for (c = commands; c->name; c++) {
		if (count == 0 || strcmp(args[0], c->name) != 0)
			continue;
		if (count - 1 < c->least || count - 1 > c->most)
			return usage(stderr);
		return c->fn(args + 1);
	}
	return do_run(args);
}

/* Return: whether it is a number of rounds. */
static bool parse_rounds(const char *text)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	if (*end || n < 1 || n > BENCH_ROUNDS_MAX)
		return false;
	bench_options.rounds = (unsigned)n;
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "pin", no_argument, NULL, 'p' },
		{ "long", no_argument, NULL, 'l' },
		{ "quick", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "j:r:plqh", options,
				     NULL)) >= 0) {
		if (option == 'h')
			return usage(stdout);
		else if (option == 'j')
			bench_options.json = optarg;
		else if (option == 'p')
			bench_options.is_pinned = true;
		else if (option == 'l')
			bench_options.is_long = true;
		else if (option == 'q')
			bench_options.scale = 0.01;
		else if (option != 'r' || !parse_rounds(optarg))
			return usage(stderr);
	}
	return run_command(argc - optind, argv + optind);
}
