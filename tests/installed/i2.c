/* SPDX-License-Identifier: MIT */
/*
 * I2: a call takes a bounded number of events, whatever there is
 */
#include <stdio.h>
#include <weir.h>

#include "folder.h"

enum { FILES = 1000 };

static int events, most, in_call;

static void on_event(struct weir_reactor *r, struct weir_inotify *in,
		     const struct weir_inotify_event *event, void *data)
{
	(void)in;
	(void)event;
	(void)data;
	if (++in_call > most)
		most = in_call;
	if (++events == FILES)
		MUST(weir_reactor_stop(r) == 0);
}

/* Others have their turn in between. */
static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r;
	(void)data;
	in_call = 0;
	MUST(weir_timer_start(t, 0) == 0);
}

int main(void)
{
	struct weir_inotify *in;
	struct weir_reactor *r;
	struct weir_timer *t;
	char name[16];
	int wd;

	folder_begin();
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_inotify_new(r, on_event, NULL, NULL, &in) == 0);
	MUST(weir_inotify_add(in, ".", IN_CREATE, NULL, &wd) == 0);
	MUST(weir_timer_new(r, on_timer, NULL, &t) == 0);
	MUST(weir_timer_start(t, 0) == 0);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		touch(name);
	}
	MUST(weir_reactor_run(r) == 0);
	MUST(events == FILES && most <= 128);
	weir_reactor_free(r);
	folder_end();
	return say_ok();
}
