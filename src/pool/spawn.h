/* SPDX-License-Identifier: MIT */
/*
 * pool/spawn.h - a program that was run, and its pipes
 */
#ifndef WEIR_POOL_SPAWN_H
#define WEIR_POOL_SPAWN_H

#include <stdbool.h>
#include <weir/child.h>

#include "loop/reactor.h"

struct weir__spawned;

/* Our end of a pipe. */
struct weir__stream {
	struct weir__spawned *child;
	weir_token token;
	int fd;			/* -1: none, or closed */
	int which;		/* the child's descriptor: 0, 1 or 2 */
	/* of output */
	bool is_paused;
	size_t limit;		/* SIZE_MAX: none */
	size_t total;		/* taken so far */
	char *bytes;		/* collected, with room for a NUL */
	size_t room;
	/* of input */
	const char *left;
	size_t left_bytes;
	bool is_given;		/* all of it was: close it after the last */
};

struct weir__spawned {
	struct weir__attached attached;
	struct weir__list link;	/* in the worker's list if it has no pidfd */
	struct weir_reactor *r;
	weir_token token;	/* the user's */
	weir_token source;	/* the pidfd's */
	pid_t pid;
	int pidfd;		/* -1: none */
	struct weir_timer *timer;
	bool is_timed_out;	/* the timer's next act is SIGKILL */
	bool is_dead;		/* a zombie, or LOST: see spawn.c */
	bool is_grace_over;	/* do not wait for more output */
	unsigned flags;		/* WEIR_CHILD_* */
	struct weir__stream streams[3];
	int limit_signo;
	weir_ns grace;
	weir_child_bytes_fn *on_bytes;
	weir_child_room_fn *on_room;
	weir_child_end_fn *on_end;
	void *data;
};

/* spawn.c: the end, if all that was waited for has come; it may free @child. */
void weir__spawned_settle(struct weir__spawned *child);
/* At once: kill, reap and tell; it frees @child. */
void weir__spawned_stop(struct weir__spawned *child);
struct weir__spawned *weir__spawned_get(const struct weir_reactor *r,
					weir_token token);

/*
 * spawn_io.c: pipe @n's ends are made: *ret_theirs is the child's, and ours
 * becomes a source.
 */
int weir__stream_open(struct weir__spawned *child, int which, int *ret_theirs);
void weir__stream_close(struct weir__stream *stream);
void weir__stream_start(struct weir__stream *stream);
/* Grace is over: who is not paused is not read any more. */
void weir__stream_give_up(struct weir__stream *stream);

#endif /* WEIR_POOL_SPAWN_H */
