/* SPDX-License-Identifier: MIT */
/*
 * tests/grove.h - what the tests of watched trees have in common
 */
#ifndef WEIR_TESTS_GROVE_H
#define WEIR_TESTS_GROVE_H

#include <weir.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watching.h"

enum { LINES_MAX = 64 };

/* One line for each event but SETTLED, and which tree it is of. */
struct grove {
	weir_token token;
	int result;
	int is_removing;
	int error;		/* of the last UNWATCHED */
	atomic_bool is_tallied;	/* news are counted, not kept */
	sem_t news;
	const char *renames;	/* this one to "new", with the first news */
	const char *replaces;	/* and this one to its old name */
	int count;
	char path[64];
	struct weir_tree_stats stats;
	char lines[LINES_MAX][600];
	sem_t settled;
};

/* What the kernel orders, a file's change and our hearing of it, no tool sees. */
static pthread_mutex_t grove_lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const grove_words[] = {
	"created", "changed", "deleted", "renamed", "in", "out", "overflow",
	"unwatched", "gone", "settled",
};

static inline void on_tree(struct weir_reactor *control,
		    const struct weir_tree_event *event, void *data)
{
	struct grove *g = data;
	const size_t skip = strlen(t.home) + 1;

	CHECK(weir_reactor_current() == control);
	if (event->what == WEIR_TREE_SETTLED) {
		sem_post(&g->settled);
		return;
	}
	if (g->is_tallied) {
		sem_post(&g->news);
		return;
	}
	pthread_mutex_lock(&grove_lock);
	if (event->what == WEIR_TREE_UNWATCHED)
		g->error = event->error;
	CHECK(g->count < LINES_MAX);
	snprintf(g->lines[g->count++], sizeof(g->lines[0]), "%s %s%s%s%s",
		 grove_words[event->what],
		 strlen(event->path) > skip ? event->path + skip : "",
		 event->is_folder ? "/" : "", event->old_path ? " was " : "",
		 event->old_path ? event->old_path + skip : "");
	pthread_mutex_unlock(&grove_lock);
	if (g->renames) {
		CHECK_EQ(rename(at(g->renames), at("new")), 0);
		if (g->replaces)
			CHECK_EQ(rename(at(g->replaces), at(g->renames)), 0);
		g->renames = NULL;
	}
	if (g->is_removing) {
		CHECK_EQ(weir_tree_remove(t.pool, g->token), 0);
		CHECK_EQ(weir_tree_remove(t.pool, g->token), -ESTALE);
		sem_post(&g->settled);
	}
}

static inline void add_tree(struct weir_reactor *r, void *data)
{
	struct grove *g = data;

	(void)r;
	g->result = weir_tree_add(t.pool, g->path, NULL, on_tree, g, &g->token);
}

static inline void plant_that(struct grove *g, const char *name, int is_removing)
{
	memset(g, 0, sizeof(*g));
	g->is_removing = is_removing;
	sem_init(&g->settled, 0, 0);
	sem_init(&g->news, 0, 0);
	snprintf(g->path, sizeof(g->path), "%s", at(name));
	fixture_on(t.pool, WEIR_CONTROL, add_tree, g);
}

static inline void plant(struct grove *g, const char *name)
{
	plant_that(g, name, 0);
}

/* By the time it has settled, this was told, in any order, and no more. */
static inline void told(struct grove *g, const char *const *lines)
{
	int n = 0;

	fixture_wait(&g->settled);
	pthread_mutex_lock(&grove_lock);
	for (; lines[n]; n++) {
		int i = 0;

		while (i < g->count && strcmp(g->lines[i], lines[n]) != 0)
			i++;
		if (i == g->count) {
			for (i = 0; i < g->count; i++)
				printf("# told: %s\n", g->lines[i]);
			CHECK_STR("never told", lines[n]);
		}
	}
	CHECK_EQ(g->count, n);
	g->count = 0;
	pthread_mutex_unlock(&grove_lock);
}

/* How many lines there are; the first one is copied. */
static inline int first(struct grove *g, char line[static sizeof(g->lines[0])])
{
	int count;

	pthread_mutex_lock(&grove_lock);
	count = g->count;
	memcpy(line, g->lines[0], sizeof(g->lines[0]));
	g->count = 0;
	pthread_mutex_unlock(&grove_lock);
	return count;
}

#define TOLD(g, ...) told(g, (const char *const[]){ __VA_ARGS__, NULL })

static inline void ask_tree(struct weir_reactor *r, void *data)
{
	struct grove *g = data;

	(void)r;
	g->stats.size = sizeof(g->stats);
	CHECK_EQ(weir_tree_stats(t.pool, g->token, &g->stats), 0);
}

static inline const struct weir_tree_stats *stats_of(struct grove *g)
{
	fixture_on(t.pool, WEIR_CONTROL, ask_tree, g);
	return &g->stats;
}

#endif /* WEIR_TESTS_GROVE_H */
