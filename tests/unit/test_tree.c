/* SPDX-License-Identifier: MIT */
/*
 * test_tree.c - what a watched tree tells
 */
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
	const char *renames;	/* this one to "new", with the first news */
	const char *replaces;	/* and this one to its old name */
	int count;
	char path[64];
	char lines[LINES_MAX][600];
	sem_t settled;
};

/* What the kernel orders, a file's change and our hearing of it, no tool sees. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const words[] = {
	"created", "changed", "deleted", "renamed", "in", "out", "overflow",
	"unwatched", "gone", "settled",
};

static void on_tree(struct weir_reactor *control,
		    const struct weir_tree_event *event, void *data)
{
	struct grove *g = data;
	const size_t skip = strlen(t.home) + 1;

	CHECK(weir_reactor_current() == control);
	if (event->what == WEIR_TREE_SETTLED) {
		sem_post(&g->settled);
		return;
	}
	pthread_mutex_lock(&lock);
	CHECK(g->count < LINES_MAX);
	snprintf(g->lines[g->count++], sizeof(g->lines[0]), "%s %s%s%s%s",
		 words[event->what],
		 strlen(event->path) > skip ? event->path + skip : "",
		 event->is_folder ? "/" : "", event->old_path ? " was " : "",
		 event->old_path ? event->old_path + skip : "");
	pthread_mutex_unlock(&lock);
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

static void add_tree(struct weir_reactor *r, void *data)
{
	struct grove *g = data;

	(void)r;
	g->result = weir_tree_add(t.pool, g->path, NULL, on_tree, g, &g->token);
}

static void plant_that(struct grove *g, const char *name, int is_removing)
{
	memset(g, 0, sizeof(*g));
	g->is_removing = is_removing;
	sem_init(&g->settled, 0, 0);
	snprintf(g->path, sizeof(g->path), "%s", at(name));
	fixture_on(t.pool, WEIR_CONTROL, add_tree, g);
}

static void plant(struct grove *g, const char *name)
{
	plant_that(g, name, 0);
}

/* By the time it has settled, this was told, in any order, and no more. */
static void told(struct grove *g, const char *const *lines)
{
	int n = 0;

	fixture_wait(&g->settled);
	pthread_mutex_lock(&lock);
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
	pthread_mutex_unlock(&lock);
}

/* How many lines there are; the first one is copied. */
static int first(struct grove *g, char line[static sizeof(g->lines[0])])
{
	int count;

	pthread_mutex_lock(&lock);
	count = g->count;
	memcpy(line, g->lines[0], sizeof(g->lines[0]));
	g->count = 0;
	pthread_mutex_unlock(&lock);
	return count;
}

#define TOLD(g, ...) told(g, (const char *const[]){ __VA_ARGS__, NULL })

TEST(what_is_there_and_what_comes)
{
	struct grove g;
	char name[256], line[600];

	begin_running();
	make_folder();
	plant(&g, "");
	CHECK_EQ(g.result, 0);
	TOLD(&g, "created f", "created d/", "created d/f");
	/* Made before anybody can have heard of the folders above it. */
	freeze();
	CHECK_EQ(mkdir(at("e"), 0700), 0);
	CHECK_EQ(mkdir(at("e/e"), 0700), 0);
	write_file("e/e/f", "deep");
	thaw();
	TOLD(&g, "created e/", "created e/e/", "created e/e/f");
	change_file("e/e/f", "and heard");
	TOLD(&g, "changed e/e/f");
	memset(name, 0xfe, 255);
	name[255] = '\0';
	write_file(name, "the longest");
	fixture_wait(&g.settled);
	CHECK_EQ(first(&g, line), 1);
	CHECK_EQ(strlen(line), strlen("created ") + 255);
	freeze();
	CHECK_EQ(unlink(at(name)), 0);
	CHECK_EQ(unlink(at("f")), 0);
	write_file("f", "another");
	thaw();
	fixture_wait(&g.settled);
	CHECK_EQ(first(&g, line), 2);
	end();
}

TEST(renames_are_paired)
{
	struct grove all, d, e;

	begin_running();
	make_folder();
	CHECK_EQ(mkdir(at("e"), 0700), 0);
	plant(&all, "");
	TOLD(&all, "created f", "created d/", "created d/f", "created e/");
	plant(&d, "d");
	TOLD(&d, "created d/f");
	plant(&e, "e/");
	CHECK_EQ(e.result, 0);
	fixture_sleep_ms(100);
	CHECK_EQ(rename(at("d/f"), at("e/g")), 0);
	TOLD(&all, "renamed e/g was d/f");
	TOLD(&d, "out d/f");
	fixture_wait(&e.settled);
	TOLD(&e, "in e/g");
	CHECK_EQ(rename(at("e"), at("d/e")), 0);
	TOLD(&all, "renamed d/e/ was e");
	TOLD(&d, "in d/e/", "created d/e/g");
	TOLD(&e, "deleted e/g", "gone e/");
	change_file("d/e/g", "in its new place");
	TOLD(&all, "changed d/e/g");
	/* Write and rename over, as editors do. */
	freeze();
	write_file("d/e/new", "replaced");
	CHECK_EQ(rename(at("d/e/new"), at("d/e/g")), 0);
	thaw();
	TOLD(&all, "changed d/e/g");
	end();
}

static void change_two(struct grove *g, const char *renames)
{
	freeze();
	g->renames = renames;
	write_file("a", "changed");
	CHECK_EQ(chmod(at("d"), 0750), 0);
	thaw();
}

/*
 * The tree is about to look at a name that has just been given up: the event
 * which says where it went has not been read.
 */
TEST(a_rename_while_it_looks)
{
	struct grove g;

	begin_running();
	make_folder();
	write_file("a", "a");
	plant(&g, "");
	TOLD(&g, "created f", "created a", "created d/", "created d/f");
	change_two(&g, "d");
	TOLD(&g, "changed a", "renamed new/ was d", "changed new/");
	change_file("new/f", "went along");
	TOLD(&g, "changed new/f");
	end();
}

/* A name that was given up, and taken by another folder. */
TEST(a_name_is_taken_while_it_looks)
{
	struct grove g;

	begin_running();
	make_folder();
	write_file("a", "a");
	CHECK_EQ(mkdir(at("e"), 0700), 0);
	plant(&g, "");
	TOLD(&g, "created f", "created a", "created d/", "created d/f",
	     "created e/");
	g.replaces = "e";
	change_two(&g, "d");
	TOLD(&g, "changed a", "renamed new/ was d", "renamed d/ was e",
	     "changed new/");
	end();
}

TEST(the_root_goes_and_comes_back)
{
	struct grove g;
	char line[600];

	begin_running();
	make_folder();
	plant(&g, "d");
	TOLD(&g, "created d/f");
	CHECK_EQ(rename(at("d"), at("x")), 0);
	TOLD(&g, "deleted d/f", "gone d/");
	make_folder();
	fixture_wait(&g.settled);
	CHECK_EQ(first(&g, line), 1);
	CHECK_STR(line, "created d/f");
	end();
}

TEST(a_tree_ends_within_its_function)
{
	struct grove g;
	char line[600];

	begin_running();
	make_folder();
	plant(&g, "missing");
	CHECK_EQ(g.result, -ENOENT);
	plant(&g, "f");
	CHECK_EQ(g.result, -ENOTDIR);
	plant_that(&g, "", 1);
	fixture_wait(&g.settled);
	change_file("f", "not heard of");
	fixture_sleep_ms(80);
	CHECK_EQ(first(&g, line), 1);
	end();
}
