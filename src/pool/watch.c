/* SPDX-License-Identifier: MIT */
/*
 * pool/watch.c - files watched by path, on the control thread
 *
 * What inotify watches is the folder of the path, so it does not matter which
 * inode the name stands for, or whether there is one. An event is only a
 * reason to look: when things have settled the file is looked at, and the user
 * is told if it was named in an event or looks different. The second catches
 * a path that leads through a symlink beside it which was swapped, as
 * Kubernetes does with a ConfigMap.
 *
 * Watches of one folder share its inotify watch, under the path as it was
 * given; the kernel gives two spellings of a folder one number, and an event
 * goes to each of them. A folder that goes away is looked for again every
 * RETRY_NS, until it is there or its last watch is removed.
 *
 *     QUIET --event--> SETTLING --no event for SETTLE_NS, or LIMIT_NS after
 *       ^                 |       the first--> look, tell
 *       +-----------------+
 */
#include <weir/watch.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "sys/inotify.h"
#include "sys/io.h"
#include "sys/path.h"

static const weir_ns SETTLE_NS = 50 * WEIR_NS_PER_MSEC;
static const weir_ns LIMIT_NS = 500 * WEIR_NS_PER_MSEC;
static const weir_ns RETRY_NS = 500 * WEIR_NS_PER_MSEC;

static const uint32_t MASK = IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB |
			     IN_CREATE | IN_DELETE | IN_MOVED_FROM |
			     IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |
			     IN_ONLYDIR;

/* Some 15 events with the longest names; 4 KiB of stack. */
enum { READ_BYTES = 4096, READS_A_CALL = 16 };

struct folder {
	struct weir__list link;
	int wd;			/* -1: not there at the moment */
	unsigned users;
	char path[];
};

struct watch {
	struct weir__list link;
	weir_token token;
	struct folder *folder;
	const char *base;	/* last part of path */
	struct weir_timer *timer;	/* once the control thread runs */
	weir_ns first;		/* event of this settling; 0: QUIET */
	bool is_named;		/* an event had its name */
	bool is_overflow;
	bool is_reload;
	struct weir__path_stamp seen;
	weir_watch_fn *fn;
	void *data;
	char path[];
};

struct weir__watches {
	struct weir_pool *pool;
	int fd;
	struct weir__list watches;
	struct weir__list folders;
	bool is_started;
	struct weir_timer *retry;
};

static struct weir_reactor *control_of(const struct weir__watches *ws)
{
	return weir__pool_reactor(ws->pool, WEIR_CONTROL);
}

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

static void settled(struct weir_reactor *control, struct weir_timer *t,
		    void *data)
{
	struct watch *w = data;
	struct weir__path_stamp now;
	enum weir_watch_event event;
	bool is_news;

	(void)t;
	weir__path_stamp(w->path, &now);
	is_news = judge(w, &now, &event);
	w->seen = now;
	w->first = 0;
	w->is_named = w->is_overflow = w->is_reload = false;
	if (is_news)
		w->fn(control, w->path, event, w->data);	/* may end w */
}

static void unsettle(const struct weir__watches *ws, struct watch *w)
{
	const weir_ns now = weir_reactor_now(control_of(ws));
	weir_ns due = now + SETTLE_NS;

	if (w->first == 0)
		w->first = now;
	if (due > w->first + LIMIT_NS)
		due = w->first + LIMIT_NS;
	weir_timer_start_at(w->timer, due);
}

static void retry_soon(const struct weir__watches *ws)
{
	if (!weir_timer_is_running(ws->retry))
		weir_timer_start(ws->retry, RETRY_NS);
}

static int open_folder(struct weir__watches *ws, struct folder *f)
{
	const int wd = weir__inotify_add(ws->fd, f->path, MASK);

	if (wd < 0)
		return wd;
	f->wd = wd;
	return 0;
}

static void unsettle_folder(const struct weir__watches *ws,
			    const struct folder *f)
{
	struct weir__list *node;

	for (node = ws->watches.next; node != &ws->watches; node = node->next) {
		if (watch_of(node)->folder == f)
			unsettle(ws, watch_of(node));
	}
}

/* Look for the folders that are gone. */
static void retry(struct weir_reactor *control, struct weir_timer *t,
		  void *data)
{
	struct weir__watches *ws = data;
	struct weir__list *node;

	(void)control;
	(void)t;
	for (node = ws->folders.next; node != &ws->folders; node = node->next) {
		struct folder *f = WEIR__CONTAINER(node, struct folder, link);

		if (f->wd >= 0)
			continue;
		if (open_folder(ws, f) == 0)
			unsettle_folder(ws, f);
		else
			retry_soon(ws);
	}
}

/* The folder's inode is another one by now, or none. */
static void lose_folder(struct weir__watches *ws, struct folder *f,
			bool is_watched)
{
	if (is_watched)
		weir__inotify_remove(ws->fd, f->wd);
	f->wd = -1;
	unsettle_folder(ws, f);
	retry_soon(ws);
}

static void on_name(struct weir__watches *ws, const struct folder *f,
		    const struct inotify_event *ev)
{
	struct weir__list *node;

	for (node = ws->watches.next; node != &ws->watches; node = node->next) {
		struct watch *w = watch_of(node);

		if (w->folder != f)
			continue;
		if (ev->len > 0 && strcmp(ev->name, w->base) == 0)
			w->is_named = true;
		unsettle(ws, w);
	}
}

/* What was lost may be that a folder went: each is looked for anew, at once. */
static void on_overflow(struct weir__watches *ws)
{
	struct weir__list *node;

	weir__pool_log(ws->pool, WEIR_LOG_WARNING,
		       "inotify queue overflow: every watch is looked at");
	for (node = ws->folders.next; node != &ws->folders; node = node->next) {
		struct folder *f = WEIR__CONTAINER(node, struct folder, link);

		if (f->wd >= 0)
			lose_folder(ws, f, true);
	}
	weir_timer_start(ws->retry, 0);
	for (node = ws->watches.next; node != &ws->watches; node = node->next) {
		watch_of(node)->is_overflow = true;
		unsettle(ws, watch_of(node));
	}
}

static void on_event(struct weir__watches *ws, const struct inotify_event *ev)
{
	struct weir__list *node;

	if (ev->mask & IN_Q_OVERFLOW) {
		on_overflow(ws);
		return;
	}
	for (node = ws->folders.next; node != &ws->folders; node = node->next) {
		struct folder *f = WEIR__CONTAINER(node, struct folder, link);

		if (f->wd != ev->wd)
			continue;
		if (ev->mask & (IN_IGNORED | IN_UNMOUNT))
			lose_folder(ws, f, false);
		else if (ev->mask & IN_MOVE_SELF)
			lose_folder(ws, f, true);
		else
			on_name(ws, f, ev);
	}
}

static enum weir_verdict on_readable(struct weir_reactor *control,
				     const struct weir_event *event, void *data)
{
	_Alignas(struct inotify_event) char buf[READ_BYTES];
	struct weir__watches *ws = data;

	(void)control;
	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	for (int reads = 0; reads < READS_A_CALL; reads++) {
		const ssize_t n = weir__read(ws->fd, buf, sizeof(buf));
		const struct inotify_event *ev;
		size_t at = 0;

		if (n <= 0)
			return WEIR_DONE;
		while ((ev = weir__inotify_next(buf, (size_t)n, &at)) != NULL)
			on_event(ws, ev);
	}
	return WEIR_MORE;
}

static int start_watch(struct weir__watches *ws, struct watch *w)
{
	int err = weir_timer_new(control_of(ws), settled, w, &w->timer);

	/* What happened between the add and the start is looked at now. */
	if (err == 0)
		unsettle(ws, w);
	return err;
}

/* The control thread runs: put the descriptor into its epoll set. */
static int start(struct weir__watches *ws)
{
	struct weir_reactor *control = control_of(ws);
	weir_token token;
	int err;

	err = weir_timer_new(control, retry, ws, &ws->retry);
	if (err == 0)
		err = weir_source_add(control, ws->fd, WEIR_READABLE,
				      on_readable, ws, &token);
	if (err == 0)
		err = weir__source_hide(control, token);
	ws->is_started = err == 0;
	return err;
}

int weir__watches_start(struct weir_pool *pool)
{
	struct weir__watches *ws = pool->watches;
	struct weir__list *node;
	int err;

	if (!ws)
		return 0;
	weir_reactor_update_now(control_of(ws));
	err = start(ws);
	for (node = ws->watches.next; err == 0 && node != &ws->watches;
	     node = node->next)
		err = start_watch(ws, watch_of(node));
	return err;
}

void weir__watches_reload(struct weir_pool *pool)
{
	struct weir__watches *ws = pool->watches;
	struct weir__list *node;

	if (!ws)
		return;
	for (node = ws->watches.next; node != &ws->watches; node = node->next) {
		watch_of(node)->is_reload = true;
		weir_timer_start(watch_of(node)->timer, 0);
	}
}

static void drop_folder(struct weir__watches *ws, struct folder *f)
{
	struct weir__list *node;

	if (--f->users > 0)
		return;
	weir__list_remove(&f->link);
	/* Another spelling of the same folder may still need the number. */
	for (node = ws->folders.next; node != &ws->folders; node = node->next) {
		if (WEIR__CONTAINER(node, struct folder, link)->wd == f->wd)
			f->wd = -1;
	}
	if (f->wd >= 0)
		weir__inotify_remove(ws->fd, f->wd);
	free(f);
}

static void drop(struct weir__watches *ws, struct watch *w)
{
	weir__list_remove(&w->link);
	weir_timer_free(w->timer);
	weir_source_remove(control_of(ws), w->token);
	if (w->folder)
		drop_folder(ws, w->folder);
	free(w);
}

void weir__watches_close(struct weir_pool *pool)
{
	struct weir__watches *ws = pool->watches;
	struct weir__list *node;

	if (!ws)
		return;
	while ((node = weir__list_first(&ws->watches)) != NULL)
		drop(ws, watch_of(node));
	weir_timer_free(ws->retry);
	weir__close(ws->fd);
	free(ws);
	pool->watches = NULL;
}

static int make_watches(struct weir_pool *pool)
{
	struct weir__watches *ws = calloc(1, sizeof(*ws));
	int err;

	if (!ws)
		return -ENOMEM;
	ws->pool = pool;
	weir__list_init(&ws->watches);
	weir__list_init(&ws->folders);
	ws->fd = weir__inotify_new();
	if (ws->fd < 0) {
		err = ws->fd;
		free(ws);
		return err;
	}
	pool->watches = ws;
	err = weir__life_get(&pool->life) == WEIR_POOL_NEW ? 0 : start(ws);
	if (err < 0)
		weir__watches_close(pool);
	return err;
}

/* The folder of @path, made and watched if need be. */
static int get_folder(struct weir__watches *ws, const char *path, size_t length,
		      struct folder **ret_folder)
{
	struct weir__list *node;
	struct folder *f;
	int err;

	for (node = ws->folders.next; node != &ws->folders; node = node->next) {
		f = WEIR__CONTAINER(node, struct folder, link);
		if (strlen(f->path) == length &&
		    memcmp(f->path, path, length) == 0) {
			f->users++;
			*ret_folder = f;
			return 0;
		}
	}
	f = calloc(1, sizeof(*f) + length + 1);
	if (!f)
		return -ENOMEM;
	memcpy(f->path, path, length);
	err = open_folder(ws, f);
	if (err < 0) {
		free(f);
		return err;
	}
	f->users = 1;
	weir__list_push(&ws->folders, &f->link);
	*ret_folder = f;
	return 0;
}

static int find_folder(struct weir__watches *ws, struct watch *w)
{
	const size_t length = (size_t)(w->base - w->path);

	if (length == 0)
		return get_folder(ws, ".", 1, &w->folder);
	return get_folder(ws, w->path, length, &w->folder);
}

static int make(struct weir__watches *ws, const char *path,
		struct watch **ret_watch)
{
	const char *slash = strrchr(path, '/');
	const size_t size = strlen(path) + 1;
	struct watch *w = calloc(1, sizeof(*w) + size);
	int err;

	if (!w)
		return -ENOMEM;
	memcpy(w->path, path, size);
	w->base = w->path + (slash ? slash - path + 1 : 0);
	weir__list_init(&w->link);
	err = find_folder(ws, w);
	weir__path_stamp(w->path, &w->seen);
	if (err == 0 && w->seen.is_folder)
		err = -EINVAL;
	if (err == 0)
		err = weir_source_open(control_of(ws), NULL, w, &w->token);
	if (err == 0 && ws->is_started)
		err = weir_timer_new(control_of(ws), settled, w, &w->timer);
	if (err < 0) {
		drop(ws, w);
		return err;
	}
	*ret_watch = w;
	return 0;
}

int weir_watch_add(struct weir_pool *pool, const char *path, weir_watch_fn *fn,
		   void *data, weir_token *ret_token)
{
	struct watch *w;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!fn || !path || path[0] == '\0' || path[strlen(path) - 1] == '/')
		return -EINVAL;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!pool->watches) {
		err = make_watches(pool);
		if (err < 0)
			return err;
	}
	err = make(pool->watches, path, &w);
	if (err < 0)
		return err;
	w->fn = fn;
	w->data = data;
	weir__list_push(&pool->watches->watches, &w->link);
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
	for (node = pool->watches->watches.next;
	     node != &pool->watches->watches; node = node->next) {
		if (weir_token_equal(watch_of(node)->token, token)) {
			drop(pool->watches, watch_of(node));
			return 0;
		}
	}
	return -ESTALE;
}
