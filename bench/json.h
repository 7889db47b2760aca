/* SPDX-License-Identifier: MIT */
/*
 * json.h - reading JSON, as much of it as our own files have
 *
 * A document is read into a tree.  Escapes other than \" and \\ are refused.
 */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stddef.h>

enum json_kind {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_kind kind;
	char *name;		/* as a member of an object */
	char *string;
	double number;
	struct json *first;	/* of an array or object */
	struct json *next;	/* in the array or object it is in */
};

/* Return: the tree, or NULL with errno (EINVAL: it is not JSON). */
struct json *json_read(const char *path);
void json_free(struct json *tree);

/* A member, or NULL; @object may be NULL or no object. */
const struct json *json_get(const struct json *object, const char *name);

/* The text or number of a member, or the default. */
const char *json_string(const struct json *object, const char *name,
			const char *otherwise);
double json_number(const struct json *object, const char *name,
		   double otherwise);

#endif /* BENCH_JSON_H */
