/* SPDX-License-Identifier: MIT */
/*
 * pool/watch.c - files watched by path: when to tell, and what
 *
 * An event anywhere on the way to the file is only a reason to look: when
 * things have settled the way is gone anew, the file is looked at, and the
 * user is told if it was named in an event or looks different.
 *
 *     QUIET --event--> SETTLING --no event for SETTLE_NS, or LIMIT_NS after
 *       ^                 |       the first--> walk, look, tell
 *       +-----------------+
 */
#include <weir/watch.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "pool/watch.h"
#include "sys/path.h"

static const weir_ns SETTLE_NS = 50 * WEIR_NS_PER_MSEC;
static const weir_ns LIMIT_NS = 500 * WEIR_NS_PER_MSEC;

struct watch {
	struct weir__list link;
	weir_token token;
	struct weir__path way;
	struct weir_timer *timer;	/* once the control thread runs */
	weir_ns first;		/* event of this settling; 0: QUIET */
	bool is_lost;		/* the way may be another one */
	bool is_named;		/* an event was of the file */
	bool is_overflow;
	bool is_reload;
	struct weir__path_stamp seen;
	weir_watch_fn *fn;
	void *data;
	char path[];
};

static struct watch *watch_of(struct weir__list *node)
{
	return WEIR__CONTAINER(node, struct watch, link);
}

static bool looks_different(const struct weir__path_stamp *a,
			    const struct weir__path_stamp *b)
{
	return a->exists != b->exists || a->dev != b->dev ||
	       a->ino != b->ino || a->size != b->size ||
	       a->changed_ns != b->changed_ns;
}

/* Which event to tell of, if any. */
static bool judge(const struct watch *w, const struct weir__path_stamp *now,
		  enum weir_watch_event *ret_event)
{
	if (!now->exists && w->seen.exists)
		*ret_event = WEIR_WATCH_GONE;
	else if (now->exists && looks_different(now, &w->seen))
		*ret_event = WEIR_WATCH_CHANGED;
	else if (w->is_reload)
		*ret_event = WEIR_WATCH_RELOAD;
	else if (w->is_overflow)
		*ret_event = WEIR_WATCH_OVERFLOW;
	else if (w->is_named && now->exists)
		*ret_event = WEIR_WATCH_CHANGED;
	else
		return false;
	return true;
}

/* Complain once, and look again until it can be watched. */
static void rewalk(struct watch *w)
{
	struct weir__watches *ws = w->way.watches;
	const int before = w->way.error;
	const int err = weir__path_walk(&w->way);

	w->is_lost = false;
	if (err < 0 && err != before)
		weir__watches_complain(ws, w->path, err);
	if (err < 0)
		weir__watches_retry(ws);
}

static void settled(struct weir_reactor *control, struct weir_timer *t,
		    void *data)
{
	struct watch *w = data;
	struct weir__path_stamp now;
	enum weir_watch_event event;
	bool is_news;

	(void)t;
	/* Before the look: what changes after it is an event again. */
	if (w->is_lost)
		rewalk(w);
	weir__path_stamp(w->path, &now);
	is_news = judge(w, &now, &event);
	w->seen = now;
	w->first = 0;
	w->is_named = w->is_overflow = w->is_reload = false;
	if (is_news)
		w->fn(control, w->path, event, w->data);	/* may end w */
}

static void unsettle(struct watch *w)
{
	struct weir_reactor *control = weir__watches_reactor(w->way.watches);
	const weir_ns now = weir_reactor_now(control);
	weir_ns due = now + SETTLE_NS;

	if (!w->timer)
		return;
	if (w->first == 0)
		w->first = now;
	if (due > w->first + LIMIT_NS)
		due = w->first + LIMIT_NS;
	weir_timer_start_at(w->timer, due);
}

static void on_event(struct weir__path *way, bool is_end)
{
	struct watch *w = WEIR__CONTAINER(way, struct watch, way);

	/* The end may be a symlink, or become one. */
	w->is_lost = true;
	if (is_end)
		w->is_named = true;
	unsettle(w);
}

void weir__files_overflow(struct weir__watches *ws)
{
	struct weir__list *node;

	for (node = ws->files.next; node != &ws->files; node = node->next) {
		watch_of(node)->is_overflow = true;
		watch_of(node)->is_lost = true;
		unsettle(watch_of(node));
	}
}

void weir__files_retry(struct weir__watches *ws)
{
	struct weir__list *node;

	for (node = ws->files.next; node != &ws->files; node = node->next) {
		if (watch_of(node)->way.error < 0) {
			watch_of(node)->is_lost = true;
			unsettle(watch_of(node));
		}
	}
}

void weir__files_reload(struct weir__watches *ws)
{
	struct weir__list *node;

	for (node = ws->files.next; node != &ws->files; node = node->next) {
		watch_of(node)->is_reload = true;
		weir_timer_start(watch_of(node)->timer, 0);
	}
}

static int make_timer(struct watch *w)
{
	return weir_timer_new(weir__watches_reactor(w->way.watches), settled,
			      w, &w->timer);
}

int weir__files_start(struct weir__watches *ws)
{
	struct weir__list *node;
	int err = 0;

	for (node = ws->files.next; err == 0 && node != &ws->files;
	     node = node->next) {
		err = make_timer(watch_of(node));
		/* What happened since the add is looked at now. */
		if (err == 0)
			unsettle(watch_of(node));
	}
	return err;
}

static void drop(struct watch *w)
{
	weir__list_remove(&w->link);
	weir_timer_free(w->timer);
	weir_source_remove(weir__watches_reactor(w->way.watches), w->token);
	weir__path_done(&w->way);
	free(w);
}

void weir__files_close(struct weir__watches *ws)
{
	struct weir__list *node;

	while ((node = weir__list_first(&ws->files)) != NULL)
		drop(watch_of(node));
}

static int make(struct weir__watches *ws, const char *path,
		struct watch **ret_watch)
{
	const size_t size = strlen(path) + 1;
	struct watch *w = calloc(1, sizeof(*w) + size);
	int err;

	if (!w)
		return -ENOMEM;
	memcpy(w->path, path, size);
	weir__list_init(&w->link);
	weir__path_init(&w->way, ws, w->path);
	w->way.fn = on_event;
	err = weir__path_walk(&w->way);
	if (err < 0)
		weir__watches_complain(ws, w->path, err);
	weir__path_stamp(w->path, &w->seen);
	if (err == 0 && w->seen.is_folder)
		err = -EINVAL;
	if (err == 0)
		err = weir_source_open(weir__watches_reactor(ws), NULL, w,
				       &w->token);
	if (err == 0 && ws->is_started)
		err = make_timer(w);
	if (err < 0) {
		drop(w);
		return err;
	}
	*ret_watch = w;
	return 0;
}

int weir_watch_add(struct weir_pool *pool, const char *path, weir_watch_fn *fn,
		   void *data, weir_token *ret_token)
{
	struct weir__watches *ws;
	struct watch *w;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!fn || !path || path[0] == '\0' || path[strlen(path) - 1] == '/')
		return -EINVAL;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	err = weir__watches_get(pool, &ws);
	if (err < 0)
		return err;
	err = make(ws, path, &w);
	if (err < 0)
		return err;
	w->fn = fn;
	w->data = data;
	weir__list_push(&ws->files, &w->link);
	*ret_token = w->token;
	return 0;
}

int weir_watch_remove(struct weir_pool *pool, weir_token token)
{
	struct weir__list *node;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!pool->watches)
		return -ESTALE;
	for (node = pool->watches->files.next;
	     node != &pool->watches->files; node = node->next) {
		if (weir_token_equal(watch_of(node)->token, token)) {
			drop(watch_of(node));
			return 0;
		}
	}
	return -ESTALE;
}
