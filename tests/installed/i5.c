/* SPDX-License-Identifier: MIT */
/*
 * I5: names and paths are bytes, in whatever encoding
 */
#include <string.h>
#include <sys/stat.h>
#include <weir.h>

#include "folder.h"

int main(void)
{
	static const char odd[] = "\xff\xfe\x80 name\n";
	struct weir_inotify_event e;
	struct weir_inotify *in;
	struct weir_reactor *r;
	int wd, found;

	folder_begin();
	MUST(mkdir(odd, 0700) == 0);
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_inotify_new(r, NULL, NULL, NULL, &in) == 0);
	MUST(weir_inotify_add(in, odd, IN_CREATE, NULL, &wd) == 0);
	MUST(chdir(odd) == 0);
	touch(odd);
	MUST(weir_inotify_next(in, &e) == 1);
	MUST(strcmp(e.path, odd) == 0 && strcmp(e.name, odd) == 0);
	MUST(e.name_len == strlen(odd));
	MUST(weir_inotify_find(in, odd, &found) == 0 && found == wd);
	weir_reactor_free(r);
	folder_end();
	return say_ok();
}
