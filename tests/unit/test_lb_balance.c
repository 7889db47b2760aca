/* SPDX-License-Identifier: MIT */
/*
 * test_lb_balance.c - which server is next
 */
#include "harness.h"

#include <string.h>

#include "lb/balance.h"

/* Chooses @n times; the result is a string of 'a' + index. */
static const char *run_roundrobin(struct lb_choice *choices, size_t count,
				  size_t n)
{
	static char out[64];

	for (size_t i = 0; i < n; i++)
		out[i] = (char)('a' + lb_balance_roundrobin(choices, count));
	out[n] = '\0';
	return out;
}

TEST(roundrobin_takes_turns)
{
	struct lb_choice c[3] = { { 1, 1, 0, 0 }, { 1, 1, 0, 0 },
				  { 1, 1, 0, 0 } };

	CHECK_STR(run_roundrobin(c, 3, 7), "abcabca");
}

TEST(roundrobin_spreads_weights_evenly)
{
	struct lb_choice c[3] = { { 5, 1, 0, 0 }, { 1, 1, 0, 0 },
				  { 1, 1, 0, 0 } };

	CHECK_STR(run_roundrobin(c, 3, 14), "aabacaaaabacaa");
}

TEST(roundrobin_shares_what_an_unusable_one_had)
{
	struct lb_choice c[3] = { { 1, 1, 0, 0 }, { 1, 0, 0, 0 },
				  { 1, 1, 0, 0 } };

	CHECK_STR(run_roundrobin(c, 3, 6), "acacac");
	c[1].is_usable = 1;
	CHECK_STR(run_roundrobin(c, 3, 6), "abcabc");
}

TEST(nobody_is_usable)
{
	struct lb_choice c[2] = { { 1, 0, 0, 0 }, { 1, 0, 0, 0 } };

	CHECK_EQ(lb_balance_roundrobin(c, 2), -1);
	CHECK_EQ(lb_balance_leastconn(c, 2, 1), -1);
	CHECK_EQ(lb_balance_roundrobin(c, 0), -1);
	CHECK_EQ(lb_balance_leastconn(c, 0, 0), -1);
}

TEST(leastconn_takes_the_least)
{
	struct lb_choice c[3] = { { 1, 1, 3, 0 }, { 1, 1, 2, 0 },
				  { 1, 1, 4, 0 } };

	for (size_t start = 0; start < 5; start++)
		CHECK_EQ(lb_balance_leastconn(c, 3, start), 1);
	c[1].is_usable = 0;
	CHECK_EQ(lb_balance_leastconn(c, 3, 0), 0);
}

TEST(leastconn_rotates_ties)
{
	struct lb_choice c[3] = { { 1, 1, 0, 0 }, { 1, 1, 0, 0 },
				  { 1, 1, 0, 0 } };

	for (size_t start = 0; start < 6; start++)
		CHECK_EQ(lb_balance_leastconn(c, 3, start), start % 3);
}

TEST(leastconn_fills_by_weight)
{
	struct lb_choice c[3] = { { 4, 1, 0, 0 }, { 2, 1, 0, 0 },
				  { 1, 1, 0, 0 } };

	for (size_t i = 0; i < 700; i++)
		c[lb_balance_leastconn(c, 3, i)].load++;
	CHECK_EQ(c[0].load, 400);
	CHECK_EQ(c[1].load, 200);
	CHECK_EQ(c[2].load, 100);
}
