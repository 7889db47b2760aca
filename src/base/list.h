/* SPDX-License-Identifier: MIT */
/*
 * base/list.h - intrusive, doubly linked, circular list
 *
 * The same struct is a head and a node.  A head belongs to nobody's object; a
 * node is embedded in the object it links, and WEIR__CONTAINER() leads back.
 *
 * L1  Every head and every node is initialised before its first use, and is
 *     then always in a ring, if only in one of its own.  Hence no function
 *     here tests for NULL, and removing never needs to know the head.
 * L2  A node that has left a list is in a ring of its own again.  Hence
 *     removing twice is harmless, and "is it linked" is one comparison.
 *
 * A list owns nothing.  All functions are O(1) and touch only the node, its
 * two neighbours and the head.
 */
#ifndef WEIR_BASE_LIST_H
#define WEIR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct weir__list {
	struct weir__list *next, *prev;
};

/*
 * The object of type @type whose @member @ptr points to.  A macro, because no
 * function can take a type; @ptr is evaluated once.
 */
#define WEIR__CONTAINER(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* For heads and nodes alike. */
static inline void weir__list_init(struct weir__list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool weir__list_is_empty(const struct weir__list *head)
{
	return head->next == head;
}

static inline bool weir__list_is_linked(const struct weir__list *node)
{
	return node->next != node;
}

/* Add @node, which is not linked, at the tail of @head. */
static inline void weir__list_push(struct weir__list *head,
				   struct weir__list *node)
{
	struct weir__list *tail = head->prev;

	node->next = head;
	node->prev = tail;
	tail->next = node;
	head->prev = node;
}

/* Remove @node from the list it is in, if it is in one. */
static inline void weir__list_remove(struct weir__list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	weir__list_init(node);
}

/* The node at the front, still linked, or NULL. */
static inline struct weir__list *weir__list_first(const struct weir__list *head)
{
	return weir__list_is_empty(head) ? NULL : head->next;
}

/* Remove the node at the front and return it, or NULL. */
static inline struct weir__list *weir__list_take(struct weir__list *head)
{
	struct weir__list *node = weir__list_first(head);

	if (node)
		weir__list_remove(node);
	return node;
}

/*
 * Move all of @from to the tail of @head, in order; @from is left empty.
 *
 * This is how to walk a list whose nodes may add to it again: splice it onto
 * a head of your own, then take from that until it is empty.
 */
static inline void weir__list_splice(struct weir__list *head,
				     struct weir__list *from)
{
	struct weir__list *first = from->next, *last = from->prev;

	if (weir__list_is_empty(from))
		return;
	first->prev = head->prev;
	head->prev->next = first;
	last->next = head;
	head->prev = last;
	weir__list_init(from);
}

#endif /* WEIR_BASE_LIST_H */
