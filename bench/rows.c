/* SPDX-License-Identifier: MIT */
/*
 * rows.c - all rows, in the order in which they are measured
 */
#include "rows.h"

#include <stddef.h>

const struct bench_row *const bench_rows[] = {
	&row_chain,
	&row_modes,
	&row_register,
	&row_timer,
	&row_handoff,
	&row_foreign,
	&row_send,
	&row_trip,
	&row_spin,
	&row_ask,
	&row_idle,
	&row_move,
	&row_snapshot,
	&row_echo,
	&row_latency,
	&row_http,
	&row_accept,
	&row_proxy,
	&row_memory,
	NULL,
};
