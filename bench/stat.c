/* SPDX-License-Identifier: MIT */
/*
 * stat.c - medians, spreads, and when a difference may be called one
 *
 * Nothing here assumes a distribution: on a shared machine times have a long
 * tail, and a mean says more about the neighbours than about the code.
 *
 * The interval is the one of the sign test: the median of n independent values
 * lies between the k-th smallest and the k-th largest unless fewer than k of
 * them fall on one side of it, so with a probability of 1 - 2 P(X < k) for a
 * binomial X of n fair coins.  k is the largest for which that is 95 % or more;
 * below six values there is none.
 *
 * It is taken over the ratios of values of the same round, which met the same
 * state of the machine.  A difference is called real only if the interval
 * leaves 1 out and the median ratio is farther from 1 than the ratios spread.
 */
#include "stat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define LEVEL 0.95

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Linear between the two nearest; @values are in order. */
static double quantile(const double *values, size_t n, double q)
{
	const double at = q * (double)(n - 1);
	const size_t low = (size_t)at;
	const size_t high = low + 1 < n ? low + 1 : low;

	return values[low] + (at - (double)low) * (values[high] - values[low]);
}

static struct stat_summary summarise_sorted(const double *sorted, size_t n)
{
	struct stat_summary s = {
		.median = quantile(sorted, n, 0.5),
		.q1 = quantile(sorted, n, 0.25),
		.q3 = quantile(sorted, n, 0.75),
	};

	if (s.median > 0)
		s.spread = (s.q3 - s.q1) / 2 / s.median;
	return s;
}

struct stat_summary stat_summarise(const double *values, size_t n)
{
	double sorted[BENCH_ROUNDS_MAX];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare_doubles);
	return summarise_sorted(sorted, n);
}

/*
 * The rank, counted from 1, and the level of the interval for @n values; 0 if
 * there is none.
 */
static size_t rank_of(size_t n, double *ret_level)
{
	double term = pow(0.5, (double)n);	/* P(X = 0) */
	double below = 0;			/* P(X < k) */
	size_t k = 0;

	*ret_level = 0;
	while (k < n / 2 && 1 - 2 * (below + term) >= LEVEL) {
		below += term;
		term *= (double)(n - k) / (double)(k + 1);
		k++;
		*ret_level = 1 - 2 * below;
	}
	return k;
}

static enum stat_verdict judge(const struct stat_ratio *ratio)
{
	if (ratio->confidence == 0)
		return STAT_TOO_FEW;
	if (fabs(ratio->median - 1) <= ratio->spread)
		return STAT_NO_DIFFERENCE;
	if (ratio->high < 1)
		return STAT_BETTER;
	if (ratio->low > 1)
		return STAT_WORSE;
	return STAT_NO_DIFFERENCE;
}

struct stat_ratio stat_compare(const double *subject, const double *other,
			       size_t n, bool more_is_better)
{
	double ratios[BENCH_ROUNDS_MAX];
	struct stat_ratio ratio = { .verdict = STAT_TOO_FEW };
	struct stat_summary s;
	size_t k;

	for (size_t i = 0; i < n; i++) {
		const double mine = more_is_better ? other[i] : subject[i];
		const double theirs = more_is_better ? subject[i] : other[i];

		ratios[i] = mine == theirs ? 1 : mine / theirs;
	}
	qsort(ratios, n, sizeof(*ratios), compare_doubles);
	s = summarise_sorted(ratios, n);
	ratio.median = s.median;
	ratio.spread = s.spread * s.median;
	k = rank_of(n, &ratio.confidence);
	if (k > 0) {
		ratio.low = ratios[k - 1];
		ratio.high = ratios[n - k];
	}
	ratio.verdict = judge(&ratio);
	return ratio;
}

const char *stat_verdict_text(enum stat_verdict verdict)
{
	switch (verdict) {
	case STAT_TOO_FEW:
		return "too few rounds";
	case STAT_BETTER:
		return "better";
	case STAT_WORSE:
		return "worse";
	case STAT_NO_DIFFERENCE:
		break;
	}
	return "no difference shown";
}
