/* SPDX-License-Identifier: MIT */
/*
 * loop/after_fork.c - a forked child takes a reactor over, or leaves it
 *
 * The epoll set is one object that parent and child share: what the child
 * removes there by number is removed from the parent's.  So nothing is removed;
 * the child closes its descriptor of the set and makes one of its own.  The
 * doorbell's eventfd is shared in the same way, and the inbox may have a cell
 * that a thread, which the child does not have, was about to write.
 */
#include <errno.h>

#include "loop/rebuild.h"
#include "loop/reactor.h"
#include "sys/fork.h"
#include "sys/io.h"

/* Return: 0 or -errno. */
static int check(const struct weir_reactor *r)
{
	if (r->hooks || !weir__fork_happened(r->fork_generation))
		return -EINVAL;
	return r->is_turning ? -EBUSY : 0;
}

/* The parent runs them: here they go back, and their memory with them. */
static void return_messages(struct weir_reactor *r)
{
	struct weir_msg msg;

	while (weir__inbox_take(r->inbox, &msg))
		weir__undeliver(r, &msg, -ECHILD);
}

void weir__attached_keep(struct weir__attached *attached)
{
	(void)attached;
}

static void orphan_all(struct weir_reactor *r)
{
	struct weir__list *node, *next;

	for (node = r->attached.next; node != &r->attached; node = next) {
		struct weir__attached *a = WEIR__CONTAINER(node,
					struct weir__attached, link);

		next = node->next;
		a->orphan(a);
	}
}

static void belong_here(struct weir_reactor *r)
{
	r->fork_generation = weir__fork_generation();
	r->thread = pthread_self();
}

int weir_reactor_after_fork(struct weir_reactor *r)
{
	const uint32_t parents = r->fork_generation;
	struct weir__doorbell before;
	struct weir__inbox *inbox;
	int err = check(r);

	if (err < 0)
		return err;
	/* Not of a pool's reactor, whose bell others ring. */
	before = r->bell;
	inbox = weir__inbox_new(r->inbox_messages);
	if (!inbox)
		return -ENOMEM;
	belong_here(r);
	err = weir__doorbell_init(&r->bell);
	if (err == 0) {
		err = weir__reactor_rebuild(r);
		if (err < 0)
			weir__doorbell_done(&r->bell);
	}
	if (err < 0) {
		r->bell = before;
		r->fork_generation = parents;
		weir__inbox_free(inbox);
		return err;
	}
	weir__close(before.fd);
	weir__flag_init(&r->stop);
	orphan_all(r);
	return_messages(r);
	weir__inbox_free(r->inbox);
	r->inbox = inbox;
	return 0;
}

int weir_reactor_abandon(struct weir_reactor *r)
{
	int err;

	if (!r)
		return 0;
	err = check(r);
	if (err < 0)
		return err;
	belong_here(r);
	weir__close(r->epfd);
	r->epfd = -EBADF;	/* nothing is removed from it any more */
	r->is_closing = true;
	r->is_turning = true;
	return_messages(r);
	weir__reactor_free(r);
	return 0;
}
