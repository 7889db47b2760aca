/* SPDX-License-Identifier: MIT */
/*
 * conn_libev.c - two watchers in memory of our own
 */
#include "conn.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBEV

#include "libev.h"

#include <errno.h>
#include <stdlib.h>

struct conn {
	ev_io io;
	ev_timer timer;
};

static void on_io(struct ev_loop *loop, ev_io *io, int what)
{
	(void)loop, (void)io, (void)what;
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int what)
{
	(void)loop, (void)timer, (void)what;
}

int conn_libev(const int *fds, size_t count)
{
	struct ev_loop *loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	struct conn *conns = malloc(count * sizeof(*conns));

	if (!loop || !conns)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ev_io_init(&conns[i].io, on_io, fds[i], EV_READ);
		ev_io_start(loop, &conns[i].io);
		ev_timer_init(&conns[i].timer, on_timer, 0., CONN_IDLE_S);
		ev_timer_again(loop, &conns[i].timer);
	}
	ev_run(loop, EVRUN_NOWAIT);
	return 0;
}

#else

typedef int conn_libev_is_missing;

#endif
