/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

/* log2 of the width of @bucket: the first two rows of 32 are one value wide. */
static unsigned shift_of(unsigned bucket)
{
	unsigned row = bucket >> WEIR__HISTOGRAM_SUB_BITS;

	return row ? row - 1 : 0;
}

uint64_t weir__histogram_low(unsigned bucket)
{
	unsigned shift = shift_of(bucket);

	/* The inverse of weir__histogram_bucket(), for the same shift. */
	return (uint64_t)(bucket - (shift << WEIR__HISTOGRAM_SUB_BITS))
	       << shift;
}

uint64_t weir__histogram_high(unsigned bucket)
{
	return weir__histogram_low(bucket) +
	       (UINT64_C(1) << shift_of(bucket)) - 1;
}

uint64_t weir__histogram_total(const uint64_t *counts)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < WEIR__HISTOGRAM_BUCKETS; i++)
		total += counts[i];
	return total;
}

/*
 * The number, from 1, of the value that the share @q of @total is reached at.
 * Written so that NaN counts as 0, and that no rounding of a large total to a
 * double leads beyond it.
 */
static uint64_t rank_of(uint64_t total, double q)
{
	double share;
	uint64_t rank;

	if (!(q > 0))
		return 1;
	share = q * (double)total;
	if (q >= 1 || share >= (double)total)
		return total;
	rank = (uint64_t)share;
	return (double)rank < share ? rank + 1 : rank;
}

uint64_t weir__histogram_quantile(const uint64_t *counts, double q)
{
	uint64_t total = weir__histogram_total(counts);
	uint64_t rank, seen = 0;
	unsigned i = 0;

	if (total == 0)
		return 0;
	rank = rank_of(total, q);
	while ((seen += counts[i]) < rank)
		i++;
	return weir__histogram_high(i);
}
