/* SPDX-License-Identifier: MIT */
/*
 * loop/undrained.h - handlers that say "done" too early; debug builds only
 */
#ifndef WEIR_LOOP_UNDRAINED_H
#define WEIR_LOOP_UNDRAINED_H

#include <stdbool.h>

#include "loop/reactor.h"
#include "loop/source.h"

/* Its handler has just said WEIR_DONE, having been told READABLE. */
void weir__undrained_suspect(struct weir_reactor *r,
			     const struct weir__source *s);

/* The kernel has an event for @token. */
void weir__undrained_clear(struct weir_reactor *r, weir_token token);

/* Before the kernel is asked.  True: there are suspects, so do not sleep. */
bool weir__undrained_begin(struct weir_reactor *r);

/* After the dispatch; @is_all: the kernel had no more events than fit. */
void weir__undrained_judge(struct weir_reactor *r, bool is_all);

#endif /* WEIR_LOOP_UNDRAINED_H */
