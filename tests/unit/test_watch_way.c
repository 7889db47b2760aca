/* SPDX-License-Identifier: MIT */
/*
 * test_watch_way.c - what happens to the folders and links that lead to a
 * watched file
 */
#include <weir.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watching.h"

static void on_bytes(struct weir_reactor *control, const char *path,
		     enum weir_watch_event event, void *data)
{
	(void)control;
	CHECK_STR(path, (const char *)data);
	CHECK_EQ(event, WEIR_WATCH_CHANGED);
	t.count++;
	sem_post(&t.reported);
}

/* As Kubernetes does: f -> ..data/f, ..data -> ..1, and then ..data -> ..2 */
static void publish(const char *version)
{
	char name[16];

	CHECK_EQ(mkdir(at(version), 0700), 0);
	snprintf(name, sizeof(name), "%s/g", version);
	write_file(name, "same size");
	CHECK_EQ(symlink(version, at("..data_tmp")), 0);
	CHECK_EQ(rename(at("..data_tmp"), at("..data")), 0);
}

TEST(a_symlink_is_swapped_on_the_way)
{
	struct spot g, through;

	begin_running();
	publish("..1");
	CHECK_EQ(symlink("..data/g", at("g")), 0);
	watch(&g, "g");
	publish("..2");
	expect(&g, WEIR_WATCH_CHANGED);
	CHECK_EQ(unlink(at("..1/g")), 0);
	CHECK_EQ(rmdir(at("..1")), 0);
	publish("..3");
	expect(&g, WEIR_WATCH_CHANGED);
	CHECK_EQ(unwatch(&g), 0);
	/* And the folder itself is reached through it. */
	watch(&through, "..data/g");
	publish("..4");
	CHECK_EQ(unlink(at("..3/g")), 0);
	CHECK_EQ(rmdir(at("..3")), 0);
	expect(&through, WEIR_WATCH_CHANGED);
	change_file("..4/g", "in the new one");
	expect(&through, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_folder_goes_and_comes_back)
{
	struct spot f;

	begin_running();
	make_folder();
	watch(&f, "d/f");
	for (int i = 0; i < 2; i++) {
		/* By removal, and by a new name. */
		if (i == 0) {
			freeze();
			CHECK_EQ(unlink(at("d/f")), 0);
			CHECK_EQ(rmdir(at("d")), 0);
			thaw();
		} else {
			CHECK_EQ(rename(at("d"), at("elsewhere")), 0);
		}
		expect(&f, WEIR_WATCH_GONE);
		freeze();
		make_folder();
		thaw();
		expect(&f, WEIR_WATCH_CHANGED);
		change_file("d/f", "and it is watched again");
		expect(&f, WEIR_WATCH_CHANGED);
	}
	change_file("elsewhere/f", "is not");
	end();
}

TEST(a_folder_comes_late_at_any_depth)
{
	struct spot f;

	begin_running();
	watch(&f, "d/e/f/g");
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(mkdir(at("d"), 0700), 0);
		fixture_sleep_ms(60);
		freeze();
		CHECK_EQ(mkdir(at("d/e"), 0700), 0);
		CHECK_EQ(mkdir(at("d/e/f"), 0700), 0);
		thaw();
		fixture_sleep_ms(60);
		change_file("d/e/f/g", "here");
		expect(&f, WEIR_WATCH_CHANGED);
		/* A folder above it gets another name. */
		CHECK_EQ(rename(at("d"), at(i ? "old1" : "old0")), 0);
		expect(&f, WEIR_WATCH_GONE);
	}
	/* And all of it comes at once. */
	CHECK_EQ(rename(at("old0"), at("d")), 0);
	expect(&f, WEIR_WATCH_CHANGED);
	change_file("old1/e/f/g", "not ours");
	change_file("d/e/f/g", "ours");
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_file_stands_where_a_folder_is_to_be)
{
	struct spot f;

	begin_running();
	watch(&f, "f/g");
	freeze();
	CHECK_EQ(unlink(at("f")), 0);
	CHECK_EQ(mkdir(at("f"), 0700), 0);
	write_file("f/g", "here");
	thaw();
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_symlink_leads_far_away)
{
	struct spot f;

	begin_running();
	CHECK_EQ(mkdir(at("far"), 0700), 0);
	CHECK_EQ(mkdir(at("far/away"), 0700), 0);
	CHECK_EQ(symlink(at("far/link"), at("l")), 0);
	CHECK_EQ(symlink("away/g", at("far/link")), 0);
	watch(&f, "l");
	change_file("far/away/g", "behind two links");
	expect(&f, WEIR_WATCH_CHANGED);
	CHECK_EQ(rename(at("far/away"), at("far/gone")), 0);
	expect(&f, WEIR_WATCH_GONE);
	freeze();
	CHECK_EQ(unlink(at("l")), 0);
	CHECK_EQ(symlink("far/gone/g", at("l")), 0);
	thaw();
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}

TEST(a_name_of_any_255_bytes)
{
	char name[256], path[300];
	weir_token token;

	begin();
	/* No slash and no NUL; whether it is text is nobody's business. */
	for (int i = 0; i < 255; i++)
		name[i] = (char)(i + 1 == '/' ? 'x' : i + 1);
	name[255] = '\0';
	snprintf(path, sizeof(path), "%s/%s", t.home, name);
	CHECK_EQ(weir_watch_add(t.pool, path, on_bytes, path, &token), 0);
	CHECK_EQ(weir_pool_start(t.pool), 0);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	fixture_wait(&t.reported);
	t.read++;
	t.more = SEEN_MAX;
	end();
}

TEST(a_file_system_is_unmounted)
{
	struct spot f;

	begin();
	mount_own();
	write_file("m/f", "mounted");
	CHECK_EQ(weir_pool_start(t.pool), 0);
	watch(&f, "m/f");
	change_file("m/f", "written");
	expect(&f, WEIR_WATCH_CHANGED);
	CHECK_EQ(umount(at("m")), 0);
	expect(&f, WEIR_WATCH_GONE);
	change_file("m/f", "below");
	expect(&f, WEIR_WATCH_CHANGED);
	end();
}
