/* SPDX-License-Identifier: MIT */
/*
 * loop/inotify.h - an inotify instance and its table of watches
 */
#ifndef WEIR_LOOP_INOTIFY_H
#define WEIR_LOOP_INOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <weir/inotify.h>

#include "loop/reactor.h"

/* Some 4,000 short names, or 240 of the longest. */
enum { WEIR__INOTIFY_BYTES = 64 * 1024 };

struct weir__watched {
	int wd;
	bool is_by_path;	/* the newest of those with this path */
	char *path;
	void *data;
	struct weir__watched *next;	/* in the list of the retired */
};

struct weir_inotify {
	struct weir__attached attached;
	struct weir_reactor *reactor;
	weir_inotify_fn *fn;
	void *data;
	weir_token token;
	int fd;
	weir_ns pair_ns;
	weir_ns pair_until;	/* 0: no half is waited for */
	struct weir_timer *timer;	/* NULL if pair_ns is 0 */
	bool *is_freed;		/* the handler's, while it runs */
	void *by_wd, *by_path;	/* tsearch(3) */
	size_t count;
	struct weir__watched *retired;	/* see weir__watched_retire() */
	uint64_t overflows;
	size_t head, tail;
	_Alignas(struct inotify_event) char buf[WEIR__INOTIFY_BYTES];
};

/* Of weir_inotify.fd: it was the parent's; see after_fork.c. */
enum { WEIR__ORPHAN = -2 };

/* Return: 0 or -ECHILD. */
static inline int weir__inotify_check(const struct weir_inotify *in)
{
	const int err = weir__reactor_check(in->reactor);

	return err == 0 && in->fd == WEIR__ORPHAN ? -ECHILD : err;
}

/* The watch of a number, or NULL. */
struct weir__watched *weir__watched_find(const struct weir_inotify *in, int wd);

/*
 * @w has ended: nobody finds it any more, and it is freed when the event in
 * hand, in which its path may stand, is over.
 */
void weir__watched_retire(struct weir_inotify *in, struct weir__watched *w);

/* The event in hand is over. */
void weir__watched_free_retired(struct weir_inotify *in);

/* Free the table with all that is in it. */
void weir__watched_free_all(struct weir_inotify *in);

#endif /* WEIR_LOOP_INOTIFY_H */
