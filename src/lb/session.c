/* SPDX-License-Identifier: MIT */
/*
 * session.c - one client's connection, from accept to the end
 *
 *     accept --> CONNECTING --connected--> RELAYING --> the end
 *                  |  ^  |
 *                  |  +--+ connect failed: the next server
 *                  |
 *                  +--> the end: no server left, the client left, a stop
 *
 * While CONNECTING the client's source wants nothing: what the client sends
 * waits in its socket, and in the source's ready facts, for the relay.  Only
 * its end is heard of.
 *
 * Its sources are tied: if the worker is evacuated they go to one other worker
 * together, so the session is plain memory and of no worker.  A table may be used
 * only until a handler returns, so a session keeps no pointer into one: it has
 * copies of the numbers it needs, and looks its route up again before it
 * chooses another server.  For how long it may keep a server, see server.c.
 */
#include "lb/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lb/lb.h"
#include "lb/log.h"
#include "lb/table.h"

struct session {
	struct lb *lb;
	struct lb_server *server;	/* chosen; NULL between two */
	weir_token client;
	weir_token attempt;		/* CONNECTING */
	uint32_t route_id;
	weir_ns connect_timeout;
	weir_ns fail_timeout;
	struct weir_relay_options relay;
	unsigned tries;			/* room in tried[] */
	unsigned tried_count;
	uint32_t tried[];		/* ids of servers */
};

static void use_server(struct weir_reactor *r, struct session *s,
		       struct lb_server *server)
{
	weir_counter_add(server->now, r, 1);
	s->server = server;
	s->tried[s->tried_count++] = server->id;
}

/* The server may be gone when this returns. */
static void drop_server(struct weir_reactor *r, struct session *s)
{
	struct lb_server *server = s->server;

	s->server = NULL;
	if (server)
		weir_counter_add(server->now, r, -1);
}

/* With a reset: an orderly end would look like an empty answer. */
static void abort_socket(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* A peer whose machine has died is found out in the end. */
static void keep_alive(int fd)
{
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* Ends a session whose client's source is closed already, or a relay's. */
static void session_free(struct weir_reactor *r, struct session *s)
{
	struct lb *lb = s->lb;

	drop_server(r, s);
	free(s);
	lb_count_add(lb, r, LB_NOW, -1);
}

/* Ends a session that has no relay and no attempt. */
static void session_close(struct weir_reactor *r, struct session *s)
{
	int fd;

	if (weir_source_fd(r, s->client, &fd) == 0)
		abort_socket(fd);
	weir_source_close(r, s->client);
	session_free(r, s);
}

static void note_failure(struct weir_reactor *r, struct session *s, int error)
{
	struct lb_server *server = s->server;
	struct lb_view *view = &server->views[weir_reactor_index(r)];

	lb_count_add(s->lb, r, LB_RETRIES, 1);
	weir_counter_add(server->failures, r, 1);
	view->failing_until = weir_reactor_now(r) + s->fail_timeout;
	if (!view->is_failing)
		lb_log(WEIR_LOG_WARNING, "worker %d: server %s fails: %s",
		       weir_reactor_index(r), server->name, strerror(-error));
	view->is_failing = 1;
}

static void note_success(struct weir_reactor *r, struct session *s)
{
	struct lb_server *server = s->server;
	struct lb_view *view = &server->views[weir_reactor_index(r)];

	weir_counter_add(server->total, r, 1);
	view->failing_until = 0;
	if (view->is_failing)
		lb_log(WEIR_LOG_INFO, "worker %d: server %s works again",
		       weir_reactor_index(r), server->name);
	view->is_failing = 0;
}

/* Whether a connect failed for want of something of our own. */
static int is_our_fault(int error)
{
	switch (error) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
	case -ENOSPC:
	case -ECANCELED:
	case -EADDRNOTAVAIL:
		return 1;
	default:
		return 0;
	}
}

/* A thing that hits many sessions at a time is said once a second. */
static void log_seldom(struct weir_reactor *r, const char *what, int error)
{
	static _Thread_local weir_ns next;

	if (weir_reactor_now(r) < next)
		return;
	next = weir_reactor_now(r) + WEIR_NS_PER_SEC;
	lb_log(WEIR_LOG_ERROR, "worker %d: %s: %s", weir_reactor_index(r), what,
	       strerror(-error));
}

static weir_connect_fn on_connect;

/* Goes on to the next server; closes the session if there is none. */
static void session_connect(struct weir_reactor *r, struct session *s)
{
	const struct lb_table *table = weir_snapshot_get(s->lb->tables);
	const struct lb_route *route = lb_table_find(table, s->route_id);

	while (route && s->tried_count < s->tries) {
		struct lb_server *server;
		int error;

		server = lb_route_pick(table, route,
				       weir_snapshot_get(s->lb->down),
				       weir_reactor_index(r),
				       weir_reactor_now(r), s->tried,
				       s->tried_count);
		if (!server)
			break;
		use_server(r, s, server);
		error = weir_connect(r, &server->addr, s->connect_timeout,
				     on_connect, s, &s->attempt);
		if (error == 0) {
			weir_source_tie(r, s->client, s->attempt);
			return;
		}
		if (is_our_fault(error))
			log_seldom(r, "cannot connect", error);
		else
			note_failure(r, s, error);
		drop_server(r, s);
	}
	lb_count_add(s->lb, r, LB_FAILED, 1);
	session_close(r, s);
}

static void on_relay_end(struct weir_reactor *r,
			 const struct weir_relay_result *result, void *data)
{
	struct session *s = data;

	switch (result->end) {
	case WEIR_RELAY_ERROR:
		lb_count_add(s->lb, r,
			     result->error_side == 1 ? LB_BROKEN : LB_RESET, 1);
		break;
	case WEIR_RELAY_IDLE:
		lb_count_add(s->lb, r, LB_IDLE, 1);
		break;
	case WEIR_RELAY_STOPPED:
		lb_count_add(s->lb, r, LB_FORCED, 1);
		break;
	case WEIR_RELAY_FINISHED:
	case WEIR_RELAY_CLOSED:
		break;
	}
	session_free(r, s);
}

static void session_relay(struct weir_reactor *r, struct session *s,
			  weir_token server)
{
	struct weir_relay *relay;
	int error, fd;

	if (weir_source_fd(r, server, &fd) == 0)
		keep_alive(fd);
	error = weir_relay_start(r, s->client, server, &s->relay, on_relay_end,
				 s, &relay);
	if (error == 0)
		return;
	log_seldom(r, "cannot relay", error);
	weir_source_close(r, server);
	lb_count_add(s->lb, r, LB_FAILED, 1);
	session_close(r, s);
}

static void on_connect(struct weir_reactor *r, weir_token token, int error,
		       void *data)
{
	struct session *s = data;

	s->attempt = weir_token_none();
	if (error == 0) {
		note_success(r, s);
		session_relay(r, s, token);
	} else if (error == -ECANCELED) {
		lb_count_add(s->lb, r, LB_FORCED, 1);
		session_close(r, s);
	} else {
		if (is_our_fault(error))
			log_seldom(r, "cannot connect", error);
		else
			note_failure(r, s, error);
		drop_server(r, s);
		session_connect(r, s);
	}
}

/* The client's source while CONNECTING. */
static enum weir_verdict on_client(struct weir_reactor *r,
				   const struct weir_event *event, void *data)
{
	struct session *s = data;

	if (!(event->facts & (WEIR_HANGUP | WEIR_ERROR | WEIR_STOPPING)))
		return WEIR_DONE;
	weir_connect_cancel(r, s->attempt);
	lb_count_add(s->lb, r,
		     event->facts & WEIR_STOPPING ? LB_FORCED : LB_GONE, 1);
	session_close(r, s);
	return WEIR_DONE;
}

static struct session *session_new(struct lb *lb, const struct lb_route *route)
{
	size_t size = sizeof(struct session) + route->tries * sizeof(uint32_t);
	struct session *s = malloc(size);

	if (!s)
		return NULL;
	*s = (struct session){
		.lb = lb,
		.route_id = route->id,
		.connect_timeout = route->connect_timeout,
		.fail_timeout = route->fail_timeout,
		.relay = {
			.size = sizeof(s->relay),
			.buffer_bytes = route->buffer_bytes,
			.idle_ns = route->idle_timeout,
		},
		.tries = route->tries,
	};
	return s;
}

/* Returns 0, or an error if the connection is still the caller's. */
static int session_open(struct weir_reactor *r, struct lb *lb, int fd,
			const struct lb_route *route)
{
	struct session *s = session_new(lb, route);
	int error;

	if (!s)
		return -ENOMEM;
	error = weir_source_add(r, fd, WEIR_READABLE | WEIR_WRITABLE, on_client,
				s, &s->client);
	if (error < 0) {
		free(s);
		return error;
	}
	weir_source_want(r, s->client, 0);
	lb_count_add(lb, r, LB_NOW, 1);
	session_connect(r, s);
	return 0;
}

void lb_session_accept(struct weir_reactor *r, int fd,
		       const struct weir_addr *peer, void *data)
{
	struct lb *lb = weir_reactor_data(r);
	const struct lb_route *route;
	int error = -ENOENT;

	(void)peer;
	lb_count_add(lb, r, LB_TOTAL, 1);
	route = lb_table_find(weir_snapshot_get(lb->tables),
			      (uint32_t)(uintptr_t)data);
	keep_alive(fd);
	if (route)
		error = session_open(r, lb, fd, route);
	if (error == 0)
		return;
	log_seldom(r, "connection refused", error);
	lb_count_add(lb, r, LB_FAILED, 1);
	abort_socket(fd);
	close(fd);
}
