/* SPDX-License-Identifier: MIT */
#ifndef WEIR_STATS_H
#define WEIR_STATS_H

/*
 * weir/stats.h - what each thread of a pool has done, read from any thread
 *
 * A thread writes its own counters with plain stores on its own cache lines;
 * reading stops nobody.  Each value is exact at some moment during the call;
 * two of them need not be of the same moment.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;

/* As a worker's number: the sum (of histograms, the union) over all workers. */
#define WEIR_ALL (-2)

struct weir_stats {
	size_t size;		/* set it to sizeof(struct weir_stats) */
	/* since the start */
	uint64_t turns;		/* of the loop */
	uint64_t sleeps;	/* turns in which it waited in the kernel */
	uint64_t events;	/* from the kernel, stale ones included */
	uint64_t stale_events;	/* dropped: their registration had ended */
	uint64_t calls;		/* of source handlers */
	uint64_t calls_again;	/* of those, from the WEIR_MORE list */
	uint64_t timers;	/* fired */
	uint64_t messages_in;	/* run */
	uint64_t messages_out;	/* accepted by weir_post() or weir_send() on
				   this thread, and on their way: flushed */
	uint64_t messages_full;	/* refused with -EAGAIN on this thread */
	uint64_t undeliverable;	/* messages that came back */
	uint64_t wakeups;	/* doorbells this thread had to ring */
	uint64_t accepted;	/* connections taken on by this worker */
	uint64_t accept_errors;	/* accept failed: EMFILE, ENFILE, ... */
	uint64_t bytes_relayed;	/* by relays, both directions */
	uint64_t sources_forced;/* ended by a stop */
	uint64_t sources_lost;	/* their descriptor was closed behind our back
				   and its number reused */
	uint64_t rebuilds;	/* of the epoll set, to be rid of a registration
				   that outlived its descriptor */
	uint64_t stalls;	/* turns that were longer than the watchdog's
				   limit; see weir/watchdog.h */
	uint64_t moved_out;	/* sources that left for another worker */
	uint64_t moved_in;	/* and that came from one */
	uint64_t moves_refused;	/* of those that came, by the kernel */
	uint64_t busy_ns;	/* its turns, without the waits between them */
	/* at this moment */
	uint64_t sources;	/* with a descriptor, the library's own excluded */
	uint64_t timers_running;
	uint64_t memory_bytes;	/* handed out by the reactor's arena */
	uint64_t queue_depth;	/* messages that its last turn found and ran */
	/* histogram of turn_ns: from the kernel's answer until the next wait */
	uint64_t turn_p50_ns;
	uint64_t turn_p99_ns;
	uint64_t turn_max_ns;
	/* histogram of how late timers were called */
	uint64_t timer_lag_p50_ns;
	uint64_t timer_lag_p99_ns;
	/* histogram of how long the oldest message had waited, sampled in one
	   turn of 16; from the sender's turn, if it is of the pool */
	uint64_t queue_p50_ns;
	uint64_t queue_p99_ns;
	/* histogram of events for each wait that brought some */
	uint64_t turn_events_p50;
	uint64_t turn_events_p99;
};

/* How much a worker has to do: for those who place or move connections. */
struct weir_load {
	uint64_t sources;	/* as in struct weir_stats */
	uint64_t queue_depth;	/* likewise */
	uint64_t coming;	/* connections that were given to it and have
				   not arrived; 0 where nobody accepts */
	uint32_t busy_ppm;	/* millionths of its time in which it was busy,
				   a handler that has not returned included,
				   in the last 10 ms or longer */
};

/**
 * weir_pool_stats() - read the counters of one thread, or of all workers
 * @pool:   the pool
 * @worker: 0 .. workers - 1, WEIR_CONTROL or WEIR_ALL
 * @stats:  receives them; stats->size is set by the caller
 *
 * Quantiles come from a log-linear histogram and are at most 1/32 too high.
 *
 * Threads: any.
 * Return:  0, -EINVAL (no such worker, or stats->size) or -ECHILD.
 */
int weir_pool_stats(const struct weir_pool *pool, int worker,
		    struct weir_stats *stats);

WEIR_END_DECLS

#endif /* WEIR_STATS_H */
