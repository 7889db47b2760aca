/* SPDX-License-Identifier: MIT */
#ifndef WEIR_SOURCE_H
#define WEIR_SOURCE_H

/*
 * weir/source.h - what a reactor watches
 *
 * A source is one registration: a file descriptor (or none), a handler and its
 * data.  It is known by its token.  Two sets of facts belong to it:
 *
 *   ready    what the kernel has said and nobody has used up yet
 *   wanted   what the handler wants to be called for
 *
 * The handler is called while they overlap.  WEIR_DONE says "I have used up
 * what you gave me" (met EAGAIN, a short read or the end); WEIR_MORE says
 * "there is more, call me again when the others have had their turn".  That is
 * the whole edge-triggered contract: an edge is never lost, because the
 * reactor remembers it, and nothing starves, because nobody has to drain.
 *
 * Ownership  A source borrows its descriptor: only weir_source_close() closes
 *            it.  Take a source out before you close its descriptor yourself.
 *            One whose descriptor was closed behind its back is told when that
 *            comes to light, by WEIR_ERROR alone and with the descriptor -1:
 *            the number may be another's by now.  Remove it then.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;

/*
 * Facts.  The first six have the values of the EPOLL* bits of the same
 * meaning, folded so that no handler can miss an end: HUP also sets READABLE
 * and WRITABLE, ERR also PRIORITY.  weir_event.raw has the mask unfolded.
 */
#define WEIR_READABLE 0x0001u
#define WEIR_PRIORITY 0x0002u
#define WEIR_WRITABLE 0x0004u
#define WEIR_ERROR 0x0008u	/* reported whether wanted or not */
#define WEIR_HANGUP 0x0010u	/* reported whether wanted or not */
#define WEIR_MOVED 0x1000u	/* this worker has it now, see weir/move.h */
#define WEIR_RDHUP 0x2000u	/* the peer will send no more */
#define WEIR_DRAINING 0x4000u	/* the pool drains: finish when you can */
#define WEIR_STOPPING 0x8000u	/* last call: removed when you return */

/* One event: 24 bytes. */
struct weir_event {
	weir_token token;
	uint16_t facts;	/* WEIR_* */
	uint16_t raw;	/* what the kernel said: EPOLL*; 0 if nothing new */
	int fd;		/* -1 for a source without a descriptor */
	void *data;
};

enum weir_verdict {
	WEIR_DONE = 0,	/* the facts given are used up: wait for a new edge */
	WEIR_MORE = 1	/* they still hold: call again, after the others */
};

/*
 * A handler may do anything to any source of its reactor, itself included.
 * After it has removed its own source its verdict means nothing.
 */
typedef enum weir_verdict weir_source_fn(struct weir_reactor *r,
					 const struct weir_event *event,
					 void *data);

/**
 * weir_source_add() - watch a descriptor, edge-triggered
 * @r:         the reactor
 * @fd:        a non-blocking descriptor that epoll can watch; borrowed
 * @facts:     WEIR_READABLE, WEIR_WRITABLE or both: registered with the kernel,
 *             once, and wanted from now on; see weir_source_want()
 * @fn:        the handler; NULL for a source whose events weir_reactor_wait()
 *             returns in the caller's array (standalone reactors only)
 * @data:      passed to @fn, and to messages sent to the token
 * @ret_token: receives the token
 *
 * WEIR_RDHUP is registered with WEIR_READABLE.  What is ready already is
 * reported: no need to try first.
 *
 * Threads: owner only.
 * Owns:    @fd and @data stay the caller's.
 * Return:  0, -EINVAL (@facts empty or unknown, or @fn NULL in a pool), -EBADF
 *          (@fd is not open), -EEXIST (@fd is watched by @r already), -EPERM
 *          (epoll cannot watch this kind of file, or @fd is blocking), -ENOSPC
 *          (the table or the user's limit max_user_watches is full), -ENOMEM,
 *          -ELOOP (@fd is an epoll descriptor in a cycle), -ECANCELED (the
 *          reactor has stopped) or -ECHILD.
 */
int weir_source_add(struct weir_reactor *r, int fd, uint32_t facts,
		    weir_source_fn *fn, void *data, weir_token *ret_token);

/**
 * weir_source_add_priority() - watch a descriptor for exceptional conditions
 * @r:         the reactor
 * @fd:        as for weir_source_add(), but it may be a blocking one
 * @fn:        the handler, or NULL
 * @data:      passed to @fn
 * @ret_token: receives the token
 *
 * EPOLLPRI, edge-triggered: TCP out-of-band data, a changed /proc/mounts or
 * sysfs attribute.  Kernel pseudo-files report PRI together with ERR.
 *
 * Threads: owner only.
 * Return:  as weir_source_add().
 */
int weir_source_add_priority(struct weir_reactor *r, int fd, weir_source_fn *fn,
			     void *data, weir_token *ret_token);

/**
 * weir_source_add_flags() - watch a descriptor with a mask of your own
 * @r:           the reactor
 * @fd:          as for weir_source_add(), but it may be a blocking one
 * @epoll_flags: any of EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, EPOLLET,
 *               EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLWAKEUP; passed as it is, so
 *               without EPOLLET the source is level-triggered
 * @fn:          the handler, or NULL
 * @data:        passed to @fn
 * @ret_token:   receives the token
 *
 * A ONESHOT source is rearmed with weir_source_modify().  The verdict on a
 * level-triggered one is of no account, WEIR_MORE neither: the kernel remembers
 * for it, and says it again in the next turn while it holds.
 *
 * Threads: owner only.
 * Return:  as weir_source_add(); -EINVAL also for an unknown bit or for a
 *          combination that epoll refuses (EPOLLEXCLUSIVE with EPOLLONESHOT).
 */
int weir_source_add_flags(struct weir_reactor *r, int fd, uint32_t epoll_flags,
			  weir_source_fn *fn, void *data,
			  weir_token *ret_token);

/**
 * weir_source_open() - register an object that has no descriptor
 * @r:         the reactor
 * @fn:        called for WEIR_DRAINING and WEIR_STOPPING, or NULL
 * @data:      passed to @fn, and to messages sent to the token
 * @ret_token: receives the token
 *
 * A name to send messages to.  It does not hold up a drain.
 *
 * Threads: owner only.
 * Owns:    @data stays the caller's.
 * Return:  0, -ENOSPC (the table is full), -ENOMEM, -ECANCELED or -ECHILD.
 */
int weir_source_open(struct weir_reactor *r, weir_source_fn *fn, void *data,
		     weir_token *ret_token);

/**
 * weir_source_modify() - register another mask, and keep the token
 * @r:           the reactor
 * @token:       a source with a descriptor
 * @epoll_flags: as for weir_source_add_flags()
 *
 * What is ready at this moment is reported again, also to an edge-triggered
 * source: this is how a ONESHOT source is rearmed.  The facts wanted become
 * those of the new mask.  Where EPOLLEXCLUSIVE is involved, which epoll does not
 * let modify, it is taken out and put in again.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE (@token names no source of @r), -EBADF (the source has
 *          no descriptor, or it was closed behind our back), -ENOENT (its
 *          descriptor was closed and reused behind our back), -EINVAL (as
 *          weir_source_add_flags()), -ENOMEM, -ENOSPC (EPOLLEXCLUSIVE is
 *          involved, and max_user_watches is full) or -ECHILD.
 */
int weir_source_modify(struct weir_reactor *r, weir_token token,
		       uint32_t epoll_flags);

/**
 * weir_source_want() - choose for which facts the handler is called
 * @r:     the reactor
 * @token: the source
 * @facts: any of WEIR_READABLE, WEIR_WRITABLE, WEIR_PRIORITY, WEIR_RDHUP; 0:
 *         none
 *
 * No system call while @facts stays within what was registered; else one
 * epoll_ctl widens the registration, for good.  A fact that is ready and now
 * becomes wanted is reported in the next turn.  A level-triggered source needs
 * an epoll_ctl for each change.  Not for ONESHOT sources.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE, -EINVAL (unknown fact, or the source has no descriptor),
 *          -EBADF (its descriptor was lost), another error of
 *          weir_source_modify(), or -ECHILD.
 */
int weir_source_want(struct weir_reactor *r, weir_token token, uint32_t facts);

/**
 * weir_source_clear() - say that facts are used up, outside of a verdict
 * @r:     the reactor
 * @token: the source
 * @facts: facts for which EAGAIN was met
 *
 * For code that reads or writes a source elsewhere than in its handler: after
 * EAGAIN from write(), clear WEIR_WRITABLE, then want it.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE or -ECHILD.
 */
int weir_source_clear(struct weir_reactor *r, weir_token token, uint32_t facts);

/**
 * weir_source_again() - have a source called in the next turn
 * @r:     the reactor
 * @token: the source
 * @facts: the facts to mark as ready
 *
 * WEIR_MORE for those who are not in a handler, or who use
 * weir_reactor_wait().
 *
 * Threads: owner only.
 * Return:  0, -ESTALE or -ECHILD.
 */
int weir_source_again(struct weir_reactor *r, weir_token token, uint32_t facts);

/**
 * weir_source_set() - give a source another handler and other data
 * @r:     the reactor
 * @token: the source
 * @fn:    the handler from now on; NULL as for weir_source_add()
 * @data:  its data from now on
 *
 * What is ready stays ready.  Within the source's own handler the verdict then
 * means nothing: what was given is kept for the new one.  Setting what is set
 * already changes nothing.
 *
 * Threads: owner only.
 * Return:  0, -ESTALE, -EINVAL (@fn is NULL in a pool), -ECHILD, or an error
 *          of weir_source_modify(), for a level-triggered source without a
 *          handler that held while the reactor ran: nothing has changed then.
 */
int weir_source_set(struct weir_reactor *r, weir_token token,
		    weir_source_fn *fn, void *data);

/**
 * weir_source_data() - the data of a source
 * @r:        the reactor
 * @token:    the source
 * @ret_data: receives it
 *
 * Threads: owner only.
 * Return:  0, -ESTALE or -ECHILD.
 */
int weir_source_data(struct weir_reactor *r, weir_token token, void **ret_data);

/**
 * weir_source_find() - the source that watches a descriptor
 * @r:         the reactor
 * @fd:        a descriptor
 * @ret_token: receives the token
 *
 * Threads: owner only.
 * Return:  0, -ENOENT (none does) or -ECHILD.
 */
int weir_source_find(struct weir_reactor *r, int fd, weir_token *ret_token);

/* What is known of a source. */
struct weir_source_info {
	weir_token token;
	int fd;			/* -1: none, or it was lost */
	uint32_t registered;	/* EPOLL* bits the kernel has; 0: no descriptor */
	uint16_t wanted;	/* WEIR_* */
	uint16_t ready;		/* WEIR_* */
	uint8_t is_lost;	/* its descriptor was closed behind its back */
	uint8_t is_disarmed;	/* ONESHOT: it has had its event */
	weir_source_fn *fn;
	void *data;
};

/**
 * weir_source_info() - what is known of a source
 * @r:        the reactor
 * @token:    the source
 * @size:     sizeof(struct weir_source_info)
 * @ret_info: receives it
 *
 * Threads: owner only.
 * Return:  0, -ESTALE, -EINVAL (a size the library does not know) or -ECHILD.
 */
int weir_source_info(struct weir_reactor *r, weir_token token, size_t size,
		     struct weir_source_info *ret_info);

/* Not to add or remove sources.  Below 0: stop. */
typedef int weir_source_each_fn(struct weir_reactor *r,
				const struct weir_source_info *info,
				void *data);

/**
 * weir_source_each() - look at all sources, the oldest first
 * @r:    the reactor
 * @fn:   called for each, but the library's own
 * @data: passed to @fn
 *
 * Threads: owner only.
 * Return:  0, -EINVAL (@fn is NULL), -ECHILD, or what @fn returned below 0.
 */
int weir_source_each(struct weir_reactor *r, weir_source_each_fn *fn,
		     void *data);

/**
 * weir_source_count() - how many sources there are
 * @r: the reactor
 *
 * Those of weir_source_open() included, the library's own excluded.
 *
 * Threads: owner only.
 * Return:  0 .., or -ECHILD.
 */
int weir_source_count(struct weir_reactor *r);

/**
 * weir_source_fd() - the descriptor of a source
 * @r:      the reactor
 * @token:  the source
 * @ret_fd: receives it; -1 if the source has none
 *
 * Threads: owner only.
 * Return:  0, -ESTALE or -ECHILD.
 */
int weir_source_fd(struct weir_reactor *r, weir_token token, int *ret_fd);

/**
 * weir_source_remove() - end a registration
 * @r:     the reactor
 * @token: the source
 *
 * After it returns no event for @token is delivered, not even one that the
 * kernel has handed out already.  Messages on their way to @token go to their
 * undeliverable function.
 *
 * Threads: owner only.
 * Owns:    the descriptor stays open, and the caller's.
 * Return:  0, -ESTALE (no source of @r: removed before, or another reactor's)
 *          or -ECHILD.  It is removed in any case but these.
 */
int weir_source_remove(struct weir_reactor *r, weir_token token);

/**
 * weir_source_close() - end a registration and close its descriptor
 * @r:     the reactor
 * @token: the source
 *
 * In the one order that is safe when the descriptor has been duplicated:
 * removed from epoll first, closed second.
 *
 * Threads: owner only.
 * Return:  as weir_source_remove(); or an error of close(2) (-EIO, -ENOSPC,
 *          -EDQUOT), the descriptor being closed all the same.
 */
int weir_source_close(struct weir_reactor *r, weir_token token);

/* @token names a source whose handler left something unread. */
typedef void weir_undrained_fn(struct weir_reactor *r, weir_token token,
			       void *data);

/**
 * weir_reactor_set_undrained() - be told of handlers that say "done" too early
 * @r:    the reactor
 * @fn:   called when the handler of an edge-triggered source has returned
 *        WEIR_DONE, having been told READABLE, although it had met neither
 *        EAGAIN nor a short read nor the end: what it left is not told again.
 *        NULL: nobody
 * @data: passed to @fn
 *
 * It costs two calls of the kernel for each call of a handler, and is there in
 * builds with --enable-debug only.
 *
 * Threads: owner only.
 * Return:  0, -ENOTSUP (no debug build), -ENOMEM or -ECHILD.
 */
int weir_reactor_set_undrained(struct weir_reactor *r, weir_undrained_fn *fn,
			       void *data);

WEIR_END_DECLS

#endif /* WEIR_SOURCE_H */
