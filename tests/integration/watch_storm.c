/* SPDX-License-Identifier: MIT */
/*
 * watch_storm.c - changes to a tree, and a log of them
 */
#include "watch_strict.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIVE_LOW = 60, LIVE_HIGH = 300, FOLDERS_HIGH = 90 };

static uint64_t state;

unsigned storm_roll(unsigned limit)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % limit;
}

static void must(bool is_well, const char *what)
{
	if (is_well)
		return;
	perror(what);
	exit(2);
}

const char *storm_path(const struct storm *s, const struct node *node)
{
	static char bufs[4][4096];
	static unsigned next;
	char *buf = bufs[next++ % 4], *at = buf + sizeof(bufs[0]) - 1;
	char name[16];

	*at = '\0';
	for (; node->name; node = node->parent) {
		const int n = snprintf(name, sizeof(name), "/%c%d",
				       node->is_folder ? 'd' : 'f',
				       node->name);

		at -= n;
		memcpy(at, name, (size_t)n);
	}
	at -= strlen(s->root);
	memcpy(at, s->root, strlen(s->root));
	return at;
}

static void note(struct storm *s, enum said_what what, int name, int old)
{
	struct said *said = &s->log.said[s->log.count++];

	must(s->log.count < SAID_MAX, "log");
	memset(said, 0, sizeof(*said));
	said->what = what;
	said->name = name;
	said->old = old;
}

static struct node *pick(struct storm *s, bool is_folder)
{
	struct node *node;

	do
		node = s->live[storm_roll((unsigned)s->count)];
	while (node->is_folder != is_folder);
	return node;
}

static int depth_of(const struct node *node)
{
	int depth = 0;

	for (; node->name; node = node->parent)
		depth++;
	return depth;
}

static bool is_below(const struct node *node, const struct node *top)
{
	while (node != top && node->name)
		node = node->parent;
	return node == top;
}

/* A folder with room below it. */
static struct node *pick_parent(struct storm *s)
{
	struct node *node = pick(s, true);

	return depth_of(node) < 8 ? node : s->nodes[0];
}

static void enter(struct storm *s, struct node *node, struct node *parent)
{
	node->parent = parent;
	node->is_there = true;
	parent->children++;
	s->folders += node->is_folder;
	s->live[s->count++] = node;
	s->nodes[node->name] = node;
}

static void leave(struct storm *s, struct node *node)
{
	int i = 0;

	while (s->live[i] != node)
		i++;
	s->live[i] = s->live[--s->count];
	node->parent->children--;
	s->folders -= node->is_folder;
	node->is_there = false;
}

static struct node *make_node(struct storm *s, struct node *parent,
			      bool is_folder)
{
	struct node *node = &s->things[s->names + 1];

	must(s->names + 1 < NAMES_MAX, "names");
	node->name = ++s->names;
	node->is_folder = is_folder;
	node->born = s->round;
	enter(s, node, parent);
	note(s, SAID_BIRTH, node->name, 0);
	return node;
}

static void make_folder(struct storm *s)
{
	struct node *node = make_node(s, pick_parent(s), true);

	must(mkdir(storm_path(s, node), 0700) == 0, "mkdir");
}

static void append(struct storm *s, struct node *node, int flags)
{
	const size_t n = 1 + storm_roll(10);
	const int fd = open(storm_path(s, node), O_WRONLY | O_APPEND |
			    O_CLOEXEC | flags, 0600);

	must(fd >= 0 && write(fd, "some bytes", n) == (ssize_t)n, "append");
	close(fd);
	node->size += n;
}

static struct node *make_file(struct storm *s)
{
	struct node *node = make_node(s, pick_parent(s), false);

	append(s, node, O_CREAT | O_EXCL);
	return node;
}

int storm_mark(struct storm *s)
{
	struct node *node = make_node(s, s->nodes[0], false);

	must(mknod(storm_path(s, node), S_IFREG | 0600, 0) == 0, "mknod");
	return node->name;
}

static void change(struct storm *s, bool is_folder)
{
	struct node *node = pick(s, is_folder);
	struct stat st;

	/* A folder with the mode that it had before would be no news. */
	if (!node->name || (is_folder && node->touched == s->round))
		return;
	node->touched = s->round;
	note(s, SAID_CHANGE, node->name, 0);
	if (!is_folder && storm_roll(3)) {
		append(s, node, 0);
		return;
	}
	must(stat(storm_path(s, node), &st) == 0 &&
	     chmod(storm_path(s, node), st.st_mode ^ 0010) == 0, "chmod");
}

static void end_file(struct storm *s, struct node *node)
{
	must(unlink(storm_path(s, node)) == 0, "unlink");
	note(s, SAID_DEATH, node->name, 0);
	leave(s, node);
}

static void end_folder(struct storm *s)
{
	struct node *node = pick(s, true);

	if (!node->name || node->children)
		return;
	must(rmdir(storm_path(s, node)) == 0, "rmdir");
	note(s, SAID_DEATH, node->name, 0);
	leave(s, node);
}

static bool is_new(const struct storm *s, const struct node *node)
{
	while (node->name && node->born != s->round &&
	       node->loose != s->round)
		node = node->parent;
	return node->name;
}

/* @over is replaced, or NULL: a new name, or @name if that is not 0. */
static void move(struct storm *s, struct node *node, struct node *parent,
		 struct node *over, int name)
{
	char from[4096];
	const int old = node->name;
	const bool is_loose = is_new(s, parent) || is_new(s, node->parent);

	if (is_loose)
		node->loose = s->round;
	strcpy(from, storm_path(s, node));
	leave(s, node);
	node->name = over ? over->name : name ? name : ++s->names;
	if (over)
		leave(s, over);
	enter(s, node, parent);
	must(rename(from, storm_path(s, node)) == 0, "rename");
	note(s, SAID_RENAME, node->name, old);
	s->log.said[s->log.count - 1].is_loose = is_loose;
}

static void move_file(struct storm *s)
{
	struct node *node = pick(s, false), *over = pick(s, false);
	const int old = node->name;
	struct node *parent = node->parent;

	switch (storm_roll(4)) {
	case 0:
		if (over != node)
			move(s, node, over->parent, over, 0);
		break;
	case 1:
		/* There, and back. */
		move(s, node, pick_parent(s), NULL, 0);
		move(s, node, parent, NULL, old);
		break;
	default:
		move(s, node, pick_parent(s), NULL, 0);
		break;
	}
}

static void move_folder(struct storm *s)
{
	struct node *node = pick(s, true), *parent = pick_parent(s);

	if (node->name && !is_below(parent, node))
		move(s, node, parent, NULL, 0);
}

/* As editors save. */
static void save(struct storm *s)
{
	struct node *over = pick(s, false), *node = make_file(s);

	move(s, node, over->parent, over, 0);
}

static void make_again(struct storm *s)
{
	struct node *node = pick(s, false), *parent = node->parent;

	end_file(s, node);
	node->size = 0;
	node->born = s->round;
	node->touched = 0;
	enter(s, node, parent);
	note(s, SAID_BIRTH, node->name, 0);
	append(s, node, O_CREAT | O_EXCL);
}

static void step(struct storm *s)
{
	const bool is_low = s->count < LIVE_LOW;
	const bool is_high = s->count > LIVE_HIGH;
	const bool is_deep = s->folders > FOLDERS_HIGH;

	if (s->count - s->folders < 8)
		make_file(s);
	switch (storm_roll(16)) {
	case 0:
		is_deep ? end_folder(s) : make_folder(s);
		break;
	case 1:
	case 2:
	case 3:
		is_high ? end_file(s, pick(s, false)) : (void)make_file(s);
		break;
	case 4:
	case 5:
		is_low ? (void)make_file(s) : end_file(s, pick(s, false));
		break;
	case 6:
		end_folder(s);
		break;
	case 7:
	case 8:
	case 9:
		change(s, storm_roll(6) == 0);
		break;
	case 10:
		move_folder(s);
		break;
	case 11:
		save(s);
		break;
	case 12:
		make_again(s);
		break;
	default:
		move_file(s);
		break;
	}
}

void storm_begin(struct storm *s, const char *root, uint64_t seed)
{
	struct node *top = &s->things[0];

	state = seed;
	s->root = root;
	s->log.said = calloc(SAID_MAX, sizeof(struct said));
	must(s->log.said, "storm");
	top->is_folder = top->is_there = true;
	top->born = -1;
	s->nodes[0] = s->live[s->count++] = top;
	s->folders = 1;
	s->round = 1;
	for (int i = 0; i < 4; i++) {
		make_folder(s);
		make_file(s);
	}
}

void storm_round(struct storm *s, int count)
{
	while (count > 0) {
		const int before = s->log.count;

		step(s);
		count -= s->log.count - before;
		s->done += s->log.count - before;
	}
}
