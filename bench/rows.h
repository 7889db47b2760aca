/* SPDX-License-Identifier: MIT */
/*
 * rows.h - all rows; rows.c has their order
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench.h"

extern const struct bench_row row_accept;
extern const struct bench_row row_ask;
extern const struct bench_row row_chain;
extern const struct bench_row row_echo;
extern const struct bench_row row_foreign;
extern const struct bench_row row_handoff;
extern const struct bench_row row_http;
extern const struct bench_row row_latency;
extern const struct bench_row row_memory;
extern const struct bench_row row_modes;
extern const struct bench_row row_move;
extern const struct bench_row row_proxy;
extern const struct bench_row row_register;
extern const struct bench_row row_send;
extern const struct bench_row row_snapshot;
extern const struct bench_row row_timer;
extern const struct bench_row row_idle;
extern const struct bench_row row_spin;
extern const struct bench_row row_trip;

/*
 * The child of row_memory: prints bytes for a contender, a kind and a count.
 * Return: the exit status.
 */
int row_memory_of(char **args);

#endif /* BENCH_ROWS_H */
