/* SPDX-License-Identifier: MIT */
/*
 * loop/spin.h - waiting for messages without the kernel
 *
 * A thread that sleeps costs its next sender a system call, and itself the
 * time to wake up: 20 us where a CPU has gone idle.  Two sorts of wait are so
 * short that it pays to stay awake:
 *
 *   linger  After a turn with many messages the next ones are on their way.
 *           For as long as those just taken were worth, and 5 us at most.
 *           In vain twice running (the sender may need this very CPU), it is
 *           tried again with one flood of 32 only.
 *   spin    If asked for by weir_pool_options.spin_ns: after need waits that a
 *           message ended within the limit, spun or slept.  Any other wait
 *           halves how many of those there were.  One that was spun through in
 *           vain doubles need, to 1,024 at most: so a thread that is alone, or
 *           that shares its CPU with the one it waits for, sleeps.
 *
 * Neither where the pool has as many threads as CPUs or more: who spins there
 * keeps from its CPU the thread it waits for.
 *
 * Only messages end a spin, so the kernel is asked all the same whenever a
 * turn was ended by one ASK_EVERY times in a row.
 */
#ifndef WEIR_LOOP_SPIN_H
#define WEIR_LOOP_SPIN_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/base.h>

/* A limit of spin_ns: beyond it a sleep costs next to nothing in comparison. */
#define WEIR__SPIN_MAX UINT64_C(1000000)

struct weir_reactor;

struct weir__spin {
	bool may_linger;
	weir_ns limit;		/* 0: linger only */
	unsigned good;		/* short waits of late */
	unsigned need;		/* so many of them, to spin */
	unsigned vain;		/* lingerings that brought nothing, in a row */
	unsigned unasked;	/* turns in a row without the kernel */
	unsigned taken;		/* messages, in this turn */
};

/* Is a spin to be thought of at all? */
static inline bool weir__spin_is_asked(const struct weir__spin *s)
{
	return s->limit > 0 || s->taken > 0;
}

/**
 * weir__spin() - wait for a message, if that is likely to be short
 * @until: and not beyond it
 *
 * r->now is the time at which it begins, and afterwards that at which it ended.
 *
 * Return: whether there is something, and the kernel need not be asked.
 */
bool weir__spin(struct weir_reactor *r, weir_ns until);

/* A wait has ended that began at @since: learn from it. */
void weir__spin_learn(struct weir_reactor *r, weir_ns since, bool by_message);

#endif /* WEIR_LOOP_SPIN_H */
