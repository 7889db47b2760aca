/* SPDX-License-Identifier: MIT */
/*
 * I4: names stay in one buffer: no block of the heap for each
 */
#include <stdint.h>
#include <stdio.h>
#include <weir.h>

#include "folder.h"

enum { FILES = 200 };

int main(void)
{
	uintptr_t lowest = UINTPTR_MAX, highest = 0;
	struct weir_inotify_event e;
	struct weir_inotify *in;
	struct weir_reactor *r;
	char name[16];
	int wd;

	folder_begin();
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_inotify_new(r, NULL, NULL, NULL, &in) == 0);
	MUST(weir_inotify_add(in, ".", IN_CREATE, NULL, &wd) == 0);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		touch(name);
	}
	for (int i = 0; i < FILES; i++) {
		MUST(weir_inotify_next(in, &e) == 1);
		MUST(atoi(e.name) == i);
		if ((uintptr_t)e.name < lowest)
			lowest = (uintptr_t)e.name;
		if ((uintptr_t)e.name > highest)
			highest = (uintptr_t)e.name;
	}
	/* 32 bytes each, one behind the other. */
	MUST(highest - lowest == 32 * (FILES - 1));
	weir_reactor_free(r);
	folder_end();
	return say_ok();
}
