/* SPDX-License-Identifier: MIT */
/*
 * watch_verdict.c - is what weir told what has happened?
 *
 * V1  What weir tells can be applied, event by event: a birth of what is not
 *     there, a change, death or rename of what is, at exactly that path.
 * V2  At the end of a round the mirror so made is the file system.
 * V3  Nothing is invented: something was done to each name that weir tells of,
 *     in this round, and a rename is one that was done, or several in a row.
 *     A name does not come, or go, more often than it did.
 * V4  Nothing is missed: of each name of which the peer reports an event weir
 *     tells in the same round, unless it was not there before the round nor
 *     after it. (What weir may pass over: what came and went within a round.)
 * V5  A rename is told as one, if the name was there before the round, this
 *     is the first that was done to it, and both folders are older.
 *
 * Where the kernel's queue overflowed weir has said so, and scanned: then only
 * V1 and V2 hold.
 */
#include "watch_strict.h"

#include <stdlib.h>
#include <string.h>

static void wrong(struct verdict *v, const char *rule, const char *what,
		  int name)
{
	const int i = name > 0 ? name : 0;

	if (v->wrong++ < 50)
		printf("wrong: %s: %s: %d (round %d)\n", rule, what, i,
		       v->storm->round);
}

static struct node *mirrored(struct verdict *v, int name)
{
	struct node *node = v->nodes[name];

	return node && node->is_there ? node : NULL;
}

/* The folder of a path, which the mirror has to have just so. */
static struct node *folder_at(struct verdict *v, const int *path, int depth)
{
	struct node *node = v->nodes[0];

	for (int i = 0; i + 1 < depth; i++) {
		struct node *next = mirrored(v, path[i]);

		if (!next || next->parent != node)
			return NULL;
		node = next;
	}
	return node;
}

static void put(struct verdict *v, struct node *node, struct node *parent,
		int name)
{
	node->parent = parent;
	node->name = name;
	node->is_there = true;
	parent->children++;
	v->nodes[name] = node;
	v->count++;
}

static void take(struct verdict *v, struct node *node)
{
	if (node->children)
		wrong(v, "V1", "its entries were not told first", node->name);
	node->parent->children--;
	node->is_there = false;
	v->nodes[node->name] = NULL;
	v->count--;
}

static void apply_rename(struct verdict *v, const struct said *said,
			 struct node *parent)
{
	struct node *node = mirrored(v, said->old);
	struct node *over = mirrored(v, said->name);
	const int children = node ? node->children : 0;

	if (!node || node->parent != folder_at(v, said->old_path,
					       said->old_depth)) {
		wrong(v, "V1", "renamed, and is not there", said->old);
		return;
	}
	if (over) {
		take(v, over);
		free(over);
	}
	node->children = 0;	/* they go along */
	take(v, node);
	node->children = children;
	put(v, node, parent, said->name);
	v->spoken[said->old] = v->storm->round;
}

static void apply(struct verdict *v, const struct said *said)
{
	struct node *parent = folder_at(v, said->path, said->depth);
	struct node *node = mirrored(v, said->name);

	v->spoken[said->name] = v->storm->round;
	if (!parent) {
		wrong(v, "V1", "its folder is another one", said->name);
		return;
	}
	if (said->what == SAID_RENAME) {
		apply_rename(v, said, parent);
		node = mirrored(v, said->name);
	} else if (said->what == SAID_BIRTH && !node) {
		node = calloc(1, sizeof(*node));
		put(v, node, parent, said->name);
		node->is_folder = said->is_folder;
	} else if (!node || said->what == SAID_BIRTH) {
		wrong(v, "V1", node ? "is there already" : "is not there",
		      said->name);
		return;
	}
	if (node && node->parent != parent)
		wrong(v, "V1", "is elsewhere", said->name);
	if (node)
		node->size = said->size;
	if (node && said->what == SAID_DEATH) {
		take(v, node);
		free(node);
	}
}

static void check_state(struct verdict *v)
{
	const struct storm *s = v->storm;

	if (v->count + 1 != s->count)
		wrong(v, "V2", "entries too many or too few",
		      v->count + 1 - s->count);
	for (int i = 0; i < s->count; i++) {
		const struct node *is = s->live[i];
		const struct node *told = mirrored(v, is->name);

		if (!is->name)
			continue;
		if (!told)
			wrong(v, "V2", "never told", is->name);
		else if (told->parent->name != is->parent->name)
			wrong(v, "V2", "in another folder", is->name);
		else if (!is->is_folder && told->size != is->size)
			wrong(v, "V2", "its last change was missed", is->name);
	}
}

/* Was @old renamed to @name, by one step or several? */
static bool is_explained(const struct tale *log, int old, int name)
{
	for (int i = 0; i < log->count; i++) {
		int at = old;

		if (log->said[i].what != SAID_RENAME ||
		    log->said[i].old != old)
			continue;
		for (int j = i; j < log->count; j++) {
			if (log->said[j].what != SAID_RENAME ||
			    log->said[j].old != at)
				continue;
			at = log->said[j].name;
			if (at == name)
				return true;
		}
	}
	return false;
}

/* How often @name came (1) or went (-1). */
static int count_of(const struct tale *tale, int name, int sign)
{
	int count = 0;

	for (int i = 0; i < tale->count; i++) {
		const struct said *said = &tale->said[i];

		if (said->what == SAID_RENAME)
			count += (sign > 0 ? said->name : said->old) == name;
		else if (said->name == name)
			count += said->what ==
				 (sign > 0 ? SAID_BIRTH : SAID_DEATH);
	}
	return count;
}

static bool is_in(const struct tale *log, int name)
{
	for (int i = 0; i < log->count; i++) {
		if (log->said[i].name == name || log->said[i].old == name)
			return true;
	}
	return false;
}

/* It, or a folder above it, has been moved by way of a new folder. */
static bool is_loose(const struct verdict *v, int name)
{
	const struct node *node = v->storm->nodes[name];

	for (; node && node->name; node = node->parent) {
		if (node->loose == v->storm->round)
			return true;
	}
	return false;
}

static void check_invented(struct verdict *v, const struct tale *weir)
{
	const struct tale *log = &v->storm->log;

	for (int i = 0; i < weir->count; i++) {
		const struct said *said = &weir->said[i];
		const int name = said->name;

		if (!is_in(log, name) && !is_loose(v, name))
			wrong(v, "V3", "nothing was done to it", name);
		if (said->what == SAID_RENAME &&
		    !is_explained(log, said->old, name))
			wrong(v, "V3", "there was no such rename", name);
		if (is_loose(v, name))
			continue;
		if (said->what == SAID_BIRTH &&
		    count_of(weir, name, 1) > count_of(log, name, 1) + 1)
			wrong(v, "V3", "it came too often", name);
		if (said->what == SAID_DEATH &&
		    count_of(weir, name, -1) > count_of(log, name, -1) + 1)
			wrong(v, "V3", "it went too often", name);
	}
}

static void check_missed(struct verdict *v, const struct tale *peer)
{
	const struct tale *log = &v->storm->log;

	for (int i = 0; i < peer->count; i++) {
		const int name = peer->said[i].name;

		if (v->spoken[name] != v->storm->round &&
		    (v->was_there[name] || mirrored(v, name)))
			wrong(v, "V4", "weir tells nothing of it", name);
	}
	/* What the peer does not see is no fault of weir's. */
	for (int i = 0; i < log->count; i++) {
		const struct said *said = &log->said[i];

		if (said->what == SAID_BIRTH && !is_in(peer, said->name))
			v->peer_missed++;
	}
}

static bool is_told(const struct tale *weir, int old, int name)
{
	for (int i = 0; i < weir->count; i++) {
		const struct said *said = &weir->said[i];

		if (said->what == SAID_RENAME && said->old == old &&
		    said->name == name)
			return true;
	}
	return false;
}

static bool is_first(const struct tale *log, int at, int name)
{
	for (int i = 0; i < at; i++) {
		if (log->said[i].name == name || log->said[i].old == name)
			return false;
	}
	return true;
}

static void check_renames(struct verdict *v, const struct tale *weir)
{
	const struct tale *log = &v->storm->log;

	for (int i = 0; i < log->count; i++) {
		const struct said *said = &log->said[i];

		if (said->what != SAID_RENAME || !v->was_there[said->old] ||
		    !is_first(log, i, said->old) || said->is_loose)
			continue;
		v->renames++;
		if (!is_told(weir, said->old, said->name))
			wrong(v, "V5", "its rename was not told as one",
			      said->name);
	}
}

static void remember(struct verdict *v, const struct tale *tale)
{
	for (int i = 0; i < tale->count; i++) {
		const struct said *said = &tale->said[i];

		v->was_there[said->name] = mirrored(v, said->name) != NULL;
		v->was_there[said->old] = mirrored(v, said->old) != NULL;
	}
}

/* The round in which it went wrong, for whoever has to find out why. */
static void show(const char *who, const struct tale *tale)
{
	static const char *const words[] = { "birth", "change", "death",
					     "rename" };

	for (int i = 0; i < tale->count; i++) {
		const struct said *said = &tale->said[i];

		printf("%s: %s %d", who, words[said->what], said->name);
		if (said->what == SAID_RENAME)
			printf(" was %d", said->old);
		for (int j = 0; j < said->depth; j++)
			printf("%s%d", j ? "/" : ": ", said->path[j]);
		printf("%s\n", said->is_loose ? " (loose)" : "");
	}
}

void verdict_round(struct verdict *v, const struct tale *weir,
		   const struct tale *peer, bool was_rescan)
{
	if (!v->nodes[0]) {
		v->nodes[0] = calloc(1, sizeof(struct node));
		v->nodes[0]->is_there = true;
	}
	for (int i = 0; i < weir->count; i++)
		apply(v, &weir->said[i]);
	check_state(v);
	if (!was_rescan) {
		check_invented(v, weir);
		check_missed(v, peer);
		check_renames(v, weir);
	}
	if (v->wrong && !v->is_shown) {
		v->is_shown = true;
		show("done", &v->storm->log);
		show("told", weir);
	}
	v->events += weir->count;
	v->peer_events += peer->count;
	remember(v, weir);
}
