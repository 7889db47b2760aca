/* SPDX-License-Identifier: MIT */
/*
 * loop/turn.c - one turn of a reactor
 *
 *     1  messages       deliver.c, and the pool's rings
 *     2  timers         timer.c
 *     3  the ready list ready.c
 *     4  flush          what 1 to 3 have posted leaves before a sleep
 *     5  the kernel     no sleep if 1 to 3 left something over
 *     6  dispatch
 *     7  flush, and an RCU quiescent state
 *
 * Each of 1, 2, 3 and 6 has a budget (reactor.h), and what is over budget
 * makes the next wait a poll: so none of them starves another.
 *
 * The clock is read once on each side of the wait in a pool, whose other threads
 * watch how long a turn takes.  A reactor that stands alone has nobody who could
 * read that: there the clock is read before the wait only to know how long to
 * sleep, if there is a timer or a deadline, and after it when somebody asks for
 * the time, a timer or a handler (weir__reactor_now()).  A look at the clock
 * costs as much as half of all the rest of a turn.
 *
 * Nor are there hooks or others' rings.  So one text, turn(), is compiled for
 * each of the three: of a pool, alone with handlers only, and alone.
 */
#include <errno.h>
#include <limits.h>

#include "loop/dispatch.h"
#include "loop/ready.h"
#include "loop/rebuild.h"
#include "loop/reactor.h"
#include "loop/undrained.h"
#include "sys/clock.h"
#include "sys/epoll.h"

/* For what is to be compiled once for each kind of turn. */
#define ALIKE static inline __attribute__((always_inline))

/* Close the books on the time since the kernel's last answer. */
static inline void account_turn(struct weir_reactor *r)
{
	struct weir__view *view = r->view;
	weir_ns spent;

	r->now = weir__clock_now();
	if (r->woke_at == 0)
		return;
	spent = r->now - r->woke_at;
	weir__view_count(view, WEIR_SHM_TURN_NS, spent);
	weir__stat_add(r, WEIR__STAT_BUSY_NS, spent);
	if (spent > weir__tally_get(&view->turn_max))
		weir__tally_set(&view->turn_max, spent);
	if (spent > weir__tally_get(&view->stall_limit)) {
		weir__stat_add(r, WEIR__STAT_STALLS, 1);
		weir__tally_set(&view->stall_ns, spent);
		weir__tally_set(&view->stall_woke_at, r->woke_at);
	}
	weir__tally_set(&view->waits_at, r->now);
	weir__tally_publish(&view->woke_at, 0);
}

/* A turn begins: the kernel has answered, after @waited ns. */
static inline void begin_turn(struct weir_reactor *r, int n, weir_ns waited)
{
	r->woke_at = r->now;
	weir__tally_set(&r->view->woke_at, r->now);
	weir__view_record(r->view, WEIR_SHM_WAKE, r->now, waited, (uint32_t)n);
	WEIR__PROBE3(wake, r->owner, n, waited);
	if (n > 0)
		weir__view_count(r->view, WEIR_SHM_TURN_EVENTS, (uint64_t)n);
}

/* Before the first wait there is no kernel's answer. */
void weir__reactor_begin(struct weir_reactor *r)
{
	weir_reactor_update_now(r);
	begin_turn(r, 0, 0);
}

ALIKE void publish_gauges(struct weir_reactor *r,
			  const struct weir__hooks *hooks)
{
	const size_t timers = weir__wheel_count(&r->wheel);

	if (hooks && timers != weir__stat_get(r, WEIR__STAT_TIMERS_RUNNING))
		weir__tally_set(&r->view->stats[WEIR__STAT_TIMERS_RUNNING], timers);
	if (__builtin_expect(r->is_memory_stale, 0)) {
		weir__tally_set(&r->view->stats[WEIR__STAT_MEMORY_BYTES],
				weir__arena_bytes(r->arena));
		r->is_memory_stale = false;
	}
}

/*
 * How long the oldest message has waited, in one turn of many: the line that
 * says so goes to the senders and back.
 */
static inline void sample_queue(struct weir_reactor *r)
{
	const weir_ns since = weir__doorbell_take_stamp(&r->bell,
					r->turn % WEIR__SAMPLE_TURNS == 0);
	weir_ns now;

	if (__builtin_expect(since == 0, 1))
		return;
	now = weir__clock_now();
	weir__view_count(r->view, WEIR_SHM_QUEUE_NS,
			 now > since ? now - since : 0);
}

/* How many messages there were since their count was @before. */
static inline void publish_depth(struct weir_reactor *r, uint64_t before)
{
	const uint64_t depth = weir__stat_get(r, WEIR__STAT_MESSAGES_IN) -
			       before;

	if (depth != weir__stat_get(r, WEIR__STAT_QUEUE_DEPTH))
		weir__tally_set(&r->view->stats[WEIR__STAT_QUEUE_DEPTH], depth);
}

/* How long the kernel may keep us until @until: below 0 for ever. */
static int64_t time_until(const struct weir_reactor *r, weir_ns until)
{
	if (until <= r->now)
		return 0;
	if (until == WEIR_FOREVER || until - r->now > INT64_MAX)
		return -1;
	return (int64_t)(until - r->now);
}

/* How long the kernel may keep us: below 0 for ever. */
ALIKE int64_t time_left(struct weir_reactor *r, weir_ns deadline,
			const struct weir__hooks *hooks)
{
	weir_ns timer;

	if (weir__wheel_count(&r->wheel) == 0) {
		if (deadline == WEIR_FOREVER)
			return -1;
		if (deadline == 0)
			return 0;
		timer = WEIR_FOREVER;
	} else {
		timer = weir__wheel_next_ns(&r->wheel);
	}
	if (!hooks)
		r->now = weir__clock_now();
	return time_until(r, timer < deadline ? timer : deadline);
}

ALIKE bool has_work(struct weir_reactor *r, const struct weir__hooks *hooks)
{
	return !weir__inbox_is_empty(r->inbox) ||
	       weir__flag_is_set(&r->stop) ||
	       (hooks && hooks->has_work(r));
}

bool weir__reactor_has_work(struct weir_reactor *r)
{
	return has_work(r, r->hooks);
}

/* Arm the doorbell, unless something has come: then do not sleep. */
ALIKE bool may_sleep(struct weir_reactor *r, const struct weir__hooks *hooks)
{
	weir__doorbell_arm(&r->bell);
	if (!has_work(r, hooks))
		return true;
	weir__doorbell_disarm(&r->bell);
	return false;
}

ALIKE int sleep_or_poll(struct weir_reactor *r, int max, int64_t timeout,
			const struct weir__hooks *hooks)
{
	int n;

	if (!may_sleep(r, hooks))
		return weir__epoll_wait(r->epfd, r->batch, max, 0);
	weir__stat_add(r, WEIR__STAT_SLEEPS, 1);
	if (hooks)
		hooks->sleep(r);
	if (__builtin_expect(r->sigmask != NULL, 0))
		n = weir__epoll_pwait(r->epfd, r->batch, max, timeout,
				      r->sigmask);
	else
		n = weir__epoll_wait(r->epfd, r->batch, max, timeout);
	weir__doorbell_disarm(&r->bell);
	if (hooks)
		hooks->wake(r);
	return n;
}

static int64_t left_of(int64_t timeout, weir_ns spent)
{
	if (timeout < 0)
		return timeout;
	return spent < (weir_ns)timeout ? timeout - (int64_t)spent : 0;
}

/* As sleep_or_poll(), but with a look for messages first. */
static __attribute__((noinline)) int
spin_or_sleep(struct weir_reactor *r, int max, int64_t timeout)
{
	const weir_ns begin = r->now;
	int n;

	if (weir__spin(r, timeout < 0 ? WEIR_FOREVER :
					begin + (weir_ns)timeout))
		return 0;
	n = sleep_or_poll(r, max, left_of(timeout, r->now - begin), r->hooks);
	r->now = weir__clock_now();
	weir__spin_learn(r, begin, weir__reactor_has_work(r));
	return n;
}

/* How many events fit: a caller's array must hold all that are dispatched. */
static inline int batch_size(const struct weir__harvest *h)
{
	if (h && h->capacity - h->count < WEIR__BUDGET_EVENTS)
		return (int)(h->capacity - h->count);
	return WEIR__BUDGET_EVENTS;
}

ALIKE int ask_kernel(struct weir_reactor *r, bool is_busy, weir_ns deadline,
		     const struct weir__hooks *hooks,
		     const struct weir__harvest *harvest)
{
	const int max = batch_size(harvest);
	int64_t timeout;
	weir_ns asked;
	int n;

	if (hooks)
		account_turn(r);
	asked = r->now;
	publish_gauges(r, hooks);
	timeout = is_busy ? 0 : time_left(r, deadline, hooks);
	if (__builtin_expect(max == 0, 0))
		n = 0;	/* the array is full; the kernel can wait */
	else if (timeout == 0)
		n = weir__epoll_wait(r->epfd, r->batch, max, 0);
	else if (hooks && weir__spin_is_asked(&r->spin))
		n = spin_or_sleep(r, max, timeout);
	else
		n = sleep_or_poll(r, max, timeout, hooks);
	r->spin.taken = 0;
	r->now = 0;
	if (hooks) {
		r->now = weir__clock_now();
		begin_turn(r, n, r->now - asked);
	}
	return n;
}

/* Phases 1 to 4.  Return: whether they left something over. */
ALIKE bool do_own(struct weir_reactor *r, const struct weir__hooks *hooks,
		  const struct weir__harvest *harvest)
{
	const uint64_t messages = weir__stat_get(r, WEIR__STAT_MESSAGES_IN);
	bool is_busy = false;

	if (hooks)
		sample_queue(r);
	if (!weir__inbox_is_empty(r->inbox))
		is_busy = weir__deliver_inbox(r);
	if (hooks) {
		if (hooks->take(r))
			is_busy = true;
		publish_depth(r, messages);
	}
	if (weir__wheel_count(&r->wheel) > 0)
		weir__timers_fire(r);
	if (weir__ready_phase(r))
		is_busy = true;
	if (hooks)
		hooks->flush(r);
	if (harvest && harvest->count > 0)
		is_busy = true;
	return is_busy;
}

ALIKE int turn(struct weir_reactor *r, weir_ns deadline,
	       const struct weir__hooks *hooks, struct weir__harvest *harvest)
{
	bool is_busy;
	int n;

	r->is_turning = true;
	r->turn++;
	weir__tally_set(&r->view->stats[WEIR__STAT_TURNS], r->turn);
	is_busy = do_own(r, hooks, harvest);
	if (WEIR_DEBUG && weir__undrained_begin(r))
		is_busy = true;
	n = ask_kernel(r, is_busy, deadline, hooks, harvest);
	if (n > 0)
		weir__dispatch(r, n, harvest, !hooks);
	if (WEIR_DEBUG)
		weir__undrained_judge(r, n >= 0 && n < batch_size(harvest));
	/* If it cannot be, the ghost's next event brings us back here. */
	if (__builtin_expect(r->must_rebuild, 0) && weir__reactor_rebuild(r) < 0)
		r->must_rebuild = false;
	if (hooks) {
		hooks->flush(r);
		hooks->quiescent(r);
	}
	r->is_turning = false;
	return n;
}

int weir__reactor_turn_alone(struct weir_reactor *r, weir_ns deadline)
{
	return turn(r, deadline, NULL, r->harvest);
}

int weir__reactor_turn(struct weir_reactor *r, weir_ns deadline)
{
	const struct weir__hooks *hooks = r->hooks;

	return hooks ? turn(r, deadline, hooks, NULL) :
		       weir__reactor_turn_alone(r, deadline);
}

int weir__reactor_run_alone(struct weir_reactor *r)
{
	int err = 0;

	while (!weir__flag_take(&r->stop)) {
		err = turn(r, WEIR_FOREVER, NULL, NULL);
		if (err < 0 && err != -EINTR)
			return err;
	}
	return 0;
}
