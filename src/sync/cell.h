/* SPDX-License-Identifier: MIT */
/*
 * sync/cell.h - a pointer to a read-mostly object
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * S1 -> S2  A reader that sees the pointer sees the object complete.  An
 *           acquire costs nothing on x86 and a plain load on arm64 is
 *           cheaper by little; a dependency would be enough but C11 has no
 *           way to say so that compilers keep.
 * S1        Also acquires, so that who takes the old object out sees all that
 *           was done to it.
 *
 * When the old object may be freed is the matter of sync/rcu.h.
 */
#ifndef WEIR_SYNC_CELL_H
#define WEIR_SYNC_CELL_H

#include <stdatomic.h>

struct weir__cell {
	_Atomic(void *) object;
};

static inline void weir__cell_init(struct weir__cell *cell, void *object)
{
	atomic_init(&cell->object, object);			/* S1 */
}

/* Threads: any that may read what it returns. */
static inline void *weir__cell_get(const struct weir__cell *cell)
{
	return atomic_load_explicit(&cell->object,
				    memory_order_acquire);	/* S2 */
}

/* Return: the old object. */
static inline void *weir__cell_swap(struct weir__cell *cell, void *object)
{
	return atomic_exchange_explicit(&cell->object, object,
					memory_order_acq_rel);	/* S1, S2 */
}

#endif /* WEIR_SYNC_CELL_H */
