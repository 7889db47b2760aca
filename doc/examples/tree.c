/* SPDX-License-Identifier: MIT */
/*
 * tree.c - what happens below a folder
 *
 *     tree FOLDER      until INT or TERM; tells each change on a line
 */
#include <weir.h>

#include <stdio.h>
#include <string.h>

static const char *const words[] = {
	[WEIR_TREE_CREATED] = "created",
	[WEIR_TREE_CHANGED] = "changed",
	[WEIR_TREE_DELETED] = "deleted",
	[WEIR_TREE_RENAMED] = "renamed",
	[WEIR_TREE_MOVED_IN] = "moved in",
	[WEIR_TREE_MOVED_OUT] = "moved out",
	[WEIR_TREE_OVERFLOW] = "events were lost, scanning",
	[WEIR_TREE_UNWATCHED] = "cannot be watched",
	[WEIR_TREE_GONE] = "gone",
	[WEIR_TREE_SETTLED] = "settled",
};

static void on_tree(struct weir_reactor *control,
		    const struct weir_tree_event *event, void *data)
{
	(void)control;
	(void)data;
	printf("%s: %s%s", words[event->what], event->path,
	       event->is_folder ? "/" : "");
	if (event->old_path)
		printf(" (was %s)", event->old_path);
	if (event->error)
		printf(" (%s)", strerror(-event->error));
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct weir_pool *pool;
	weir_token token;
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: tree FOLDER\n");
		return 2;
	}
	err = weir_pool_new(NULL, &pool);
	if (err == 0)
		err = weir_tree_add(pool, argv[1], NULL, on_tree, NULL, &token);
	if (err == 0)
		err = weir_pool_start(pool);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	weir_pool_join(pool);
	weir_pool_free(pool);
	return 0;
}
