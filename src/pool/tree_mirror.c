/* SPDX-License-Identifier: MIT */
/*
 * pool/tree_mirror.c - the mirror of a tree: entries by folder and name
 *
 * One hash table for the whole tree, with the folder's address and the name as
 * the key: so a folder is renamed with all below it by moving one entry.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pool/tree.h"

/* FNV-1a, by Fowler, Noll and Vo. */
static uint32_t hash_of(const struct weir__folder *f, const char *name)
{
	const uintptr_t address = (uintptr_t)f;
	uint32_t hash = 2166136261u ^ (uint32_t)(address >> 5);

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

static struct weir__entry **slot_of(const struct weir__tree *t, uint32_t hash)
{
	return &t->slots[hash & (t->size - 1)];
}

struct weir__entry *weir__tree_find(struct weir__tree *t,
				    const struct weir__folder *f,
				    const char *name)
{
	const uint32_t hash = hash_of(f, name);
	struct weir__entry *e = t->size ? *slot_of(t, hash) : NULL;

	while (e && (e->hash != hash || e->parent != f ||
		     strcmp(e->name, name) != 0))
		e = e->next;
	return e;
}

static void hash_in(struct weir__tree *t, struct weir__entry *e)
{
	e->hash = hash_of(e->parent, e->name);
	e->next = *slot_of(t, e->hash);
	*slot_of(t, e->hash) = e;
	t->stats.entries++;
}

static void hash_out(struct weir__tree *t, struct weir__entry *e)
{
	struct weir__entry **at = slot_of(t, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	t->stats.entries--;
}

static int grow(struct weir__tree *t)
{
	const size_t old_size = t->size, size = old_size ? old_size * 2 : 64;
	struct weir__entry **old = t->slots, *e, *next;

	if (t->stats.entries < old_size)
		return 0;
	t->slots = calloc(size, sizeof(struct weir__entry *));
	if (!t->slots) {
		t->slots = old;
		return -ENOMEM;
	}
	t->size = size;
	for (size_t i = 0; i < old_size; i++) {
		for (e = old[i]; e; e = next) {
			next = e->next;
			e->next = *slot_of(t, e->hash);
			*slot_of(t, e->hash) = e;
		}
	}
	free(old);
	return 0;
}

struct weir__entry *weir__tree_entry(struct weir__tree *t,
				     struct weir__folder *f, const char *name)
{
	struct weir__entry *e = weir__tree_find(t, f, name);

	if (e)
		return e;
	e = grow(t) == 0 ? calloc(1, sizeof(*e)) : NULL;
	if (!e)
		return NULL;
	e->name = strdup(name);
	if (!e->name) {
		free(e);
		return NULL;
	}
	e->parent = f;
	weir__list_init(&e->link);
	weir__list_init(&e->dirty);
	weir__list_push(&f->entries, &e->link);
	hash_in(t, e);
	return e;
}

static void clean(struct weir__tree *t, struct weir__entry *e)
{
	if (!weir__list_is_linked(&e->dirty))
		return;
	weir__list_remove(&e->dirty);
	t->waiting--;
}

int weir__tree_move(struct weir__tree *t, struct weir__entry *e,
		    struct weir__folder *f, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return -ENOMEM;
	clean(t, e);
	hash_out(t, e);
	weir__list_remove(&e->link);
	free(e->name);
	e->name = copy;
	e->parent = f;
	weir__list_push(&f->entries, &e->link);
	hash_in(t, e);
	return 0;
}

void weir__tree_drop(struct weir__tree *t, struct weir__entry *e)
{
	if (e->folder)
		weir__tree_drop_folder(t, e->folder);
	weir__tree_unhold(t, e);
	clean(t, e);
	hash_out(t, e);
	weir__list_remove(&e->link);
	free(e->name);
	free(e);
}

struct weir__folder *weir__tree_folder(struct weir__tree *t)
{
	struct weir__folder *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->tree = t;
	f->user.fn = weir__tree_on_event;
	weir__list_init(&f->todo);
	weir__list_init(&f->entries);
	weir__list_init(&f->dirty);
	t->stats.folders++;
	return f;
}

/*
 * Without recursion, for a tree may be deep: always the first entry that has
 * no entries of its own, from the bottom up.
 */
void weir__tree_drop_folder(struct weir__tree *t, struct weir__folder *f)
{
	struct weir__folder *at = f;

	for (;;) {
		struct weir__list *node = weir__list_first(&at->entries);
		struct weir__entry *e =
			node ? WEIR__CONTAINER(node, struct weir__entry, link) :
			       NULL;

		if (e && e->folder) {
			at = e->folder;
			continue;
		}
		if (e) {
			weir__tree_drop(t, e);
			continue;
		}
		e = at->entry;
		weir__wd_remove(&t->watches->table, &at->user);
		weir__list_remove(&at->todo);
		t->stats.folders--;
		if (e)
			e->folder = NULL;
		if (at == f)
			break;
		free(at);
		at = e->parent;
	}
	free(f);
}

const char *weir__tree_path(const struct weir__tree *t,
			    const struct weir__folder *f, const char *name,
			    char buf[TREE_PATH])
{
	char *at = buf + TREE_PATH;
	size_t length;

	*--at = '\0';
	for (;;) {
		if (name) {
			length = strlen(name);
			if ((size_t)(at - buf) < length + 1)
				return NULL;
			at -= length;
			memcpy(at, name, length);
			*--at = '/';
		}
		if (!f->entry)
			break;
		name = f->entry->name;
		f = f->entry->parent;
	}
	length = strlen(t->text);
	if ((size_t)(at - buf) < length)
		return NULL;
	at -= length;
	memcpy(at, t->text, length);
	return at;
}

bool weir__tree_is_below(const struct weir__folder *f,
			 const struct weir__entry *e)
{
	for (; f->entry; f = f->entry->parent) {
		if (f->entry == e)
			return true;
	}
	return false;
}
