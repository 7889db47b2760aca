/* SPDX-License-Identifier: MIT */
/* chain.c - see chain.h */
#include "chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool.h"

void chain_free(struct chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		close(chain->slots[i].fd);
		close(chain->slots[i].next_out);
	}
	free(chain->slots);
	free(chain);
}

/* Slot i reads from pipe i and writes into pipe i + 1. */
int chain_new(size_t count, struct chain **ret_chain)
{
	struct chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return -ENOMEM;
	chain->slots = calloc(count, sizeof(*chain->slots));
	for (size_t i = 0; chain->slots && i < count; i++) {
		const size_t before = (i + count - 1) % count;
		int fds[2];

		if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
			tool_die("pipe", errno);
		chain->slots[i].fd = fds[0];
		chain->slots[before].next_out = fds[1];
		chain->count++;
	}
	*ret_chain = chain;
	return 0;
}

struct io_job chain_job(struct chain *chain, size_t active, long events)
{
	return (struct io_job){
		.work = IO_CHAIN,
		.slots = chain->slots,
		.count = chain->count,
		.total = events,
		.left = events - (long)active,
	};
}

void chain_kick(const struct io_job *job, size_t active)
{
	for (size_t i = 0; i < active; i++) {
		const size_t at = i * job->count / active;

		if (write(job->slots[at].next_out, "x", 1) != 1)
			tool_die("chain", errno);
	}
}
