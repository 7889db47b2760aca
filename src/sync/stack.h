/* SPDX-License-Identifier: MIT */
/*
 * sync/stack.h - things that many threads add and one takes all at once
 *
 * A linked stack (Treiber, "Systems Programming: Coping with Parallelism",
 * 1986) of which nothing is taken but the whole: so a link is never read while
 * another may change it, and the same node may come back at once.
 *
 * I1  Once closed, nothing is added any more: what a closing take returned is
 *     the last there is.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * K1 -> K2  Who takes a node sees what was written to it before it was added.
 * K3        Relaxed: only asks whether a look is worth it; the fence D2 of
 *           sync/doorbell.h stands before it where it decides about sleep.
 */
#ifndef WEIR_SYNC_STACK_H
#define WEIR_SYNC_STACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <weir/message.h>

struct weir__stack {
	_Atomic(struct weir_link *) head;	/* NULL: empty */
	struct weir_link closed;	/* its address: closed */
};

/**
 * weir__stack_push() - add a node
 *
 * The caller rings the owner's doorbell afterwards.
 *
 * Threads: any.
 * Return:  false if the stack is closed.
 */
static inline bool weir__stack_push(struct weir__stack *stack,
				    struct weir_link *node)
{
	struct weir_link *head;

	head = atomic_load_explicit(&stack->head, memory_order_relaxed); /* K3 */
	do {
		if (head == &stack->closed)
			return false;
		node->next = head;
	} while (!atomic_compare_exchange_weak_explicit(&stack->head, &head,
			node, memory_order_release,
			memory_order_relaxed));			/* K1, K3 */
	return true;
}

/* Is it worth a look?  Threads: the owner. */
static inline bool weir__stack_has_some(const struct weir__stack *stack)
{
	const struct weir_link *head;

	head = atomic_load_explicit(&stack->head, memory_order_relaxed); /* K3 */
	return head != NULL && head != &stack->closed;
}

/* All there is, the newest first; NULL: none.  Threads: the owner. */
static inline struct weir_link *
weir__stack_take(struct weir__stack *stack)
{
	if (!weir__stack_has_some(stack))
		return NULL;
	return atomic_exchange_explicit(&stack->head, NULL,
					memory_order_acquire);	/* K2 */
}

/* As weir__stack_take(), and nothing is added any more. */
static inline struct weir_link *
weir__stack_close(struct weir__stack *stack)
{
	struct weir_link *all;

	all = atomic_exchange_explicit(&stack->head, &stack->closed,
				       memory_order_acquire);	/* K2 */
	return all == &stack->closed ? NULL : all;
}

#endif /* WEIR_SYNC_STACK_H */
