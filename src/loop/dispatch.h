/* SPDX-License-Identifier: MIT */
/*
 * loop/dispatch.h - a batch of events, to their handlers or to the caller
 *
 * The part of the edge-triggered contract that each event goes through; what
 * is out of the ordinary is in ready.c, which opens with the contract.
 *
 * In a header so that the turn has it in line: a return to a frame from before
 * a system call is guessed wrong by most processors, as the kernel's own calls
 * have pushed that frame out of what they remember.  So each frame between the
 * loop and the handler costs as much as twenty instructions.
 */
#ifndef WEIR_LOOP_DISPATCH_H
#define WEIR_LOOP_DISPATCH_H

#include "loop/ready.h"
#include "loop/undrained.h"

enum {
	WEIR__READY_ONCE = WEIR_DRAINING | WEIR_STOPPING | WEIR_MOVED,
	WEIR__READY_ALWAYS = WEIR_ERROR | WEIR_HANGUP | WEIR__READY_ONCE,
};

static inline uint16_t weir__ready_pending(const struct weir__source *s)
{
	return (uint16_t)(s->ready & (s->wanted | WEIR__READY_ALWAYS));
}

/* What a batch was, besides calls. */
struct weir__batch {
	unsigned bells, stale, silent;
};

/* After a call that was not simply done; see weir__ready_enter(). */
void weir__ready_judge(struct weir_reactor *r, struct weir__source *s,
		       weir_token token, uint16_t given);

/*
 * An event that is not simply some source's: the doorbell's, one whose
 * registration has ended or has lost its descriptor, an end or a failure, one
 * for a source that is in the ready list, is ONESHOT, or has no handler.
 */
void weir__ready_odd(struct weir_reactor *r, weir_token token, uint32_t raw,
		     struct weir__batch *batch);

/*
 * Call the handler of @s, which has one and is not in the ready list, for
 * @given.  On the path of every event, hence without a call of its own, and
 * leaving two things to its callers: to count the call, and to clear r->called
 * after the last one.
 */
__attribute__((always_inline)) static inline void
weir__ready_enter(struct weir_reactor *r, struct weir__source *s,
		  weir_token token, uint16_t given, uint32_t raw, bool is_alone)
{
	const struct weir_event event = {
		token, given, (uint16_t)raw, s->fd, s->data,
	};
	enum weir_verdict verdict;

	/* Of a reactor that stands alone nobody can read it. */
	if (!is_alone)
		weir__view_record(r->view, WEIR_SHM_CALL, token.bits,
				  (uintptr_t)s->fn, given);
	WEIR__PROBE4(handler_start, r->owner, token.bits, s->fn, given);
	r->called = s;
	verdict = s->fn(r, &event, event.data);
	weir__trace_end(r, token.bits);
	if (__builtin_expect(r->called != s || verdict == WEIR_MORE, 0)) {
		weir__ready_judge(r, s, token, given);
		return;
	}
	s->ready &= (uint16_t)~given;
	if (WEIR_DEBUG && (given & WEIR_READABLE))
		weir__undrained_suspect(r, s);
	if (__builtin_expect(s->ready && weir__ready_pending(s), 0))
		weir__list_push(&r->ready, &s->ready_link);
}

static inline struct weir__source *
weir__dispatch_find(const struct weir_reactor *r,
		    const struct epoll_event *event)
{
	return weir__token_find(r->tokens, &r->near, r->owner,
				(weir_token){ event->data.u64 });
}

/*
 * The source of the next event is on its way to the cache while the handler of
 * this one runs; it is the right one unless some source has gone meanwhile.
 *
 * The kernel reports no bit that was not registered but HUP and ERR, and no
 * source is registered for one that is not a fact: so a plain event's bits are
 * facts.
 */
__attribute__((always_inline)) static inline void
weir__dispatch_calls(struct weir_reactor *r, int n, struct weir__batch *batch,
		     bool is_alone)
{
	const struct epoll_event *event = r->batch;
	const struct epoll_event *const end = event + n;
	struct weir__source *next = weir__dispatch_find(r, event);
	uint64_t gone = r->gone;

	for (; event < end; event++) {
		const weir_token token = { event->data.u64 };
		const uint32_t raw = event->events;
		struct weir__source *s = next;
		uint16_t heard;

		/* One that came later is found by weir__ready_odd(). */
		if (__builtin_expect(r->gone != gone, 0)) {
			s = weir__dispatch_find(r, event);
			gone = r->gone;
		}
		if (event + 1 < end) {
			next = weir__dispatch_find(r, event + 1);
			__builtin_prefetch(next, 1);
		}
		if (WEIR_DEBUG)
			weir__undrained_clear(r, token);
		WEIR__PROBE3(dispatch, r->owner, token.bits, raw);
		if (__builtin_expect(!s || (raw & s->slow) ||
				     weir__ready_pending(s), 0)) {
			weir__ready_odd(r, token, raw, batch);
			continue;
		}
		heard = (uint16_t)raw;
		s->ready |= heard;
		heard &= s->wanted;
		if (__builtin_expect(heard != 0, 1))
			weir__ready_enter(r, s, token, heard, raw, is_alone);
		else
			batch->silent++;
	}
	r->called = NULL;
}

/*
 * The same for a caller who collects: plain events are those of sources
 * without a handler, and stand in the array at once.  There is room for the
 * whole batch.
 */
static inline void weir__dispatch_reports(struct weir_reactor *r, int n,
					  struct weir__batch *batch,
					  struct weir__harvest *h)
{
	for (int i = 0; i < n; i++) {
		const weir_token token = { r->batch[i].data.u64 };
		const uint32_t raw = r->batch[i].events;
		struct weir__source *s = weir__token_find(r->tokens, &r->near,
							  r->owner, token);
		uint16_t heard;

		if (WEIR_DEBUG)
			weir__undrained_clear(r, token);
		WEIR__PROBE3(dispatch, r->owner, token.bits, raw);
		if (__builtin_expect(!s || s->fn || s->is_odd ||
				     weir__ready_pending(s) ||
				     (raw & (EPOLLHUP | EPOLLERR)) ||
				     s->harvested == r->turn, 0)) {
			weir__ready_odd(r, token, raw, batch);
			continue;
		}
		batch->silent++;
		heard = (uint16_t)(raw & s->wanted);
		s->ready |= (uint16_t)(raw & ~(uint32_t)heard);
		if (heard == 0)
			continue;
		s->harvested = r->turn;
		h->events[h->count++] = (struct weir_event){
			token, heard, (uint16_t)raw, s->fd, s->data,
		};
	}
}

/*
 * The kernel has filled the batch with @n events; @h is r->harvest.
 *
 * Threads: owner.
 */
__attribute__((always_inline)) static inline void
weir__dispatch(struct weir_reactor *r, int n, struct weir__harvest *h,
	       bool is_alone)
{
	struct weir__batch batch = { 0, 0, 0 };

	if (h)
		weir__dispatch_reports(r, n, &batch, h);
	else
		weir__dispatch_calls(r, n, &batch, is_alone);
	weir__stat_add(r, WEIR__STAT_EVENTS, (unsigned)n - batch.bells);
	weir__stat_add(r, WEIR__STAT_CALLS, (unsigned)n - batch.bells -
					    batch.stale - batch.silent);
	if (batch.stale > 0)
		weir__stat_add(r, WEIR__STAT_STALE_EVENTS, batch.stale);
}

#endif /* WEIR_LOOP_DISPATCH_H */
