/* SPDX-License-Identifier: MIT */
/*
 * loop/reactor.h - one thread, one epoll set
 *
 * What a reactor is made of, for the files of this floor and those above.
 * Which file does what:
 *
 *     reactor.c   made and freed; the public calls that are none of the below
 *     turn.c      one turn: the phases, sleeping, dispatch
 *     wait.c      weir_reactor_wait() and _run(): turns until something
 *     source.c    registrations: add, modify, remove
 *     registry.c  looking at them
 *     undrained.c in debug builds: handlers that say "done" too early
 *     ready.c     wanted and ready: the edge-triggered contract
 *     dispatch.h  the part of it that each event goes through
 *     travel.c    a source leaves, or comes from elsewhere
 *     rebuild.c   descriptors closed behind our back
 *     after_fork.c  a forked child takes it over, or leaves it
 *     timer.c     timers on the wheel
 *     timerfd.c   timers of the kernel, on other clocks
 *     deliver.c   messages: a reactor's own inbox, running what arrives
 *     inotify.c   inotify instances on a reactor; their table: watched.c
 *     sigfd.c     signals as events of a reactor
 *     spin.c      waiting for messages without the kernel
 *
 * All of it is owned by one thread; what others may touch (bell, inbox, the
 * stop wish, the numbers) comes from sync/.  A reactor does not know that
 * others exist: what a pool adds comes in through hooks.
 */
#ifndef WEIR_LOOP_REACTOR_H
#define WEIR_LOOP_REACTOR_H

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <weir/reactor.h>

#include "base/list.h"
#include "base/wheel.h"
#include "loop/spin.h"
#include "loop/view.h"
#include "sync/doorbell.h"
#include "sync/flag.h"
#include "sync/inbox.h"
#include "sync/tally.h"
#include "sync/token.h"
#include "sys/arena.h"
#include "sys/clock.h"
#include "sys/fork.h"
#include "sys/probe.h"

#ifndef WEIR_DEBUG
#define WEIR_DEBUG 0
#endif

/* What one turn may do at most in each phase. */
enum {
	/* Messages from the inbox, and from each ring of a mesh. */
	WEIR__BUDGET_MESSAGES = 256,
	WEIR__BUDGET_TIMERS = 1024,
	WEIR__BUDGET_READY = 1024,
	/* Events from the kernel: 3 KiB, which stay in the first cache. */
	WEIR__BUDGET_EVENTS = 256,
};

/* How long messages wait is looked at in one turn of so many. */
enum { WEIR__SAMPLE_TURNS = 16 };

/*
 * Room in each queue that only the library itself may use.  Of it two times
 * WEIR__BROADCASTS slots are for broadcasts: so many of one sender, or of all
 * foreign threads together, can be under way.
 */
enum { WEIR__BROADCASTS = 4, WEIR__RESERVE = 16 + 2 * WEIR__BROADCASTS };

/* No queue is longer: 2^20 messages are 32 MiB. */
enum { WEIR__QUEUE_MAX = 1 << 20 };

/**
 * weir__queue_size() - the size of a queue, from a user's option
 * @messages:   what was asked for; 0: @by_default
 * @at_least:   what may be asked for at least; a power of two
 * @ret_size:   receives it, rounded up to a power of two
 *
 * Return: 0 or -EINVAL (out of range).
 */
int weir__queue_size(unsigned messages, unsigned by_default, unsigned at_least,
		     unsigned *ret_size);

/* epoll_event.data of the doorbell: no token, for its table would be 0. */
#define WEIR__BELL UINT64_C(1)

/* What the pool adds to a turn.  A reactor that stands alone has none. */
struct weir__hooks {
	/* Deliver what has come; true if there is more. */
	bool (*take)(struct weir_reactor *r);
	/* After the doorbell was armed: must it not sleep? */
	bool (*has_work)(struct weir_reactor *r);
	/* Let what was posted leave. */
	void (*flush)(struct weir_reactor *r);
	/* Around the wait; and at the end of a turn without one. */
	void (*sleep)(struct weir_reactor *r);
	void (*wake)(struct weir_reactor *r);
	void (*quiescent)(struct weir_reactor *r);
	/* From any thread: to this reactor, or to where the token lives. */
	int (*post)(struct weir_reactor *r, const struct weir_msg *msg);
	int (*send)(struct weir_reactor *r, const struct weir_msg *msg);
	/* A message for a token that is not ours: has the pool taken it? */
	bool (*stray)(struct weir_reactor *r, const struct weir_msg *msg);
	/* One for a source with a move: put it aside. */
	void (*hold)(struct weir_reactor *r, const struct weir_msg *msg,
		     void *move);
	/* A source with a move has ended. */
	void (*ended)(struct weir_reactor *r, void *move);
};

/* What ends with its reactor, if it was not freed before. */
struct weir__attached {
	struct weir__list link;		/* in reactor.attached */
	void (*free)(struct weir__attached *attached);
	/* In a forked child: only free() is left to do. */
	void (*orphan)(struct weir__attached *attached);
};

/* For those that a forked child goes on with. */
void weir__attached_keep(struct weir__attached *attached);

/* Where weir_reactor_wait() collects; NULL while the reactor runs. */
struct weir__harvest {
	struct weir_event *events;
	size_t capacity;
	size_t count;
};

struct weir_reactor {
	/* never change after init */
	int epfd;
	uint32_t fork_generation;
	uint32_t owner;			/* number in the token table */
	bool owns_tokens;
	const struct weir__hooks *hooks;
	void *hooks_data;		/* the pool's */
	struct weir__tokens *tokens;
	struct weir__inbox *inbox;
	size_t inbox_messages;
	struct weir__view *view;	/* what is published */
	bool owns_view;
	pthread_t thread;		/* debug builds check it */

	/* the owner's */
	struct weir_reactor *outer;	/* weir_reactor_current() before */
	weir_ns now;			/* 0: ask weir__reactor_now() */
	uint64_t turn;			/* number of the current turn */
	bool is_turning;		/* within weir__reactor_turn() */
	bool is_closing;		/* no new registrations */
	bool is_draining;
	bool has_parked;		/* a source is; see ready.c */
	bool is_memory_stale;		/* WEIR__STAT_MEMORY_BYTES is */
	weir_ns woke_at;		/* a pool's: the kernel's last answer;
					   0: none */
	struct weir__spin spin;
	struct weir__arena *arena;
	struct weir__harvest *harvest;
	struct weir__undrained *undrained;	/* debug builds; or NULL */
	const sigset_t *sigmask;	/* while it sleeps; NULL: no other */
	struct weir__source *called;	/* whose handler runs; see ready.c */
	struct weir__list ready;	/* sources with something to report */
	struct weir__list held;		/* the same, but nobody collects */
	struct weir__list sources;	/* all of them */
	struct weir__list timers;	/* all of them */
	struct weir__list attached;	/* struct weir__attached */
	struct weir__wheel wheel;
	struct weir__token_cache token_cache;
	struct weir__token_near near;
	struct weir__source **fds;	/* whose a descriptor is; rebuild.c */
	size_t fds_capacity;
	bool has_suspect;		/* there may be a ghost, rebuild.c */
	bool must_rebuild;		/* one was seen */
	uint64_t suspected_in;		/* turn */
	uint64_t removed_in;		/* turn of the last removal */
	void *data;			/* weir_reactor_set_data() */
	void *net_data;			/* the net floor's, see net/ */
	uint64_t gone;			/* sources that are not here any more */
	int accepted_fd;		/* is non-blocking; see
					   weir__reactor_accepted() */
	struct epoll_event batch[WEIR__BUDGET_EVENTS];

	/* others read, or write */
	struct weir__doorbell bell;
	struct weir__flag stop;
};

struct weir__reactor_config {
	struct weir__tokens *tokens;	/* NULL: a table of its own */
	struct weir__view *view;	/* zeros, lent; NULL: one of its own */
	uint32_t owner;
	size_t inbox_messages;		/* a power of two */
	const struct weir__hooks *hooks;
	void *hooks_data;
};

/* Threads: the writer of @r's numbers. */
static inline void weir__stat_add(struct weir_reactor *r, enum weir__stat s,
				  uint64_t n)
{
	weir__tally_add(&r->view->stats[s], n);
}

static inline uint64_t weir__stat_get(const struct weir_reactor *r,
				      enum weir__stat s)
{
	return weir__tally_get(&r->view->stats[s]);
}

/*
 * A handler or a run() begins: count and record it.  To the compiler a probe's
 * one nop looks long, hence the attribute.
 *
 * Threads: owner.
 */
__attribute__((always_inline))
static inline void weir__trace(struct weir_reactor *r, enum weir_shm_kind kind,
			       uint64_t subject, void (*handler)(void),
			       uint32_t value)
{
	struct weir__view *view = r->view;

	weir__tally_add(&view->stats[kind == WEIR_SHM_CALL ?
				     WEIR__STAT_CALLS :
				     WEIR__STAT_MESSAGES_IN], 1);
	weir__view_record(view, kind, subject, (uintptr_t)handler, value);
	WEIR__PROBE4(handler_start, r->owner, subject, handler, value);
}

/* It has returned.  Threads: owner. */
static inline void weir__trace_end(const struct weir_reactor *r,
				   uint64_t subject)
{
	(void)r;
	(void)subject;
	WEIR__PROBE2(handler_end, r->owner, subject);
}

/*
 * Ends @a with @r, if that stands alone.  (In a pool each source is told to
 * stop, and may move from one reactor to another.)
 */
static inline void weir__reactor_attach(struct weir_reactor *r,
					struct weir__attached *a)
{
	weir__list_init(&a->link);
	if (!r->hooks)
		weir__list_push(&r->attached, &a->link);
}

/*
 * Is this a forked child that only frees its memory?  What the descriptors
 * lead to is the parent's, who goes on with it.
 */
static inline bool weir__reactor_is_abandoned(const struct weir_reactor *r)
{
	return r->is_closing && r->epfd < 0;
}

/* Make and free a reactor; weir_reactor_new() says which errors. */
int weir__reactor_new(const struct weir__reactor_config *config,
		      struct weir_reactor **ret_reactor);
struct weir_reactor *weir__reactor_free(struct weir_reactor *r);

/**
 * weir__reactor_check() - before a call that is the owner's
 *
 * A debug build also checks the thread.
 *
 * Return: 0, or -ECHILD in a forked child.
 */
static inline int weir__reactor_check(const struct weir_reactor *r)
{
	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	if (WEIR_DEBUG)
		assert(pthread_equal(r->thread, pthread_self()));
	return 0;
}

/*
 * A quick look before a call that is the owner's: true if it comes from within
 * a turn, in which the time is known.  False in each debug build, for there is
 * more to check.
 */
static inline bool weir__reactor_in_turn(const struct weir_reactor *r)
{
	return !WEIR_DEBUG && r->is_turning &&
	       !weir__fork_suspected(r->fork_generation);
}

/*
 * The calling thread owns @r from here on, and weir_reactor_current() is @r
 * until it leaves; then it is what it was before.
 */
void weir__reactor_enter(struct weir_reactor *r);
void weir__reactor_leave(void);

/**
 * weir__reactor_turn() - one turn
 * @deadline: do not sleep beyond it
 *
 * Return: how many events the kernel had, or -EINTR.
 */
int weir__reactor_turn(struct weir_reactor *r, weir_ns deadline);

/* The same for a reactor that is known to stand alone. */
int weir__reactor_turn_alone(struct weir_reactor *r, weir_ns deadline);

/* And turn after turn, until it is told to stop.  Return: 0 or -errno. */
int weir__reactor_run_alone(struct weir_reactor *r);

/*
 * The time of this turn: of a reactor that stands alone it is read when it is
 * first asked for.  Threads: owner.
 */
static inline weir_ns weir__reactor_now(struct weir_reactor *r)
{
	if (__builtin_expect(r->now == 0, 0))
		r->now = weir__clock_now();
	return r->now;
}

/*
 * @fd has just been accepted, and so is known to be non-blocking, until it is
 * added or the call that it is handed to returns: then -1.  Threads: owner.
 */
static inline void weir__reactor_accepted(struct weir_reactor *r, int fd)
{
	r->accepted_fd = fd;
}

/* The first turn begins.  Threads: owner. */
void weir__reactor_begin(struct weir_reactor *r);

/* Call every source that has a handler with WEIR_DRAINING, in the next turn. */
void weir__reactor_drain(struct weir_reactor *r);

/**
 * weir__reactor_end() - end every source, each after a call with WEIR_STOPPING
 *
 * No source can be added any more.
 */
void weir__reactor_end(struct weir_reactor *r);

/**
 * weir__reactor_close_inbox() - take no more posts
 *
 * Then weir__reactor_return_all() has all that was accepted.
 */
void weir__reactor_close_inbox(struct weir_reactor *r);

/* Every message left in the inbox goes to its undeliverable function. */
void weir__reactor_return_all(struct weir_reactor *r);

/* Run one message here, or return it to its sender. */
void weir__deliver(struct weir_reactor *r, const struct weir_msg *msg);

/* Return one message; @r as in weir_undeliverable_fn. */
void weir__undeliver(struct weir_reactor *r, const struct weir_msg *msg,
		     int why);

/* The inbox phase of a turn.  True if there is more. */
bool weir__deliver_inbox(struct weir_reactor *r);

/* Must @r not sleep?  Its inbox, its stop wish, and the pool's hook. */
bool weir__reactor_has_work(struct weir_reactor *r);

/* Before a message is put in @r's inbox: it was posted now.  Threads: any. */
static inline void weir__inbox_stamp(struct weir_reactor *r)
{
	if (weir__doorbell_asks(&r->bell))
		weir__doorbell_stamp(&r->bell, weir__clock_now());
}

/* Put a message in @r's inbox and wake it.  Threads: any. */
int weir__inbox_post(struct weir_reactor *r, const struct weir_msg *msg,
		     size_t reserve);

/* The timer phase of a turn. */
void weir__timers_fire(struct weir_reactor *r);

/* Free every timer there is. */
void weir__timers_free(struct weir_reactor *r);

#endif /* WEIR_LOOP_REACTOR_H */
