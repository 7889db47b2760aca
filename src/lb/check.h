/* SPDX-License-Identifier: MIT */
#ifndef LB_CHECK_H
#define LB_CHECK_H

/*
 * lb/check.h - asking servers whether they are well
 *
 * A listener may say how its servers are checked: by a connect, or by a command
 * that ends with 0.  A server that fails some checks in a row is down for that
 * listener until it has passed some; it is given connections then only if no
 * other server is left.
 *
 * All of it is the control thread's.
 */
#include "lb/lb.h"

/**
 * lb_checks_apply() - check what the configuration in force says
 * @lb: the load balancer, its control thread running
 *
 * What is checked already, and in the same way, is not disturbed; a server that
 * stays keeps its state.  What cannot be checked for want of memory is logged
 * and taken to be up.
 *
 * Threads: control only.
 */
void lb_checks_apply(struct lb *lb);

/**
 * lb_checks_stop() - end all checks, and the commands that run
 * @lb: the load balancer
 *
 * Threads: control only.
 */
void lb_checks_stop(struct lb *lb);

/**
 * lb_checks_count_down() - for how many listeners a server is down
 * @lb:     the load balancer
 * @server: the server
 *
 * Threads: control only.
 * Return:  the number.
 */
unsigned lb_checks_count_down(const struct lb *lb,
			      const struct lb_server *server);

/**
 * lb_checks_free() - free what is known of checks
 * @lb: the load balancer
 *
 * Threads: main, after weir_pool_join().
 */
void lb_checks_free(struct lb *lb);

#endif /* LB_CHECK_H */
