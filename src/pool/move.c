/* SPDX-License-Identifier: MIT */
/*
 * pool/move.c - a source moves from one worker to another
 *
 * Old owner A, new owner B:
 *
 *     A  puts ARRIVE into its ring to B; takes the descriptor out of its epoll
 *        set and the timers off its wheel; gives the token away (T5)
 *     B  takes ARRIVE: the source is its own, watched, called with WEIR_MOVED;
 *        messages that come for it are held
 *     A  waits for a grace period, and until all has been taken that was in
 *        its queues then: what it finds there for the token are the strays
 *     A  puts MARKER, with the strays, into its ring to B
 *     B  takes MARKER: runs the strays, then what it held; the move is over
 *
 * V1  No message for the token is in A's queues when A puts the MARKER.
 *     From a thread of the pool: it looks for the owner, pushes and publishes
 *     within one read-side section (its turn), and sections that saw the old
 *     owner are over after the grace period. From any other thread: T5, T7,
 *     Q8 and Q9 (sync/token.c) say that its message lies before the mark which
 *     A sets after the grace period, or that it has noticed and asked again.
 * V2  Hence per-sender order: what a sender sent to A is run before what it
 *     sent to B later, for B runs nothing before the strays are there. Each of
 *     the two lists is in order because its queues are.
 * V3  B has ARRIVE before MARKER: one ring. What comes for the token before
 *     ARRIVE is found by weir__token_arriving(), and held.
 * V4  A token has one departure in the pool at most: no source moves on before
 *     its MARKER has come (-EBUSY). So A finds a stray's departure by token.
 * V5  What is held is bounded: HOLD_MOST, then senders are refused (-EAGAIN);
 *     beyond it only what is in B's queues already. Strays: what was in A's
 *     queues, and what a turn of each thread can push. MARKER has the room that
 *     is reserved in each ring, ARRIVE has not: a full ring refuses the move.
 * V6  At a stop each record is in a queue or a list of one thread, which ends
 *     what is in it when nobody pushes any more.
 *
 * The strays travel with the MARKER, as one pointer: forwarded one by one they
 * could meet a full ring. They wait for the grace period a little longer so,
 * but events do not: B is called as soon as ARRIVE is there.
 *
 * Sources that are tied share an ARRIVE: B has all of them before the handler
 * of one is called, and A none from the same call on.  Each has a departure and
 * a MARKER of its own.
 *
 * Moves that begin in the same turn share a grace period and a mark; those that
 * begin meanwhile wait for the next.
 */
#include <weir/move.h>

#include <errno.h>
#include <stdlib.h>

#include "loop/ready.h"
#include "loop/source.h"
#include "pool/held.h"
#include "pool/pool.h"
#include "sync/doorbell.h"

/* 32 KiB a source; a grace period is over sooner, if no handler is stuck. */
enum { HOLD_MOST = 1024 };

/* Departures are looked for only when there are strays. */
enum { TABLE_SIZE = 256 };

/* What is B's. */
struct move {
	struct weir__list link;		/* in its arrivals */
	struct move *next;		/* of those that move together */
	struct weir__source *source;	/* NULL: it has ended */
	struct weir__held held;
	bool is_cancelled;		/* written before it is published */
	bool is_refusing;
};

/* What is A's, until MARKER takes it to B. */
struct departure {
	struct weir__list link;		/* in fresh or leaving */
	struct weir__list table_link;
	weir_token token;
	int to;
	struct weir__held strays;
	struct move *move;		/* A does not look into it */
};

static struct weir__worker *worker_of(const struct weir_reactor *r)
{
	return r->hooks_data;
}

static struct departure *departure_of(struct weir__list *node)
{
	return WEIR__CONTAINER(node, struct departure, link);
}

static struct weir__list *place_of(struct weir__moves *m, weir_token token)
{
	return &m->table[token.bits % TABLE_SIZE];
}

static int make_table(struct weir__moves *m)
{
	if (m->table)
		return 0;
	m->table = malloc(TABLE_SIZE * sizeof(m->table[0]));
	if (!m->table)
		return -ENOMEM;
	for (int i = 0; i < TABLE_SIZE; i++)
		weir__list_init(&m->table[i]);
	return 0;
}

static struct departure *find_departure(struct weir__moves *m, weir_token token)
{
	struct weir__list *head, *node;

	if (!m->table)
		return NULL;
	head = place_of(m, token);
	for (node = head->next; node != head; node = node->next) {
		struct departure *d = WEIR__CONTAINER(node, struct departure,
						      table_link);

		if (weir_token_equal(d->token, token))
			return d;
	}
	return NULL;
}

static void forget(struct departure *d)
{
	weir__list_remove(&d->link);
	weir__list_remove(&d->table_link);
	free(d);
}

/* B: run what has waited, or return it if the token has ended. */
static void deliver_all(struct weir_reactor *r, struct weir__held *held)
{
	struct weir_msg msg;

	while (weir__held_take(held, &msg))
		weir__deliver(r, &msg);
}

static void return_held(struct weir_reactor *r, struct weir__held *held)
{
	struct weir_msg msg;

	while (weir__held_take(held, &msg))
		weir__undeliver(r, &msg, -ECANCELED);
}

/* B: the source is ours from here on. */
static void settle(struct weir_reactor *r, struct move *move)
{
	struct weir__source *s = move->source;

	weir__token_settle(r->tokens, r->owner, s->token, s);
	s->move = move;
	weir__list_push(&worker_of(r)->moves.arrivals, &move->link);
	weir__stat_add(r, WEIR__STAT_MOVED_IN, 1);
}

static void arrive_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct move *first = msg->arg;
	struct move *move;

	(void)data;
	if (first->is_cancelled) {
		free(first);
		return;
	}
	for (move = first; move; move = move->next)
		settle(r, move);
	for (move = first; move; move = move->next) {
		if (weir__source_arrive(r, move->source) < 0)
			weir__stat_add(r, WEIR__STAT_MOVES_REFUSED, 1);
	}
	/* Now: MARKER, and messages with it, may be next in the ring. */
	for (move = first; move; move = move->next) {
		if (move->source && move->source->fn)
			weir__ready_call(r, move->source);
	}
}

/* V6: B has left its loop. */
static void arrive_returned(struct weir_reactor *r, const struct weir_msg *msg,
			    int why)
{
	struct move *first = msg->arg;
	struct move *move;

	(void)why;
	if (first->is_cancelled) {
		free(first);
		return;
	}
	for (move = first; move; move = move->next)
		settle(r, move);
	for (move = first; move; move = move->next)
		weir__source_arrive_late(r, move->source);
	/* The handler of one may close the others. */
	for (move = first; move; move = move->next) {
		if (move->source)
			weir__source_stop(r, move->source);
	}
}

static const struct weir_call arrive_call = {
	.run = arrive_run,
	.undeliverable = arrive_returned,
};

static void end_move(struct move *move)
{
	weir__list_remove(&move->link);
	free(move);
}

static void marker_run(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct departure *d = msg->arg;
	struct weir__held strays = d->strays, held = d->move->held;
	struct weir__source *s = d->move->source;

	(void)data;
	if (s) {
		s->move = NULL;
		if (d->move->is_refusing)
			weir__token_refuse(r->tokens, d->token, false);
	}
	end_move(d->move);
	free(d);
	/* One of them may move it on: then the others are strays again. */
	deliver_all(r, &strays);
	deliver_all(r, &held);
}

/* V6: what B held is in its list of arrivals. */
static void marker_returned(struct weir_reactor *r, const struct weir_msg *msg,
			    int why)
{
	struct departure *d = msg->arg;

	(void)why;
	return_held(r, &d->strays);
	free(d);
}

static const struct weir_call marker_call = {
	.run = marker_run,
	.undeliverable = marker_returned,
};

static int push_to(struct weir__worker *w, int to,
		   const struct weir_call *call, void *arg, size_t reserve)
{
	const struct weir_msg msg = { call, arg, weir_token_none(), 0 };

	return weir__mesh_push(w->pool->mesh, (unsigned)w->index, (unsigned)to,
			       &msg, reserve);
}

static struct weir__source *source_of(struct weir_reactor *r,
				      struct weir__list *node)
{
	return weir__source_get(r, departure_of(node)->token);
}

/* The records of a move, and the source where it can travel. */
static int make_records(struct weir__worker *w, struct weir__source *s, int to,
			struct weir__list *party)
{
	struct departure *d = calloc(1, sizeof(*d));
	struct move *move = calloc(1, sizeof(*move));
	struct weir__source *packed = weir__source_pack(s);

	if (!d || !move || !packed || make_table(&w->moves) < 0) {
		free(d);
		free(move);
		if (packed != s)
			free(packed);
		return -ENOMEM;
	}
	weir__list_init(&move->link);
	move->source = packed;
	weir__list_init(&d->table_link);
	d->token = s->token;
	d->to = to;
	d->move = move;
	if (!weir__list_is_empty(party))
		departure_of(party->prev)->move->next = move;
	weir__list_push(party, &d->link);
	return 0;
}

/* Return: 0, or why it cannot move now. */
static int check_source(const struct weir__source *s)
{
	if (s->is_pinned || s->is_hidden)
		return -EOPNOTSUPP;
	if (s->move)
		return -EBUSY;
	return s->is_lost ? -EBADF : 0;
}

/* The records of all that move together.  On failure some may be there. */
static int make_party(struct weir__worker *w, struct weir__source *s, int to,
		      struct weir__list *party)
{
	struct weir__source *each = s;
	int err;

	weir__list_init(party);
	do {
		err = check_source(each);
		if (err == 0)
			err = make_records(w, each, to, party);
		each = weir__source_next(w->reactor, each);
	} while (err == 0 && each != s);
	return err;
}

/*
 * Nothing of it has been seen by another thread.  @pushed: what is in the ring
 * already, and is freed by B.
 */
static void unmake_party(struct weir_reactor *r, struct weir__list *party,
			 struct move *pushed)
{
	struct weir__list *node;

	while ((node = weir__list_first(party)) != NULL) {
		struct departure *d = departure_of(node);

		if (d->move->source != source_of(r, node))
			free(d->move->source);
		if (d->move != pushed)
			free(d->move);
		weir__list_remove(&d->link);
		free(d);
	}
	if (pushed)
		pushed->is_cancelled = true;
}

/* The kernel forgets all of them, or none.  Return: 0 or -errno. */
static int unhook_party(struct weir_reactor *r, struct weir__list *party)
{
	struct weir__list *node;

	for (node = party->next; node != party; node = node->next) {
		int err = weir__source_unhook(r, source_of(r, node));

		if (err == 0)
			continue;
		while ((node = node->prev) != party)
			weir__source_rehook(r, source_of(r, node));
		return err == -ENOENT ? -EBADF : err;
	}
	return 0;
}

static void leave(struct weir__worker *w, struct departure *d)
{
	struct weir_reactor *r = w->reactor;

	weir__source_depart(r, weir__source_get(r, d->token), d->move->source);
	weir__list_push(place_of(&w->moves, d->token), &d->table_link);
	weir__list_push(&w->moves.fresh, &d->link);
	weir__stat_add(r, WEIR__STAT_MOVED_OUT, 1);
	weir__token_give(r->tokens, d->token, (uint32_t)d->to + 1, d->move);
	WEIR__PROBE3(migrate, w->index, d->to, d->token.bits);
}

static int begin(struct weir__worker *w, struct weir__source *s, int to)
{
	struct weir_reactor *r = w->reactor;
	struct move *pushed = NULL;
	struct weir__list party, *node;
	int err = make_party(w, s, to, &party);

	if (err == 0) {
		struct move *first = departure_of(party.next)->move;

		/* It leaves with the next flush, and not before we return. */
		err = push_to(w, to, &arrive_call, first, WEIR__RESERVE);
		if (err == 0)
			pushed = first;
	}
	if (err == 0)
		err = unhook_party(r, &party);
	if (err < 0) {
		unmake_party(r, &party, pushed);
		return err;
	}
	while ((node = weir__list_take(&party)) != NULL)
		leave(w, departure_of(node));
	return 0;
}

int weir_source_move(struct weir_reactor *r, weir_token token, int worker)
{
	int err = weir__reactor_check(r);
	struct weir__worker *w;
	struct weir__source *s;

	if (err < 0)
		return err;
	if (!r->hooks)
		return -EINVAL;
	w = worker_of(r);
	if (worker < 0 || worker >= w->pool->workers ||
	    weir__life_get(&w->pool->life) == WEIR_POOL_NEW)
		return -EINVAL;
	if (r->is_draining || r->is_closing)
		return -ECANCELED;
	s = weir__source_get(r, token);
	if (!s)
		return -ESTALE;
	if (worker == w->index)
		return -EALREADY;
	if (w->index == weir__pool_control(w->pool))
		return -EOPNOTSUPP;
	return begin(w, s, worker);
}

/* On the thread NAME/rcu. */
static void graced(struct weir__grace *grace)
{
	struct weir__worker *w = WEIR__CONTAINER(grace, struct weir__worker,
						 moves.grace);

	weir__flag_set(&w->moves.has_graced);
	weir__doorbell_ring(&w->reactor->bell);
}

void weir__moves_begin(struct weir__worker *w)
{
	struct weir__moves *m = &w->moves;

	if (m->step != WEIR__MOVES_NONE)
		return;
	weir__list_splice(&m->leaving, &m->fresh);
	m->step = WEIR__MOVES_GRACE;
	weir__reclaim_grace(w->pool, &m->grace);
}

static void set_marks(struct weir__worker *w)
{
	w->moves.inbox_mark = weir__inbox_mark(w->reactor->inbox);
	weir__mesh_mark(w->pool->mesh, (unsigned)w->index, WEIR__MARK_MOVE);
}

static bool are_marks_passed(const struct weir__worker *w)
{
	return weir__inbox_head(w->reactor->inbox) >= w->moves.inbox_mark &&
	       weir__mesh_is_past_mark(w->pool->mesh, (unsigned)w->index,
				       WEIR__MARK_MOVE);
}

/* Return: whether all have been told. */
static bool send_markers(struct weir__worker *w)
{
	struct weir__list *node;

	while ((node = weir__list_first(&w->moves.leaving)) != NULL) {
		struct departure *d = departure_of(node);

		if (push_to(w, d->to, &marker_call, d, 0) < 0)
			return false;
		weir__list_remove(&d->link);
		weir__list_remove(&d->table_link);
	}
	return true;
}

void weir__moves_turn(struct weir__worker *w)
{
	struct weir__moves *m = &w->moves;

	if (m->step == WEIR__MOVES_GRACE && weir__flag_take(&m->has_graced)) {
		set_marks(w);
		m->step = WEIR__MOVES_TAKING;
	}
	if (m->step == WEIR__MOVES_TAKING && are_marks_passed(w))
		m->step = WEIR__MOVES_MARKING;
	if (m->step == WEIR__MOVES_MARKING && send_markers(w))
		m->step = WEIR__MOVES_NONE;
}

bool weir__moves_have_work(const struct weir__worker *w)
{
	const struct weir__moves *m = &w->moves;

	return m->step == WEIR__MOVES_MARKING ||
	       weir__flag_is_set(&m->has_graced);
}

bool weir__moves_are_open(const struct weir__worker *w)
{
	const struct weir__moves *m = &w->moves;

	return m->step != WEIR__MOVES_NONE ||
	       !weir__list_is_empty(&m->fresh) ||
	       !weir__list_is_empty(&m->arrivals);
}

static void hold(struct weir_reactor *r, const struct weir_msg *msg,
		 struct move *move)
{
	if (!weir__held_push(&move->held, msg)) {
		weir__undeliver(r, msg, -ENOMEM);
		return;
	}
	if (move->held.count < HOLD_MOST || move->is_refusing)
		return;
	move->is_refusing = true;
	weir__token_refuse(r->tokens, msg->token, true);
}

void weir__moves_hold(struct weir_reactor *r, const struct weir_msg *msg,
		      void *move)
{
	hold(r, msg, move);
}

bool weir__moves_stray(struct weir_reactor *r, const struct weir_msg *msg)
{
	struct departure *d = find_departure(&worker_of(r)->moves, msg->token);
	struct move *move;

	if (d) {
		if (!weir__held_push(&d->strays, msg))
			weir__undeliver(r, msg, -ENOMEM);
		return true;
	}
	move = weir__token_arriving(r->tokens, r->owner, msg->token);
	if (!move)
		return false;
	hold(r, msg, move);
	return true;
}

void weir__moves_ended(struct weir_reactor *r, void *data)
{
	struct move *move = data;

	(void)r;
	move->source = NULL;
}

void weir__moves_init(struct weir__worker *w)
{
	struct weir__moves *m = &w->moves;

	weir__list_init(&m->fresh);
	weir__list_init(&m->leaving);
	weir__list_init(&m->arrivals);
	weir__list_init(&m->grace.link);
	m->grace.fn = graced;
	weir__flag_init(&m->has_graced);
}

void weir__moves_done(struct weir__worker *w)
{
	free(w->moves.table);
	w->moves.table = NULL;
}

static void return_departures(struct weir_reactor *r, struct weir__list *list)
{
	struct weir__list *node;

	while ((node = weir__list_first(list)) != NULL) {
		struct departure *d = departure_of(node);

		return_held(r, &d->strays);
		forget(d);
	}
}

void weir__moves_return_all(struct weir__worker *w)
{
	struct weir__moves *m = &w->moves;
	struct weir__list *node;

	return_departures(w->reactor, &m->leaving);
	return_departures(w->reactor, &m->fresh);
	while ((node = weir__list_first(&m->arrivals)) != NULL) {
		struct move *move = WEIR__CONTAINER(node, struct move, link);

		return_held(w->reactor, &move->held);
		end_move(move);
	}
}
