/* SPDX-License-Identifier: MIT */
/*
 * watch_strict.h - a storm, and all that was said of it
 *
 * Each name in the storm is a letter and a number of its own, wherever it
 * stands: so what anybody says of a name can be laid beside what was done to
 * it, though the folders above it get other names meanwhile.
 *
 * The storm comes in rounds. Between two of them everything has been told:
 * what weir told is the file system then, and each of its events is one that
 * the round explains.
 */
#ifndef WEIR_TESTS_WATCH_STRICT_H
#define WEIR_TESTS_WATCH_STRICT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { NAMES_MAX = 1 << 20, SAID_MAX = 1 << 16, DEPTH_MAX = 64 };

/* Of a name; what it was, when somebody spoke of it. */
enum said_what { SAID_BIRTH, SAID_CHANGE, SAID_DEATH, SAID_RENAME };

struct said {
	enum said_what what;
	int name;
	int old;		/* of SAID_RENAME */
	bool is_folder;
	bool is_loose;		/* in the log: by way of a new folder */
	uint64_t size;
	int depth;		/* of the two paths; the names, from the top */
	int old_depth;
	int path[DEPTH_MAX];
	int old_path[DEPTH_MAX];
};

/* What was said in one round, in its order. */
struct tale {
	struct said *said;
	int count;
};

/* A thing, in the file system or in somebody's mirror of it. */
struct node {
	struct node *parent;
	int name;		/* 0: the root */
	bool is_folder;
	bool is_there;
	uint64_t size;
	int children;
	int born;		/* in which round */
	int loose;		/* in which round it was moved by way of a
				   folder that is as new */
	int touched;		/* in which round its mode was changed */
};

/* watch_storm.c */
struct storm {
	const char *root;
	int round;
	int names;		/* given so far */
	int count;		/* of what is there */
	int folders;		/* of them */
	long done;		/* operations */
	struct node things[NAMES_MAX];	/* by the first name they had */
	struct node *nodes[NAMES_MAX];	/* by name; NULL: none had it yet */
	struct node *live[NAMES_MAX];
	struct tale log;
};

void storm_begin(struct storm *s, const char *root, uint64_t seed);
void storm_round(struct storm *s, int count);
/* A new file in the root, by one event; returns its name. */
int storm_mark(struct storm *s);
unsigned storm_roll(unsigned limit);
const char *storm_path(const struct storm *s, const struct node *node);

/* watch_verdict.c */
struct verdict {
	const struct storm *storm;
	struct node *nodes[NAMES_MAX];	/* weir's mirror, by name */
	bool was_there[NAMES_MAX];	/* in the mirror, a round ago */
	int spoken[NAMES_MAX];		/* in which round weir named it */
	int count;
	long wrong;
	bool is_shown;
	long events, peer_events, renames, peer_missed;
};

/* Lay what weir and the peer said of the last round beside its log. */
void verdict_round(struct verdict *v, const struct tale *weir,
		   const struct tale *peer, bool was_rescan);

#endif /* WEIR_TESTS_WATCH_STRICT_H */
