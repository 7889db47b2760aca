/* SPDX-License-Identifier: MIT */
#ifndef WEIR_MOVE_H
#define WEIR_MOVE_H

/*
 * weir/move.h - a source moves from one worker of a pool to another
 *
 * A connection that is in use can be given to another worker.  Its token stays
 * the same, whoever holds it: messages go where it lives.
 *
 * M1  No event is lost: what is ready when the source arrives is reported
 *     there.  What was ready and not used up stays ready.
 * M2  Each message sent to the token is run once or comes back once, and those
 *     of one sender in their order, whatever moves there are in between.  Posts
 *     to a worker are not in one order with messages to a token on the move.
 * M3  From the moment weir_source_move() returns 0 no callback of the source
 *     runs on the old worker; the next one is on the new worker.  Its handler is
 *     called there with WEIR_MOVED, before any message is run.
 * M4  Timers made by weir_timer_new_for() move along.  Others do not.
 *
 * M5  Sources that are tied move together, or not at all.
 *
 * A relay moves with its two sources, whichever of them is named, and so does
 * an attempt to connect: what they call is called on the worker where they are
 * by then, and gets its reactor.  What their data points to is like a source's.
 *
 * Events are delayed by the way of one message.  Messages that arrive during
 * the move wait until no thread can have the old worker in mind: a turn of each
 * worker that is awake.  While more than 1,024 messages wait for one source,
 * senders to it get -EAGAIN.
 *
 * What a source's data points to moves with it, in your hands: memory of the
 * old worker's reactor (weir_malloc) must not be touched from the new one.
 */
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_call;
struct weir_pool;
struct weir_reactor;

/**
 * weir_source_tie() - have two sources move together from now on
 * @r: the reactor that has both
 * @a: a source
 * @b: another; all that either is tied to already belong together then
 *
 * For sources that share data, so that it is one worker's at any time.  They
 * arrive together: none is called, nor a message to it run, before all are
 * there.  One that ends leaves the others as they are.  weir_relay_start() ties
 * its two.
 *
 * Threads: owner only.
 * Return:  0 (also if they are tied, or one and the same), -ESTALE or -ECHILD.
 */
int weir_source_tie(struct weir_reactor *r, weir_token a, weir_token b);

/**
 * weir_source_move() - give a source to another worker
 * @r:      the reactor that has it
 * @token:  the source; its own handler may do this
 * @worker: 0 .. workers - 1
 *
 * After it returns 0 the source, those that are tied to it, and their timers
 * are the other worker's: calls with @token fail with -ESTALE here.  Within the
 * source's own handler the verdict then means nothing: what was given is kept
 * for the new worker.
 *
 * If the kernel does not let the other worker watch the descriptor (-ENOSPC,
 * -ENOMEM, or it was closed), the handler is called there with WEIR_MOVED and
 * WEIR_ERROR: nothing is lost, and weir_source_modify() tries again.  At a stop
 * it is called there with WEIR_STOPPING, as all are.
 *
 * Threads: owner only.
 * Owns:    what the source's data points to goes along.
 * Return:  0, -ESTALE (@token names no source of @r), -EALREADY (it is on
 *          @worker), -EBUSY (its last move is not complete), -EAGAIN (the queue
 *          to @worker is full: try later), -EOPNOTSUPP (it is the control
 *          thread's, a listener's or a spawned child's), -EBADF (its
 *          descriptor was closed behind our back), -EINVAL (no such worker, no
 *          pool, or not started), -ECANCELED (the pool drains or stops),
 *          -ENOMEM or -ECHILD.  What holds for one of those
 *          that are tied holds for all.  But for 0 nothing has changed.
 */
int weir_source_move(struct weir_reactor *r, weir_token token, int worker);

/**
 * weir_pool_evacuate() - move all that can move from a worker to the others
 * @pool:   the pool
 * @worker: 0 .. workers - 1; its sources go to the others in turn
 * @call:   run on @worker when the last move is complete; NULL: nobody is told
 * @arg:    handed over
 *
 * What comes to @worker meanwhile is moved as well; afterwards it is a worker
 * like the others.  The word of the message that @call is given is how many
 * sources with a descriptor are left: those of spawned children, which are
 * reaped by the thread that spawned them.
 *
 * A sharded listener's socket stays where it is: to close it would reset those
 * who wait in it, and @worker is in service afterwards.  Who wants no more
 * connections there closes the listener first.
 * If the pool drains or stops before it is complete, or @worker runs out of
 * memory, undeliverable() of @call is called with -ECANCELED or that error.
 *
 * Threads: any.
 * Owns:    as weir_post().
 * Return:  0, -EINVAL (no such worker, or the only one, or @call has no run),
 *          -EAGAIN (its queue is full), -ECANCELED (the pool has stopped),
 *          -ENOMEM or -ECHILD.
 */
int weir_pool_evacuate(struct weir_pool *pool, int worker,
		       const struct weir_call *call, void *arg);

WEIR_END_DECLS

#endif /* WEIR_MOVE_H */
