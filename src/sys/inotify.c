/* SPDX-License-Identifier: MIT */
/*
 * inotify.c - watches on inodes, and a strict reader of their events
 */
#include "sys/inotify.h"

#include <string.h>

#include "sys/fault.h"

#define ALIGNMENT _Alignof(struct inotify_event)

int weir__inotify_new(void)
{
	int r = weir__fault(WEIR__CALL_INOTIFY_NEW);

	if (r < 0)
		return r;
	return (int)weir__result(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

int weir__inotify_add(int fd, const char *path, uint32_t mask)
{
	int r = weir__fault(WEIR__CALL_INOTIFY_ADD);

	if (r < 0)
		return r;
	return (int)weir__result(inotify_add_watch(fd, path, mask));
}

int weir__inotify_remove(int fd, int wd)
{
	int r = weir__fault(WEIR__CALL_INOTIFY_REMOVE);

	if (r < 0)
		return r;
	return (int)weir__result(inotify_rm_watch(fd, wd));
}

/* The record at @at with @left bytes to go, or NULL if it is not one. */
static const struct inotify_event *record(const char *at, size_t left)
{
	const struct inotify_event *event = (const void *)at;

	if ((uintptr_t)at % ALIGNMENT || left < sizeof(*event))
		return NULL;
	if (event->len > left - sizeof(*event) || event->len % ALIGNMENT)
		return NULL;
	if (event->len && !memchr(at + sizeof(*event), '\0', event->len))
		return NULL;
	return event;
}

const struct inotify_event *weir__inotify_next(const void *buf, size_t len,
					       size_t *offset)
{
	const struct inotify_event *event;

	if (*offset == len)
		return NULL;
	event = *offset < len ?
		record((const char *)buf + *offset, len - *offset) : NULL;
	*offset = event ? *offset + sizeof(*event) + event->len : SIZE_MAX;
	return event;
}
