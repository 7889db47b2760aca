/* SPDX-License-Identifier: MIT */
/*
 * scan.c - a look at a configuration's text before it is parsed
 *
 * Knows just enough of libconfuse's grammar to tell strings, comments and
 * braces apart:
 *
 *   "..." '...'     strings, in which a backslash takes the next character
 *   "${NAME}"       the environment, in double quotes only
 *   # and //        comments to the end of the line; // only where a word may
 *                   begin, for unix:/a//b is a word
 *   slash star      comments to star slash
 *   { }             sections
 */
#include "lb/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lb/report.h"

/* Of sections; the grammar has two. */
#define DEPTH_MAX 16

struct cursor {
	char *at;
	int line;
	struct lb_report *report;
	int open[DEPTH_MAX];	/* lines of the braces that are open */
	int depth;
	struct lb_scan scan;
};

static void blank(struct cursor *c)
{
	if (*c->at == '\n')
		c->line++;
	else
		*c->at = ' ';
	c->at++;
}

static void blank_line(struct cursor *c)
{
	while (*c->at != '\0' && *c->at != '\n')
		blank(c);
}

static int blank_comment(struct cursor *c)
{
	int line = c->line;
	char *end = strstr(c->at + 2, "*/");

	if (!end) {
		lb_report_error(c->report, line, "comment without an end");
		return -EINVAL;
	}
	while (c->at < end + 2)
		blank(c);
	return 0;
}

/* A "${" must end within its string, and its line: libconfuse looks for the
 * next '}' wherever that is. */
static int check_variable(struct cursor *c)
{
	size_t n = strcspn(c->at, "}\"\n");

	if (c->at[n] != '}') {
		lb_report_error(c->report, c->line, "'%.*s' without its '}'",
				(int)n, c->at);
		return -EINVAL;
	}
	c->at += n;
	return 0;
}

static int skip_string(struct cursor *c)
{
	char quote = *c->at++;
	int line = c->line;

	for (; *c->at != quote; c->at++) {
		if (*c->at == '\\' && c->at[1] != '\0')
			c->at++;
		else if (quote == '"' && strncmp(c->at, "${", 2) == 0 &&
			 check_variable(c) < 0)
			return -EINVAL;
		if (*c->at == '\0') {
			lb_report_error(c->report, line,
					"string without its closing %c", quote);
			return -EINVAL;
		}
		if (*c->at == '\n')
			c->line++;
	}
	c->at++;
	return 0;
}

static int open_section(struct cursor *c)
{
	int *lines = c->scan.lines;

	if (c->depth == DEPTH_MAX) {
		lb_report_error(c->report, c->line, "too many open '{'");
		return -EINVAL;
	}
	lines = realloc(lines, (c->scan.count + 1) * sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	c->scan.lines = lines;
	c->scan.lines[c->scan.count++] = c->line;
	c->open[c->depth++] = c->line;
	c->at++;
	return 0;
}

static int close_section(struct cursor *c)
{
	if (c->depth == 0) {
		lb_report_error(c->report, c->line, "'}' without a '{'");
		return -EINVAL;
	}
	c->depth--;
	c->at++;
	return 0;
}

/* A word, such as an address without quotes.  Of what cannot stand in one,
 * libconfuse would lose some silently. */
static int skip_word(struct cursor *c)
{
	if (strncmp(c->at, "${", 2) == 0 || strchr("*\\+", *c->at)) {
		lb_report_error(c->report, c->line,
				"'%c' must stand in double quotes", *c->at);
		return -EINVAL;
	}
	c->at++;
	return 0;
}

/* One step: a token, or a character of one. */
static int step(struct cursor *c, int is_word_start)
{
	switch (*c->at) {
	case '\n':
		c->line++;
		c->at++;
		return 0;
	case '#':
		blank_line(c);
		return 0;
	case '/':
		if (c->at[1] == '*')
			return blank_comment(c);
		if (c->at[1] == '/' && is_word_start)
			blank_line(c);
		else
			c->at++;
		return 0;
	case '"':
	case '\'':
		return skip_string(c);
	case '{':
		return open_section(c);
	case '}':
		return close_section(c);
	default:
		return skip_word(c);
	}
}

int lb_scan_text(char *text, struct lb_report *report, struct lb_scan *ret_scan)
{
	struct cursor c = { .at = text, .line = 1, .report = report };
	int r = 0;

	while (*c.at != '\0' && r == 0) {
		/* What ends a word, before it or within the text. */
		int is_word_start = c.at == text ||
				    strchr(" \t\r\n{}=()+,\"'", c.at[-1]);

		r = step(&c, is_word_start);
	}
	if (r == 0 && c.depth > 0) {
		lb_report_error(report, c.open[c.depth - 1],
				"section without its closing '}'");
		r = -EINVAL;
	}
	if (r < 0) {
		lb_scan_done(&c.scan);
		return r;
	}
	*ret_scan = c.scan;
	return 0;
}

void lb_scan_done(struct lb_scan *scan)
{
	free(scan->lines);
	scan->lines = NULL;
	scan->count = 0;
}
