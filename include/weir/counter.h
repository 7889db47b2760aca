/* SPDX-License-Identifier: MIT */
#ifndef WEIR_COUNTER_H
#define WEIR_COUNTER_H

/*
 * weir/counter.h - a number that all workers change and anybody reads
 *
 * Each thread of the pool has a cell of its own, on a cache line of its own,
 * so a change is a load and a store that no other thread slows down; the sum
 * reads all cells.  A sum taken while others change it is a value the counter
 * had, cell by cell, during the call; a thread sees its own changes at once.
 */
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;
struct weir_counter;

/**
 * weir_counter_new() - make a counter at 0
 * @pool:        the pool whose threads change it
 * @ret_counter: receives the counter, which the caller frees
 *
 * Threads: any.
 * Return:  0, -ENOMEM or -ECHILD.
 */
int weir_counter_new(const struct weir_pool *pool,
		     struct weir_counter **ret_counter);

/**
 * weir_counter_free() - free a counter
 * @counter: the counter, or NULL
 *
 * Threads: any, once no other thread can reach it.
 * Return:  NULL.
 */
struct weir_counter *weir_counter_free(struct weir_counter *counter);

/**
 * weir_counter_add() - change a counter
 * @counter: the counter
 * @r:       the reactor of the calling thread
 * @delta:   added; may be negative
 *
 * Threads: a worker or the control thread of the counter's pool.
 */
void weir_counter_add(struct weir_counter *counter,
		      const struct weir_reactor *r, int64_t delta);

/**
 * weir_counter_sum() - read a counter
 * @counter: the counter
 *
 * Threads: any.
 * Return:  the sum of all cells.
 */
int64_t weir_counter_sum(const struct weir_counter *counter);

WEIR_END_DECLS

#endif /* WEIR_COUNTER_H */
