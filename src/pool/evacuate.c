/* SPDX-License-Identifier: MIT */
/*
 * pool/evacuate.c - everything that can move leaves a worker
 *
 * On the worker, a source without a descriptor stands for the evacuation, so
 * that it hears of a drain and of a stop; its timer comes by until nothing is
 * left that can move and the last move is complete. What cannot move at this
 * moment (a queue is full, it has just come) is tried again then.
 */
#include <weir/move.h>

#include <errno.h>
#include <stdlib.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "sys/fork.h"

/* Twenty times as long as a move takes. */
static const weir_ns COME_BY_NS = WEIR_NS_PER_MSEC;

struct evacuation {
	const struct weir_call *call;	/* NULL: nobody asks */
	void *arg;
	weir_token token;
	struct weir_timer *timer;
	int next;			/* the worker whose turn it is */
};

static void end(struct weir_reactor *r, struct evacuation *e, uint64_t left,
		int why)
{
	const struct weir_msg msg = { e->call, e->arg, weir_token_none(), left };

	weir_source_remove(r, e->token);
	free(e);
	if (!msg.call)
		return;
	if (why == 0)
		msg.call->run(r, &msg, NULL);
	else if (msg.call->undeliverable)
		msg.call->undeliverable(r, &msg, why);
}

/* In turn, to all but us. */
static int next_worker(const struct weir__worker *w, struct evacuation *e)
{
	e->next = (e->next + 1) % w->pool->workers;
	if (e->next == w->index)
		e->next = (e->next + 1) % w->pool->workers;
	return e->next;
}

static struct weir__source *source_of(struct weir__list *node)
{
	return WEIR__CONTAINER(node, struct weir__source, all_link);
}

/* The next in the list of sources that does not go with @s. */
static struct weir__list *next_apart(struct weir_reactor *r,
				     struct weir__source *s)
{
	struct weir__list *next = s->all_link.next;

	while (next != &r->sources &&
	       weir__source_is_tied(r, s, source_of(next)))
		next = next->next;
	return next;
}

/* Return: how many are to be tried again. */
static unsigned move_all(struct weir_reactor *r, struct evacuation *e)
{
	struct weir__list *node, *next;
	unsigned left = 0;

	for (node = r->sources.next; node != &r->sources; node = next) {
		struct weir__source *s = source_of(node);
		int err;

		next = node->next;
		if (s->is_hidden || s->is_pinned)
			continue;
		next = next_apart(r, s);
		err = weir_source_move(r, s->token,
				       next_worker(r->hooks_data, e));
		left += err == -EAGAIN || err == -EBUSY || err == -ENOMEM;
	}
	return left;
}

static void come_by(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct evacuation *e = data;

	if (move_all(r, e) > 0 || weir__moves_are_open(r->hooks_data)) {
		weir_timer_start(t, COME_BY_NS);
		return;
	}
	end(r, e, weir__stat_get(r, WEIR__STAT_SOURCES), 0);
}

static enum weir_verdict on_end(struct weir_reactor *r,
				const struct weir_event *event, void *data)
{
	if (event->facts & (WEIR_DRAINING | WEIR_STOPPING))
		end(r, data, 0, -ECANCELED);
	return WEIR_DONE;
}

static void begin_returned(struct weir_reactor *r, const struct weir_msg *msg,
			   int why)
{
	struct evacuation *e = msg->arg;
	const struct weir_msg given = { e->call, e->arg, weir_token_none(), 0 };

	free(e);
	if (given.call && given.call->undeliverable)
		given.call->undeliverable(r, &given, why);
}

static void begin(struct weir_reactor *r, const struct weir_msg *msg,
		  void *data)
{
	struct evacuation *e = msg->arg;
	int err;

	(void)data;
	if (r->is_draining) {
		begin_returned(r, msg, -ECANCELED);
		return;
	}
	err = weir_source_open(r, on_end, e, &e->token);
	if (err < 0) {
		begin_returned(r, msg, err);
		return;
	}
	weir__source_pin(r, e->token, true);
	err = weir_timer_new_for(r, e->token, come_by, e, &e->timer);
	if (err < 0) {
		end(r, e, 0, err);
		return;
	}
	e->next = weir_reactor_index(r);
	come_by(r, e->timer, e);
}

static const struct weir_call begin_call = {
	.run = begin,
	.undeliverable = begin_returned,
};

int weir_pool_evacuate(struct weir_pool *pool, int worker,
		       const struct weir_call *call, void *arg)
{
	struct evacuation *e;
	int err;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (worker < 0 || worker >= pool->workers || pool->workers < 2 ||
	    (call && !call->run))
		return -EINVAL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->call = call;
	e->arg = arg;
	err = weir_post(pool, worker, &begin_call, e, 0);
	if (err < 0)
		free(e);
	return err;
}
