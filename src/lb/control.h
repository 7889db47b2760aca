/* SPDX-License-Identifier: MIT */
#ifndef LB_CONTROL_H
#define LB_CONTROL_H

/*
 * lb/control.h - what happens on the control thread
 */
#include "lb/lb.h"

/**
 * lb_control_init() - set the signal handlers, the file watch and the first
 *                     call, which is made when the pool runs
 * @lb: the load balancer, with its configuration in force
 *
 * A file that cannot be watched is only a warning: SIGHUP is left.
 *
 * Threads: the one that made the pool, before weir_pool_start().
 * Return:  0, or an error of weir_signal_add() or weir_post().
 */
int lb_control_init(struct lb *lb);

/**
 * lb_control_free_table() - free a table: a weir_snapshot_free_fn
 * @table: the table
 * @data:  the struct lb
 *
 * Threads: control only.
 */
void lb_control_free_table(void *table, void *data);

/**
 * lb_control_log_error() - write a mistake in a file to the log: a lb_report_fn
 * @text: FILE:LINE: message
 * @data: not used
 *
 * Threads: any.
 */
void lb_control_log_error(const char *text, void *data);

#endif /* LB_CONTROL_H */
