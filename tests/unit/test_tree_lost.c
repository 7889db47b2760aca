/* SPDX-License-Identifier: MIT */
/*
 * test_tree_lost.c - a watched tree when events, watches or folders are lost
 */
#include "grove.h"

#include <weir/inotify.h>

/* More events than the queue holds: all is scanned anew, and counted. */
TEST(events_are_lost)
{
	const long limit = queue_limit();
	struct grove g;

	if (limit < 1 || limit > 100000)
		SKIP("max_queued_events is out of reach");
	begin_running();
	make_folder();
	write_file("a", "a");
	write_file("b", "b");
	plant(&g, "");
	TOLD(&g, "created a", "created b", "created f", "created d/",
	     "created d/f");
	CHECK_EQ(stats_of(&g)->overflows, 0);
	freeze();
	overflow(limit);
	/* Nobody hears of these. */
	write_file("late", "late");
	CHECK_EQ(unlink(at("f")), 0);
	CHECK_EQ(rename(at("d"), at("old")), 0);
	make_folder();
	write_file("d/g", "in a new folder of that name");
	thaw();
	TOLD(&g, "overflow /", "changed a", "changed b", "created late",
	     "deleted f", "renamed old/ was d", "created d/", "created d/f",
	     "created d/g");
	CHECK_EQ(stats_of(&g)->overflows, 1);
	CHECK_EQ(stats_of(&g)->entries, 8);
	CHECK_EQ(stats_of(&g)->folders, 3);
	/* Each folder is watched as before. */
	change_file("old/f", "as ever");
	TOLD(&g, "changed old/f");
	change_file("d/f", "as ever");
	TOLD(&g, "changed d/f");
	end();
}

/* What was mounted goes, and what was below it comes to light. */
TEST(a_folder_is_unmounted)
{
	struct grove g;

	begin();
	mount_own();
	write_file("m/f", "mounted");
	CHECK_EQ(weir_pool_start(t.pool), 0);
	plant(&g, "");
	TOLD(&g, "created f", "created m/", "created m/f");
	CHECK_EQ(umount(at("m")), 0);
	TOLD(&g, "deleted m/f", "deleted m/", "created m/");
	change_file("m/f", "below");
	TOLD(&g, "created m/f");
	end();
}

TEST(the_root_is_unmounted)
{
	struct grove g;

	begin();
	mount_own();
	write_file("m/f", "mounted");
	CHECK_EQ(weir_pool_start(t.pool), 0);
	plant(&g, "m");
	TOLD(&g, "created m/f");
	CHECK_EQ(umount(at("m")), 0);
	TOLD(&g, "deleted m/f", "gone m/");
	change_file("m/f", "below");
	TOLD(&g, "created m/f");
	end();
}

/* As Kubernetes swaps the files of a volume. */
TEST(the_root_is_a_symlink_that_is_swapped)
{
	struct grove g;

	begin_running();
	make_folder();
	CHECK_EQ(mkdir(at("e"), 0700), 0);
	write_file("e/g", "of the other one");
	CHECK_EQ(symlink("d", at("..data")), 0);
	plant(&g, "..data");
	CHECK_EQ(g.result, 0);
	TOLD(&g, "created ..data/f");
	CHECK_EQ(symlink("e", at("..tmp")), 0);
	CHECK_EQ(rename(at("..tmp"), at("..data")), 0);
	TOLD(&g, "deleted ..data/f", "gone ..data/", "created ..data/g");
	change_file("e/g", "heard");
	TOLD(&g, "changed ..data/g");
	end();
}

/* A user namespace of the test's own, in which there are @n watches. */
static void own_limit(const char *n)
{
	int fd;

	if (unshare(CLONE_NEWUSER) < 0)
		SKIP("no user namespace for us");
	fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0 0 1", 5) != 5)
		SKIP("no user in a user namespace");
	close(fd);
	/* Not fs.inotify.*: those are everybody's. */
	fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, n, strlen(n)) != (ssize_t)strlen(n))
		SKIP("no limits of our own");
	close(fd);
}

/* The way to the root is watched too: /, /tmp and t.home, which is "d"'s. */
TEST(there_are_too_few_watches)
{
	struct grove g;

	own_limit("5");
	begin_running();
	make_folder();
	plant(&g, "d");
	TOLD(&g, "created d/f");
	CHECK_EQ(mkdir(at("d/x"), 0700), 0);
	TOLD(&g, "created d/x/");
	CHECK_EQ(mkdir(at("d/y"), 0700), 0);
	TOLD(&g, "created d/y/", "unwatched d/y/");
	CHECK_EQ(g.error, -ENOSPC);
	CHECK(strstr(weir_inotify_hint(g.error),
		     "fs.inotify.max_user_watches"));
	/* What can be watched still is. */
	change_file("d/x/g", "heard");
	TOLD(&g, "created d/x/g");
	change_file("d/y/g", "not heard");
	change_file("d/f", "heard");
	TOLD(&g, "changed d/f");
	end();
}

static atomic_bool is_over;

static void *write_on(void *path)
{
	char other[320];

	snprintf(other, sizeof(other), "%s-2", (const char *)path);
	while (!is_over) {
		FILE *f = fopen(path, "we");

		CHECK(f && fputs("again", f) >= 0);
		fclose(f);
		CHECK_EQ(rename(path, other), 0);
	}
	return NULL;
}

/* I2: what is told, and what is kept, does not grow with what is done. */
TEST(a_writer_that_never_stops)
{
	struct grove g;
	char path[320];
	pthread_t writer;

	begin_running();
	plant(&g, "");
	TOLD(&g, "created f");
	g.is_tallied = true;
	strcpy(path, at("w"));
	CHECK_EQ(pthread_create(&writer, NULL, write_on, path), 0);
	/* It never settles, and is told all the same. */
	for (int i = 0; i < 40; i++)
		fixture_wait(&g.news);
	CHECK(stats_of(&g)->entries <= 3);
	is_over = true;
	CHECK_EQ(pthread_join(writer, NULL), 0);
	do
		fixture_wait(&g.settled);
	while (stats_of(&g)->entries != 2);
	end();
}
