/* SPDX-License-Identifier: MIT */
/*
 * pool/stats.c - what the threads have done, read from outside
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "pool/pool.h"
#include "sys/fork.h"

/* Where each number goes. */
static const size_t field_of[WEIR__STAT_COUNT] = {
#define FIELD(name) offsetof(struct weir_stats, name)
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
	[WEIR__STAT_SOURCES] = FIELD(sources),
	[WEIR__STAT_TIMERS_RUNNING] = FIELD(timers_running),
	[WEIR__STAT_MEMORY_BYTES] = FIELD(memory_bytes),
#undef FIELD
};

/* One thread's numbers are added to @stats, and its turns to @turn_ns. */
static void add_thread(const struct weir_reactor *r, struct weir_stats *stats,
		       uint64_t *turn_ns)
{
	const uint64_t max = weir__tally_get(&r->turn_max);

	for (int i = 0; i < WEIR__STAT_COUNT; i++) {
		uint64_t *field = (void *)((char *)stats + field_of[i]);

		*field += weir__tally_get(&r->stats[i]);
	}
	for (int i = 0; i < WEIR__HISTOGRAM_BUCKETS; i++)
		turn_ns[i] += weir__tally_get(&r->turn_ns[i]);
	if (max > stats->turn_max_ns)
		stats->turn_max_ns = max;
}

/* A bucket's edge may lie above the largest value that was counted in it. */
static uint64_t quantile(const uint64_t *turn_ns, double q, uint64_t max)
{
	const uint64_t value = weir__histogram_quantile(turn_ns, q);

	return value < max ? value : max;
}

int weir_pool_stats(const struct weir_pool *pool, int worker,
		    struct weir_stats *stats)
{
	uint64_t turn_ns[WEIR__HISTOGRAM_BUCKETS] = { 0 };
	struct weir_stats s = { .size = sizeof(s) };
	int first = 0, last = pool->workers - 1;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (stats->size != sizeof(s))
		return -EINVAL;
	if (worker != WEIR_ALL) {
		first = last = weir__pool_place(pool, worker);
		if (first < 0)
			return -EINVAL;
	}
	for (int i = first; i <= last; i++)
		add_thread(pool->threads[i].reactor, &s, turn_ns);
	s.turn_p50_ns = quantile(turn_ns, 0.50, s.turn_max_ns);
	s.turn_p99_ns = quantile(turn_ns, 0.99, s.turn_max_ns);
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
