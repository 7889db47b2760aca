/* SPDX-License-Identifier: MIT */
/*
 * pool/handoff.c - messages between threads
 *
 * A thread of the pool posts through the mesh: a ring of its own to each
 * other thread, and to itself, so that one order holds whoever the receiver
 * is.  Any other thread posts to the receiver's inbox.
 *
 * H1  An accepted message is in exactly one queue until it is taken.
 * H2  Once a worker has left its loop it pushes nothing more (is_closing), and
 *     its inbox is closed; a worker returns what is left only after all have
 *     left (worker.c).  So nothing is accepted that nobody takes.
 * H3  The last WEIR__RESERVE slots of each queue are the library's: what it
 *     must say still fits when users have filled the rest.  The last of those
 *     are for broadcasts alone (broadcast.c).
 */
#include <errno.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "sync/rcu.h"
#include "sys/fork.h"

static struct weir__worker *worker_of(const struct weir_reactor *r)
{
	return r->hooks_data;
}

/* Not by way of the current reactor: one load, with each post. */
static _Thread_local struct weir__worker *caller
	__attribute__((tls_model("initial-exec")));

struct weir__worker *weir__pool_caller(void)
{
	return caller;
}

void weir__pool_set_caller(struct weir__worker *w)
{
	caller = w;
}

/* A worker's own message: into its ring.  It is counted when it leaves. */
static int push_inside(struct weir__worker *from, int to,
		       const struct weir_msg *msg, size_t reserve)
{
	int err;

	if (from->reactor->is_closing)
		return -ECANCELED;
	err = weir__mesh_push(from->pool->mesh, (unsigned)from->index,
			      (unsigned)to, msg, reserve);
	if (err == -EAGAIN)
		weir__stat_add(from->reactor, WEIR__STAT_MESSAGES_FULL, 1);
	return err;
}

static int push(struct weir_pool *pool, int to, const struct weir_msg *msg,
		size_t reserve)
{
	struct weir__worker *from = caller;

	WEIR__PROBE4(post, to, msg->token.bits, msg->call->run, msg->word);
	if (from && from->pool == pool)
		return push_inside(from, to, msg, reserve);
	return weir__inbox_post(pool->threads[to].reactor, msg, reserve);
}

/*
 * The short way of weir_post() and weir_send(): from a worker, nothing wrong,
 * room, and not the first to its receiver since the last flush.  No function is
 * called on it, so that it saves no registers and makes the message in its
 * slot.  Everything else goes the long way, which says what was wrong.
 */
static inline struct weir__worker *
short_way(const struct weir_pool *pool, const struct weir_call *call)
{
	struct weir__worker *from = caller;

	if (from && from->pool == pool &&
	    !weir__fork_suspected(pool->fork_generation) && call && call->run &&
	    !from->reactor->is_closing)
		return from;
	return NULL;
}

static __attribute__((noinline)) int
post(struct weir_pool *pool, int worker, const struct weir_call *call,
     void *arg, uint64_t word, size_t reserve)
{
	const struct weir_msg msg = { call, arg, weir_token_none(), word };
	int to;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	to = weir__pool_place(pool, worker);
	if (to < 0 || !call || !call->run)
		return -EINVAL;
	return push(pool, to, &msg, reserve);
}

/* A worker's first message of a turn to another one, or one without room. */
static __attribute__((noinline)) int
post_first(struct weir__worker *from, int to, const struct weir_call *call,
	   void *arg, uint64_t word)
{
	const struct weir_msg msg = { call, arg, weir_token_none(), word };
	int err = push(from->pool, to, &msg, WEIR__RESERVE);

	if (err == 0)
		weir__mesh_ease(from->out, (unsigned)to, WEIR__RESERVE);
	return err;
}

int weir_post(struct weir_pool *pool, int worker, const struct weir_call *call,
	      void *arg, uint64_t word)
{
	struct weir__worker *from = short_way(pool, call);

	if (__builtin_expect(!from || (unsigned)worker >=
				      (unsigned)pool->workers, 0))
		return post(pool, worker, call, arg, word, WEIR__RESERVE);
	if (__builtin_expect(!weir__mesh_quick(from->out, (unsigned)worker,
			(struct weir_msg){ call, arg, weir_token_none(),
					   word }), 0))
		return post_first(from, worker, call, arg, word);
	WEIR__PROBE4(post, worker, 0, call->run, word);
	return 0;
}

int weir__post_reserved(struct weir_pool *pool, int worker,
			const struct weir_call *call, void *arg, uint64_t word)
{
	return post(pool, worker, call, arg, word, 2 * WEIR__BROADCASTS);
}

/*
 * From a thread that is not the pool's.  The owner may give the token away
 * between our look and our push; then once more, to the next one: move.c.
 */
static int send_from_outside(struct weir_pool *pool, const struct weir_msg *msg)
{
	int err;

	do {
		const int owner = weir__token_owner(pool->tokens, msg->token);
		struct weir_reactor *r;

		if (owner < 0)
			return owner;
		r = pool->threads[owner - 1].reactor;
		weir__inbox_stamp(r);
		err = weir__inbox_send(r->inbox, msg, WEIR__RESERVE,
				       pool->tokens, (uint32_t)owner);
		if (err == 0 || err == -EXDEV)
			weir__doorbell_ring(&r->bell);
	} while (err == -EXDEV);
	return err;
}

static int send_to_owner(struct weir_pool *pool, const struct weir_msg *msg)
{
	struct weir__worker *from = caller;
	int owner, err;

	if (!from || from->pool != pool)
		return send_from_outside(pool, msg);
	/*
	 * From here to the push it is within one read-side section of RCU: it
	 * has no quiescent state in between.  So is weir_send().
	 */
	owner = weir__token_owner(pool->tokens, msg->token);
	if (owner < 0)
		return owner;
	err = push_inside(from, owner - 1, msg, WEIR__RESERVE);
	if (err == 0)
		weir__mesh_ease(from->out, (unsigned)owner - 1, WEIR__RESERVE);
	return err;
}

static __attribute__((noinline)) int
send_msg(struct weir_pool *pool, weir_token token,
	 const struct weir_call *call, void *arg, uint64_t word)
{
	const struct weir_msg msg = { call, arg, token, word };

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (!call || !call->run)
		return -EINVAL;
	return send_to_owner(pool, &msg);
}

int weir_send(struct weir_pool *pool, weir_token token,
	      const struct weir_call *call, void *arg, uint64_t word)
{
	struct weir__worker *from = short_way(pool, call);
	int owner;

	if (__builtin_expect(!from, 0))
		return send_msg(pool, token, call, arg, word);
	owner = weir__token_owner(pool->tokens, token);
	if (__builtin_expect(owner <= 0 ||
			     !weir__mesh_quick(from->out, (unsigned)owner - 1,
				(struct weir_msg){ call, arg, token, word }),
			     0))
		return send_msg(pool, token, call, arg, word);
	WEIR__PROBE4(post, owner - 1, token.bits, call->run, word);
	return 0;
}

int weir_flush(struct weir_reactor *r)
{
	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	if (r->hooks)
		r->hooks->flush(r);
	return 0;
}

/* What weir__deliver() does, with the common cases in the loop. */
static void deliver(const struct weir_msg *msg, size_t count, void *data)
{
	const struct weir_msg *end = msg + count;
	struct weir_reactor *r = data;

	for (; msg < end; msg++) {
		const struct weir__source *s = NULL;

		/* Four lines on: a handler is too long to look past. */
		__builtin_prefetch(msg + 8);
		if (!weir_token_is_none(msg->token)) {
			s = weir__source_get(r, msg->token);
			if (!s || s->move) {
				weir__deliver(r, msg);
				continue;
			}
		}
		weir__trace(r, WEIR_SHM_MESSAGE, msg->token.bits,
			    (void (*)(void))msg->call->run, 0);
		msg->call->run(r, msg, s ? s->data : NULL);
		weir__trace_end(r, msg->token.bits);
	}
}

static void undeliver(const struct weir_msg *msgs, size_t count, void *data)
{
	for (size_t i = 0; i < count; i++)
		weir__undeliver(data, &msgs[i], -ECANCELED);
}

static bool take(struct weir_reactor *r)
{
	struct weir__worker *w = worker_of(r);
	bool more;

	r->spin.taken += (unsigned)weir__mesh_take(w->pool->mesh,
						   (unsigned)w->index,
						   WEIR__BUDGET_MESSAGES,
						   deliver, r, &more);
	if (w->waiting || weir__room_is_asked(w))
		weir__room_turn(w);
	if (w->moves.step != WEIR__MOVES_NONE)
		weir__moves_turn(w);
	return more;
}

static bool has_work(struct weir_reactor *r)
{
	const struct weir__worker *w = worker_of(r);

	return !weir__mesh_is_idle(w->pool->mesh, (unsigned)w->index) ||
	       weir__room_is_asked(w) ||
	       weir__life_get(&w->pool->life) >= WEIR_POOL_STOPPING ||
	       w->is_untold || weir__moves_have_work(w);
}

static void flush(struct weir_reactor *r)
{
	struct weir__worker *w = worker_of(r);
	unsigned rung;

	w->out->now = r->now;
	if (!weir__list_is_empty(&w->moves.fresh))
		weir__moves_begin(w);
	rung = weir__mesh_flush(w->pool->mesh, (unsigned)w->index);
	if (r->is_draining) {
		/* Who says that he is idle has nothing on its way any more. */
		weir__drain_turn(w);
		rung += weir__mesh_flush(w->pool->mesh, (unsigned)w->index);
	}
	weir__tally_set(&r->view->stats[WEIR__STAT_MESSAGES_OUT],
			weir__mesh_left(w->pool->mesh, (unsigned)w->index));
	if (rung > 0)
		weir__stat_add(r, WEIR__STAT_WAKEUPS, rung);
}

static void sleep_begins(struct weir_reactor *r)
{
	(void)r;
	weir__rcu_offline();
}

static void sleep_ends(struct weir_reactor *r)
{
	(void)r;
	weir__rcu_online();
}

static void quiescent(struct weir_reactor *r)
{
	(void)r;
	weir__rcu_quiescent();
}

static int post_to(struct weir_reactor *r, const struct weir_msg *msg)
{
	const struct weir__worker *w = worker_of(r);

	return push(w->pool, w->index, msg, WEIR__RESERVE);
}

static int send_in_pool(struct weir_reactor *r, const struct weir_msg *msg)
{
	return send_to_owner(worker_of(r)->pool, msg);
}

const struct weir__hooks weir__pool_hooks = {
	.take = take,
	.has_work = has_work,
	.flush = flush,
	.sleep = sleep_begins,
	.wake = sleep_ends,
	.quiescent = quiescent,
	.post = post_to,
	.send = send_in_pool,
	.stray = weir__moves_stray,
	.hold = weir__moves_hold,
	.ended = weir__moves_ended,
};

void weir__handoff_return_all(struct weir__worker *w)
{
	bool more;

	/* Until there is nothing: *ret_more knows only of what was seen. */
	while (weir__mesh_take(w->pool->mesh, (unsigned)w->index,
			       WEIR__BUDGET_MESSAGES, undeliver, w->reactor,
			       &more) > 0)
		;
	weir__reactor_return_all(w->reactor);
	weir__room_return_all(w, w->reactor);
	weir__moves_return_all(w);
}
