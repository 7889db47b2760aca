/* SPDX-License-Identifier: MIT */
/*
 * test_move_reuse.c - an event of the last life of a descriptor's number
 *
 * Two events stand in one batch of worker 0.  The handler of the first gives
 * the second's source to worker 1, which closes it; the number is used again,
 * on worker 0, before the batch goes on.
 */
#include <weir.h>

#include <fcntl.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "thing.h"

static int first[2], second[2], third[2];
static weir_token first_token, second_token, third_token;
static int number;		/* of the second, then of the third */
static _Atomic int calls_first, calls_second, calls_third;
static sem_t is_closed;

static enum weir_verdict on_third(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)r;
	(void)data;
	CHECK(weir_token_equal(event->token, third_token));
	calls_third += (event->facts & WEIR_READABLE) != 0;
	return WEIR_DONE;
}

static enum weir_verdict on_second(struct weir_reactor *r,
				   const struct weir_event *event, void *data)
{
	(void)data;
	/* Worker 0 has its event, but is not to say so. */
	CHECK_EQ(weir_reactor_index(r), 1);
	CHECK(event->facts & WEIR_MOVED);
	calls_second++;
	CHECK_EQ(weir_source_close(r, event->token), 0);
	sem_post(&is_closed);
	return WEIR_DONE;
}

static enum weir_verdict on_first(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)data;
	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	calls_first++;
	CHECK_EQ(weir_source_move(r, second_token, 1), 0);
	CHECK_EQ(weir_flush(r), 0);
	fixture_wait(&is_closed);
	CHECK_EQ(fcntl(third[1], F_DUPFD_CLOEXEC, number), number);
	CHECK_EQ(weir_source_add(r, number, WEIR_READABLE, on_third, NULL,
				 &third_token), 0);
	return WEIR_DONE;
}

static void add(struct weir_reactor *r, void *arg)
{
	(void)arg;
	CHECK_EQ(weir_source_add(r, first[1], WEIR_READABLE, on_first, NULL,
				 &first_token), 0);
	CHECK_EQ(weir_source_add(r, number, WEIR_READABLE, on_second, NULL,
				 &second_token), 0);
}

TEST(given_away_closed_there_and_used_again_here)
{
	struct weir_pool *pool = thing_pool();
	struct hold hold = { .fn = NULL };
	uint64_t stale;

	sem_init(&is_closed, 0, 0);
	fixture_unix_pair(first);
	fixture_unix_pair(second);
	fixture_unix_pair(third);
	number = second[1];
	fixture_on(pool, 0, add, NULL);
	stale = FIXTURE_STAT(pool, 0, stale_events);
	hold_begin(&hold, pool, 0);
	CHECK_EQ(write(first[0], "x", 1), 1);
	CHECK_EQ(write(second[0], "x", 1), 1);
	hold_end(&hold);
	WAIT_FOR(calls_second == 1);
	fixture_settle(pool);
	CHECK_EQ(calls_first, 1);
	CHECK_EQ(calls_third, 0);
	CHECK_EQ(FIXTURE_STAT(pool, 0, stale_events), stale + 1);
	CHECK_EQ(write(third[0], "x", 1), 1);
	WAIT_FOR(calls_third == 1);
	fixture_pool_end(pool);
	close(number);
	for (int i = 0; i < 2; i++) {
		close(first[i]);
		close(third[i]);
	}
	close(second[0]);
}
