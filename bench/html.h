/* SPDX-License-Identifier: MIT */
/*
 * html.h - results as a page of its own, with plots if there is gnuplot
 */
#ifndef BENCH_HTML_H
#define BENCH_HTML_H

#include "result.h"

/* @counts may be empty.  Return: 0 or -errno. */
int html_write(const struct results *results, const struct results *counts,
	       FILE *file);

/**
 * plot_write() - a bar chart of one metric of a row, as SVG within the page
 * @begin: the first series of the row in @results
 *
 * Writes nothing where there is no gnuplot.
 *
 * Return: whether there is a plot.
 */
bool plot_write(const struct results *results, size_t begin, FILE *file);

#endif /* BENCH_HTML_H */
