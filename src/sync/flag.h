/* SPDX-License-Identifier: MIT */
/*
 * sync/flag.h - a wish that is remembered until it is taken
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * F1 -> F2  Who takes the wish sees what was done before it was made.
 * F3        Relaxed: only asks whether a look is worth it; the fence D2 of
 *           sync/doorbell.h stands before it where it decides about sleep.
 */
#ifndef WEIR_SYNC_FLAG_H
#define WEIR_SYNC_FLAG_H

#include <stdatomic.h>
#include <stdbool.h>

struct weir__flag {
	atomic_bool is_set;
};

static inline void weir__flag_init(struct weir__flag *flag)
{
	atomic_init(&flag->is_set, false);			/* F1 */
}

/* Threads: any; async-signal-safe. */
static inline void weir__flag_set(struct weir__flag *flag)
{
	atomic_store_explicit(&flag->is_set, true,
			      memory_order_release);		/* F1 */
}

static inline bool weir__flag_is_set(const struct weir__flag *flag)
{
	return atomic_load_explicit(&flag->is_set,
				    memory_order_relaxed);	/* F3 */
}

/* Threads: the one that the wish is for.  Return: whether there was one. */
static inline bool weir__flag_take(struct weir__flag *flag)
{
	return weir__flag_is_set(flag) &&
	       atomic_exchange_explicit(&flag->is_set, false,
					memory_order_acquire);	/* F2 */
}

#endif /* WEIR_SYNC_FLAG_H */
