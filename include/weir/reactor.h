/* SPDX-License-Identifier: MIT */
#ifndef WEIR_REACTOR_H
#define WEIR_REACTOR_H

/*
 * weir/reactor.h - one thread, one epoll set
 *
 * A reactor is either made alone (weir_reactor_new) and turned by its owner
 * with weir_reactor_wait() or weir_reactor_run(), or it is one of a pool's,
 * which handlers receive as their first argument.
 *
 * One turn: messages, due timers, the sources that said WEIR_MORE, the kernel,
 * its events, outgoing messages.  Each has a budget, so that none starves the
 * others.
 */
#include <signal.h>
#include <stddef.h>
#include <weir/base.h>
#include <weir/message.h>
#include <weir/source.h>

WEIR_BEGIN_DECLS

struct weir_reactor;

struct weir_reactor_options {
	size_t size;		/* sizeof(struct weir_reactor_options) */
	unsigned inbox_messages;/* queue for posts, 16 .. 2^20, rounded up to a
				   power of two; default 1024 */
};

/**
 * weir_reactor_new() - make a reactor that stands alone
 * @options:     or NULL
 * @ret_reactor: receives the reactor, which the caller frees
 *
 * Threads: any; the calling thread becomes the owner.
 * Return:  0, -EINVAL (an option is out of range), -EMFILE or -ENFILE (no
 *          descriptor is left; it needs two), -ENOSPC (too many reactors: 4,095,
 *          some 2,000 with jemalloc) or -ENOMEM.  Nothing is kept on failure.
 */
int weir_reactor_new(const struct weir_reactor_options *options,
		     struct weir_reactor **ret_reactor);

/**
 * weir_reactor_free() - free a reactor that stands alone
 * @r: the reactor, or NULL
 *
 * Relays and attempts to connect end, with a call (WEIR_RELAY_STOPPED,
 * -ECANCELED) and their sockets closed; so do spawned children, which are
 * killed (WEIR_CHILD_STOPPED).  Its sources end without a call, their
 * descriptors stay open, its timers are freed, and messages not delivered go
 * to their undeliverable function with -ECANCELED.  In a forked child it does
 * nothing.
 *
 * Threads: owner only, not from within a handler, and no other thread may be
 *          in a call on @r.
 * Return:  NULL.
 */
struct weir_reactor *weir_reactor_free(struct weir_reactor *r);

/**
 * weir_reactor_after_fork() - take a reactor over in a forked child
 * @r: a reactor that stands alone, of the parent
 *
 * The child gets an epoll set of its own with all sources in it, their tokens
 * unchanged; what is ready is said again.  Timers run on.  Messages in the
 * queue are the parent's to run: here they go to their undeliverable function
 * with -ECHILD.  Inotify instances and signal descriptors stay the parent's:
 * free them, and make new ones.  So do spawned children, whose tokens are stale
 * here.  The parent does not notice.
 *
 * The descriptors themselves are still shared, and so is what they lead to:
 * take out of the child's what the parent is to read.
 *
 * Threads: the one that forked, not from within a handler.
 * Return:  0, -EINVAL (@r is a pool's, or this is no child of its process),
 *          -EBUSY (forked within a handler of @r), -EMFILE, -ENFILE, -ENOMEM or
 *          -ENOSPC (max_user_watches); on failure @r stays the parent's.
 */
int weir_reactor_after_fork(struct weir_reactor *r);

/**
 * weir_reactor_abandon() - free a reactor in a forked child
 * @r: a reactor that stands alone, of the parent; or NULL
 *
 * What weir_reactor_free() does, but nothing is taken out of the epoll set or
 * the inotify instances, which are the parent's, and no signal mask changes;
 * messages in the queue come back with -ECHILD.  The connections of relays and
 * spawned children stay the parent's: only our own descriptors are closed.
 *
 * Threads: the one that forked, not from within a handler.
 * Return:  0, -EINVAL (@r is a pool's, or this is no child of its process) or
 *          -EBUSY (forked within a handler of @r).
 */
int weir_reactor_abandon(struct weir_reactor *r);

/**
 * weir_reactor_wait() - wait for events and receive them in an array
 * @r:        a reactor that stands alone
 * @events:   receives the events; what was in it is overwritten.  To append,
 *            pass the place behind and the room that is left
 * @capacity: room in @events; 0: returns 0 at once, and the kernel is not
 *            asked; more than INT_MAX is INT_MAX
 * @timeout:  0: do not wait; WEIR_FOREVER: until an event; else at most this
 *            long, never shorter, rounded up where the kernel counts in ms
 *
 * Sources with a handler, timers and messages are served while it waits; only
 * events of sources without one come back in @events.  A source is reported at
 * most once a call.
 *
 * Threads: owner only, not from within a handler.
 * Return:  how many events; 0: the time is over; -EINTR (a signal handler ran;
 *          nothing was lost), -ECANCELED (weir_reactor_stop() was called; said
 *          once), -EINVAL (@events is NULL, or @r is a pool's), -EBUSY (within a
 *          handler), -ENOMEM (the kernel's, in epoll_wait(2)) or -ECHILD.
 */
int weir_reactor_wait(struct weir_reactor *r, struct weir_event *events,
		      size_t capacity, weir_ns timeout);

/**
 * weir_reactor_wait_until() - the same, up to a point in time
 * @r:        a reactor that stands alone
 * @events:   as for weir_reactor_wait()
 * @capacity: as for weir_reactor_wait()
 * @deadline: CLOCK_MONOTONIC, as weir_clock(); one that has passed: do not wait;
 *            WEIR_FOREVER: until an event.  After -EINTR the same deadline
 *            waits for what is left
 * @sigmask:  blocked on this thread while it sleeps, in the place of its mask,
 *            set and restored in one step with the sleep; NULL: its mask.  A
 *            pending signal that this unblocks ends a sleep with -EINTR; what
 *            is ready comes first
 *
 * Threads: owner only, not from within a handler.
 * Return:  as weir_reactor_wait().
 */
int weir_reactor_wait_until(struct weir_reactor *r, struct weir_event *events,
			    size_t capacity, weir_ns deadline,
			    const sigset_t *sigmask);

/**
 * weir_reactor_run() - turn until weir_reactor_stop()
 * @r: a reactor that stands alone
 *
 * Threads: owner only, not from within a handler.
 * Return:  0 after weir_reactor_stop(), also after one that came before;
 *          -EINVAL (@r is a pool's), -EBUSY (within a handler), -ENOMEM (the
 *          kernel's, in epoll_wait(2)) or -ECHILD.
 */
int weir_reactor_run(struct weir_reactor *r);

/**
 * weir_reactor_stop() - make weir_reactor_run() or _wait() return
 * @r: a reactor that stands alone
 *
 * Remembered if nobody is in either, and used up by the next.
 *
 * Threads: any; async-signal-safe.
 * Return:  0, -EINVAL (@r is a pool's) or -ECHILD.
 */
int weir_reactor_stop(struct weir_reactor *r);

/**
 * weir_reactor_post() - have a function called on a reactor's thread
 * @r:    the reactor, of a pool or alone
 * @call: what to call; it must live until the call
 * @arg:  handed over
 * @word: handed over
 *
 * Order and full queues are as with weir_post().
 *
 * Threads: any, while @r exists.
 * Owns:    @arg belongs to the message until one of the functions of @call
 *          runs; on failure it stays the caller's.
 * Return:  0, -EINVAL (@call or its run is NULL), -EAGAIN (full: try later),
 *          -ECANCELED (the reactor stops), -ENOMEM (in a pool, as weir_post())
 *          or -ECHILD.
 */
int weir_reactor_post(struct weir_reactor *r, const struct weir_call *call,
		      void *arg, uint64_t word);

/**
 * weir_reactor_send() - as weir_reactor_post(), to a source of the reactor
 * @r:     the reactor, of a pool or alone
 * @token: the source; in a pool it may live on any worker
 * @call:  what to call
 * @arg:   handed over
 * @word:  handed over
 *
 * Threads: any, while @r exists.
 * Owns:    as weir_reactor_post().
 * Return:  as weir_send().
 */
int weir_reactor_send(struct weir_reactor *r, weir_token token,
		      const struct weir_call *call, void *arg, uint64_t word);

/**
 * weir_reactor_now() - the time at which this turn last looked at the clock
 * @r: the reactor
 *
 * Timers count from it.  Of a reactor that stands alone the clock is read when
 * a turn first asks for it; else, and from then on, this is one load.
 *
 * Threads: owner only.
 * Return:  nanoseconds, CLOCK_MONOTONIC; never behind by more than the time
 *          the current turn has taken.
 */
weir_ns weir_reactor_now(const struct weir_reactor *r);

/**
 * weir_reactor_update_now() - look at the clock within a long handler
 * @r: the reactor
 *
 * Threads: owner only.
 * Return:  the new weir_reactor_now().
 */
weir_ns weir_reactor_update_now(struct weir_reactor *r);

/**
 * weir_reactor_current() - the reactor whose handler is running
 *
 * Threads: any.
 * Return:  the calling thread's reactor while it runs; else NULL.
 */
struct weir_reactor *weir_reactor_current(void);

/**
 * weir_reactor_set_data() - keep a pointer with the reactor
 * @r:    the reactor
 * @data: anything, for example the worker's own state
 *
 * Threads: owner only.
 */
void weir_reactor_set_data(struct weir_reactor *r, void *data);

/**
 * weir_reactor_data() - the pointer last kept with the reactor
 * @r: the reactor
 *
 * Threads: owner only.
 * Return:  it, or NULL.
 */
void *weir_reactor_data(const struct weir_reactor *r);

WEIR_END_DECLS

#endif /* WEIR_REACTOR_H */
