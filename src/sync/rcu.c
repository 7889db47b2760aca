/* SPDX-License-Identifier: MIT */
/*
 * sync/rcu.c - see rcu.h
 *
 * Not call_rcu(): it starts its thread on its own, under a name of its own,
 * and aborts the process if it cannot.  A pool has a thread that waits here.
 *
 * liburcu lists its readers where their threads keep their own variables, and
 * does not know of fork(). A child's list still has the parent's readers in
 * it: there are no such threads, nobody can take them out, and their memory
 * goes to the child's next threads. The first grace period would crash. So we
 * count, and a child that was forked while there were readers has no RCU.
 * Nor has one that was forked while a thread waited for a grace period: the
 * child has liburcu's locks as that thread held them.
 */
#include "sync/rcu.h"

#include <stdatomic.h>
#include <stdint.h>

#include "sys/fork.h"

char weir__rcu_edge;

static _Atomic uint32_t home;		/* the generation of the users */
static _Atomic uint32_t users;		/* readers, and who waits for them */

/* From here on a forked child would have what it cannot get rid of. */
static void count_in(void)
{
	atomic_store_explicit(&home, weir__fork_generation(),
			      memory_order_relaxed);		/* U3 */
	atomic_fetch_add_explicit(&users, 1,
				  memory_order_release);	/* U3 */
}

static void count_out(void)
{
	atomic_fetch_sub_explicit(&users, 1,
				  memory_order_relaxed);	/* U5 */
}

void weir__rcu_register(void)
{
	count_in();
	urcu_qsbr_register_thread();
}

void weir__rcu_unregister(void)
{
	weir__rcu_edge_release();				/* U1 */
	urcu_qsbr_unregister_thread();
	count_out();
}

bool weir__rcu_is_usable(void)
{
	const uint32_t n = atomic_load_explicit(&users,
						memory_order_acquire); /* U4 */

	return n == 0 || atomic_load_explicit(&home, memory_order_relaxed) ==
			 weir__fork_generation();		/* U4 */
}

void weir__rcu_wait(void)
{
	count_in();
	urcu_qsbr_synchronize_rcu();
	count_out();
	weir__rcu_edge_acquire();				/* U2 */
}
