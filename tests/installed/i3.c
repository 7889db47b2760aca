/* SPDX-License-Identifier: MIT */
/*
 * I3: what comes before what cannot be decoded is not lost
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <weir.h>

#include "say.h"

static _Alignas(8) char buf[256];

static size_t put(size_t at, int wd, uint32_t len, const char *name)
{
	struct inotify_event e = { .wd = wd, .mask = IN_CREATE, .len = len };

	memcpy(buf + at, &e, sizeof(e));
	memcpy(buf + at + sizeof(e), name, strlen(name) + 1);
	return at + sizeof(e) + len;
}

int main(void)
{
	struct weir_inotify_event e;
	size_t offset = 0, before, len = put(0, 1, 16, "first");

	len = put(len, 2, 16, "second");
	before = len;
	put(len, 3, 4000, "beyond the end");
	len += 40;
	MUST(weir_inotify_decode(buf, len, &offset, &e) == 1);
	MUST(e.wd == 1 && strcmp(e.name, "first") == 0);
	MUST(weir_inotify_decode(buf, len, &offset, &e) == 1);
	MUST(e.wd == 2 && e.name_len == 6);
	MUST(weir_inotify_decode(buf, len, &offset, &e) == -EINVAL);
	MUST(offset == before);
	/* Cut off within its head. */
	MUST(weir_inotify_decode(buf, before + 3, &offset, &e) == -EINVAL);
	MUST(weir_inotify_decode(buf, before, &offset, &e) == 0);
	return say_ok();
}
