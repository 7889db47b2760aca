/* SPDX-License-Identifier: MIT */
/*
 * watch_strict.c - a watched tree in a storm, event by event
 *
 *     watch_strict FOLDER COUNT ROUND SEED SETTLE_US [peer]
 *
 * COUNT operations, in rounds of up to ROUND; with "peer", inotifywait watches
 * the same folder and what it reports is compared too. Status 0 if all of
 * watch_verdict.c holds.
 *
 * A round ends with two marks, each told and SETTLED. The first may be found
 * by a scan, while events of the storm still wait to be read; they have been
 * when the second one is told.
 */
#include <weir.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "watch_strict.h"

static struct storm storm;
static struct verdict verdict = { .storm = &storm };

/* The control thread's, until the storm is waiting. */
static struct {
	pthread_mutex_t lock;
	struct tale tale;
	int mark;		/* that is waited for; 0: none */
	bool is_marked;
	bool was_rescan;
	long rescans;
	bool is_wrong;
	sem_t settled;
} weir = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct {
	FILE *lines;
	struct tale tale;
	long overflows;
	pid_t pid;
} peer;

static void fail(const char *what)
{
	fprintf(stderr, "watch_strict: %s\n", what);
	exit(2);
}

/* The numbers in a path below the root. */
static int numbers(const char *path, int *ret)
{
	int depth = 0;

	path += strlen(storm.root);
	while (*path == '/' && depth < DEPTH_MAX) {
		ret[depth++] = atoi(path + 2);
		path += strcspn(path + 1, "/") + 1;
	}
	return depth;
}

static void note(const struct weir_tree_event *event, enum said_what what)
{
	struct said *said = &weir.tale.said[weir.tale.count++];

	if (weir.tale.count == SAID_MAX)
		fail("weir tells too much");
	memset(said, 0, sizeof(*said));
	said->what = what;
	said->is_folder = event->is_folder;
	said->size = event->size;
	said->depth = numbers(event->path, said->path);
	said->name = said->depth ? said->path[said->depth - 1] : 0;
	if (!event->old_path)
		return;
	said->old_depth = numbers(event->old_path, said->old_path);
	said->old = said->old_path[said->old_depth - 1];
}

static void on_settled(void)
{
	if (!weir.is_marked)
		return;
	weir.is_marked = false;
	weir.mark = 0;
	sem_post(&weir.settled);
}

static void hear(const struct weir_tree_event *event)
{
	switch (event->what) {
	case WEIR_TREE_CREATED:
	case WEIR_TREE_MOVED_IN:
		note(event, SAID_BIRTH);
		if (weir.tale.said[weir.tale.count - 1].name == weir.mark)
			weir.is_marked = weir.mark != 0;
		break;
	case WEIR_TREE_CHANGED:
		note(event, SAID_CHANGE);
		break;
	case WEIR_TREE_DELETED:
	case WEIR_TREE_MOVED_OUT:
		note(event, SAID_DEATH);
		break;
	case WEIR_TREE_RENAMED:
		note(event, SAID_RENAME);
		break;
	case WEIR_TREE_OVERFLOW:
		weir.was_rescan = true;
		weir.rescans++;
		break;
	case WEIR_TREE_UNWATCHED:
	case WEIR_TREE_GONE:
		weir.is_wrong = true;
		printf("wrong: %s is gone or cannot be watched: %s\n",
		       event->path, strerror(-event->error));
		break;
	case WEIR_TREE_SETTLED:
		on_settled();
		break;
	}
}

static void on_tree(struct weir_reactor *control,
		    const struct weir_tree_event *event, void *data)
{
	(void)control;
	(void)data;
	pthread_mutex_lock(&weir.lock);
	hear(event);
	pthread_mutex_unlock(&weir.lock);
}

/* A line of the peer: EVENTS NAME. */
static void note_line(const char *line)
{
	const char *name = strrchr(line, ' ');
	struct said *said = &peer.tale.said[peer.tale.count];

	if (strstr(line, "Q_OVERFLOW"))
		peer.overflows++;
	/* It has errors to report, too: of folders that have gone. */
	if (!name || (name[1] != 'f' && name[1] != 'd') ||
	    name[2] < '0' || name[2] > '9')
		return;
	if (++peer.tale.count == SAID_MAX)
		fail("inotifywait reports too much");
	memset(said, 0, sizeof(*said));
	said->name = atoi(name + 2);
	said->what = SAID_CHANGE;
	if (strstr(line, "CREATE") || strstr(line, "MOVED_TO"))
		said->what = SAID_BIRTH;
	else if (strstr(line, "DELETE") || strstr(line, "MOVED_FROM"))
		said->what = SAID_DEATH;
}

/* Read until it has reported the birth of @mark; 0: until it says @text. */
static void read_peer(int mark, const char *text)
{
	char line[4096];

	while (peer.lines && fgets(line, sizeof(line), peer.lines)) {
		line[strcspn(line, "\n")] = '\0';
		if (text && strstr(line, text))
			return;
		note_line(line);
		if (mark && peer.tale.count &&
		    peer.tale.said[peer.tale.count - 1].name == mark)
			return;
	}
	if (peer.lines)
		fail("inotifywait has ended");
}

/* Make a file, and wait until it has been told and all has settled. */
static void wait_for_mark(void)
{
	int mark;

	pthread_mutex_lock(&weir.lock);
	weir.mark = storm.names + 1;
	pthread_mutex_unlock(&weir.lock);
	mark = storm_mark(&storm);
	while (sem_wait(&weir.settled) != 0)
		;
	read_peer(mark, NULL);
}

static void end_round(void)
{
	wait_for_mark();
	wait_for_mark();
	pthread_mutex_lock(&weir.lock);
	verdict_round(&verdict, &weir.tale, &peer.tale, weir.was_rescan);
	weir.tale.count = peer.tale.count = storm.log.count = 0;
	weir.was_rescan = false;
	pthread_mutex_unlock(&weir.lock);
	storm.round++;
}

static void start_peer(const char *folder)
{
	char command[4096];

	snprintf(command, sizeof(command),
		 "echo $$; exec inotifywait -mr --format '%%e %%f' -e create -e delete "
		 "-e moved_from -e moved_to -e modify -e close_write "
		 "-e attrib '%s' 2>&1", folder);
	peer.lines = popen(command, "re");
	if (!peer.lines || fscanf(peer.lines, "%d", &peer.pid) != 1)
		fail("no inotifywait");
	read_peer(0, "Watches established");
}

static struct weir_pool *start_weir(const char *folder, weir_ns settle)
{
	const struct weir_tree_options options = {
		.size = sizeof(options), .settle = settle,
		.limit = 5 * settle,
	};
	const struct weir_pool_options pool_options = {
		.size = sizeof(pool_options), .workers = 1,
		.flags = WEIR_POOL_NO_SIGNALS,
	};
	struct weir_pool *pool = NULL;
	weir_token token;

	weir.tale.said = calloc(SAID_MAX, sizeof(struct said));
	peer.tale.said = calloc(SAID_MAX, sizeof(struct said));
	sem_init(&weir.settled, 0, 0);
	if (!weir.tale.said || !peer.tale.said ||
	    weir_pool_new(&pool_options, &pool) < 0 ||
	    weir_tree_add(pool, folder, &options, on_tree, NULL, &token) < 0 ||
	    weir_pool_start(pool) < 0)
		fail("no watched tree");
	return pool;
}

int main(int argc, char **argv)
{
	struct weir_pool *pool;
	long count;

	if (argc < 6)
		return 2;
	count = atol(argv[2]);
	storm_begin(&storm, argv[1], strtoull(argv[4], NULL, 10));
	if (argc > 6)
		start_peer(argv[1]);
	pool = start_weir(argv[1], (weir_ns)atol(argv[5]) * WEIR_NS_PER_USEC);
	/* What was there before inotifywait was, it does not report. */
	end_round();
	while (storm.done < count) {
		storm_round(&storm, 1 + (int)storm_roll(
					(unsigned)atol(argv[3])));
		end_round();
	}
	weir_pool_stop(pool);
	weir_pool_join(pool);
	weir_pool_free(pool);
	if (peer.lines) {
		kill(peer.pid, SIGTERM);
		pclose(peer.lines);
	}
	printf("%ld operations in %d rounds: weir told %ld events, "
	       "inotifywait %ld (%ld new names it did not see)\n",
	       storm.done, storm.round - 1, verdict.events,
	       verdict.peer_events, verdict.peer_missed);
	printf("%ld renames told as one, rescans %ld, overflows of "
	       "inotifywait %ld, wrong %ld\n",
	       verdict.renames, weir.rescans, peer.overflows, verdict.wrong);
	return verdict.wrong || weir.is_wrong || peer.overflows;
}
