/* SPDX-License-Identifier: MIT */
/*
 * pool/watch_table.c - who is interested in which watch descriptor
 *
 * The kernel has one watch for each folder, whatever path it was added by, and
 * one queue for all. Here its number leads to those who want its events.
 *
 * W1  A number stands for one folder from its add until its IN_IGNORED is
 *     read, not until its removal: older events of it may still be in the
 *     queue, and after 2^31 adds the kernel gives the number away again while
 *     they are. So the table counts the IN_IGNORED that are still to come for
 *     a number, and until the last of them an event is of an older folder:
 *     it is dropped.
 * W2  During a dispatch any user may be removed, and added, by the one called.
 */
#include "pool/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "sys/inotify.h"

struct weir__wd {
	struct weir__wd *next;	/* in the same slot */
	int number;
	unsigned ignored_due;	/* W1 */
	size_t user_count;	/* of users, and of those being called */
	struct weir__list users;
};

static struct weir__wd **slot_of(const struct weir__wd_table *table, int number)
{
	return &table->slots[(size_t)number & (table->size - 1)];
}

static struct weir__wd *find(const struct weir__wd_table *table, int number)
{
	struct weir__wd *wd = table->size ? *slot_of(table, number) : NULL;

	while (wd && wd->number != number)
		wd = wd->next;
	return wd;
}

/* Numbers are given in sequence, so that they are their own best hash. */
static int grow(struct weir__wd_table *table)
{
	const size_t size = table->size ? table->size * 2 : 16;
	struct weir__wd_table bigger = *table;

	if (table->count < table->size)
		return 0;
	bigger.slots = calloc(size, sizeof(struct weir__wd *));
	if (!bigger.slots)
		return -ENOMEM;
	bigger.size = size;
	for (size_t i = 0; i < table->size; i++) {
		struct weir__wd *wd, *next;

		for (wd = table->slots[i]; wd; wd = next) {
			struct weir__wd **slot = slot_of(&bigger, wd->number);

			next = wd->next;
			wd->next = *slot;
			*slot = wd;
		}
	}
	free(table->slots);
	*table = bigger;
	return 0;
}

static struct weir__wd *insert(struct weir__wd_table *table, int number)
{
	struct weir__wd *wd;

	if (grow(table) < 0)
		return NULL;
	wd = calloc(1, sizeof(*wd));
	if (!wd)
		return NULL;
	wd->number = number;
	weir__list_init(&wd->users);
	wd->next = *slot_of(table, number);
	*slot_of(table, number) = wd;
	table->count++;
	return wd;
}

static void drop(struct weir__wd_table *table, struct weir__wd *wd)
{
	struct weir__wd **at = slot_of(table, wd->number);

	while (*at != wd)
		at = &(*at)->next;
	*at = wd->next;
	table->count--;
	free(wd);
}

int weir__wd_add(struct weir__wd_table *table, const char *path, uint32_t mask,
		 struct weir__wd_user *user)
{
	const int number = weir__inotify_add(table->fd, path,
					     mask | IN_ONLYDIR | IN_MASK_ADD);
	struct weir__wd *wd;

	if (number < 0)
		return number;
	wd = find(table, number);
	if (!wd)
		wd = insert(table, number);
	if (!wd) {
		weir__inotify_remove(table->fd, number);
		return -ENOMEM;
	}
	wd->user_count++;
	weir__list_init(&user->link);
	weir__list_push(&wd->users, &user->link);
	user->wd = wd;
	return 0;
}

static void detach(struct weir__wd_user *user)
{
	weir__list_remove(&user->link);
	user->wd->user_count--;
	user->wd = NULL;
}

void weir__wd_remove(struct weir__wd_table *table, struct weir__wd_user *user)
{
	struct weir__wd *wd = user->wd;

	if (!wd)
		return;
	detach(user);
	/* If it fails the folder has just gone: IN_IGNORED is in the queue. */
	if (wd->user_count == 0) {
		weir__inotify_remove(table->fd, wd->number);
		wd->ignored_due++;
	}
}

struct weir__wd_user *weir__wd_next(const struct weir__wd_user *user,
				    const struct weir__wd_user *last)
{
	const struct weir__list *at = last ? &last->link : &user->wd->users;

	if (at->next == &user->wd->users)
		return NULL;
	return WEIR__CONTAINER(at->next, struct weir__wd_user, link);
}

void weir__wd_dispatch(struct weir__wd_table *table,
		       const struct inotify_event *ev)
{
	const bool is_last = ev->mask & IN_IGNORED;
	struct weir__wd *wd = find(table, ev->wd);
	struct weir__list *node, users;

	if (!wd)
		return;
	if (wd->ignored_due > 0) {
		if (is_last && --wd->ignored_due == 0 && wd->user_count == 0)
			drop(table, wd);
		return;
	}
	weir__list_init(&users);
	weir__list_splice(&users, &wd->users);
	if (is_last)
		wd->user_count++;	/* ours: it stays to the end */
	while ((node = weir__list_take(&users)) != NULL) {
		struct weir__wd_user *user =
			WEIR__CONTAINER(node, struct weir__wd_user, link);

		weir__list_push(&wd->users, node);
		if (is_last)
			detach(user);
		user->fn(user, ev);
	}
	if (is_last && --wd->user_count == 0)
		drop(table, wd);
}

void weir__wd_forget_ignored(struct weir__wd_table *table)
{
	for (size_t i = 0; i < table->size; i++) {
		struct weir__wd *wd, *next;

		for (wd = table->slots[i]; wd; wd = next) {
			next = wd->next;
			wd->ignored_due = 0;
			if (wd->user_count == 0)
				drop(table, wd);
		}
	}
}

void weir__wd_done(struct weir__wd_table *table)
{
	weir__wd_forget_ignored(table);
	free(table->slots);
	table->slots = NULL;
	table->size = 0;
}
