/* SPDX-License-Identifier: MIT */
/*
 * pool/pool.h - worker threads and one control thread
 *
 * What a pool is made of, for the files of this floor and for net/.  Which
 * file does what:
 *
 *     pool.c      made and freed; options; small public calls
 *     sizing.c    how many workers, and why
 *     worker.c    a thread's life: start gate, loop, the steps of its end
 *     ask.c       a call from outside that waits
 *     broadcast.c one message to every worker
 *     handoff.c   posts and sends, the pool's part of a turn
 *     room.c      telling senders that there is room again
 *     move.c      a source moves from one worker to another
 *     evacuate.c  all sources of a worker move
 *     held.c      messages that have to wait
 *     drain.c     drain and stop
 *     stats.c     counters read from outside
 *     load.c      of those, what tells who has much to do
 *     balance.c   moving connections from who has much to who has little
 *     signal.c    signals, on the control thread
 *     subscribe.c signals, to whom they are sent on
 *     watch.c     files, on the control thread; watch.h tells its parts
 *     child.c     children, on the control thread
 *     spawn.c     programs that are run, on the thread that asked
 *     spawn_io.c  their pipes
 *     snapshot.c  read-mostly objects, and the thread that waits for grace
 *     counter.c   weir_counter
 *     shm.c       all of that, for other processes to see
 *     recorder.c  what a thread did last
 *     watchdog.c  turns that are too long, and a thread to watch control
 *
 * Who writes what: the maker fills everything before the threads start;
 * afterwards a worker owns its reactor, the control thread what is marked as
 * its, and what all may touch comes from sync/ or has a mutex named beside it.
 *
 * Mutexes, in the order in which they may be taken (none while another of the
 * same line is held; none is ever held over a callback):
 *     gate.lock  reclaim.lock  the watchdog's  the signal registry's
 *     a token store's
 */
#ifndef WEIR_POOL_POOL_H
#define WEIR_POOL_POOL_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <weir/message.h>
#include <weir/pool.h>
#include <weir/recorder.h>
#include <weir/stats.h>

#include "base/list.h"
#include "loop/reactor.h"
#include "sync/flag.h"
#include "sync/latch.h"
#include "sync/life.h"
#include "sync/mesh.h"
#include "sync/stack.h"
#include "sync/token.h"

/* Something that lives as long as the pool unless it is disowned before. */
struct weir__pool_item {
	struct weir__list link;
	void (*free_fn)(struct weir__pool_item *item);
};

/* Waiting for a grace period; see snapshot.c. */
struct weir__grace {
	struct weir__list link;
	void (*fn)(struct weir__grace *grace);	/* on the thread NAME/rcu */
};

/* move.c; where the moves are that began together. */
enum weir__moves_step {
	WEIR__MOVES_NONE,	/* there are none */
	WEIR__MOVES_GRACE,	/* somebody may still send to the old owner */
	WEIR__MOVES_TAKING,	/* all is in our queues, and we take it */
	WEIR__MOVES_MARKING,	/* all is taken: tell the new owners */
};

struct weir__moves {
	enum weir__moves_step step;
	struct weir__list fresh;	/* departures that wait for the others */
	struct weir__list leaving;	/* those of the step */
	struct weir__list *table;	/* all of them by token; NULL: none yet */
	struct weir__list arrivals;	/* from others, not complete */
	size_t inbox_mark;
	struct weir__grace grace;
	struct weir__flag has_graced;
};

struct weir__worker {
	struct weir_pool *pool;
	struct weir_reactor *reactor;
	struct weir__sender *out;	/* its side of the mesh */
	int index;		/* its number in the mesh; the last is control */
	pthread_t thread;
	bool is_started;
	int error;		/* why it left its loop; 0: it was told to */
	/* room.c: requests that it is to answer, and those granted to it */
	struct weir__stack asked, granted;
	struct weir_link *waiting;	/* its own */
	struct weir__tickets broadcasts;	/* its own, under way */
	/* drain.c; the worker's own */
	unsigned round;		/* of the drain; 0: none has begun */
	size_t inbox_mark;	/* where the inbox ended when it did */
	bool told_idle;		/* what the control thread knows of us */
	bool is_untold;		/* its queue was full */
	/* drain.c; the control thread's */
	bool is_idle;
	struct weir__moves moves;	/* the worker's own, but the flag */
	struct weir__list spawned;	/* spawn.c; those without a pidfd */
};

/*
 * Where threads wait for each other: all to have started, all to have left
 * their loops, the last to have ended.
 */
struct weir__gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int arrived;		/* threads that are at the current step */
	int error;		/* the first failure of a start */
	bool may_run;		/* all have started */
	int left;		/* threads that have left their loops */
};

struct weir__signals;
struct weir__subscribers;
struct weir__watches;
struct weir__children;
struct weir__reclaim;
struct weir__watchdog;

struct weir_pool {
	/* never change after weir_pool_new() */
	uint32_t fork_generation;
	pthread_t maker;
	struct weir_pool_options options;	/* all defaults filled in */
	char name[12];
	char describe[256];
	int workers;
	bool has_cores;		/* one for each worker: they may spin */
	struct weir__worker *threads;	/* workers, then control */
	struct weir__tokens *tokens;
	struct weir__mesh *mesh;
	void *shm;		/* the views of all threads, see shm.c */
	int shm_fd;

	struct weir__life life;
	struct weir__flag spawns_without_pidfd;	/* once set it stays */
	struct weir__tickets broadcasts;	/* of foreign threads, under way */
	struct weir__gate gate;
	bool was_started;	/* the starter's */
	char error[160];	/* the starter's */
	bool is_joined;		/* the joiner's */
	int join_result;

	/* the maker's before the start, then the control thread's */
	struct weir__list items;
	struct weir__signals *signals;	/* NULL: WEIR_POOL_NO_SIGNALS */
	struct weir__subscribers *subscribers;	/* NULL until the first */
	struct weir__watches *watches;	/* NULL until the first */
	struct weir__children *children;
	struct weir_timer *spawn_timer;
	int spawn_told;		/* workers that know of a SIGCHLD */
	struct weir__reclaim *reclaim;
	struct weir__watchdog *watchdog;	/* NULL until it is started */
	struct weir_timer *drain_timer;
	struct weir_timer *tell_timer;
	unsigned round;		/* of the drain */
	int told;		/* workers that know of the round */
	weir_ns drain_until;
	bool is_drain_late;	/* the limit came first; read after the join */
};

/* Where the control thread stands in threads[] and in the mesh. */
static inline int weir__pool_control(const struct weir_pool *pool)
{
	return pool->workers;
}

/* How many threads run handlers: the workers and control. */
static inline int weir__pool_threads(const struct weir_pool *pool)
{
	return pool->workers + 1;
}

/* A worker's place in threads[]; -EINVAL if there is none of that number. */
static inline int weir__pool_place(const struct weir_pool *pool, int worker)
{
	if (worker == WEIR_CONTROL)
		return weir__pool_control(pool);
	if (worker < 0 || worker >= pool->workers)
		return -EINVAL;
	return worker;
}

/*
 * The place of the calling thread in its pool, also while a handler of it turns
 * a reactor that stands alone.  NULL for a thread of no pool.
 */
struct weir__worker *weir__pool_caller(void);
void weir__pool_set_caller(struct weir__worker *w);

/* The reactor of worker @worker, or of WEIR_CONTROL. */
struct weir_reactor *weir__pool_reactor(struct weir_pool *pool, int worker);

/**
 * weir__pool_check_control() - may the calling thread make control calls?
 *
 * The maker before the start, the control thread from then on, anybody after
 * weir_pool_join().
 *
 * Return: 0, -EBUSY or -ECHILD.
 */
int weir__pool_check_control(const struct weir_pool *pool);

/* @item is freed by weir_pool_free(), after all threads have ended. */
void weir__pool_own(struct weir_pool *pool, struct weir__pool_item *item);
void weir__pool_disown(struct weir__pool_item *item);

/* Published numbers of a worker, for those who place connections. */
uint64_t weir__pool_load(const struct weir_pool *pool, int worker);
uint64_t weir__pool_accepted(const struct weir_pool *pool, int worker);

/* load.c; what is below WEIR__METER_NS is not measured anew. */
enum { WEIR__PPM = 1000000, WEIR__METER_NS = 10 * 1000 * 1000 };
struct weir__meter;
struct weir__meter *weir__meter_new(const struct weir_pool *pool);
struct weir__meter *weir__meter_free(struct weir__meter *meter);
/* Measure from now on. */
void weir__meter_restart(struct weir__meter *meter);
/* @ret_loads: one for each worker; coming is 0.  Threads: one at a time. */
void weir__meter_read(struct weir__meter *meter, struct weir_load *ret_loads);

/* One line to the user's log, if there is one. */
void weir__pool_log(const struct weir_pool *pool, int level,
		    const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As weir_post(), with the room reserved for the library. */
int weir__post_reserved(struct weir_pool *pool, int worker,
			const struct weir_call *call, void *arg, uint64_t word);

/* sizing.c: fill in workers, and describe. */
int weir__pool_size(struct weir_pool *pool);

/* worker.c; thread_name: as it is shown, such as "weir/0" */
void weir__pool_thread_name(const struct weir_pool *pool,
			    const struct weir__worker *w, char ret_name[16]);
int weir__gate_init(struct weir__gate *gate);
void weir__gate_done(struct weir__gate *gate);

/* handoff.c */
extern const struct weir__hooks weir__pool_hooks;
void weir__handoff_return_all(struct weir__worker *w);

/*
 * room.c; turn: after messages were taken; return_all: after all threads have
 * left their loops, @r as in weir_undeliverable_fn.
 */
void weir__room_turn(struct weir__worker *w);
void weir__room_return_all(struct weir__worker *w, struct weir_reactor *r);

/* Is there anything for weir__room_turn()? */
static inline bool weir__room_is_asked(const struct weir__worker *w)
{
	return weir__stack_has_some(&w->asked) ||
	       weir__stack_has_some(&w->granted);
}

/*
 * move.c: what a turn and its end do about moves; the last three are hooks.
 */
void weir__moves_init(struct weir__worker *w);
void weir__moves_done(struct weir__worker *w);
void weir__moves_begin(struct weir__worker *w);
void weir__moves_turn(struct weir__worker *w);
bool weir__moves_have_work(const struct weir__worker *w);
bool weir__moves_are_open(const struct weir__worker *w);
void weir__moves_return_all(struct weir__worker *w);
bool weir__moves_stray(struct weir_reactor *r, const struct weir_msg *msg);
void weir__moves_hold(struct weir_reactor *r, const struct weir_msg *msg,
		      void *move);
void weir__moves_ended(struct weir_reactor *r, void *move);

/*
 * snapshot.c: call @grace->fn after a grace period, on another thread, if the
 * pool has not ended before.  @grace lives as long as the pool.
 */
void weir__reclaim_grace(struct weir_pool *pool, struct weir__grace *grace);

/*
 * drain.c; start as for the services below; begin: on the control thread, what
 * weir_pool_drain() does from anywhere.
 */
int weir__drain_start(struct weir_pool *pool);
void weir__drain_begin(struct weir_pool *pool, weir_ns limit);
void weir__drain_turn(struct weir__worker *w);

/* subscribe.c; tell: is there a subscriber, who is told now? */
bool weir__subscribers_tell(struct weir_pool *pool,
			    const struct signalfd_siginfo *info);
bool weir__subscribers_are_full(const struct weir_pool *pool);
void weir__subscribers_close(struct weir_pool *pool);

/*
 * signal.c; serve: block it and read it from now on; go_on: read on, after
 * subscribers were full.
 */
int weir__signals_serve(struct weir_pool *pool, int signo);
void weir__signals_go_on(struct weir_pool *pool);

/*
 * signal.c: the calling thread's mask without what pools of this process have
 * added to it.
 */
void weir__signals_before(sigset_t *ret_mask);

/* stats.c */
/* shm.c; open: once the number of workers is known */
int weir__shm_open(struct weir_pool *pool);
void weir__shm_close(struct weir_pool *pool);
struct weir__view *weir__shm_view(const struct weir_pool *pool, int place);

/* stats.c; the name is that of the member of struct weir_stats */
const char *weir__stat_name(int stat);
void weir__stats_dump(struct weir_pool *pool);

/*
 * The services of the control thread.  open: before the start, by the maker;
 * start: on the control thread, before the first turn; close: by
 * weir_pool_free(), after all threads have ended.
 */
int weir__signals_open(struct weir_pool *pool);
int weir__signals_verify(struct weir_pool *pool);
int weir__signals_start(struct weir_pool *pool);
void weir__signals_close(struct weir_pool *pool);
int weir__watches_start(struct weir_pool *pool);
void weir__watches_reload(struct weir_pool *pool);
void weir__watches_close(struct weir_pool *pool);
int weir__children_start(struct weir_pool *pool);
void weir__children_reap(struct weir_pool *pool);
void weir__children_close(struct weir_pool *pool);
int weir__spawns_start(struct weir_pool *pool);
void weir__spawns_look(struct weir_pool *pool);
int weir__reclaim_start(struct weir_pool *pool);
void weir__reclaim_stop(struct weir_pool *pool);
void weir__reclaim_close(struct weir_pool *pool);
int weir__watchdog_run(struct weir_pool *pool);
void weir__watchdog_stop(struct weir_pool *pool);
void weir__watchdog_close(struct weir_pool *pool);

/* When the grace period began that is waited for; 0: none.  Threads: any. */
weir_ns weir__reclaim_waits_since(const struct weir_pool *pool);

/**
 * weir__recorder_newest() - what a thread is in, or was in last
 *
 * Threads: any.
 * Return:  0 or -EAGAIN (nothing yet).
 */
int weir__recorder_newest(const struct weir__view *view,
			  struct weir_record *ret_record);

#endif /* WEIR_POOL_POOL_H */
