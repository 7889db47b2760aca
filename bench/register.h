/* SPDX-License-Identifier: MIT */
/*
 * register.h - descriptors that come and go
 */
#ifndef BENCH_REGISTER_H
#define BENCH_REGISTER_H

#include <stdint.h>

#include "io.h"

/* A loop with @count slots, watching nothing.  Return: 0 or -errno. */
int register_open(const struct io_ops *ops, size_t count, struct io_job *job);
void register_close(const struct io_ops *ops, struct io_job *job);

/**
 * register_cycle() - the life of one descriptor for each slot
 *
 * All are made, added, removed and closed.
 *
 * Return: ns of CPU time from the first add to the last close, or -errno.
 */
int64_t register_cycle(const struct io_ops *ops, struct io_job *job);

#endif /* BENCH_REGISTER_H */
