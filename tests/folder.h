/* SPDX-License-Identifier: MIT */
/*
 * tests/folder.h - a folder of the test's own, which is the current one
 */
#ifndef WEIR_TESTS_FOLDER_H
#define WEIR_TESTS_FOLDER_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

static char top[] = "/tmp/weir-test-XXXXXX";

static void begin(void)
{
	CHECK(mkdtemp(top) == top);
	CHECK_EQ(chdir(top), 0);
}

static void finish(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	CHECK_EQ(chdir("/"), 0);
	CHECK_EQ(system(command), 0);
}

static void touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	CHECK(fd >= 0);
	close(fd);
}

#endif /* WEIR_TESTS_FOLDER_H */
