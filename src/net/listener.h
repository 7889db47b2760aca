/* SPDX-License-Identifier: MIT */
/*
 * net/listener.h - what a listener is made of
 *
 *     listener.c  the public calls; the control thread's part
 *     bind.c      sockets that listen
 *     steer.c     STEERED: which of them gets a connection
 *     shard.c     one such socket on one reactor: accepting from it
 *     spread.c    HANDOFF: which worker gets a connection
 *
 * Who writes what: the control thread owns the listener (before the start the
 * maker does, after the join anybody).  A shard belongs to the thread of its
 * reactor from weir__shard_open() until it is closed and that thread has said
 * so, if it was asked; what is marked as control's stays with control.
 */
#ifndef WEIR_NET_LISTENER_H
#define WEIR_NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/listener.h>

#include "pool/pool.h"
#include "sys/path.h"

struct sock_filter;
struct weir_timer;
struct weir__cpu_run;
struct weir__spread;

/* What control has told the thread of a shard, or has yet to tell it. */
enum weir__told {
	WEIR__TOLD_NOTHING,	/* that it is to open: not yet */
	WEIR__TOLD_OPEN,
	WEIR__TOLD_NOT_CLOSED,	/* that it is to close: not yet */
	WEIR__TOLD_CLOSED,
};

/* One listening socket. */
struct weir__shard {
	struct weir_listener *listener;
	int worker;		/* WEIR_CONTROL with HANDOFF */
	int fd;			/* -1 once it is closed */
	weir_token token;
	struct weir_timer *timer;	/* to try again; NULL: no memory */
	bool is_added;		/* to the reactor */
	bool is_closing;	/* takes what is there, then closes */
	bool is_asked;		/* control waits for its answer */
	unsigned left;		/* closing: connections to be taken at most */
	unsigned pauses_left;	/* closing: and pauses */
	/* control's */
	enum weir__told told;
};

struct weir_listener {
	struct weir__pool_item item;
	/* never change once it is open */
	struct weir_pool *pool;
	enum weir_listener_mode mode;
	unsigned budget;	/* connections a turn */
	int backlog;
	mode_t unix_mode;
	enum weir_unix_stale unix_stale;
	struct weir_addr addr;
	bool has_path;		/* a unix socket's name, ours to remove */
	struct weir__path_id path_id;
	weir_accept_fn *fn;
	void *data;
	weir_choose_fn *choose;	/* or NULL */
	void *choose_data;
	int shards_count;
	/* control's */
	bool is_closed;		/* by weir_listener_close() */
	int unanswered;		/* shards that have not said they are closed */
	struct weir_timer *timer;	/* to tell what is not; not of HANDOFF */
	struct weir__spread *spread;	/* HANDOFF */
	struct weir__shard shards[];
};

/* Has each worker a socket of its own, all with the same address? */
static inline bool weir__mode_is_shared(enum weir_listener_mode mode)
{
	return mode != WEIR_LISTENER_HANDOFF;
}

/**
 * weir__bind_socket() - make a socket that has a listener's address
 *
 * It does not listen.  Those of a SHARDED listener may have the same address.
 *
 * Return: the fd, or -errno as weir_listener_open().
 */
int weir__bind_socket(const struct weir_listener *l);

/* The path of a unix socket's address; NULL if it has none. */
const char *weir__bind_path(const struct weir_addr *addr);

enum {
	/* CPUs beyond so many runs are taken for such that are not ours. */
	WEIR__STEER_RUNS = 64,
	WEIR__STEER_RUN = 4,
	WEIR__STEER_ANSWER = 14,
	WEIR__STEER_MOST = 1 + WEIR__STEER_RUNS * WEIR__STEER_RUN +
			   WEIR__STEER_ANSWER,
};

/**
 * weir__steer_program() - the program that chooses a worker by CPU
 * @runs:  the pool's CPUs, ascending
 * @count: of runs, 1 .. WEIR__STEER_RUNS
 * @code:  receives it; WEIR__STEER_MOST is enough
 *
 * Return: the number of instructions.
 */
size_t weir__steer_program(const struct weir__cpu_run *runs, int count,
			   int workers, struct sock_filter *code);

/**
 * weir__steer() - have the kernel choose by CPU
 * @fd:      any of the sockets; worker i's was the i-th to listen
 * @workers: how many they are
 *
 * Return: 0, -ENOPROTOOPT (the kernel knows no such programs), -ENOMEM,
 *         another errno of setsockopt(2) or one of sched_getaffinity(2).
 */
int weir__steer(int fd, int workers);

/**
 * weir__shard_open() - accept from a socket
 *
 * Threads: the owner of @r.
 * Return:  0, or -errno of weir_source_add(); it may be tried again.
 */
int weir__shard_open(struct weir_reactor *r, struct weir__shard *shard);

/* Open it now, or in a while: no listener stays deaf.  Threads: owner. */
void weir__shard_open_surely(struct weir_reactor *r, struct weir__shard *shard);

/* Take the connections that are complete, then close.  Threads: owner. */
void weir__shard_close(struct weir_reactor *r, struct weir__shard *shard);

/* Close now.  @shard may be gone when it returns.  Threads: owner. */
void weir__shard_end(struct weir_reactor *r, struct weir__shard *shard);

/* listener.c: a shard has closed.  @shard may be gone when it returns. */
void weir__listener_ended(struct weir__shard *shard);

struct weir__spread *weir__spread_new(struct weir_listener *listener);

/* Closes a connection that nobody has.  Return: NULL. */
struct weir__spread *weir__spread_free(struct weir__spread *spread);

/**
 * weir__spread_one() - accept one connection and give it to a worker
 * @fd: the listening socket
 *
 * Threads: the control thread.
 * Return:  0, -EAGAIN (none waits), -EBUSY (every worker's queue is full: the
 *          connection is kept and goes first with the next call), -ENOMEM or
 *          another error of weir__accept().
 */
int weir__spread_one(struct weir__spread *spread, int fd);

#endif /* WEIR_NET_LISTENER_H */
