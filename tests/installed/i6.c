/* SPDX-License-Identifier: MIT */
/*
 * I6: lost events are said, and a watch that has ended is forgotten
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <weir.h>

#include "folder.h"

/* The kernel's queue has room for so many. */
static int queue_size(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
	int n;

	MUST(f && fscanf(f, "%d", &n) == 1);
	fclose(f);
	return n;
}

int main(void)
{
	const int fill = queue_size() / 2 + 10;
	struct weir_inotify_event e;
	struct weir_inotify *in;
	struct weir_reactor *r;
	int wd, r_next, lost = 0, ignored = 0;

	folder_begin();
	MUST(mkdir("sub", 0700) == 0);
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_inotify_new(r, NULL, NULL, NULL, &in) == 0);
	MUST(weir_inotify_add(in, "sub", IN_CREATE | IN_DELETE, NULL, &wd) ==
	     0);
	for (int i = 0; i < fill; i++) {
		MUST(mkdir("sub/x", 0700) == 0);
		MUST(rmdir("sub/x") == 0);
	}
	while ((r_next = weir_inotify_next(in, &e)) == 1)
		lost += e.wd == -1 && (e.mask & IN_Q_OVERFLOW);
	MUST(r_next == 0);
	MUST(lost == 1 && weir_inotify_overflows(in) == 1);
	MUST(rmdir("sub") == 0);
	while (weir_inotify_next(in, &e) == 1)
		ignored += e.wd == wd && (e.mask & IN_IGNORED);
	MUST(ignored == 1);
	MUST(weir_inotify_count(in) == 0);
	MUST(!weir_inotify_path(in, wd));
	MUST(weir_inotify_remove(in, wd) == -EINVAL);
	weir_reactor_free(r);
	folder_end();
	return say_ok();
}
