/* SPDX-License-Identifier: MIT */
/*
 * pool/room.c - telling a sender that a full queue has room again
 *
 * A request is the asker's memory, linked from one list to the next; so asking
 * cannot fail for want of room, and what is asked costs the library nothing.
 *
 *     weir_room_ask()    asked, of the receiver    any thread adds
 *     receiver's turn    waiting, of the receiver  its own
 *     there is room      granted, of the asker     the receiver adds; for a
 *                                                  foreign asker: run here
 *     asker's turn       run
 *
 * W1  A request is in exactly one of the three until its function runs, for
 *     whoever moves it has just taken it out of where it was.
 * W2  Only the receiver makes room, and only the receiver decides that there
 *     is some, from its own indices.  So there is no moment between a full
 *     queue and an asker that goes to sleep over it: a request that comes when
 *     all has been taken is granted for that.
 * W3  No request is slept over.  asked and granted are looked at after the
 *     fence D2 of sync/doorbell.h, and who adds to them rings.  A request that
 *     is left in waiting has a queue that is not empty: either the receiver
 *     does not sleep over it, or the message was claimed and is being written
 *     by a foreign thread, which will ring.
 * W4  A queue that others keep full does not keep a request for ever: it is
 *     granted when as many messages were taken as the queue holds.
 * W5  At the end asked is closed, and what is in it and in waiting comes back.
 *     Nothing is granted after a thread has left its loop, and each looks at
 *     its granted after all have (worker.c).
 */
#include <errno.h>

#include "base/list.h"
#include "pool/pool.h"
#include "sys/fork.h"

enum { FOREIGN = -1 };

static struct weir_room *room_of(struct weir_link *link)
{
	return WEIR__CONTAINER(link, struct weir_room, link);
}

/* How much of the queue from the asker is taken, and where its head is. */
static size_t fill(const struct weir__worker *w, const struct weir_room *room,
		   size_t *ret_head, size_t *ret_capacity)
{
	const struct weir_pool *pool = w->pool;
	struct weir__ring *ring;

	*ret_head = 0;
	*ret_capacity = pool->options.ring_messages;
	if (room->asker == FOREIGN) {
		*ret_capacity = pool->options.inbox_messages;
		*ret_head = weir__inbox_head(w->reactor->inbox);
		return weir__inbox_tail(w->reactor->inbox) - *ret_head;
	}
	ring = weir__mesh_ring(pool->mesh, (unsigned)room->asker,
			       (unsigned)w->index);
	if (!ring)
		return 0;
	*ret_head = ring->head;
	return weir__ring_count(ring);
}

static bool has_room(const struct weir__worker *w, struct weir_room *room)
{
	size_t head, capacity;
	const size_t count = fill(w, room, &head, &capacity);

	if (!room->is_seen) {
		room->is_seen = 1;
		room->head = head;
	}
	return count <= capacity / 2 || head - room->head >= capacity;
}

/* From here on the request is the asker's again. */
static void run(struct weir_reactor *r, const struct weir_room *room)
{
	const struct weir_msg msg = {
		room->call, room->arg, weir_token_none(), room->word,
	};

	msg.call->run(r, &msg, NULL);
}

static void grant(struct weir__worker *w, struct weir_room *room)
{
	struct weir__worker *asker;

	if (room->asker == FOREIGN) {
		run(w->reactor, room);
		return;
	}
	asker = &w->pool->threads[room->asker];
	weir__stack_push(&asker->granted, &room->link);
	weir__doorbell_ring(&asker->reactor->bell);
}

/* What was asked joins what waits; the oldest first. */
static void take_asked(struct weir__worker *w)
{
	struct weir_link *link = weir__stack_take(&w->asked);
	struct weir_link *oldest = NULL;
	struct weir_link **end;

	while (link) {
		struct weir_link *next = link->next;

		link->next = oldest;
		oldest = link;
		link = next;
	}
	for (end = &w->waiting; *end; end = &(*end)->next)
		;
	*end = oldest;
}

/* What is run may ask anew: that goes to asked. */
static void grant_some(struct weir__worker *w)
{
	struct weir_link *link = w->waiting;
	struct weir_link **kept = &w->waiting;

	while (link) {
		struct weir_link *next = link->next;

		if (has_room(w, room_of(link))) {
			grant(w, room_of(link));
		} else {
			*kept = link;
			kept = &link->next;
		}
		link = next;
	}
	*kept = NULL;
}

void weir__room_turn(struct weir__worker *w)
{
	struct weir_link *link = weir__stack_take(&w->granted);

	while (link) {
		struct weir_link *next = link->next;

		run(w->reactor, room_of(link));
		link = next;
	}
	take_asked(w);
	grant_some(w);
}

static void undeliver_all(struct weir_reactor *r, struct weir_link *link)
{
	while (link) {
		const struct weir_room *room = room_of(link);
		const struct weir_msg msg = {
			room->call, room->arg, weir_token_none(), room->word,
		};

		link = link->next;
		weir__undeliver(r, &msg, -ECANCELED);
	}
}

void weir__room_return_all(struct weir__worker *w, struct weir_reactor *r)
{
	struct weir_link *waiting = w->waiting;

	w->waiting = NULL;
	undeliver_all(r, waiting);
	undeliver_all(r, weir__stack_close(&w->asked));
	undeliver_all(r, weir__stack_close(&w->granted));
}

static int ask(struct weir_pool *pool, int to, struct weir_room *room,
	       const struct weir_call *call, void *arg, uint64_t word)
{
	const struct weir__worker *from = weir__pool_caller();
	struct weir__worker *w = &pool->threads[to];

	if (from && from->pool != pool)
		from = NULL;
	if (from && from->reactor->is_closing)
		return -ECANCELED;
	*room = (struct weir_room){
		.call = call,
		.arg = arg,
		.word = word,
		.asker = from ? from->index : FOREIGN,
	};
	if (!weir__stack_push(&w->asked, &room->link))
		return -ECANCELED;
	weir__doorbell_ring(&w->reactor->bell);
	return 0;
}

int weir_room_ask(struct weir_pool *pool, int worker, struct weir_room *room,
		  const struct weir_call *call, void *arg, uint64_t word)
{
	int to;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	to = weir__pool_place(pool, worker);
	if (to < 0 || !room || !call || !call->run)
		return -EINVAL;
	return ask(pool, to, room, call, arg, word);
}

int weir_room_ask_for(struct weir_pool *pool, weir_token token,
		      struct weir_room *room, const struct weir_call *call,
		      void *arg, uint64_t word)
{
	int owner;

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (!room || !call || !call->run)
		return -EINVAL;
	owner = weir__token_owner(pool->tokens, token);
	if (owner < 0)
		return owner;
	return ask(pool, owner - 1, room, call, arg, word);
}
