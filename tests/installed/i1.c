/* SPDX-License-Identifier: MIT */
/*
 * I1: the halves of a rename have a cookie, or come as one event
 */
#include <stdio.h>
#include <string.h>
#include <weir.h>

#include "folder.h"

static void plain(struct weir_reactor *r)
{
	struct weir_inotify_event from, to;
	struct weir_inotify *in;
	int wd;

	MUST(weir_inotify_new(r, NULL, NULL, NULL, &in) == 0);
	MUST(weir_inotify_add(in, ".", IN_MOVE, NULL, &wd) == 0);
	MUST(rename("a", "b") == 0);
	MUST(weir_inotify_next(in, &from) == 1);
	MUST(from.mask & IN_MOVED_FROM && from.cookie != 0);
	MUST(weir_inotify_next(in, &to) == 1);
	MUST(to.mask & IN_MOVED_TO && to.cookie == from.cookie);
	weir_inotify_free(in);
}

static void paired(struct weir_reactor *r)
{
	const struct weir_inotify_options options = {
		.size = sizeof(options), .pair_ns = 5 * WEIR_NS_PER_MSEC,
	};
	struct weir_inotify_event e;
	struct weir_inotify *in;
	int wd;

	MUST(weir_inotify_new(r, NULL, NULL, &options, &in) == 0);
	MUST(weir_inotify_add(in, ".", IN_MOVE, NULL, &wd) == 0);
	MUST(rename("b", "c") == 0);
	MUST(weir_inotify_next(in, &e) == 1);
	MUST(e.mask & IN_MOVED_FROM && e.mask & IN_MOVED_TO);
	MUST(strcmp(e.from_name, "b") == 0 && strcmp(e.name, "c") == 0);
	MUST(weir_inotify_next(in, &e) == 0);
	weir_inotify_free(in);
}

int main(void)
{
	struct weir_reactor *r;

	folder_begin();
	touch("a");
	MUST(weir_reactor_new(NULL, &r) == 0);
	plain(r);
	paired(r);
	weir_reactor_free(r);
	folder_end();
	return say_ok();
}
