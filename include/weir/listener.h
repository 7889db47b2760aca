/* SPDX-License-Identifier: MIT */
#ifndef WEIR_LISTENER_H
#define WEIR_LISTENER_H

/*
 * weir/listener.h - accepting connections into a pool
 *
 * SHARDED   Each worker has a listening socket of its own on the address
 *           (SO_REUSEPORT) and keeps what it accepts.  No hand-off; the kernel
 *           spreads connections by hash.
 * HANDOFF   The control thread accepts and gives each connection to the less
 *           loaded of two workers drawn at random.  Even, at the price of one
 *           message a connection.
 * STEERED   As SHARDED, but the kernel gives a connection to the worker of the
 *           CPU that received its first packet (SO_ATTACH_REUSEPORT_CBPF): of
 *           c CPUs in the affinity mask the j-th is the worker j % workers; if
 *           there are more workers than CPUs, one of j, j + c, j + 2 c, ... by
 *           chance.  With WEIR_POOL_PIN that worker runs on that CPU.  As even
 *           as the network card's queues are, and even where clients are few
 *           only if they come in on all CPUs.  Connections that came before
 *           weir_listener_open() returned, and those while another listener
 *           shares the address, may go to any worker; none is lost.
 *
 * A socket of [::] takes IPv6 only (IPV6_V6ONLY), so that it and one of "*"
 * stand side by side on one port.  SO_REUSEADDR is set; TCP_NODELAY too, which
 * accepted connections inherit.
 *
 * Running out of descriptors (EMFILE, ENFILE) or memory pauses accepting for
 * 100 ms at a time and never ends it.
 */
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <weir/base.h>
#include <weir/stats.h>

WEIR_BEGIN_DECLS

struct weir_pool;
struct weir_reactor;
struct weir_listener;

/* A socket's address. */
struct weir_addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* Enough for every text of weir_addr_format(). */
#define WEIR_ADDR_TEXT 128

/**
 * weir_addr_parse() - read an address
 * @text:     "192.0.2.1:80", "[2001:db8::1]:80", "*:80" (any IPv4 address) or
 *            "unix:/path" or "unix:@name" (abstract); no names are looked up
 * @ret_addr: receives the address
 *
 * Threads: any.
 * Return:  0 or -EINVAL (not of these forms; the port is 0 .. 65535).
 */
int weir_addr_parse(const char *text, struct weir_addr *ret_addr);

/**
 * weir_addr_format() - write an address as weir_addr_parse() reads it
 * @addr: the address
 * @buf:  receives the text, cut to @size
 * @size: room, WEIR_ADDR_TEXT is enough
 *
 * Threads: any.
 * Return:  @buf.
 */
const char *weir_addr_format(const struct weir_addr *addr, char *buf,
			     size_t size);

/*
 * Called on the worker that has the connection.  @fd is non-blocking,
 * close-on-exec, and the callee's.
 */
typedef void weir_accept_fn(struct weir_reactor *r, int fd,
			    const struct weir_addr *peer, void *data);

enum weir_listener_mode {
	WEIR_LISTENER_SHARDED,
	WEIR_LISTENER_HANDOFF,
	WEIR_LISTENER_STEERED
};

/**
 * weir_listener_mode_name() - what a mode is called
 * @mode: the mode
 *
 * Threads: any.
 * Return:  "sharded", "handoff" or "steered", which lives for ever; NULL for a
 *          number that is no mode: the modes are 0, 1, ... up to that.
 */
const char *weir_listener_mode_name(enum weir_listener_mode mode);

/**
 * weir_listener_mode_parse() - the mode of a name
 * @text:     as weir_listener_mode_name() writes it, or NULL
 * @ret_mode: receives the mode
 *
 * Threads: any.
 * Return:  0 or -EINVAL (no mode is called so).
 */
int weir_listener_mode_parse(const char *text,
			     enum weir_listener_mode *ret_mode);

/* What becomes of a unix socket's name that exists already. */
enum weir_unix_stale {
	WEIR_UNIX_REFUSE,	/* -EADDRINUSE */
	/*
	 * If it is a socket's that nobody serves any more, as after a crash, it
	 * is replaced.  Found out by connecting to it, so keep two servers of
	 * one name from starting in the same moment.
	 */
	WEIR_UNIX_REPLACE
};

/*
 * HANDOFF: which worker gets a connection.  Called on the control thread, for
 * each connection; @loads has one for each worker.  @random is a random number,
 * for ties.  An answer that is no worker's number leaves it to the two random
 * choices.  It costs a look at each worker's numbers for each connection.
 */
typedef int weir_choose_fn(const struct weir_load *loads, int workers,
			   uint64_t random, void *data);

/**
 * weir_choose_idlest() - a weir_choose_fn: by busy time, not by connections
 * @loads:   of the workers
 * @workers: how many there are
 * @random:  draws two of them
 * @data:    not used
 *
 * Of two workers drawn at random the less busy one; where they are within 5 %
 * of their time the one with fewer connections, on their way or there, and
 * messages.  Equal counts are not equal load: this is for connections that
 * differ in what they cost.
 *
 * Threads: any.
 * Return:  0 .. @workers - 1.
 */
int weir_choose_idlest(const struct weir_load *loads, int workers,
		       uint64_t random, void *data);

struct weir_listener_options {
	size_t size;		/* sizeof(struct weir_listener_options) */
	enum weir_listener_mode mode;
	int backlog;		/* default 4096; the kernel caps it */
	unsigned accept_budget;	/* connections a turn, default 64 */
	/*
	 * Permissions of a unix socket's name, such as 0600; the process's
	 * umask takes away from them.  The name is born with them: at no moment
	 * may more processes connect.  0: 0777, less the umask.  Where that is
	 * not enough bind it in a folder of mode 0700.
	 */
	mode_t unix_mode;
	enum weir_unix_stale unix_stale;
	weir_choose_fn *choose;	/* HANDOFF: chooses; NULL: see above */
	void *choose_data;
};

/**
 * weir_listener_open() - listen on an address
 * @pool:         the pool
 * @addr:         where; port 0 lets the kernel choose one; a unix socket is
 *                always HANDOFF
 * @options:      or NULL
 * @fn:           called for each connection
 * @data:         passed to @fn
 * @ret_listener: receives the listener, which belongs to the pool
 *
 * The address is bound when it returns; connections are taken once the pool
 * runs.
 *
 * Threads: the one that made the pool, before weir_pool_start(); later, the
 *          control thread.
 * Return:  0, -EINVAL (@fn is NULL, or an option is out of range), -EADDRINUSE,
 *          -EADDRNOTAVAIL, -EACCES, -EAFNOSUPPORT, of a unix socket's path
 *          -ENOENT, -ENOTDIR, -ELOOP, -EROFS or -EEXIST (WEIR_UNIX_REPLACE,
 *          and the name is not a socket's), -EMFILE, -ENFILE, -ENOSPC (as
 *          weir_source_add()), -ENOMEM, -ENOPROTOOPT (STEERED: the kernel does
 *          not know how, as before Linux 4.5; SHARDED is the next best),
 *          -ECANCELED (the pool drains or stops), -EBUSY (another thread) or
 *          -ECHILD.
 */
int weir_listener_open(struct weir_pool *pool, const struct weir_addr *addr,
		       const struct weir_listener_options *options,
		       weir_accept_fn *fn, void *data,
		       struct weir_listener **ret_listener);

/**
 * weir_listener_addr() - where a listener listens
 * @listener: the listener
 * @ret_addr: receives the address, with the port the kernel chose
 *
 * Threads: as weir_listener_open().
 * Return:  0 or -ECHILD.
 */
int weir_listener_addr(const struct weir_listener *listener,
		       struct weir_addr *ret_addr);

/**
 * weir_listener_close() - stop listening
 * @listener: the listener, which the caller may not use again
 *
 * Connections that the kernel has completed already are still accepted; the
 * address may be in use for a moment after the call returns.
 *
 * Threads: as weir_listener_open().
 * Return:  0, -EBUSY (another thread) or -ECHILD.
 */
int weir_listener_close(struct weir_listener *listener);

WEIR_END_DECLS

#endif /* WEIR_LISTENER_H */
