/* SPDX-License-Identifier: MIT */
/*
 * loop/ready.h - the edge-triggered contract; ready.c has the table
 */
#ifndef WEIR_LOOP_READY_H
#define WEIR_LOOP_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/reactor.h"
#include "loop/source.h"

/* @facts hold: have the handler called in the ready phase, if wanted. */
void weir__ready_mark(struct weir_reactor *r, struct weir__source *s,
		      uint16_t facts);

/* @facts do not hold any more. */
void weir__ready_clear(struct weir_reactor *r, struct weir__source *s,
		       uint16_t facts);

/* The handler is to be called for @facts from now on. */
void weir__ready_want(struct weir_reactor *r, struct weir__source *s,
		      uint16_t facts);

/* @s leaves @r for another reactor, and keeps what is ready. */
void weir__ready_leave(struct weir_reactor *r, struct weir__source *s);

/* The handler or its data is another from now on. */
void weir__ready_replaced(struct weir_reactor *r, struct weir__source *s);

/* What stands in a caller's array and was not returned yet is not returned. */
void weir__ready_withdraw(struct weir_reactor *r, struct weir__source *s);

/* Call the handler for what is ready and wanted, if anything is. */
void weir__ready_call(struct weir_reactor *r, struct weir__source *s);

/* weir__ready_phase(), if there is anything for it to do. */
bool weir__ready_run(struct weir_reactor *r);

/* The ready phase of a turn.  True if some are left for the next. */
static inline bool weir__ready_phase(struct weir_reactor *r)
{
	return !weir__list_is_empty(&r->ready) && weir__ready_run(r);
}

#endif /* WEIR_LOOP_READY_H */
