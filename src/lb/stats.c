/* SPDX-License-Identifier: MIT */
/*
 * stats.c - what the load balancer has done, for programs and for people
 */
#include "lb/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lb/check.h"
#include "lb/log.h"

/* Of one worker, when the last line was written. */
struct before {
	uint64_t turns;
	uint64_t messages;
};

struct lb_stats {
	struct lb *lb;
	weir_ns begun;
	weir_ns last;
	int workers;
	struct before before[];
};

int lb_stats_new(struct lb *lb, struct lb_stats **ret_stats)
{
	int workers = weir_pool_workers(lb->pool);
	struct lb_stats *stats;

	stats = calloc(1, sizeof(*stats) +
			  (size_t)workers * sizeof(stats->before[0]));
	if (!stats)
		return -ENOMEM;
	stats->lb = lb;
	stats->workers = workers;
	stats->begun = stats->last = weir_clock();
	*ret_stats = stats;
	return 0;
}

struct lb_stats *lb_stats_free(struct lb_stats *stats)
{
	free(stats);
	return NULL;
}

static struct weir_stats read_worker(const struct lb *lb, int worker)
{
	struct weir_stats stats = { .size = sizeof(stats) };

	weir_pool_stats(lb->pool, worker, &stats);
	return stats;
}

static void print_totals(FILE *out, const struct lb_stats *stats, weir_ns now)
{
	static const char *const names[LB_COUNTS] = {
		[LB_NOW] = "conns",	[LB_TOTAL] = "total",
		[LB_FAILED] = "failed",	[LB_BROKEN] = "broken",
		[LB_RESET] = "reset",	[LB_GONE] = "gone",
		[LB_IDLE] = "idle",	[LB_FORCED] = "forced",
		[LB_RETRIES] = "retries",
	};
	const struct lb *lb = stats->lb;
	struct weir_stats all = read_worker(lb, WEIR_ALL);
	struct weir_stats own = read_worker(lb, WEIR_CONTROL);

	fprintf(out, "weir-lb time=%.3f",
		(double)(now - stats->begun) / WEIR_NS_PER_SEC);
	for (int i = 0; i < LB_COUNTS; i++) {
		if (i == LB_FAILED)
			fprintf(out, " errors=%" PRId64,
				lb_count_get(lb, LB_FAILED) +
				lb_count_get(lb, LB_BROKEN));
		fprintf(out, " %s=%" PRId64, names[i],
			lb_count_get(lb, (enum lb_count)i));
	}
	fprintf(out, " reloads=%" PRIu64 " reload_errors=%" PRIu64
		" stalls=%" PRIu64 " bytes=%" PRIu64 " turn_p50_us=%.1f turn_p99_us=%.1f",
		lb->reloads, lb->reload_errors,
		all.stalls + own.stalls, all.bytes_relayed,
		(double)all.turn_p50_ns / WEIR_NS_PER_USEC,
		(double)all.turn_p99_ns / WEIR_NS_PER_USEC);
}

static void print_worker(FILE *out, struct lb_stats *stats, int worker,
			 double seconds)
{
	struct weir_stats now = read_worker(stats->lb, worker);
	struct before *before = &stats->before[worker];

	fprintf(out, " w%d.conns=%" PRIu64 " w%d.turns=%.0f w%d.messages=%.0f"
		" w%d.accepted=%" PRIu64, worker, now.sources, worker,
		(double)(now.turns - before->turns) / seconds, worker,
		(double)(now.messages_in - before->messages) / seconds, worker,
		now.accepted);
	before->turns = now.turns;
	before->messages = now.messages_in;
}

static void print_line(FILE *out, struct lb_stats *stats)
{
	weir_ns now = weir_clock();
	/* A nanosecond, so that nothing is divided by 0. */
	double seconds = (double)(now - stats->last + 1) / WEIR_NS_PER_SEC;

	print_totals(out, stats, now);
	for (int worker = 0; worker < stats->workers; worker++)
		print_worker(out, stats, worker, seconds);
	for (const struct lb_server *server = stats->lb->servers.first; server;
	     server = server->next)
		fprintf(out, " server=%s now=%" PRId64 " made=%" PRId64
			" failures=%" PRId64 " down=%u", server->name,
			weir_counter_sum(server->now),
			weir_counter_sum(server->total),
			weir_counter_sum(server->failures),
			lb_checks_count_down(stats->lb, server));
	fputc('\n', out);
	stats->last = now;
}

int lb_stats_emit(struct lb_stats *stats)
{
	char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);
	int r = -ENOMEM;

	if (!out)
		return -ENOMEM;
	print_line(out, stats);
	if (fclose(out) == 0)
		r = lb_emit(STDOUT_FILENO, line);
	free(line);
	return r;
}

static void log_worker(const struct lb *lb, int worker)
{
	struct weir_stats s = read_worker(lb, worker);
	char name[32] = "control";

	if (worker >= 0)
		snprintf(name, sizeof(name), "worker %d", worker);
	lb_log(WEIR_LOG_INFO, "%s: turns %" PRIu64 ", events %" PRIu64
	       " (stale %" PRIu64 "), timers %" PRIu64 ", messages in %" PRIu64
	       " out %" PRIu64 ", wakeups %" PRIu64 ", accepted %" PRIu64
	       " (errors %" PRIu64 "), bytes %" PRIu64 ", sources %" PRIu64
	       ", memory %" PRIu64 ", turn p50 %.1f us p99 %.1f us max %.1f us",
	       name, s.turns, s.events, s.stale_events, s.timers, s.messages_in,
	       s.messages_out, s.wakeups, s.accepted, s.accept_errors,
	       s.bytes_relayed, s.sources, s.memory_bytes,
	       (double)s.turn_p50_ns / WEIR_NS_PER_USEC,
	       (double)s.turn_p99_ns / WEIR_NS_PER_USEC,
	       (double)s.turn_max_ns / WEIR_NS_PER_USEC);
}

void lb_stats_log(struct lb *lb)
{
	lb_log(WEIR_LOG_INFO, "connections: now %" PRId64 ", total %" PRId64
	       ", failed %" PRId64 ", broken %" PRId64 ", reset %" PRId64
	       ", gone %" PRId64 ", idle %" PRId64 ", forced %" PRId64
	       "; reloads %" PRIu64 ", refused %" PRIu64,
	       lb_count_get(lb, LB_NOW), lb_count_get(lb, LB_TOTAL),
	       lb_count_get(lb, LB_FAILED), lb_count_get(lb, LB_BROKEN),
	       lb_count_get(lb, LB_RESET), lb_count_get(lb, LB_GONE),
	       lb_count_get(lb, LB_IDLE), lb_count_get(lb, LB_FORCED),
	       lb->reloads, lb->reload_errors);
	for (const struct lb_server *server = lb->servers.first; server;
	     server = server->next)
		lb_log(WEIR_LOG_INFO, "server %s: now %" PRId64 ", made %"
		       PRId64 ", failures %" PRId64 "%s%s", server->name,
		       weir_counter_sum(server->now),
		       weir_counter_sum(server->total),
		       weir_counter_sum(server->failures),
		       lb_checks_count_down(lb, server) > 0 ? ", down" : "",
		       server->users > 0 ? "" : " (no longer configured)");
	for (int worker = 0; worker < weir_pool_workers(lb->pool); worker++)
		log_worker(lb, worker);
	log_worker(lb, WEIR_CONTROL);
}
