/* SPDX-License-Identifier: MIT */
/*
 * result.c - see result.h
 *
 * One series is one line of the file, so that a diff of two runs can be read.
 */
#include "result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "tool.h"

/* The file's format; another number is another meaning. */
#define FORMAT 1

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static void *grow(void *array, size_t count, size_t size)
{
	void *grown = realloc(array, (count + 1) * size);

	if (!grown)
		tool_die("results", ENOMEM);
	memset((char *)grown + count * size, 0, size);
	return grown;
}

struct series *results_add(struct results *results, const char *row,
			   const char *point, const char *contender,
			   const struct bench_metric *metric)
{
	struct series *s;

	results->all = grow(results->all, results->count, sizeof(*s));
	s = &results->all[results->count++];
	copy(s->row, sizeof(s->row), row);
	copy(s->point, sizeof(s->point), point);
	copy(s->contender, sizeof(s->contender), contender);
	copy(s->metric, sizeof(s->metric), metric->name);
	copy(s->unit, sizeof(s->unit), metric->unit);
	s->more_is_better = metric->more_is_better;
	return s;
}

void results_add_fact(struct results *results, const char *name,
		      const char *value)
{
	struct fact *f;

	results->facts = grow(results->facts, results->fact_count, sizeof(*f));
	f = &results->facts[results->fact_count++];
	copy(f->name, sizeof(f->name), name);
	copy(f->value, sizeof(f->value), value);
}

const char *results_fact(const struct results *results, const char *name)
{
	for (size_t i = 0; i < results->fact_count; i++)
		if (strcmp(results->facts[i].name, name) == 0)
			return results->facts[i].value;
	return "";
}

static bool is_of_group(const struct series *a, const struct series *b)
{
	return strcmp(a->row, b->row) == 0 && strcmp(a->point, b->point) == 0 &&
	       strcmp(a->metric, b->metric) == 0;
}

const struct series *results_find(const struct results *results,
				  const struct series *like)
{
	for (size_t i = 0; i < results->count; i++)
		if (is_of_group(&results->all[i], like) &&
		    strcmp(results->all[i].contender, like->contender) == 0)
			return &results->all[i];
	return NULL;
}

size_t results_next_group(const struct results *results, size_t begin)
{
	size_t end = begin;

	while (end < results->count &&
	       is_of_group(&results->all[end], &results->all[begin]))
		end++;
	return end;
}

static void write_string(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', file);
		if ((unsigned char)*text >= ' ')
			putc(*text, file);
	}
	putc('"', file);
}

static void write_member(FILE *file, const char *name, const char *value)
{
	write_string(file, name);
	fputs(": ", file);
	write_string(file, value);
}

static void write_series(FILE *file, const struct series *s)
{
	fputs("    {", file);
	write_member(file, "row", s->row);
	fputs(", ", file);
	write_member(file, "point", s->point);
	fputs(", ", file);
	write_member(file, "contender", s->contender);
	fputs(", ", file);
	write_member(file, "metric", s->metric);
	fputs(", ", file);
	write_member(file, "unit", s->unit);
	fputs(", ", file);
	write_member(file, "better", s->more_is_better ? "more" : "less");
	if (s->skipped[0]) {
		fputs(", ", file);
		write_member(file, "skipped", s->skipped);
	}
	fputs(", \"values\": [", file);
	for (unsigned i = 0; i < s->count; i++)
		fprintf(file, "%s%.6g", i > 0 ? ", " : "", s->values[i]);
	fputs("]}", file);
}

int results_write(const struct results *results, FILE *file)
{
	fprintf(file, "{\n  \"format\": %d,\n  \"facts\": {\n", FORMAT);
	for (size_t i = 0; i < results->fact_count; i++) {
		fputs("    ", file);
		write_member(file, results->facts[i].name,
			     results->facts[i].value);
		fputs(i + 1 < results->fact_count ? ",\n" : "\n", file);
	}
	fputs("  },\n  \"series\": [\n", file);
	for (size_t i = 0; i < results->count; i++) {
		write_series(file, &results->all[i]);
		fputs(i + 1 < results->count ? ",\n" : "\n", file);
	}
	fputs("  ]\n}\n", file);
	return fflush(file) == 0 ? 0 : -errno;
}

static void read_series(struct results *results, const struct json *json)
{
	const struct bench_metric metric = {
		json_string(json, "metric", ""),
		json_string(json, "unit", ""),
		strcmp(json_string(json, "better", "less"), "more") == 0,
	};
	const struct json *values = json_get(json, "values");
	struct series *s;

	s = results_add(results, json_string(json, "row", ""),
			json_string(json, "point", ""),
			json_string(json, "contender", ""), &metric);
	copy(s->skipped, sizeof(s->skipped), json_string(json, "skipped", ""));
	for (const struct json *v = values ? values->first : NULL;
	     v && s->count < BENCH_ROUNDS_MAX; v = v->next)
		s->values[s->count++] = v->number;
	if (s->count == 0 && !s->skipped[0])
		copy(s->skipped, sizeof(s->skipped), "no values");
}

int results_read(struct results *results, const char *path)
{
	struct json *tree = json_read(path);
	const struct json *facts, *series;

	if (!tree)
		return -errno;
	if ((int)json_number(tree, "format", 0) != FORMAT) {
		json_free(tree);
		return -EINVAL;
	}
	facts = json_get(tree, "facts");
	for (facts = facts ? facts->first : NULL; facts; facts = facts->next)
		if (facts->kind == JSON_STRING)
			results_add_fact(results, facts->name, facts->string);
	series = json_get(tree, "series");
	for (series = series ? series->first : NULL; series;
	     series = series->next)
		read_series(results, series);
	json_free(tree);
	return 0;
}

void results_done(struct results *results)
{
	free(results->facts);
	free(results->all);
	*results = (struct results){ 0 };
}
