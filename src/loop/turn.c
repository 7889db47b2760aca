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
 * The clock is read after the wait, for all that is done until the next one.
 * Before it, it is read to know how long to sleep if there is a timer or a
 * deadline, and else only to measure how long turns take: see clock_due().
 */
#include <errno.h>
#include <limits.h>

#include "loop/ready.h"
#include "loop/rebuild.h"
#include "loop/reactor.h"
#include "loop/undrained.h"
#include "sys/clock.h"
#include "sys/epoll.h"

/* One turn in so many is measured in any case; a power of two. */
enum { MEASURE_EVERY = 8 };

/*
 * Shall the clock be read before the wait?  Return: for how many turns this one
 * stands in the histogram, 0 for no.
 *
 * Of a pool's threads each turn is measured, for others watch them.  Else,
 * where no sleep needs it, reading it costs more than the rest of a turn's
 * accounts.  So only each eighth turn is measured, and stands for eight; but a
 * turn in which the kernel's tick came, as it does in each that is longer than
 * the tick, is measured and stands for itself.  That loses no long turn, and
 * the short ones have the same share in the histogram as if all were counted.
 */
static unsigned clock_due(const struct weir_reactor *r, weir_ns deadline)
{
	if (r->hooks || weir__wheel_count(&r->wheel) > 0 ||
	    deadline != WEIR_FOREVER || weir__clock_tick() > r->woke_at)
		return 1;
	return r->turn % MEASURE_EVERY == 0 ? MEASURE_EVERY : 0;
}

/* Close the books on the time since the kernel's last answer. */
static void account_turn(struct weir_reactor *r, unsigned weight)
{
	struct weir__view *view = r->view;
	weir_ns spent;

	r->now = weir__clock_now();
	if (r->woke_at == 0)
		return;
	spent = r->now - r->woke_at;
	weir__view_count_many(view, WEIR_SHM_TURN_NS, spent, weight);
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
static void begin_turn(struct weir_reactor *r, int n, weir_ns waited)
{
	r->woke_at = r->now;
	if (!r->hooks)
		return;		/* nobody can read the rest */
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

static void publish_gauges(struct weir_reactor *r)
{
	const size_t timers = weir__wheel_count(&r->wheel);

	if (timers != weir__stat_get(r, WEIR__STAT_TIMERS_RUNNING))
		weir__tally_set(&r->view->stats[WEIR__STAT_TIMERS_RUNNING], timers);
	if (r->is_memory_stale) {
		weir__tally_set(&r->view->stats[WEIR__STAT_MEMORY_BYTES],
				weir__arena_bytes(r->arena));
		r->is_memory_stale = false;
	}
}

/*
 * How long the oldest message has waited, in one turn of many: the line that
 * says so goes to the senders and back.
 */
static void sample_queue(struct weir_reactor *r)
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
static void publish_depth(struct weir_reactor *r, uint64_t before)
{
	const uint64_t depth = weir__stat_get(r, WEIR__STAT_MESSAGES_IN) -
			       before;

	if (depth != weir__stat_get(r, WEIR__STAT_QUEUE_DEPTH))
		weir__tally_set(&r->view->stats[WEIR__STAT_QUEUE_DEPTH], depth);
}

/* How long the kernel may keep us: below 0 for ever. */
static int64_t time_left(const struct weir_reactor *r, weir_ns deadline)
{
	weir_ns until = deadline;

	if (weir__wheel_count(&r->wheel) > 0) {
		const weir_ns timer = weir__wheel_next_ns(&r->wheel);

		until = timer < deadline ? timer : deadline;
	}
	if (until == WEIR_FOREVER)
		return -1;
	if (until <= r->now)
		return 0;
	if (until - r->now > INT64_MAX)
		return -1;
	return (int64_t)(until - r->now);
}

static inline bool has_work(struct weir_reactor *r)
{
	return !weir__inbox_is_empty(r->inbox) ||
	       weir__flag_is_set(&r->stop) ||
	       (r->hooks && r->hooks->has_work(r));
}

bool weir__reactor_has_work(struct weir_reactor *r)
{
	return has_work(r);
}

/* Arm the doorbell, unless something has come: then do not sleep. */
static bool may_sleep(struct weir_reactor *r)
{
	weir__doorbell_arm(&r->bell);
	if (!has_work(r))
		return true;
	weir__doorbell_disarm(&r->bell);
	return false;
}

static int sleep_in_kernel(struct weir_reactor *r, int max, int64_t timeout)
{
	int n;

	weir__stat_add(r, WEIR__STAT_SLEEPS, 1);
	if (r->hooks)
		r->hooks->sleep(r);
	n = weir__epoll_pwait(r->epfd, r->batch, max, timeout, r->sigmask);
	weir__doorbell_disarm(&r->bell);
	if (r->hooks)
		r->hooks->wake(r);
	return n;
}

/* How many events fit: a caller's array must hold all that are dispatched. */
static int batch_size(const struct weir_reactor *r)
{
	const struct weir__harvest *h = r->harvest;

	if (h && h->capacity - h->count < WEIR__BUDGET_EVENTS)
		return (int)(h->capacity - h->count);
	return WEIR__BUDGET_EVENTS;
}

static inline __attribute__((always_inline)) int
sleep_or_poll(struct weir_reactor *r, int max, int64_t timeout)
{
	if (may_sleep(r))
		return sleep_in_kernel(r, max, timeout);
	return weir__epoll_wait(r->epfd, r->batch, max, 0);
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
	n = sleep_or_poll(r, max, left_of(timeout, r->now - begin));
	r->now = weir__clock_now();
	weir__spin_learn(r, begin, weir__reactor_has_work(r));
	return n;
}

static int ask_kernel(struct weir_reactor *r, bool is_busy, weir_ns deadline)
{
	const int max = batch_size(r);
	const unsigned weight = clock_due(r, deadline);
	int64_t timeout;
	weir_ns asked;
	int n;

	if (weight > 0)
		account_turn(r, weight);
	asked = r->now;
	publish_gauges(r);
	timeout = is_busy ? 0 : time_left(r, deadline);
	if (max == 0)
		n = 0;	/* the array is full; the kernel can wait */
	else if (timeout != 0 && weir__spin_is_asked(&r->spin))
		n = spin_or_sleep(r, max, timeout);
	else if (timeout != 0)
		n = sleep_or_poll(r, max, timeout);
	else
		n = weir__epoll_wait(r->epfd, r->batch, max, 0);
	r->spin.taken = 0;
	r->now = weir__clock_now();
	begin_turn(r, n, r->now - asked);
	return n;
}

static void flush(struct weir_reactor *r)
{
	if (r->hooks)
		r->hooks->flush(r);
}

int weir__reactor_turn(struct weir_reactor *r, weir_ns deadline)
{
	const uint64_t messages = weir__stat_get(r, WEIR__STAT_MESSAGES_IN);
	bool is_busy;
	int n;

	r->is_turning = true;
	r->turn++;
	weir__stat_add(r, WEIR__STAT_TURNS, 1);
	sample_queue(r);
	is_busy = !weir__inbox_is_empty(r->inbox) && weir__deliver_inbox(r);
	if (r->hooks && r->hooks->take(r))
		is_busy = true;
	publish_depth(r, messages);
	if (weir__wheel_count(&r->wheel) > 0)
		weir__timers_fire(r);
	if (weir__ready_phase(r))
		is_busy = true;
	flush(r);
	if (r->harvest && r->harvest->count > 0)
		is_busy = true;
	if (WEIR_DEBUG && weir__undrained_begin(r))
		is_busy = true;
	n = ask_kernel(r, is_busy, deadline);
	if (n > 0)
		weir__ready_dispatch(r, n);
	if (WEIR_DEBUG)
		weir__undrained_judge(r, n >= 0 && n < batch_size(r));
	/* If it cannot be now, the ghost's next event brings us back here. */
	if (r->must_rebuild && weir__reactor_rebuild(r) < 0)
		r->must_rebuild = false;
	flush(r);
	if (r->hooks)
		r->hooks->quiescent(r);
	r->is_turning = false;
	return n;
}
