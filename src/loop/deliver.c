/* SPDX-License-Identifier: MIT */
/*
 * loop/deliver.c - running what arrives
 *
 * A message has exactly one of its two functions called, once: it is taken
 * out of its queue before either is, and no queue is forgotten at the end.
 */
#include <errno.h>
#include <sched.h>

#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/fork.h"

void weir__undeliver(struct weir_reactor *r, const struct weir_msg *msg,
		     int why)
{
	if (r)
		weir__stat_add(r, WEIR__STAT_UNDELIVERABLE, 1);
	if (msg->call->undeliverable)
		msg->call->undeliverable(r, msg, why);
}

static inline void run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	weir__trace(r, WEIR_SHM_MESSAGE, msg->token.bits,
		    (void (*)(void))msg->call->run, 0);
	msg->call->run(r, msg, data);
	weir__trace_end(r, msg->token.bits);
}

/* For a source that is not here, or that has just come from elsewhere. */
static __attribute__((noinline)) void
deliver_odd(struct weir_reactor *r, const struct weir_msg *msg,
	    const struct weir__source *s)
{
	if (s)
		r->hooks->hold(r, msg, s->move);
	else if (!r->hooks || !r->hooks->stray(r, msg))
		weir__undeliver(r, msg, -ESTALE);
}

void weir__deliver(struct weir_reactor *r, const struct weir_msg *msg)
{
	const struct weir__source *s;
	void *data = NULL;

	if (!weir_token_is_none(msg->token)) {
		s = weir__source_get(r, msg->token);
		if (__builtin_expect(!s || s->move, 0)) {
			deliver_odd(r, msg, s);
			return;
		}
		data = s->data;
	}
	run(r, msg, data);
}

bool weir__deliver_inbox(struct weir_reactor *r)
{
	struct weir_msg msg;
	unsigned taken = 0;
	size_t tail;

	/* Not beyond what is newest now: who posts anew waits a turn. */
	tail = weir__inbox_tail(r->inbox);
	while (taken < WEIR__BUDGET_MESSAGES &&
	       weir__inbox_head(r->inbox) != tail &&
	       weir__inbox_take(r->inbox, &msg)) {
		weir__deliver(r, &msg);
		taken++;
	}
	weir__inbox_release(r->inbox);
	r->spin.taken += taken;
	return taken == WEIR__BUDGET_MESSAGES;
}

int weir__inbox_post(struct weir_reactor *r, const struct weir_msg *msg,
		     size_t reserve)
{
	int err;

	weir__inbox_stamp(r);
	err = weir__inbox_push(r->inbox, msg, reserve);
	if (err == 0)
		weir__doorbell_ring(&r->bell);
	return err;
}

void weir__reactor_close_inbox(struct weir_reactor *r)
{
	weir__inbox_close(r->inbox);
}

void weir__reactor_return_all(struct weir_reactor *r)
{
	struct weir_msg msg;

	while (weir__inbox_head(r->inbox) != weir__inbox_tail(r->inbox)) {
		if (weir__inbox_take(r->inbox, &msg))
			weir__undeliver(r, &msg, -ECANCELED);
		else
			sched_yield();	/* its sender is about to write it */
	}
	weir__inbox_release(r->inbox);
}

/* The message of a post or send, checked.  Return: 0 or -EINVAL. */
static int make_msg(weir_token token, const struct weir_call *call, void *arg,
		    uint64_t word, struct weir_msg *ret_msg)
{
	if (!call || !call->run)
		return -EINVAL;
	*ret_msg = (struct weir_msg){ call, arg, token, word };
	return 0;
}

int weir_reactor_post(struct weir_reactor *r, const struct weir_call *call,
		      void *arg, uint64_t word)
{
	struct weir_msg msg;
	int err;

	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	err = make_msg(weir_token_none(), call, arg, word, &msg);
	if (err < 0)
		return err;
	if (r->hooks)
		return r->hooks->post(r, &msg);
	return weir__inbox_post(r, &msg, 0);
}

int weir_reactor_send(struct weir_reactor *r, weir_token token,
		      const struct weir_call *call, void *arg, uint64_t word)
{
	struct weir_msg msg;
	int err;

	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	err = make_msg(token, call, arg, word, &msg);
	if (err < 0)
		return err;
	if (r->hooks)
		return r->hooks->send(r, &msg);
	err = weir__token_owner(r->tokens, token);
	if (err < 0)
		return err;
	return weir__inbox_post(r, &msg, 0);
}
