/* SPDX-License-Identifier: MIT */
/* json.c - see json.h */
#include "json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than any file of ours; so that a bad one cannot exhaust the stack. */
#define DEPTH_MAX 16

static struct json *parse(const char **at, int depth);

static void skip_space(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

static bool accept(const char **at, const char *word)
{
	const size_t n = strlen(word);

	skip_space(at);
	if (strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

/* After the opening quote.  Return: a string of its own, or NULL. */
static char *parse_string(const char **at)
{
	char *text = malloc(strlen(*at) + 1);
	size_t n = 0;

	while (text && **at && **at != '"') {
		if (**at == '\\') {
			++*at;
			if (**at != '"' && **at != '\\')
				break;
		}
		text[n++] = *(*at)++;
	}
	if (!text || **at != '"') {
		free(text);
		return NULL;
	}
	++*at;
	text[n] = '\0';
	return text;
}

/* The members of an array or object, after its opening bracket. */
static bool parse_members(const char **at, struct json *tree, int depth)
{
	const bool is_object = tree->kind == JSON_OBJECT;
	const char *close = is_object ? "}" : "]";
	struct json **end = &tree->first;
	char *name = NULL;

	if (accept(at, close))
		return true;
	do {
		if (is_object) {
			if (!accept(at, "\"") || !(name = parse_string(at)))
				return false;
			if (!accept(at, ":")) {
				free(name);
				return false;
			}
		}
		*end = parse(at, depth + 1);
		if (!*end) {
			free(name);
			return false;
		}
		(*end)->name = name;
		end = &(*end)->next;
	} while (accept(at, ","));
	return accept(at, close);
}

static bool parse_number(const char **at, struct json *tree)
{
	char *end;

	tree->number = strtod(*at, &end);
	if (end == *at)
		return false;
	*at = end;
	return true;
}

static bool parse_into(const char **at, struct json *tree, int depth)
{
	static const char *const words[] = { "null", "false", "true" };

	for (enum json_kind kind = JSON_NULL; kind <= JSON_TRUE; kind++) {
		tree->kind = kind;
		if (accept(at, words[kind]))
			return true;
	}
	if (accept(at, "\"")) {
		tree->kind = JSON_STRING;
		return (tree->string = parse_string(at)) != NULL;
	}
	if (accept(at, "[")) {
		tree->kind = JSON_ARRAY;
		return parse_members(at, tree, depth);
	}
	if (accept(at, "{")) {
		tree->kind = JSON_OBJECT;
		return parse_members(at, tree, depth);
	}
	tree->kind = JSON_NUMBER;
	return parse_number(at, tree);
}

static struct json *parse(const char **at, int depth)
{
	struct json *tree = depth < DEPTH_MAX ? calloc(1, sizeof(*tree)) : NULL;

	if (tree && !parse_into(at, tree, depth)) {
		json_free(tree);
		return NULL;
	}
	return tree;
}

void json_free(struct json *tree)
{
	while (tree) {
		struct json *next = tree->next;

		json_free(tree->first);
		free(tree->name);
		free(tree->string);
		free(tree);
		tree = next;
	}
}

static char *read_file(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t size = 0;
	char *text = NULL;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0 && !ferror(file)) {
		free(text);
		text = strdup("");
	}
	if (file != stdin)
		fclose(file);
	return text;
}

struct json *json_read(const char *path)
{
	char *text = read_file(path);
	const char *at = text;
	struct json *tree;

	if (!text)
		return NULL;
	tree = parse(&at, 0);
	if (tree)
		skip_space(&at);
	if (!tree || *at) {
		json_free(tree);
		tree = NULL;
		errno = EINVAL;
	}
	free(text);
	return tree;
}

const struct json *json_get(const struct json *object, const char *name)
{
	const struct json *member = object ? object->first : NULL;

	while (member && (!member->name || strcmp(member->name, name) != 0))
		member = member->next;
	return member;
}

const char *json_string(const struct json *object, const char *name,
			const char *otherwise)
{
	const struct json *member = json_get(object, name);

	return member && member->kind == JSON_STRING ? member->string :
						       otherwise;
}

double json_number(const struct json *object, const char *name,
		   double otherwise)
{
	const struct json *member = json_get(object, name);

	return member && member->kind == JSON_NUMBER ? member->number :
						       otherwise;
}
