/* SPDX-License-Identifier: MIT */
/*
 * pool/stats.c - what the threads have done, read from outside
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "pool/pool.h"
#include "sys/fork.h"

/* Where each number goes, and what it is called. */
static const struct {
	size_t offset;
	const char *name;
} fields[WEIR__STAT_COUNT] = {
#define FIELD(name) { offsetof(struct weir_stats, name), #name }
	[WEIR__STAT_TURNS] = FIELD(turns),
	[WEIR__STAT_SLEEPS] = FIELD(sleeps),
	[WEIR__STAT_EVENTS] = FIELD(events),
	[WEIR__STAT_STALE_EVENTS] = FIELD(stale_events),
	[WEIR__STAT_CALLS] = FIELD(calls),
	[WEIR__STAT_CALLS_AGAIN] = FIELD(calls_again),
	[WEIR__STAT_TIMERS] = FIELD(timers),
	[WEIR__STAT_MESSAGES_IN] = FIELD(messages_in),
	[WEIR__STAT_MESSAGES_OUT] = FIELD(messages_out),
	[WEIR__STAT_MESSAGES_FULL] = FIELD(messages_full),
	[WEIR__STAT_UNDELIVERABLE] = FIELD(undeliverable),
	[WEIR__STAT_WAKEUPS] = FIELD(wakeups),
	[WEIR__STAT_ACCEPTED] = FIELD(accepted),
	[WEIR__STAT_ACCEPT_ERRORS] = FIELD(accept_errors),
	[WEIR__STAT_BYTES_RELAYED] = FIELD(bytes_relayed),
	[WEIR__STAT_SOURCES_FORCED] = FIELD(sources_forced),
	[WEIR__STAT_SOURCES_LOST] = FIELD(sources_lost),
	[WEIR__STAT_REBUILDS] = FIELD(rebuilds),
	[WEIR__STAT_STALLS] = FIELD(stalls),
	[WEIR__STAT_MOVED_OUT] = FIELD(moved_out),
	[WEIR__STAT_MOVED_IN] = FIELD(moved_in),
	[WEIR__STAT_MOVES_REFUSED] = FIELD(moves_refused),
	[WEIR__STAT_BUSY_NS] = FIELD(busy_ns),
	[WEIR__STAT_SOURCES] = FIELD(sources),
	[WEIR__STAT_TIMERS_RUNNING] = FIELD(timers_running),
	[WEIR__STAT_MEMORY_BYTES] = FIELD(memory_bytes),
	[WEIR__STAT_QUEUE_DEPTH] = FIELD(queue_depth),
#undef FIELD
};

const char *weir__stat_name(int stat)
{
	return fields[stat].name;
}

/* Threads @first .. @last of a pool. */
struct range {
	const struct weir_pool *pool;
	int first, last;
};

static void add_numbers(const struct range *range, struct weir_stats *stats)
{
	for (int i = range->first; i <= range->last; i++) {
		const struct weir_reactor *r = range->pool->threads[i].reactor;
		const uint64_t max = weir__tally_get(&r->view->turn_max);

		for (int n = 0; n < WEIR__STAT_COUNT; n++) {
			uint64_t *field = (void *)((char *)stats +
						   fields[n].offset);

			*field += weir__tally_get(&r->view->stats[n]);
		}
		if (max > stats->turn_max_ns)
			stats->turn_max_ns = max;
	}
}

/* The buckets of one histogram, summed. */
static void add_histogram(const struct range *range,
			  enum weir_shm_histogram which, uint64_t *ret_sum)
{
	memset(ret_sum, 0, WEIR__HISTOGRAM_BUCKETS * sizeof(ret_sum[0]));
	for (int i = range->first; i <= range->last; i++) {
		const struct weir__view *view =
			range->pool->threads[i].reactor->view;
		const struct weir__histogram *h = &view->histograms[which];

		for (int n = 0; n < WEIR__HISTOGRAM_BUCKETS; n++)
			ret_sum[n] += weir__tally_get(&h->buckets[n]);
	}
}

/* A bucket's edge may lie above the largest value that was counted in it. */
static uint64_t quantile(const uint64_t *sum, double q, uint64_t max)
{
	const uint64_t value = weir__histogram_quantile(sum, q);

	return value < max ? value : max;
}

static void add_quantiles(const struct range *range, struct weir_stats *stats)
{
	uint64_t sum[WEIR__HISTOGRAM_BUCKETS];

	add_histogram(range, WEIR_SHM_TURN_NS, sum);
	stats->turn_p50_ns = quantile(sum, 0.50, stats->turn_max_ns);
	stats->turn_p99_ns = quantile(sum, 0.99, stats->turn_max_ns);
	add_histogram(range, WEIR_SHM_TIMER_LAG_NS, sum);
	stats->timer_lag_p50_ns = weir__histogram_quantile(sum, 0.50);
	stats->timer_lag_p99_ns = weir__histogram_quantile(sum, 0.99);
	add_histogram(range, WEIR_SHM_QUEUE_NS, sum);
	stats->queue_p50_ns = weir__histogram_quantile(sum, 0.50);
	stats->queue_p99_ns = weir__histogram_quantile(sum, 0.99);
	add_histogram(range, WEIR_SHM_TURN_EVENTS, sum);
	stats->turn_events_p50 = weir__histogram_quantile(sum, 0.50);
	stats->turn_events_p99 = weir__histogram_quantile(sum, 0.99);
}

int weir_pool_stats(const struct weir_pool *pool, int worker,
		    struct weir_stats *stats)
{
	struct range range = { pool, 0, pool->workers - 1 };
	struct weir_stats s = { .size = sizeof(s) };

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (stats->size != sizeof(s))
		return -EINVAL;
	if (worker != WEIR_ALL) {
		range.first = range.last = weir__pool_place(pool, worker);
		if (range.first < 0)
			return -EINVAL;
	}
	add_numbers(&range, &s);
	add_quantiles(&range, &s);
	*stats = s;
	return 0;
}

void weir__stats_dump(struct weir_pool *pool)
{
	for (int i = 0; i < weir__pool_threads(pool); i++) {
		const bool is_control = i == weir__pool_control(pool);
		struct weir_stats s = { .size = sizeof(s) };
		char name[16] = "ctl";

		if (!is_control)
			snprintf(name, sizeof(name), "%d", i);
		weir_pool_stats(pool, is_control ? WEIR_CONTROL : i, &s);
		weir__pool_log(pool, WEIR_LOG_INFO,
			"%s/%s: turns=%" PRIu64 " sleeps=%" PRIu64
			" events=%" PRIu64 " stale=%" PRIu64
			" messages_in=%" PRIu64 " messages_out=%" PRIu64
			" wakeups=%" PRIu64 " timers=%" PRIu64
			" accepted=%" PRIu64 " relayed=%" PRIu64
			" sources=%" PRIu64 " memory=%" PRIu64
			" turn_p50_ns=%" PRIu64 " turn_p99_ns=%" PRIu64
			" turn_max_ns=%" PRIu64,
			pool->name, name, s.turns, s.sleeps, s.events,
			s.stale_events, s.messages_in, s.messages_out,
			s.wakeups, s.timers, s.accepted, s.bytes_relayed,
			s.sources, s.memory_bytes, s.turn_p50_ns,
			s.turn_p99_ns, s.turn_max_ns);
	}
}
