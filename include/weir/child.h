/* SPDX-License-Identifier: MIT */
#ifndef WEIR_CHILD_H
#define WEIR_CHILD_H

/*
 * weir/child.h - child processes, reaped once
 *
 * Each child has a pidfd in the control thread's epoll set, so no exit is
 * lost and nobody else's child is reaped; where the kernel has no pidfd,
 * SIGCHLD makes the control thread look at each of its own.
 */
#include <sys/types.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;

/* How a child ended, as waitid(2) says it. */
struct weir_child_status {
	pid_t pid;
	int code;	/* CLD_EXITED, CLD_KILLED or CLD_DUMPED */
	int status;	/* its exit status, or the signal that ended it */
};

/* Called once, on the control thread, after the child was reaped. */
typedef void weir_child_fn(struct weir_reactor *control,
			   const struct weir_child_status *status, void *data);

/**
 * weir_child_add() - be told when a child ends, and reap it
 * @pool:      the pool
 * @pid:       a child of this process that nobody else waits for; it may have
 *             ended already
 * @fn:        called when it has ended
 * @data:      passed to @fn
 * @ret_token: receives a token for weir_child_remove()
 *
 * Threads: the one that made the pool, before weir_pool_start(); later, the
 *          control thread.
 * Return:  0, -EINVAL (@pid < 1 or @fn is NULL), -ECHILD (@pid is no child of
 *          ours; or the caller is a forked child), -EEXIST (added already),
 *          -ENOSYS (no pidfd here, and the pool has WEIR_POOL_NO_SIGNALS),
 *          -EMFILE, -ENFILE, -ENOSPC, -ENOMEM or -EBUSY (another thread).
 */
int weir_child_add(struct weir_pool *pool, pid_t pid, weir_child_fn *fn,
		   void *data, weir_token *ret_token);

/**
 * weir_child_remove() - forget a child, which is then the caller's to reap
 * @pool:  the pool
 * @token: the child's token
 *
 * Threads: as weir_child_add().
 * Return:  0, -ESTALE (it has ended, or was removed), -EBUSY or -ECHILD.
 */
int weir_child_remove(struct weir_pool *pool, weir_token token);

WEIR_END_DECLS

#endif /* WEIR_CHILD_H */
