/* SPDX-License-Identifier: MIT */
/*
 * loop/view.h - what others can see of a reactor
 *
 * All that a thread publishes lies together in pages of its own, so that a
 * pool can have them in memory that other processes map: weir/shm.h is this
 * struct's public face, and pool/shm.c compares the two.
 */
#ifndef WEIR_LOOP_VIEW_H
#define WEIR_LOOP_VIEW_H

#include <stdint.h>
#include <weir/base.h>
#include <weir/shm.h>

#include "base/histogram.h"
#include "sync/line.h"
#include "sync/record.h"
#include "sync/tally.h"

enum weir__stat {
	WEIR__STAT_TURNS,
	WEIR__STAT_SLEEPS,
	WEIR__STAT_EVENTS,
	WEIR__STAT_STALE_EVENTS,
	WEIR__STAT_CALLS,
	WEIR__STAT_CALLS_AGAIN,
	WEIR__STAT_TIMERS,
	WEIR__STAT_MESSAGES_IN,
	WEIR__STAT_MESSAGES_OUT,
	WEIR__STAT_MESSAGES_FULL,
	WEIR__STAT_UNDELIVERABLE,
	WEIR__STAT_WAKEUPS,
	WEIR__STAT_ACCEPTED,
	WEIR__STAT_ACCEPT_ERRORS,
	WEIR__STAT_BYTES_RELAYED,
	WEIR__STAT_SOURCES_FORCED,
	WEIR__STAT_SOURCES_LOST,
	WEIR__STAT_REBUILDS,
	WEIR__STAT_STALLS,
	WEIR__STAT_MOVED_OUT,
	WEIR__STAT_MOVED_IN,
	WEIR__STAT_MOVES_REFUSED,
	WEIR__STAT_BUSY_NS,
	/* not sums, but what is at this moment */
	WEIR__STAT_SOURCES,
	WEIR__STAT_TIMERS_RUNNING,
	WEIR__STAT_MEMORY_BYTES,
	WEIR__STAT_QUEUE_DEPTH,
	WEIR__STAT_COUNT,
};

enum { WEIR__VIEW_HISTOGRAMS = WEIR_SHM_QUEUE_NS + 1 };

struct weir__histogram {
	struct weir__tally buckets[WEIR__HISTOGRAM_BUCKETS];
};

struct weir__view {
	/* struct weir_shm_line */
	struct weir__tally records_begun;
	struct weir__tally woke_at;
	struct weir__tally stall_limit;	/* the control thread's */
	struct weir__tally stall_woke_at;
	struct weir__tally stall_ns;
	struct weir__tally turn_max;
	struct weir__tally waits_at;

	_Alignas(WEIR__LINE) struct weir__tally stats[WEIR__STAT_COUNT];
	struct weir__histogram histograms[WEIR__VIEW_HISTOGRAMS];
	struct weir__records records;
};

/* Of pages of zeros.  Threads: the one that makes the reactor. */
static inline void weir__view_init(struct weir__view *view)
{
	weir__tally_set(&view->stall_limit, UINT64_MAX);
}

/* Threads: the writer. */
static inline void weir__view_count(struct weir__view *view,
				    enum weir_shm_histogram which,
				    uint64_t value)
{
	struct weir__histogram *h = &view->histograms[which];

	weir__tally_add(&h->buckets[weir__histogram_bucket(value)], 1);
}

/* Threads: the writer. */
static inline void weir__view_record(struct weir__view *view,
				     enum weir_shm_kind kind, uint64_t subject,
				     uint64_t handler, uint32_t value)
{
	weir__record_put(&view->records, &view->records_begun, subject,
			 handler, (uint64_t)kind << 32 | value);
}

#endif /* WEIR_LOOP_VIEW_H */
