/* SPDX-License-Identifier: MIT */
#include "base/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#define LIMIT	(UINT64_C(1) << WEIR__HISTOGRAM_VALUE_BITS)
#define LAST	(WEIR__HISTOGRAM_BUCKETS - 1u)

static uint64_t random_state;

static uint64_t random_word(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Of any magnitude below LIMIT, each power of two as likely as the others. */
static uint64_t random_value(void)
{
	unsigned bits = (unsigned)(random_word() %
				   (WEIR__HISTOGRAM_VALUE_BITS + 1));

	return bits ? random_word() >> (64 - bits) : 0;
}

TEST(buckets_join_without_gap_or_overlap)
{
	CHECK_EQ(WEIR__HISTOGRAM_BUCKETS, 1152);
	CHECK_EQ(weir__histogram_low(0), 0);
	for (unsigned i = 0; i < LAST; i++)
		CHECK_EQ(weir__histogram_high(i) + 1,
			 weir__histogram_low(i + 1));
	CHECK_EQ(weir__histogram_high(LAST), LIMIT - 1);
}

TEST(every_edge_is_in_its_own_bucket)
{
	for (unsigned i = 0; i <= LAST; i++) {
		CHECK_EQ(weir__histogram_bucket(weir__histogram_low(i)), i);
		CHECK_EQ(weir__histogram_bucket(weir__histogram_high(i)), i);
	}
}

TEST(buckets_are_as_the_header_draws_them)
{
	static const struct {
		unsigned bucket;
		uint64_t low, high;
	} rows[] = {
		{ 0, 0, 0 },
		{ 31, 31, 31 },
		{ 32, 32, 32 },
		{ 63, 63, 63 },
		{ 64, 64, 65 },
		{ 95, 126, 127 },
		{ 96, 128, 131 },
		{ 127, 252, 255 },
		{ 1120, UINT64_C(1) << 39,
		  (UINT64_C(1) << 39) + (UINT64_C(1) << 34) - 1 },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(weir__histogram_low(rows[i].bucket), rows[i].low);
		CHECK_EQ(weir__histogram_high(rows[i].bucket), rows[i].high);
	}
}

TEST(larger_values_are_in_the_last_bucket)
{
	CHECK_EQ(weir__histogram_bucket(LIMIT - 1), LAST);
	CHECK_EQ(weir__histogram_bucket(LIMIT), LAST);
	CHECK_EQ(weir__histogram_bucket(LIMIT * 2 + 5), LAST);
	CHECK_EQ(weir__histogram_bucket(UINT64_MAX), LAST);
}

TEST(larger_values_have_no_smaller_bucket)
{
	random_state = 1;
	for (int i = 0; i < 1000000; i++) {
		uint64_t a = random_value(), b = random_value();

		if (a > b)
			CHECK(weir__histogram_bucket(a) >=
			      weir__histogram_bucket(b));
	}
}

TEST(an_edge_errs_by_less_than_a_32nd)
{
	random_state = 2;
	for (int i = 0; i < 1000000; i++) {
		uint64_t value = random_value();
		unsigned bucket = weir__histogram_bucket(value);
		uint64_t low = weir__histogram_low(bucket);
		uint64_t high = weir__histogram_high(bucket);

		CHECK(low <= value && value <= high);
		CHECK((high - low) * 32 < value || high == low);
	}
}

TEST(nothing_counted_is_0)
{
	static const uint64_t counts[WEIR__HISTOGRAM_BUCKETS];

	CHECK_EQ(weir__histogram_total(counts), 0);
	CHECK_EQ(weir__histogram_quantile(counts, 0.0), 0);
	CHECK_EQ(weir__histogram_quantile(counts, 0.5), 0);
	CHECK_EQ(weir__histogram_quantile(counts, 1.0), 0);
}

TEST(shares_outside_0_to_1_are_clamped)
{
	uint64_t counts[WEIR__HISTOGRAM_BUCKETS] = { 0 };

	counts[5] = 1;
	counts[9] = 1;
	CHECK_EQ(weir__histogram_quantile(counts, -3.0), 5);
	CHECK_EQ(weir__histogram_quantile(counts, (double)NAN), 5);
	CHECK_EQ(weir__histogram_quantile(counts, 0.0), 5);
	CHECK_EQ(weir__histogram_quantile(counts, 0.5), 5);
	CHECK_EQ(weir__histogram_quantile(counts, 0.51), 9);
	CHECK_EQ(weir__histogram_quantile(counts, 1.0), 9);
	CHECK_EQ(weir__histogram_quantile(counts, 7.0), 9);
	CHECK_EQ(weir__histogram_quantile(counts, (double)INFINITY), 9);
}

/* Above 2^53 a double cannot hold the total, and may round it up. */
TEST(large_totals_do_not_lead_past_the_end)
{
	uint64_t counts[WEIR__HISTOGRAM_BUCKETS] = { 0 };

	counts[7] = UINT64_MAX;
	CHECK_EQ(weir__histogram_total(counts), UINT64_MAX);
	CHECK_EQ(weir__histogram_quantile(counts, 1.0), 7);
	CHECK_EQ(weir__histogram_quantile(counts, 0.9999999999999999), 7);
	CHECK_EQ(weir__histogram_quantile(counts, 0.5), 7);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Quarters, eighths and so on, whose products with 4096 are exact. */
TEST(quantiles_match_sorted_values)
{
	enum { COUNT = 4096 };
	static uint64_t values[COUNT], counts[WEIR__HISTOGRAM_BUCKETS];

	random_state = 3;
	for (int round = 0; round < 50; round++) {
		memset(counts, 0, sizeof(counts));
		for (int i = 0; i < COUNT; i++) {
			values[i] = random_value() >> (random_word() % 8);
			counts[weir__histogram_bucket(values[i])]++;
		}
		qsort(values, COUNT, sizeof(values[0]), compare);
		CHECK_EQ(weir__histogram_total(counts), COUNT);
		for (int i = 0; i <= COUNT; i++) {
			uint64_t exact = values[i ? i - 1 : 0];
			uint64_t found = weir__histogram_quantile(
				counts, (double)i / COUNT);

			CHECK(found >= exact);
			CHECK((found - exact) * 32 <= exact);
		}
	}
}
