/* SPDX-License-Identifier: MIT */
/*
 * pool/tree.c - watched trees: the public calls, settling, telling
 *
 * Two lists of folders: those in which something is to be looked at now, and
 * those in which it is when things have settled. The timer runs for whichever
 * is first. A call looks at BUDGET names, then others have their turn.
 */
#include <weir/tree.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <weir/timer.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "pool/tree.h"

static const weir_ns SETTLE_NS = 50 * WEIR_NS_PER_MSEC;
static const weir_ns LIMIT_NS = 500 * WEIR_NS_PER_MSEC;

enum { BUDGET = 2000 };

static struct weir__tree *tree_of(struct weir__list *node)
{
	return WEIR__CONTAINER(node, struct weir__tree, link);
}

void weir__tree_tell(struct weir__tree *t, enum weir_tree_what what,
		     const struct weir__entry *e, int error)
{
	struct weir_tree_event event = { .what = what, .error = error };

	event.path = e ? weir__tree_path(t, e->parent, e->name, t->path) :
			 t->text;
	if (e) {
		event.size = (uint64_t)e->seen.size;
		event.written_ns = e->seen.written_ns;
	}
	event.is_folder = !e || S_ISDIR(e->seen.mode);
	if (what == WEIR_TREE_RENAMED)
		event.old_path = t->old;
	if (event.path && !t->is_ended) {
		t->is_news = what != WEIR_TREE_SETTLED;
		t->fn(weir__watches_reactor(t->watches), &event, t->data);
	}
}

static void set_timer(struct weir__tree *t)
{
	if (!t->timer)
		return;
	if (!weir__list_is_empty(&t->todo) || t->is_behind)
		weir_timer_start(t->timer, 0);
	else if (t->first)
		weir_timer_start_at(t->timer, t->due);
}

void weir__tree_unsettle(struct weir__tree *t)
{
	const weir_ns now =
		weir_reactor_now(weir__watches_reactor(t->watches));

	if (t->first == 0)
		t->first = now;
	t->due = now + t->settle;
	if (t->due > t->first + t->limit)
		t->due = t->first + t->limit;
	set_timer(t);
}

void weir__tree_enter(struct weir__tree *t)
{
	t->busy++;
}

static void destroy(struct weir__tree *t)
{
	weir__list_remove(&t->link);
	weir_timer_free(t->timer);
	weir_source_remove(weir__watches_reactor(t->watches), t->token);
	weir__path_done(&t->way);
	if (t->root)
		weir__tree_drop_folder(t, t->root);
	free(t->slots);
	free(t);
}

void weir__tree_leave(struct weir__tree *t)
{
	if (--t->busy == 0 && t->is_ended)
		destroy(t);
}

static void look_at_root(struct weir__tree *t)
{
	/* The way first: what happens after it is an event again. */
	int err = weir__path_walk(&t->way);

	if (err == 0)
		err = weir__tree_check_root(t);
	if (err < 0 && err != -ENOENT && err != -ENOTDIR) {
		weir__watches_complain(t->watches, t->text, err);
		t->is_root_unsure = true;
		weir__watches_retry(t->watches);
	}
}

static void look_around(struct weir__tree *t)
{
	struct weir__list *node;
	size_t looks = 0;

	while (!t->is_ended && looks < BUDGET &&
	       (node = weir__list_take(&t->todo)) != NULL)
		looks += weir__tree_look_into(
			t, WEIR__CONTAINER(node, struct weir__folder, todo),
			BUDGET);
}

static void on_timer(struct weir_reactor *control, struct weir_timer *timer,
		     void *data)
{
	struct weir__tree *t = data;
	bool is_settled;

	(void)timer;
	weir__tree_enter(t);
	/* Halves of renames, and newer events, may be waiting. */
	t->is_drained = !weir__watches_pump(t->watches);
	if (t->first && t->due <= weir_reactor_now(control)) {
		t->first = 0;
		weir__list_splice(&t->todo, &t->unsettled);
		if (t->is_collapsed && !t->is_ended)
			weir__tree_tell(t, WEIR_TREE_OVERFLOW, NULL, 0);
		t->is_collapsed = false;
		if (t->is_root_unsure && !t->is_ended)
			look_at_root(t);
	}
	look_around(t);
	is_settled = weir__list_is_empty(&t->todo) &&
		     weir__list_is_empty(&t->unsettled) && t->is_news;
	/* A scan may have seen the newest change, and not one before it. */
	t->is_behind = is_settled && !t->is_drained;
	if (!t->is_ended && is_settled && t->is_drained)
		weir__tree_tell(t, WEIR_TREE_SETTLED, NULL, 0);
	t->is_drained = false;
	if (!t->is_ended)
		set_timer(t);
	weir__tree_leave(t);
}

static void on_way(struct weir__path *way, bool is_end)
{
	struct weir__tree *t = WEIR__CONTAINER(way, struct weir__tree, way);

	(void)is_end;
	t->is_root_unsure = true;
	weir__tree_unsettle(t);
}

static void doubt(struct weir__tree *t)
{
	for (size_t i = 0; i < t->size; i++) {
		for (struct weir__entry *e = t->slots[i]; e; e = e->next) {
			if (!e->folder)
				continue;
			e->folder->scan_due = e->folder->is_unsure = true;
			weir__tree_queue(t, e->folder, false);
		}
	}
	if (t->root) {
		t->root->scan_due = t->root->is_unsure = true;
		weir__tree_queue(t, t->root, false);
	}
	t->is_root_unsure = t->is_collapsed = true;
	t->stats.overflows++;
	weir__tree_unsettle(t);
}

void weir__trees_overflow(struct weir__watches *ws)
{
	struct weir__list *node;

	for (node = ws->trees.next; node != &ws->trees; node = node->next)
		doubt(tree_of(node));
}

void weir__trees_retry(struct weir__watches *ws)
{
	struct weir__list *node;

	for (node = ws->trees.next; node != &ws->trees; node = node->next) {
		if (tree_of(node)->is_root_unsure)
			weir__tree_unsettle(tree_of(node));
	}
}

static int start(struct weir__tree *t)
{
	const int err = weir_timer_new(weir__watches_reactor(t->watches),
				       on_timer, t, &t->timer);

	if (err == 0)
		set_timer(t);
	return err;
}

int weir__trees_start(struct weir__watches *ws)
{
	struct weir__list *node;
	int err = 0;

	for (node = ws->trees.next; err == 0 && node != &ws->trees;
	     node = node->next)
		err = start(tree_of(node));
	return err;
}

void weir__trees_close(struct weir__watches *ws)
{
	struct weir__list *node;

	while ((node = weir__list_first(&ws->trees)) != NULL)
		destroy(tree_of(node));
}

static int set_options(struct weir__tree *t, const struct weir_tree_options *o)
{
	if (o && o->size != sizeof(*o))
		return -EINVAL;
	t->settle = o && o->settle ? o->settle : SETTLE_NS;
	t->limit = o && o->limit ? o->limit :
		   t->settle > LIMIT_NS ? t->settle : LIMIT_NS;
	if (t->settle < WEIR_NS_PER_MSEC || t->limit < t->settle)
		return -EINVAL;
	return 0;
}

static int fill(struct weir__tree *t, const struct weir_tree_options *options)
{
	struct weir_reactor *control = weir__watches_reactor(t->watches);
	int err = set_options(t, options);

	if (err == 0)
		err = weir__path_walk(&t->way);
	if (err == 0)
		err = weir__tree_check_root(t);
	if (err == 0)
		err = weir_source_open(control, NULL, t, &t->token);
	if (err == 0 && t->watches->is_started)
		err = start(t);
	return err;
}

static int make(struct weir__watches *ws, const char *path, size_t length,
		struct weir__tree **ret_tree)
{
	struct weir__tree *t = calloc(1, sizeof(*t) + length + 1);

	if (!t)
		return -ENOMEM;
	memcpy(t->text, path, length);
	t->watches = ws;
	t->is_news = true;
	weir__list_init(&t->link);
	weir__list_init(&t->todo);
	weir__list_init(&t->unsettled);
	weir__path_init(&t->way, ws, t->text);
	t->way.fn = on_way;
	*ret_tree = t;
	return 0;
}

int weir_tree_add(struct weir_pool *pool, const char *path,
		  const struct weir_tree_options *options, weir_tree_fn *fn,
		  void *data, weir_token *ret_token)
{
	struct weir__watches *ws;
	struct weir__tree *t;
	size_t length;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!fn || !path || path[0] == '\0')
		return -EINVAL;
	for (length = strlen(path); length && path[length - 1] == '/'; length--)
		;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	err = weir__watches_get(pool, &ws);
	if (err < 0)
		return err;
	err = make(ws, path, length, &t);
	if (err < 0)
		return err;
	t->fn = fn;
	t->data = data;
	err = fill(t, options);
	if (err < 0) {
		weir__watches_complain(ws, path, err);
		destroy(t);
		return err;
	}
	weir__list_push(&ws->trees, &t->link);
	*ret_token = t->token;
	return 0;
}

static int find(struct weir_pool *pool, weir_token token,
		struct weir__tree **ret_tree)
{
	struct weir__list *node;
	const int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!pool->watches)
		return -ESTALE;
	for (node = pool->watches->trees.next; node != &pool->watches->trees;
	     node = node->next) {
		*ret_tree = tree_of(node);
		if (!(*ret_tree)->is_ended &&
		    weir_token_equal((*ret_tree)->token, token))
			return 0;
	}
	return -ESTALE;
}

int weir_tree_remove(struct weir_pool *pool, weir_token token)
{
	struct weir__tree *t = NULL;
	const int err = find(pool, token, &t);

	if (err < 0)
		return err;
	weir__tree_enter(t);
	t->is_ended = true;
	weir__tree_leave(t);
	return 0;
}

int weir_tree_stats(struct weir_pool *pool, weir_token token,
		    struct weir_tree_stats *stats)
{
	struct weir__tree *t = NULL;
	int err;

	err = find(pool, token, &t);
	if (err < 0)
		return err;
	if (!stats || stats->size != sizeof(*stats))
		return -EINVAL;
	*stats = t->stats;
	stats->size = sizeof(*stats);
	return 0;
}
