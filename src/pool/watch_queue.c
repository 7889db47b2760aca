/* SPDX-License-Identifier: MIT */
/*
 * pool/watch_queue.c - the one inotify instance, read on the control thread
 *
 * Reading is bounded: some buffers a call, then other sources have their turn.
 * A bad record ends its buffer; what was read before it has been told.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "pool/watch.h"
#include "sys/inotify.h"
#include "sys/io.h"

static const weir_ns RETRY_NS = 500 * WEIR_NS_PER_MSEC;

/* Some 60 events with the longest names, thousands with short ones. */
enum { READ_BYTES = 16384, READS_A_CALL = 16 };

struct weir_reactor *weir__watches_reactor(const struct weir__watches *ws)
{
	return weir__pool_reactor(ws->pool, WEIR_CONTROL);
}

/* What was lost may be anything: each watch is told, and looks for itself. */
static void on_overflow(struct weir__watches *ws)
{
	ws->overflows++;
	weir__pool_log(ws->pool, WEIR_LOG_WARNING,
		       "inotify queue overflow: every watch is looked at "
		       "(sysctl fs.inotify.max_queued_events)");
	weir__wd_forget_ignored(&ws->table);
	weir__files_overflow(ws);
	weir__trees_overflow(ws);
}

bool weir__watches_pump(struct weir__watches *ws)
{
	_Alignas(struct inotify_event) char buf[READ_BYTES];

	for (int reads = 0; reads < READS_A_CALL; reads++) {
		const ssize_t n = weir__read(ws->table.fd, buf, sizeof(buf));
		const struct inotify_event *ev;
		size_t at = 0;

		if (n <= 0)
			return false;
		while ((ev = weir__inotify_next(buf, (size_t)n, &at)) != NULL) {
			if (ev->mask & IN_Q_OVERFLOW)
				on_overflow(ws);
			else
				weir__wd_dispatch(&ws->table, ev);
		}
	}
	return true;
}

static enum weir_verdict on_readable(struct weir_reactor *control,
				     const struct weir_event *event, void *data)
{
	(void)control;
	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	return weir__watches_pump(data) ? WEIR_MORE : WEIR_DONE;
}

static void on_retry(struct weir_reactor *control, struct weir_timer *t,
		     void *data)
{
	(void)control;
	(void)t;
	weir__files_retry(data);
	weir__trees_retry(data);
}

void weir__watches_retry(struct weir__watches *ws)
{
	if (ws->retry && !weir_timer_is_running(ws->retry))
		weir_timer_start(ws->retry, RETRY_NS);
}

void weir__watches_complain(struct weir__watches *ws, const char *path, int err)
{
	const char *help = "";

	if (err == -ENOSPC)
		help = "; raise sysctl fs.inotify.max_user_watches";
	else if (err == -EMFILE)
		help = "; raise sysctl fs.inotify.max_user_instances or the "
		       "limit of descriptors (ulimit -n)";
	weir__pool_log(ws->pool, WEIR_LOG_WARNING,
		       "%s cannot be watched: %s%s", path, strerror(-err),
		       help);
}

/* The control thread runs: put the descriptor into its epoll set. */
static int start(struct weir__watches *ws)
{
	struct weir_reactor *control = weir__watches_reactor(ws);
	weir_token token;
	int err;

	err = weir_timer_new(control, on_retry, ws, &ws->retry);
	if (err == 0)
		err = weir_source_add(control, ws->table.fd, WEIR_READABLE,
				      on_readable, ws, &token);
	if (err == 0)
		err = weir__source_hide(control, token);
	ws->is_started = err == 0;
	return err;
}

int weir__watches_start(struct weir_pool *pool)
{
	struct weir__watches *ws = pool->watches;
	int err;

	if (!ws)
		return 0;
	weir_reactor_update_now(weir__watches_reactor(ws));
	err = start(ws);
	if (err == 0)
		err = weir__files_start(ws);
	if (err == 0)
		err = weir__trees_start(ws);
	return err;
}

void weir__watches_reload(struct weir_pool *pool)
{
	if (pool->watches)
		weir__files_reload(pool->watches);
}

void weir__watches_close(struct weir_pool *pool)
{
	struct weir__watches *ws = pool->watches;

	if (!ws)
		return;
	weir__files_close(ws);
	weir__trees_close(ws);
	weir_timer_free(ws->retry);
	weir__wd_done(&ws->table);
	weir__close(ws->table.fd);
	free(ws);
	pool->watches = NULL;
}

int weir__watches_get(struct weir_pool *pool, struct weir__watches **ret)
{
	struct weir__watches *ws = pool->watches;
	int err;

	if (ws) {
		*ret = ws;
		return 0;
	}
	ws = calloc(1, sizeof(*ws));
	if (!ws)
		return -ENOMEM;
	ws->pool = pool;
	weir__list_init(&ws->files);
	weir__list_init(&ws->trees);
	ws->table.fd = weir__inotify_new();
	if (ws->table.fd < 0) {
		err = ws->table.fd;
		weir__watches_complain(ws, "a path", err);
		free(ws);
		return err;
	}
	pool->watches = ws;
	err = weir__life_get(&pool->life) == WEIR_POOL_NEW ? 0 : start(ws);
	if (err < 0)
		weir__watches_close(pool);
	else
		*ret = ws;
	return err;
}
