/* SPDX-License-Identifier: MIT */
/*
 * test_sys_path.c - a name is removed only while it stands for the same file
 */
#include "sys/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

static char dir[] = "/tmp/weir-test-XXXXXX";
static char path[64], other[64];

static void make_dir(void)
{
	CHECK(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
}

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);

	CHECK(fd >= 0);
	close(fd);
}

TEST(a_path_is_removed_while_it_is_the_same)
{
	struct weir__path_id id = { 11, 22 };

	make_dir();
	CHECK_EQ(weir__path_id(path, &id), -ENOENT);
	CHECK_EQ(id.dev, 11);
	CHECK_EQ(id.ino, 22);
	touch(path);
	CHECK_EQ(weir__path_id(path, &id), 0);
	CHECK_EQ(weir__path_remove(path, &id), 0);
	CHECK_EQ(weir__path_remove(path, &id), -ENOENT);
	CHECK_EQ(rmdir(dir), 0);
}

TEST(a_path_that_was_replaced_stays)
{
	struct weir__path_id id;

	make_dir();
	touch(path);
	touch(other);	/* while the first exists: another inode for sure */
	CHECK_EQ(weir__path_id(path, &id), 0);
	CHECK_EQ(rename(other, path), 0);
	CHECK_EQ(weir__path_remove(path, &id), -ESTALE);
	CHECK_EQ(access(path, F_OK), 0);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(rmdir(dir), 0);
}

TEST(a_symlink_is_not_its_target)
{
	struct weir__path_id id;
	struct weir__path_id target;

	make_dir();
	touch(path);
	CHECK_EQ(symlink(path, other), 0);
	CHECK_EQ(weir__path_id(path, &target), 0);
	CHECK_EQ(weir__path_id(other, &id), 0);
	CHECK(id.ino != target.ino);
	CHECK_EQ(weir__path_remove(other, &target), -ESTALE);
	CHECK_EQ(weir__path_remove(other, &id), 0);
	CHECK_EQ(access(path, F_OK), 0);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(rmdir(dir), 0);
}

TEST(a_directory_is_not_removed)
{
	struct weir__path_id id;

	make_dir();
	CHECK_EQ(weir__path_id(dir, &id), 0);
	CHECK_EQ(weir__path_remove(dir, &id), -EISDIR);
	CHECK_EQ(rmdir(dir), 0);
}
