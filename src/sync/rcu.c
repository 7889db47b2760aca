/* SPDX-License-Identifier: MIT */
/*
 * sync/rcu.c - see rcu.h
 *
 * Not call_rcu(): it starts its thread on its own, under a name of its own,
 * and aborts the process if it cannot.  A pool has a thread that waits here.
 */
#include "sync/rcu.h"

char weir__rcu_edge;

void weir__rcu_wait(void)
{
	urcu_qsbr_synchronize_rcu();
	weir__rcu_edge_acquire();				/* U2 */
}
