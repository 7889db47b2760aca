/* SPDX-License-Identifier: MIT */
/*
 * accept_libevent.c - evconnlistener, which accepts until there is none
 *
 * The choices: a base without a lock; a descriptor that is closed on exec and
 * non-blocking, as accept4() makes it, and nothing allocated for each.
 */
#include "accept.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBEVENT

#include <errno.h>
#include <event2/listener.h>
#include <unistd.h>

#include "libevent.h"
#include "tool.h"

struct server {
	struct accept_job *job;
	struct event_base *base;
};

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd,
		      struct sockaddr *peer, int len, void *data)
{
	struct server *server = data;

	(void)listener, (void)peer, (void)len;
	close(fd);
	if (accept_count(server->job))
		event_base_loopbreak(server->base);
}

static void *server_main(void *arg)
{
	struct server *server = arg;

	tool_pin(0);
	event_base_dispatch(server->base);
	return NULL;
}

static int run(struct accept_job *job, long arg)
{
	struct server server = { job, libevent_base(0) };
	const struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(job->to);
	struct evconnlistener *listener;
	pthread_t thread;

	(void)arg;
	if (!server.base)
		return -ENOMEM;
	listener = evconnlistener_new_bind(server.base, on_accept, &server,
					   LEV_OPT_CLOSE_ON_FREE |
					   LEV_OPT_CLOSE_ON_EXEC,
					   ACCEPT_BACKLOG,
					   (const struct sockaddr *)&any,
					   sizeof(any));
	if (!listener) {
		event_base_free(server.base);
		return -EADDRNOTAVAIL;
	}
	getsockname(evconnlistener_get_fd(listener),
		    (struct sockaddr *)&job->to, &len);
	thread = tool_thread(server_main, &server);
	accept_drive(job);
	pthread_join(thread, NULL);
	evconnlistener_free(listener);
	event_base_free(server.base);
	return 0;
}

const struct accept_ops accept_libevent = { run };

#else

const struct accept_ops accept_libevent;

#endif
