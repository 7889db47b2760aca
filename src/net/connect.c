/* SPDX-License-Identifier: MIT */
/*
 * net/connect.c - connecting to somebody without waiting
 *
 *     weir_connect()  connecting  --- connected ------> parked: the user's
 *                         |
 *                         +--- refused, timeout, stop, cancel ---> closed
 *
 * One source from the first packet to the end of the connection: registered
 * for both directions at once, it wants only WRITABLE while it connects, and
 * nothing while it is parked.  So a connection costs one epoll_ctl, and what
 * comes in between is remembered for the handler to come.
 *
 * An attempt can move: it is plain memory, its timer is the source's, and what
 * it calls it calls where it is by then.
 *
 * The socket is registered after connect() was called: before that epoll
 * calls it writable and hung up.
 */
#include <weir/connect.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/io.h"
#include "sys/socket.h"

struct attempt {
	struct weir__attached attached;
	struct weir_reactor *reactor;
	weir_token token;
	struct weir_timer *timer;	/* NULL: no limit */
	weir_connect_fn *fn;
	void *data;
	struct weir_addr target;
};

static bool is_inet(const struct weir_addr *addr)
{
	return addr->ss.ss_family == AF_INET || addr->ss.ss_family == AF_INET6;
}

/* The socket is nobody's yet: only its end concerns us. */
static enum weir_verdict parked(struct weir_reactor *r,
				const struct weir_event *event, void *data)
{
	(void)data;
	if (event->facts & WEIR_STOPPING)
		weir_source_close(r, event->token);
	/*
	 * ERROR and HANGUP are used up here, or they would be reported for
	 * ever; READABLE and WRITABLE, which come with them, stay ready.
	 */
	return WEIR_DONE;
}

/* The attempt is over, whatever becomes of its socket. */
static void forget(struct attempt *a)
{
	weir__list_remove(&a->attached.link);
	weir_timer_free(a->timer);
	free(a);
}

static void fail(struct attempt *a, int error)
{
	struct weir_reactor *r = a->reactor;
	weir_connect_fn *fn = a->fn;
	const weir_token token = a->token;
	void *data = a->data;

	forget(a);
	weir_source_close(r, token);
	fn(r, token, error, data);
}

static void succeed(struct attempt *a)
{
	struct weir_reactor *r = a->reactor;
	weir_connect_fn *fn = a->fn;
	const weir_token token = a->token;
	void *data = a->data;

	forget(a);
	weir_source_set(r, token, parked, NULL);
	weir_source_want(r, token, 0);
	fn(r, token, 0, data);
}

/* @own is where @target leads back to: an address of this host's choice. */
static bool is_same_in(const struct weir_addr *own,
		       const struct weir_addr *target)
{
	struct sockaddr_in a, b;

	memcpy(&a, &own->ss, sizeof(a));
	memcpy(&b, &target->ss, sizeof(b));
	/* Connecting to the wildcard is connecting to oneself. */
	return a.sin_port == b.sin_port &&
	       (a.sin_addr.s_addr == b.sin_addr.s_addr ||
		b.sin_addr.s_addr == htonl(INADDR_ANY));
}

static bool is_same_in6(const struct weir_addr *own,
			const struct weir_addr *target)
{
	struct sockaddr_in6 a, b;

	memcpy(&a, &own->ss, sizeof(a));
	memcpy(&b, &target->ss, sizeof(b));
	return a.sin6_port == b.sin6_port &&
	       (IN6_ARE_ADDR_EQUAL(&a.sin6_addr, &b.sin6_addr) ||
		IN6_IS_ADDR_UNSPECIFIED(&b.sin6_addr));
}

/*
 * Where nobody listens on a port of the ephemeral range, the kernel may choose
 * that very port for our end, and TCP then lets the socket connect to itself.
 *
 * Return: 1, 0 or -errno.
 */
static int is_own_peer(int fd, const struct weir_addr *target)
{
	struct weir_addr own;
	int err;

	if (!is_inet(target))
		return 0;
	err = weir__getsockname(fd, &own.ss, &own.len);
	if (err < 0)
		return err;
	if (own.ss.ss_family != target->ss.ss_family)
		return 0;
	return own.ss.ss_family == AF_INET ? is_same_in(&own, target) :
					     is_same_in6(&own, target);
}

/* How the attempt ended.  Return: 0, or the -errno to report. */
static int outcome(int fd, const struct weir_addr *target)
{
	int error;
	int err = weir__sockopt_get(fd, SOL_SOCKET, SO_ERROR, &error);

	if (err < 0)
		return err;
	if (error != 0)
		return -error;
	err = is_own_peer(fd, target);
	if (err <= 0)
		return err;
	/* No TIME_WAIT: the port is to be free for who should listen there. */
	weir__linger_reset(fd);
	return -ECONNREFUSED;
}

static enum weir_verdict connecting(struct weir_reactor *r,
				    const struct weir_event *event, void *data)
{
	struct attempt *a = data;
	int err = 0;

	a->reactor = r;
	if (event->facts & WEIR_STOPPING) {
		fail(a, -ECANCELED);
		return WEIR_DONE;
	}
	if (event->facts & WEIR_MOVED)
		err = weir__source_mend(r, a->token);
	if (err < 0) {
		fail(a, err);
		return WEIR_DONE;
	}
	/* A pool that drains may still need its connections. */
	if (!(event->facts & (WEIR_WRITABLE | WEIR_ERROR | WEIR_HANGUP)))
		return WEIR_DONE;
	err = outcome(event->fd, &a->target);
	if (err < 0)
		fail(a, err);
	else
		succeed(a);
	/* The source has another handler now, or is gone: this is not read. */
	return WEIR_DONE;
}

static void end_with_reactor(struct weir__attached *attached)
{
	fail(WEIR__CONTAINER(attached, struct attempt, attached), -ECANCELED);
}

static void on_timeout(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct attempt *a = data;

	(void)t;
	a->reactor = r;
	fail(a, -ETIMEDOUT);
}

/* A socket that connects or has connected.  Return: it, or -errno. */
static int begin(const struct weir_addr *addr, bool *ret_is_connected)
{
	int err = 0;
	int fd;

	fd = weir__socket(addr->ss.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return fd == -ENOBUFS ? -ENOMEM : fd;
	if (is_inet(addr))
		err = weir__sockopt_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (err == 0)
		err = weir__connect(fd, (const struct sockaddr *)&addr->ss,
				    addr->len);
	if (err < 0 && err != -EINPROGRESS) {
		weir__close(fd);
		return err;
	}
	*ret_is_connected = err == 0;
	return fd;
}

static int start_timer(struct attempt *a, weir_ns timeout)
{
	int err;

	if (timeout == WEIR_FOREVER)
		return 0;
	err = weir_timer_new_for(a->reactor, a->token, on_timeout, a,
				 &a->timer);
	if (err < 0)
		return err;
	return weir_timer_start(a->timer, timeout);
}

/* Return: 0; on failure nothing is left but @a. */
static int start(struct attempt *a, weir_ns timeout)
{
	struct weir_reactor *r = a->reactor;
	bool is_connected;
	int err, fd;

	fd = begin(&a->target, &is_connected);
	if (fd < 0)
		return fd;
	err = weir_source_add(r, fd, WEIR_READABLE | WEIR_WRITABLE, connecting,
			      a, &a->token);
	if (err < 0) {
		weir__close(fd);
		return err;
	}
	err = start_timer(a, timeout);
	if (err < 0) {
		/* Its timer ends with it. */
		a->timer = NULL;
		weir_source_close(r, a->token);
		return err;
	}
	weir_source_want(r, a->token, WEIR_WRITABLE);
	if (is_connected)
		weir_source_again(r, a->token, WEIR_WRITABLE);
	return 0;
}

int weir_connect(struct weir_reactor *r, const struct weir_addr *addr,
		 weir_ns timeout, weir_connect_fn *fn, void *data,
		 weir_token *ret_token)
{
	struct attempt *a;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!fn)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->reactor = r;
	a->fn = fn;
	a->data = data;
	a->target = *addr;
	a->attached.free = end_with_reactor;
	a->attached.orphan = weir__attached_keep;
	weir__reactor_attach(r, &a->attached);
	err = start(a, timeout);
	if (err < 0) {
		forget(a);
		return err;
	}
	*ret_token = a->token;
	return 0;
}

int weir_connect_cancel(struct weir_reactor *r, weir_token token)
{
	int err;
	struct weir__source *s = weir__source_lookup(r, token, &err);

	if (!s)
		return err;
	if (s->fn != connecting)
		return -ESTALE;
	forget(s->data);
	weir_source_close(r, token);
	return 0;
}
