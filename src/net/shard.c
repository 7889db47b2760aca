/* SPDX-License-Identifier: MIT */
/*
 * net/shard.c - accepting from one listening socket, on one reactor
 *
 *     open --> accepting <--(100 ms)--> pausing
 *                  |                       |
 *                  +--> closing: takes what is complete, then closed
 *
 * Edge-triggered: the kernel says once that connections wait.  Whatever stops
 * accepting before EAGAIN was met must see to it that it goes on: the budget
 * does by WEIR_MORE, a lack of descriptors or memory by a timer.
 *
 * Closing takes at most a backlog of connections, or a busy address could not
 * be closed at all; what else has come by then is reset, as the kernel does
 * with what waits at a socket that closes.
 */
#include <errno.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "net/listener.h"
#include "sys/io.h"
#include "sys/socket.h"

/* Long enough to cost nothing, short enough that few clients give up. */
static const weir_ns PAUSE_NS = 100 * WEIR_NS_PER_MSEC;

/* A socket that is to close waits a second for descriptors, not for ever. */
enum { CLOSING_PAUSES = 10 };

/* Accept one connection and see it served.  Return: 0 or -errno. */
static int take_one(struct weir_reactor *r, struct weir__shard *shard)
{
	const struct weir_listener *l = shard->listener;
	struct weir_addr peer;
	int fd;

	if (l->mode == WEIR_LISTENER_HANDOFF)
		return weir__spread_one(l->spread, shard->fd);
	fd = weir__accept(shard->fd, &peer.ss, &peer.len);
	if (fd < 0)
		return fd;
	weir__stat_add(r, WEIR__STAT_ACCEPTED, 1);
	weir__reactor_accepted(r, fd);
	l->fn(r, fd, &peer, l->data);
	weir__reactor_accepted(r, -1);
	return 0;
}

/*
 * Not the connection but the listener is at fault, or the process or the host
 * has run out of something.
 */
static enum weir_verdict pause_it(struct weir_reactor *r,
				  struct weir__shard *shard)
{
	weir__stat_add(r, WEIR__STAT_ACCEPT_ERRORS, 1);
	if (shard->is_closing && shard->pauses_left-- == 0) {
		weir__shard_end(r, shard);
		return WEIR_DONE;
	}
	weir_source_want(r, shard->token, 0);
	weir_timer_start(shard->timer, PAUSE_NS);
	return WEIR_MORE;
}

static enum weir_verdict take_some(struct weir_reactor *r,
				   struct weir__shard *shard, unsigned budget)
{
	int err = 0;

	for (unsigned i = 0; i < budget && err == 0; i++) {
		err = take_one(r, shard);
		if (err == 0 && shard->is_closing && --shard->left == 0)
			err = -EAGAIN;
	}
	if (err == 0 || err == -EBUSY)
		return WEIR_MORE;
	if (err != -EAGAIN)
		return pause_it(r, shard);
	if (shard->is_closing)
		weir__shard_end(r, shard);
	return WEIR_DONE;
}

static void begin_closing(struct weir__shard *shard)
{
	if (shard->is_closing)
		return;
	shard->is_closing = true;
	/* The kernel lets one more wait than the backlog says. */
	shard->left = (unsigned)shard->listener->backlog + 1;
	shard->pauses_left = CLOSING_PAUSES;
}

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct weir__shard *shard = data;

	if (event->facts & WEIR_STOPPING) {
		weir__shard_end(r, shard);
		return WEIR_DONE;
	}
	if (!(event->facts & WEIR_DRAINING))
		return take_some(r, shard, shard->listener->budget);
	/*
	 * All of it now: an idle pool stops as soon as it knows that it is,
	 * and what is still in the kernel is no source of anybody's.
	 */
	begin_closing(shard);
	return take_some(r, shard, shard->left);
}

static void resume(struct weir_reactor *r, struct weir__shard *shard)
{
	weir_timer_stop(shard->timer);
	weir_source_want(r, shard->token, WEIR_READABLE);
	weir_source_again(r, shard->token, WEIR_READABLE);
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct weir__shard *shard = data;

	(void)t;
	if (shard->fd < 0)
		weir__listener_ended(shard);
	else if (!shard->is_added)
		weir__shard_open_surely(r, shard);
	else
		resume(r, shard);
}

int weir__shard_open(struct weir_reactor *r, struct weir__shard *shard)
{
	int err = 0;

	if (!shard->timer)
		err = weir_timer_new(r, on_timer, shard, &shard->timer);
	if (err < 0)
		return err;
	err = weir_source_add(r, shard->fd, WEIR_READABLE, on_event, shard,
			      &shard->token);
	if (err < 0)
		return err;
	shard->is_added = true;
	return weir__source_hide(r, shard->token);
}

void weir__shard_open_surely(struct weir_reactor *r, struct weir__shard *shard)
{
	const int err = weir__shard_open(r, shard);

	if (err == 0)
		return;
	weir__stat_add(r, WEIR__STAT_ACCEPT_ERRORS, 1);
	/* Without a timer it cannot wait: other workers' sockets must do. */
	if (shard->timer && err != -ECANCELED)
		weir_timer_start(shard->timer, PAUSE_NS);
	else
		weir__shard_end(r, shard);
}

void weir__shard_close(struct weir_reactor *r, struct weir__shard *shard)
{
	if (!shard->is_added) {
		weir__shard_end(r, shard);
		return;
	}
	begin_closing(shard);
	resume(r, shard);
}

void weir__shard_end(struct weir_reactor *r, struct weir__shard *shard)
{
	if (shard->timer)
		weir_timer_stop(shard->timer);
	if (shard->is_added)
		weir_source_close(r, shard->token);
	else
		weir__close(shard->fd);
	shard->is_added = false;
	shard->fd = -1;
	weir__listener_ended(shard);
}
