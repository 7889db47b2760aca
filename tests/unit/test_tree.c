/* SPDX-License-Identifier: MIT */
/*
 * test_tree.c - what a watched tree tells
 */
#include "grove.h"

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
