/* SPDX-License-Identifier: MIT */
/*
 * I7: there is room for the longest names, and for many of them
 */
#include <string.h>
#include <weir.h>

#include "folder.h"

enum { FILES = 500, LONGEST = 255 };

static void name_of(int i, char name[LONGEST + 1])
{
	memset(name, 'n', LONGEST);
	name[LONGEST] = '\0';
	name[0] = (char)('a' + i / 26 % 26);
	name[1] = (char)('a' + i % 26);
}

int main(void)
{
	struct weir_inotify_event e;
	struct weir_inotify *in;
	struct weir_reactor *r;
	char name[LONGEST + 1];
	int wd;

	folder_begin();
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_inotify_new(r, NULL, NULL, NULL, &in) == 0);
	MUST(weir_inotify_add(in, ".", IN_CREATE, NULL, &wd) == 0);
	for (int i = 0; i < FILES; i++) {
		name_of(i, name);
		touch(name);
	}
	for (int i = 0; i < FILES; i++) {
		name_of(i, name);
		MUST(weir_inotify_next(in, &e) == 1);
		MUST(e.name_len == LONGEST && strcmp(e.name, name) == 0);
	}
	MUST(weir_inotify_next(in, &e) == 0);
	weir_reactor_free(r);
	folder_end();
	return say_ok();
}
