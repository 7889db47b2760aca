/* SPDX-License-Identifier: MIT */
/*
 * chain.h - pipes in a circle, for all rows that pass bytes along it
 */
#ifndef BENCH_CHAIN_H
#define BENCH_CHAIN_H

#include "io.h"

struct chain {
	struct io_slot *slots;
	size_t count;
};

/* Return: 0 or -errno. */
int chain_new(size_t count, struct chain **ret_chain);
void chain_free(struct chain *chain);

/* A job that passes @active bytes on until @events were seen. */
struct io_job chain_job(struct chain *chain, size_t active, long events);

/* Put the bytes in that the job begins with. */
void chain_kick(const struct io_job *job, size_t active);

#endif /* BENCH_CHAIN_H */
