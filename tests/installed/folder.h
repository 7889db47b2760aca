/* SPDX-License-Identifier: MIT */
/*
 * folder.h - a folder of the program's own, which is the current one
 */
#ifndef WEIR_TESTS_INSTALLED_FOLDER_H
#define WEIR_TESTS_INSTALLED_FOLDER_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "say.h"

static char folder[] = "/tmp/weir-test-XXXXXX";

static inline void folder_begin(void)
{
	MUST(mkdtemp(folder) != NULL && chdir(folder) == 0);
}

static inline void folder_end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	MUST(chdir("/") == 0 && system(command) == 0);
}

static inline int touch(const char *name)
{
	const int fd = open(name, O_CREAT | O_WRONLY, 0600);

	MUST(fd >= 0);
	return close(fd);
}

#endif /* WEIR_TESTS_INSTALLED_FOLDER_H */
