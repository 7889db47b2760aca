/* SPDX-License-Identifier: MIT */
/*
 * test_record.c - a ring that is read while it is written
 */
#include "sync/record.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "harness.h"
#include "stress.h"

static struct weir__records ring;
static struct weir__tally count;

static void put(uint64_t n)
{
	weir__record_put(&ring, &count, n, ~n, n * 3);
}

TEST(what_was_put_is_there)
{
	struct weir__record r;

	CHECK_EQ(weir__record_count(&count), 0);
	put(0);
	put(1);
	CHECK_EQ(weir__record_count(&count), 2);
	CHECK(weir__record_get(&ring, &count, 1, &r));
	CHECK_EQ(r.subject, 1);
	CHECK_EQ(r.handler, ~UINT64_C(1));
	CHECK_EQ(r.word, 3);
	CHECK(r.tick > 0);
}

TEST(what_was_written_over_is_not)
{
	struct weir__record r = { .subject = 77 };

	for (uint64_t n = 0; n < WEIR__RECORDS + 2; n++)
		put(n);
	CHECK(!weir__record_get(&ring, &count, 0, &r));
	CHECK(!weir__record_get(&ring, &count, 1, &r));
	CHECK_EQ(r.subject, 77);
	CHECK(weir__record_get(&ring, &count, 2, &r));
	CHECK_EQ(r.subject, 2);
	CHECK(weir__record_get(&ring, &count, WEIR__RECORDS + 1, &r));
	CHECK_EQ(r.subject, WEIR__RECORDS + 1);
}

TEST(ticks_go_forward)
{
	struct weir__record a, b;

	put(0);
	put(1);
	CHECK(weir__record_get(&ring, &count, 0, &a));
	CHECK(weir__record_get(&ring, &count, 1, &b));
	CHECK(b.tick >= a.tick);
}

static atomic_bool is_over;

static void *write_on(void *arg)
{
	uint64_t n = 0;

	(void)arg;
	while (!is_over)
		put(n++);
	return NULL;
}

/* All but the newest are whole, and each is the one that was asked for. */
TEST(no_record_is_torn)
{
	const weir_ns end = stress_end();
	uint64_t good = 0, gone = 0;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, write_on, NULL), 0);
	while (!stress_is_over(end) || good == 0) {
		const uint64_t newest = weir__record_count(&count);
		uint64_t n = newest > WEIR__RECORDS ? newest - WEIR__RECORDS
						    : 0;

		if (newest == 0)
			sched_yield();
		for (; n + 1 < newest; n++) {
			struct weir__record r;

			if (!weir__record_get(&ring, &count, n, &r)) {
				gone++;
				continue;
			}
			CHECK_EQ(r.subject, n);
			CHECK_EQ(r.handler, ~n);
			CHECK_EQ(r.word, n * 3);
			good++;
		}
	}
	is_over = true;
	pthread_join(thread, NULL);
	NOTE("%llu read, %llu were gone", (unsigned long long)good,
	     (unsigned long long)gone);
}
