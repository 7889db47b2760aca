/* SPDX-License-Identifier: MIT */
/* pool/counter.c - see weir/counter.h */
#include <weir/counter.h>

#include <errno.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "sync/line.h"
#include "sync/tally.h"
#include "sys/fork.h"

struct cell {
	_Alignas(WEIR__LINE) struct weir__tally tally;
};

struct weir_counter {
	_Alignas(WEIR__LINE) int threads;
	struct cell cells[];	/* by place in the pool's threads[] */
};

int weir_counter_new(const struct weir_pool *pool,
		     struct weir_counter **ret_counter)
{
	const int threads = weir__pool_threads(pool);
	struct weir_counter *counter;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	counter = weir__line_alloc(sizeof(*counter) +
				   (size_t)threads * sizeof(struct cell));
	if (!counter)
		return -ENOMEM;
	counter->threads = threads;
	for (int i = 0; i < threads; i++)
		weir__tally_set(&counter->cells[i].tally, 0);
	*ret_counter = counter;
	return 0;
}

struct weir_counter *weir_counter_free(struct weir_counter *counter)
{
	free(counter);
	return NULL;
}

void weir_counter_add(struct weir_counter *counter,
		      const struct weir_reactor *r, int64_t delta)
{
	const struct weir__worker *w = r->hooks_data;

	if (weir__reactor_check(r) < 0)
		return;
	weir__tally_add(&counter->cells[w->index].tally, (uint64_t)delta);
}

int64_t weir_counter_sum(const struct weir_counter *counter)
{
	uint64_t sum = 0;

	for (int i = 0; i < counter->threads; i++)
		sum += weir__tally_get(&counter->cells[i].tally);
	return (int64_t)sum;
}
