/* SPDX-License-Identifier: MIT */
/*
 * watch.c - a file that all workers read: watch FILE
 *
 * The control thread reads the file whenever it has changed and publishes its
 * first line; the workers take the newest one without a lock.  TERM ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

struct text {
	char line[200];
};

static struct weir_snapshot *snapshot;

static struct text *read_text(const char *path)
{
	struct text *text = calloc(1, sizeof(*text));
	FILE *file = fopen(path, "re");

	if (text && file && fgets(text->line, sizeof(text->line), file)) {
		text->line[strcspn(text->line, "\n")] = '\0';
	} else {
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	return text;
}

static void free_text(void *object, void *data)
{
	(void)data;
	free(object);
}

static void look(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	const struct text *text = weir_snapshot_get(snapshot);

	(void)msg, (void)data;
	printf("worker %d reads: %s\n", weir_reactor_index(r), text->line);
}

static const struct weir_call look_call = { .run = look };

static void on_change(struct weir_reactor *control, const char *path,
		      enum weir_watch_event event, void *data)
{
	struct weir_pool *pool = weir_reactor_pool(control);
	struct text *text = read_text(path);

	(void)event, (void)data;
	if (!text) {
		printf("%s has no line: the old one stays\n", path);
		return;
	}
	if (weir_snapshot_publish(snapshot, text) < 0) {
		free(text);
		return;
	}
	for (int i = 0; i < weir_pool_workers(pool); i++)
		weir_post(pool, i, &look_call, NULL, 0);
}

int main(int argc, char **argv)
{
	struct text *text = argc == 2 ? read_text(argv[1]) : NULL;
	struct weir_pool *pool;
	weir_token watch;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!text) {
		fprintf(stderr, "usage: watch FILE, with a line in it\n");
		return 1;
	}
	if (weir_pool_new(NULL, &pool) < 0 ||
	    weir_snapshot_new(pool, text, free_text, NULL, &snapshot) < 0 ||
	    weir_watch_add(pool, argv[1], on_change, NULL, &watch) < 0)
		return 1;
	for (int i = 0; i < weir_pool_workers(pool); i++)
		weir_post(pool, i, &look_call, NULL, 0);
	if (weir_pool_start(pool) < 0)
		return 1;
	weir_pool_join(pool);
	weir_snapshot_free(snapshot);
	weir_pool_free(pool);
	return 0;
}
