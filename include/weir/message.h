/* SPDX-License-Identifier: MIT */
#ifndef WEIR_MESSAGE_H
#define WEIR_MESSAGE_H

/*
 * weir/message.h - work that one thread gives to another
 *
 * A message is a value of 32 bytes, copied into a bounded queue: nothing is
 * allocated, no lock is taken, and the receiver is woken by a system call only
 * if it sleeps.
 *
 * P1  A message that was accepted (0 was returned) has exactly one of its two
 *     functions called, once: run() on the receiving thread, or
 *     undeliverable().
 * P2  Messages from one thread to one worker, or to one token, run in the
 *     order in which they were accepted.
 * P3  A full queue says -EAGAIN.  Nothing is dropped, nobody blocks.
 * P4  All that the sender wrote before the call is visible to run().
 *
 * Memory: with W workers, an inbox of I messages and rings of R, the queues of
 * a pool take at most (W + 1) * 40 * I bytes for the inboxes, which are there
 * from the start, and (W + 1)^2 * (32 * R + 640) for the rings, each of which
 * is made with the first message from one thread to another.  R and I are
 * rounded up to powers of two.  Nothing grows beyond that.
 *
 * A worker's messages leave at the end of its turn, or with weir_flush(); any
 * other thread's leave at once.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;
struct weir_call;

/* What travels. */
struct weir_msg {
	const struct weir_call *call;
	void *arg;
	weir_token token;	/* weir_token_none() for a post */
	uint64_t word;
};

/*
 * Called on the receiving reactor's thread.  @data is that of the source the
 * message was sent to; NULL for a post.
 */
typedef void weir_run_fn(struct weir_reactor *r, const struct weir_msg *msg,
			 void *data);

/*
 * The message cannot be delivered.  @why is -ESTALE (the token's registration
 * has ended), -ECANCELED (the pool or reactor has stopped), -ENOMEM (it met the
 * source on the move, and could not be kept) or -ECHILD (it is the parent's, and
 * this the forked child that took the reactor over or left it).  @r is the
 * reactor on whose thread it is called: the one the message had reached; NULL
 * if it had not been started or is gone.  Messages sent from here are refused
 * once the pool has stopped.
 */
typedef void weir_undeliverable_fn(struct weir_reactor *r,
				   const struct weir_msg *msg, int why);

/* A kind of message: usually static const. */
struct weir_call {
	weir_run_fn *run;			/* not NULL */
	weir_undeliverable_fn *undeliverable;	/* NULL: nothing to free */
};

/* As a worker's number: the control thread. */
#define WEIR_CONTROL (-1)

/**
 * weir_post() - have a function called on a worker
 * @pool:   the pool
 * @worker: 0 .. workers - 1, or WEIR_CONTROL
 * @call:   what to call; it must live until the call
 * @arg:    handed over
 * @word:   handed over
 *
 * Before weir_pool_start() messages are kept, and run when the pool does.
 *
 * Threads: any.
 * Owns:    @arg belongs to the message until one of the functions of @call
 *          runs; on failure it stays the caller's.
 * Return:  0, -EINVAL (no such worker, or @call or its run is NULL), -EAGAIN
 *          (the queue to this worker is full: try later), -ECANCELED (the pool
 *          has stopped), -ENOMEM (the first message from this worker to that
 *          one needs a ring) or -ECHILD.
 */
int weir_post(struct weir_pool *pool, int worker, const struct weir_call *call,
	      void *arg, uint64_t word);

/**
 * weir_send() - have a function called where a token lives
 * @pool:  the pool
 * @token: a source of this pool
 * @call:  what to call, with the source's data
 * @arg:   handed over
 * @word:  handed over
 *
 * If the source ends before the message arrives, undeliverable() is called
 * with -ESTALE.
 *
 * Threads: any.
 * Owns:    as weir_post().
 * Return:  0, -ESTALE (@token has ended already), -EINVAL (@token is none or
 *          another pool's, or @call or its run is NULL), -EAGAIN, -ECANCELED,
 *          -ENOMEM or -ECHILD, as weir_post().
 */
int weir_send(struct weir_pool *pool, weir_token token,
	      const struct weir_call *call, void *arg, uint64_t word);

/**
 * weir_flush() - let this worker's messages leave now
 * @r: the reactor of the calling worker
 *
 * They leave at the end of the turn without it; a long handler may not want
 * to wait for that.
 *
 * Threads: owner only.
 * Return:  0 or -ECHILD.
 */
int weir_flush(struct weir_reactor *r);

/*
 * A request to be told of room.  The asker's memory, and the library's from
 * the call until one of the functions of its call begins; its fields are not
 * to be touched.
 */
struct weir_link {
	struct weir_link *next;
};

struct weir_room {
	struct weir_link link;
	const struct weir_call *call;
	void *arg;
	uint64_t word;
	size_t head;
	int asker;
	int is_seen;
};

/**
 * weir_room_ask() - ask to be told when a queue has room
 * @pool:   the pool
 * @worker: to which weir_post() said -EAGAIN; 0 .. workers - 1 or WEIR_CONTROL
 * @room:   the request; not one that is under way
 * @call:   what to call; it must live until the call
 * @arg:    handed over
 * @word:   handed over
 *
 * For each request exactly one function of @call is called, once: run() when
 * the queue from the calling thread to @worker is no more than half full, or
 * as many messages as it holds have been taken; undeliverable() with
 * -ECANCELED when the pool stops before.  A queue that has room is room at
 * once.  For a thread of the pool run() is called on that thread; for any
 * other one on @worker's, and the room may have gone to a faster one by the
 * time that it posts: ask again.
 *
 * Threads: any.
 * Owns:    @room and @arg are the request's until the call; on failure they
 *          stay the caller's.
 * Return:  0, -EINVAL (no such worker, or @room, @call or its run is NULL),
 *          -ECANCELED (the pool has stopped) or -ECHILD.
 */
int weir_room_ask(struct weir_pool *pool, int worker, struct weir_room *room,
		  const struct weir_call *call, void *arg, uint64_t word);

/**
 * weir_room_ask_for() - weir_room_ask() for the worker on which a token lives
 * @pool:  the pool
 * @token: to which weir_send() said -EAGAIN
 * @room:  as weir_room_ask()
 * @call:  as weir_room_ask()
 * @arg:   handed over
 * @word:  handed over
 *
 * Threads: any.
 * Owns:    as weir_room_ask().
 * Return:  0, -ESTALE (@token has ended), -EINVAL (@token is none or another
 *          pool's, or @room, @call or its run is NULL), -ECANCELED or -ECHILD.
 */
int weir_room_ask_for(struct weir_pool *pool, weir_token token,
		      struct weir_room *room, const struct weir_call *call,
		      void *arg, uint64_t word);

WEIR_END_DECLS

#endif /* WEIR_MESSAGE_H */
