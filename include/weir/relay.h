/* SPDX-License-Identifier: MIT */
#ifndef WEIR_RELAY_H
#define WEIR_RELAY_H

/*
 * weir/relay.h - two stream sockets, each given what the other sends
 *
 * Each direction reads through a buffer that the worker's relays share, and
 * takes memory of its own only while its receiver is slower than its sender;
 * then it holds at most options.buffer_bytes and reads no more until they are
 * gone: back-pressure reaches the sender through its TCP window.  A half-close
 * is passed on after the last byte before it.  No epoll_ctl per event.
 *
 * Who must not take what came for all of it is reset (a TCP peer sees
 * ECONNRESET, a unix socket's peer an end): both sides if a socket failed, and
 * at any other end who has bytes waiting for it here.  The rest are closed in
 * order.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_reactor;
struct weir_relay;

enum weir_relay_end {
	WEIR_RELAY_FINISHED,	/* both sides closed, all bytes delivered */
	WEIR_RELAY_ERROR,	/* a socket failed: .error says how */
	WEIR_RELAY_IDLE,	/* no byte moved for options.idle_ns */
	WEIR_RELAY_CLOSED,	/* weir_relay_close() */
	WEIR_RELAY_STOPPED	/* the pool stopped */
};

struct weir_relay_result {
	enum weir_relay_end end;
	int error;		/* a negative errno, with WEIR_RELAY_ERROR */
	int error_side;		/* 0: a failed; 1: b failed */
	uint64_t bytes_a_to_b;	/* accepted by b's socket */
	uint64_t bytes_b_to_a;
};

/*
 * Called once, after both sockets are closed; the relay is gone.  On the worker
 * where they were last: weir_source_move() of one of them moves the relay.
 */
typedef void weir_relay_fn(struct weir_reactor *r,
			   const struct weir_relay_result *result, void *data);

struct weir_relay_options {
	size_t size;		/* sizeof(struct weir_relay_options) */
	size_t buffer_bytes;	/* a direction, 4 KiB .. 64 KiB; default 16 KiB */
	weir_ns idle_ns;	/* 0: no limit */
};

/**
 * weir_relay_start() - join two sources
 * @r:         the reactor
 * @a:         a source with a connected stream socket, registered for
 *             WEIR_READABLE and WEIR_WRITABLE
 * @b:         another
 * @options:   or NULL
 * @fn:        called when it has ended, never during this call
 * @data:      passed to @fn
 * @ret_relay: receives the relay, for weir_relay_close()
 *
 * What is ready already is not lost.
 *
 * Threads: owner only.
 * Owns:    both sources and their descriptors, from here on; on failure they
 *          stay the caller's.
 * Return:  0, -EINVAL (an option is out of range, @fn is NULL, @a is @b, or one
 *          of them is not registered for both), -ESTALE (@a or @b), -ENOMEM or
 *          -ECHILD.
 */
int weir_relay_start(struct weir_reactor *r, weir_token a, weir_token b,
		     const struct weir_relay_options *options,
		     weir_relay_fn *fn, void *data,
		     struct weir_relay **ret_relay);

/**
 * weir_relay_close() - end a relay; its function is called before it returns
 * @relay: the relay
 *
 * Threads: owner only; after a move that is the worker where it has arrived.  A
 *          message to one of its sources is run there.
 * Return:  0 or -ECHILD.
 */
int weir_relay_close(struct weir_relay *relay);

WEIR_END_DECLS

#endif /* WEIR_RELAY_H */
