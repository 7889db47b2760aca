/* SPDX-License-Identifier: MIT */
#ifndef WEIR_CHILD_H
#define WEIR_CHILD_H

/*
 * weir/child.h - child processes: run, talked to, limited, reaped once
 *
 * weir_child_spawn() runs a program and belongs to the reactor that asked, on
 * whose thread all of its functions are called. weir_child_add() is for
 * processes that were made in another way.
 *
 * Each child has a pidfd in an epoll set, so no exit is lost and nobody else's
 * child is reaped; where the kernel has no pidfd, SIGCHLD makes each thread
 * look at its own children, by number, and only at those.
 */
#include <stddef.h>
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

/* What one of the child's descriptors 0, 1 and 2 is. */
enum weir_child_how {
	WEIR_CHILD_NULL,	/* /dev/null */
	WEIR_CHILD_INHERIT,	/* ours of that number; none if ours is closed
				   or close-on-exec */
	WEIR_CHILD_FD,		/* .fd, which stays the caller's */
	WEIR_CHILD_PIPE,	/* a pipe to us; blocking for the child */
	WEIR_CHILD_JOIN		/* of 2 only: where 1 goes */
};

struct weir_child_stdio {
	enum weir_child_how how;
	int fd;			/* for WEIR_CHILD_FD */
	size_t limit_bytes;	/* of a pipe from the child: so much is taken,
				   then our end is closed, and who writes more
				   gets SIGPIPE; 0: 1 MiB when collected, no
				   limit with on_bytes */
};

/* Something that may be more than the exit status. */
#define WEIR_CHILD_TIMED_OUT 0x01u	/* the limit came first */
#define WEIR_CHILD_OUT_LIMIT 0x02u	/* limit_bytes of 1 were exceeded */
#define WEIR_CHILD_ERR_LIMIT 0x04u	/* ... of 2 */
#define WEIR_CHILD_OUT_HELD 0x08u	/* somebody still held 1 after grace */
#define WEIR_CHILD_ERR_HELD 0x10u	/* ... 2 */
#define WEIR_CHILD_STOPPED 0x20u	/* killed since the reactor stopped */
#define WEIR_CHILD_LOST 0x40u		/* somebody else reaped it: the status
					   is unknown, code is 0 */
#define WEIR_CHILD_NO_MEMORY 0x80u	/* output was dropped for want of it */

/* How a spawned child ended. */
struct weir_child_result {
	struct weir_child_status status;
	unsigned flags;		/* WEIR_CHILD_* */
	const char *out, *err;	/* what was collected, and a NUL; valid during
				   the call; NULL if nothing was */
	size_t out_bytes, err_bytes;	/* without the NUL */
};

/*
 * Called once, after the child was reaped and its output read to the end (or
 * given up: see the flags). @token is stale by now.
 */
typedef void weir_child_end_fn(struct weir_reactor *r,
			       const struct weir_child_result *result,
			       void *data);

/*
 * @n bytes, 1 .. 16,384, of the child's descriptor @which, 1 or 2. The next
 * ones are read after it returns, or after weir_child_pause(): a child that
 * writes faster waits in write(2).
 */
typedef void weir_child_bytes_fn(struct weir_reactor *r, weir_token token,
				 int which, const void *bytes, size_t n,
				 void *data);

/* weir_child_write() can take more. */
typedef void weir_child_room_fn(struct weir_reactor *r, weir_token token,
				void *data);

struct weir_child_options {
	size_t size;		/* sizeof(struct weir_child_options) */
	const char *file;	/* without a slash: looked for in our PATH;
				   NULL: argv[0] */
	char *const *argv;	/* ends with NULL; not empty */
	char *const *env;	/* ends with NULL; NULL: ours */
	const char *cwd;	/* NULL: ours; a relative file starts there */
	struct weir_child_stdio stdio[3];
	const void *input;	/* for a pipe to 0: written, then closed;
				   borrowed until the end; NULL:
				   weir_child_write() writes and
				   weir_child_close_input() closes */
	size_t input_bytes;
	const int *fds;		/* become 3, 4 ... in the child; they stay the
				   caller's */
	size_t fd_count;	/* at most 256 */
	weir_ns limit;		/* how long it may run; 0: for ever */
	int limit_signo;	/* to its process group then; 0: SIGKILL, which
				   follows a grace later in any case */
	weir_ns grace;		/* how long we read on after its end, when
				   another process holds its pipe; 0: 1 s */
	weir_child_bytes_fn *on_bytes;	/* NULL: output is collected */
	weir_child_room_fn *on_room;	/* or NULL */
	weir_child_end_fn *on_end;	/* not NULL */
	void *data;		/* for the three of them */
};

/**
 * weir_child_spawn() - run a program
 * @r:         the reactor that is to hear of it: a worker's, control's or one
 *             that stands alone
 * @options:   how; all it points to may go after the call, but input
 * @ret_token: receives a token for the calls below; it is no address for
 *             weir_send(), and none of the calls for sources may be used on it
 *
 * The program gets a process group of its own, each signal's default
 * disposition, the calling thread's signal mask without what weir has added to
 * it, and no descriptor of ours but those named here. The call returns when
 * the program runs, or with the reason why it cannot; the thread waits for
 * that, commonly less than a millisecond.
 *
 * The child holds up a drain. It is killed with its group when the reactor
 * stops; the stop waits until it is dead, and it is reaped then as always.
 *
 * Threads: owner only.
 * Return:  0; -EINVAL (an option is out of range, or argv, on_end missing),
 *          what exec, chdir or clone failed with (-ENOENT, -EACCES, -ENOEXEC,
 *          -ENOTDIR, -E2BIG, -EAGAIN ...), -EBADF (a descriptor given is not
 *          open), -EMFILE, -ENFILE, -ENOMEM, -ENOSPC, -ENOSYS (no pidfd here,
 *          and @r's pool serves no signals), -ECANCELED (@r has stopped) or
 *          -ECHILD (a forked child; or SIGCHLD is ignored in this process, so
 *          that no status can be had: the program may have run).
 */
int weir_child_spawn(struct weir_reactor *r,
		     const struct weir_child_options *options,
		     weir_token *ret_token);

/**
 * weir_child_kill() - send a signal to a spawned child and its process group
 * @r:     its reactor
 * @token: the child
 * @signo: the signal; 0 only asks
 *
 * It can reach nobody else: the child is not reaped before its token is stale.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE (it has ended and been told of), -ESRCH (none of the
 *          group is left), -EINVAL (@signo), -EPERM or -ECHILD.
 */
int weir_child_kill(struct weir_reactor *r, weir_token token, int signo);

/**
 * weir_child_write() - write to a child's standard input, without waiting
 * @r:     its reactor
 * @token: the child
 * @bytes: what to write
 * @n:     how much, up to INT_MAX
 *
 * What does not fit is the caller's to keep; on_room() is called when there is
 * room again.
 *
 * Threads: owner only.
 * Return:  the number of bytes taken, less than @n if the pipe is full; -EPIPE
 *          (the child or we have closed it, or it never was a pipe), -EINVAL
 *          (@n), -ESTALE or -ECHILD.
 */
int weir_child_write(struct weir_reactor *r, weir_token token,
		     const void *bytes, size_t n);

/**
 * weir_child_close_input() - let the child read the end of its input
 * @r:     its reactor
 * @token: the child
 *
 * Threads: owner only.
 * Return:  0, also if it is closed already; -ESTALE or -ECHILD.
 */
int weir_child_close_input(struct weir_reactor *r, weir_token token);

/**
 * weir_child_pause() - stop reading a child's output, or go on
 * @r:         its reactor
 * @token:     the child
 * @which:     1 or 2
 * @is_paused: 1 or 0
 *
 * While it is paused the pipe fills up, the child waits, and on_end() is not
 * called.
 *
 * Threads: owner only.
 * Return:  0, also if its output has ended; -EINVAL (@which), -ESTALE or
 *          -ECHILD.
 */
int weir_child_pause(struct weir_reactor *r, weir_token token, int which,
		     int is_paused);

WEIR_END_DECLS

#endif /* WEIR_CHILD_H */
