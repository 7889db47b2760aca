/* SPDX-License-Identifier: MIT */
/*
 * table.h - results for a terminal
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "result.h"

void table_print_title(const struct bench_row *row, FILE *file);

/* All groups from @begin on. */
void table_print(const struct results *results, size_t begin, FILE *file);

/**
 * table_value() - a number as people read it: three digits
 * @size: of @buf; 16 is enough
 *
 * Return: @buf.
 */
const char *table_value(double value, char *buf, size_t size);

/* How the subject compares with a series of its group: "0.52 [0.50, 0.55]". */
const char *table_ratio(const struct series *subject,
			const struct series *other, char *buf, size_t size);

#endif /* BENCH_TABLE_H */
