/* SPDX-License-Identifier: MIT */
#ifndef LB_STATS_H
#define LB_STATS_H

/*
 * lb/stats.h - what the load balancer has done, for programs and for people
 *
 * For programs: a line on stdout each --stats-every seconds; doc/weir-lb.md has
 * the words.  For people: several lines of the log, on SIGUSR1.
 */
#include "lb/lb.h"

struct lb_stats;

/**
 * lb_stats_new() - begin to count
 * @lb:        the load balancer
 * @ret_stats: receives the statistics
 *
 * Threads: control only.
 * Return:  0 or -ENOMEM.
 */
int lb_stats_new(struct lb *lb, struct lb_stats **ret_stats);

/**
 * lb_stats_free() - free statistics
 * @stats: the statistics, or NULL
 *
 * Threads: control only.
 * Return:  NULL.
 */
struct lb_stats *lb_stats_free(struct lb_stats *stats);

/**
 * lb_stats_emit() - write the line for programs to stdout
 * @stats: the statistics; rates are since the last line
 *
 * Threads: control only.
 * Return:  0, -EAGAIN (nobody reads), -ENOMEM or an error of write(2).
 */
int lb_stats_emit(struct lb_stats *stats);

/**
 * lb_stats_log() - write the numbers to the log
 * @lb: the load balancer
 *
 * Threads: control only.
 */
void lb_stats_log(struct lb *lb);

#endif /* LB_STATS_H */
