/* SPDX-License-Identifier: MIT */
/* loop/spin.c - see spin.h */
#include "loop/spin.h"

#include "loop/reactor.h"
#include "sys/clock.h"

enum {
	/* Messages that make a flood, and what one of them is worth. */
	FLOOD = 64,
	MESSAGE_NS = 20,
	LINGER_MAX_NS = 5000,
	/* So often in vain, and only one of so many is tried. */
	VAIN_MAX = 2,
	TRY_EVERY = 32,
	/* Bounds of need, and of what is remembered. */
	NEED_MIN = 4,
	NEED_MAX = 1024,
	/* Under 1 us apart, this is within what a descriptor can wait. */
	ASK_EVERY = 32,
};

/* Let the CPU's other half go on.  A look at the clock costs as much. */
static inline void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

/* In time; counts a lingering as in vain until something comes. */
static weir_ns worth(struct weir__spin *s)
{
	weir_ns ns = 0;

	if (s->taken >= FLOOD && s->may_linger &&
	    (s->vain < VAIN_MAX || s->vain % TRY_EVERY == 0))
		ns = (weir_ns)s->taken * MESSAGE_NS;
	if (s->taken >= FLOOD)
		s->vain++;
	if (ns > LINGER_MAX_NS)
		ns = LINGER_MAX_NS;
	if (s->good >= NEED_MIN && s->good >= s->need && s->limit > ns)
		ns = s->limit;
	return ns;
}

bool weir__spin(struct weir_reactor *r, weir_ns until)
{
	struct weir__spin *s = &r->spin;
	const weir_ns most = worth(s);
	const weir_ns begin = r->now;
	bool has_some = false;

	if (most == 0)
		return false;
	if (until > begin + most)
		until = begin + most;
	while (!has_some && r->now < until) {
		pause_a_little();
		has_some = weir__reactor_has_work(r);
		r->now = weir__clock_now();
	}
	if (has_some) {
		s->vain = 0;
		s->need = NEED_MIN;
		weir__spin_learn(r, begin, true);
		return ++s->unasked % ASK_EVERY != 0;
	}
	s->good = 0;
	s->need = s->need < NEED_MAX / 2 ? s->need * 2 : NEED_MAX;
	return false;
}

void weir__spin_learn(struct weir_reactor *r, weir_ns since, bool by_message)
{
	struct weir__spin *s = &r->spin;

	if (s->limit == 0)
		return;
	if (!by_message || r->now - since > s->limit)
		s->good /= 2;
	else if (s->good < NEED_MAX)
		s->good++;
}
