/* SPDX-License-Identifier: MIT */
/*
 * pool/child.c - child processes, on the control thread
 *
 * A pidfd becomes readable when its process ends, and names that process even
 * if its number has been given to another one since. Where there are none,
 * SIGCHLD makes us look at each child by number; that is safe as long as
 * nobody else reaps them, for a number is not reused before its zombie is.
 * Nobody's child but those added is ever waited for.
 */
#include <weir/child.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "sys/child.h"
#include "sys/io.h"

struct child {
	struct weir__list link;
	pid_t pid;
	int pidfd;		/* -1: the kernel has none */
	weir_child_fn *fn;
	void *data;
	weir_token token;	/* what the user has */
	weir_token source;	/* of the pidfd, once the control thread runs */
};

struct weir__children {
	struct weir__list list;
	bool is_started;
};

static struct weir_reactor *control_of(struct weir_pool *pool)
{
	return weir__pool_reactor(pool, WEIR_CONTROL);
}

/* Forget @child; its process stays as it is. */
static void drop(struct weir_pool *pool, struct child *child)
{
	struct weir_reactor *control = control_of(pool);

	weir__list_remove(&child->link);
	weir_source_remove(control, child->token);
	weir_source_remove(control, child->source);
	if (child->pidfd >= 0)
		weir__close(child->pidfd);
	free(child);
}

/* Reap @child if it has ended, and tell. */
static void look(struct weir_pool *pool, struct child *child)
{
	const struct child c = *child;
	struct weir_child_status status;
	siginfo_t info;
	int r;

	r = c.pidfd >= 0 ? weir__wait_pidfd(c.pidfd, &info)
			 : weir__wait_pid(c.pid, &info);
	if (r == 0)
		return;
	drop(pool, child);
	if (r < 0) {
		weir__pool_log(pool, WEIR_LOG_WARNING,
			       "child %d was reaped by somebody else",
			       (int)c.pid);
		return;
	}
	status = (struct weir_child_status){ info.si_pid, info.si_code,
					     info.si_status };
	c.fn(control_of(pool), &status, c.data);
}

/* Of the pidfd, or of the token: see look_soon(). */
static enum weir_verdict on_end(struct weir_reactor *control,
				const struct weir_event *event, void *data)
{
	if (event->facts & (WEIR_READABLE | WEIR_HANGUP))
		look(weir_reactor_pool(control), data);
	return WEIR_DONE;
}

/* The pidfd into the epoll set of the control thread, which must be ours. */
static int listen_to(struct weir_pool *pool, struct child *child)
{
	struct weir_reactor *control = control_of(pool);
	int err;

	if (child->pidfd < 0)
		return 0;
	err = weir_source_add_flags(control, child->pidfd, EPOLLIN | EPOLLET,
				    on_end, child, &child->source);
	return err < 0 ? err : weir__source_hide(control, child->source);
}

void weir__children_reap(struct weir_pool *pool)
{
	struct weir__list *list, *node;
	size_t n = 0;

	if (!pool->children)
		return;
	list = &pool->children->list;
	for (node = list->next; node != list; node = node->next)
		n++;
	/*
	 * Each goes to the end before it is looked at. So those that were here
	 * have their turn, whatever their functions add or remove: all of them
	 * stay in the list, where they are found.
	 */
	while (n-- > 0 && (node = weir__list_take(list)) != NULL) {
		weir__list_push(list, node);
		look(pool, WEIR__CONTAINER(node, struct child, link));
	}
}

int weir__children_start(struct weir_pool *pool)
{
	struct weir__list *node;
	int err = 0;

	if (!pool->children)
		return 0;
	pool->children->is_started = true;
	for (node = pool->children->list.next;
	     err == 0 && node != &pool->children->list; node = node->next)
		err = listen_to(pool, WEIR__CONTAINER(node, struct child,
						      link));
	/* Where there are no pidfds, one may have ended before SIGCHLD. */
	if (err == 0)
		weir__children_reap(pool);
	return err;
}

void weir__children_close(struct weir_pool *pool)
{
	struct weir__list *node;

	if (!pool->children)
		return;
	while ((node = weir__list_first(&pool->children->list)) != NULL)
		drop(pool, WEIR__CONTAINER(node, struct child, link));
	free(pool->children);
	pool->children = NULL;
}

static struct child *find(struct weir_pool *pool, pid_t pid, weir_token token)
{
	struct weir__list *node;

	if (!pool->children)
		return NULL;
	for (node = pool->children->list.next;
	     node != &pool->children->list; node = node->next) {
		struct child *child = WEIR__CONTAINER(node, struct child, link);

		if (child->pid == pid || weir_token_equal(child->token, token))
			return child;
	}
	return NULL;
}

/* Return: 0, or why there is no way to hear of its end. */
static int open_pidfd(const struct weir_pool *pool, struct child *child)
{
	child->pidfd = weir__pidfd_open(child->pid);
	if (child->pidfd >= 0)
		return 0;
	/* The kernel has none, or a seccomp filter does not know them. */
	if (child->pidfd != -ENOSYS && child->pidfd != -EPERM)
		return child->pidfd;
	return pool->signals ? 0 : -ENOSYS;
}

/* SIGCHLD may have come before it was added: look in the next turn. */
static void look_soon(struct weir_pool *pool, struct child *child)
{
	if (child->pidfd < 0)
		weir_source_again(control_of(pool), child->token, WEIR_HANGUP);
}

static int make(struct weir_pool *pool, pid_t pid, struct child **ret_child)
{
	struct child *child = calloc(1, sizeof(*child));
	int err;

	if (!child)
		return -ENOMEM;
	child->pid = pid;
	weir__list_init(&child->link);
	err = open_pidfd(pool, child);
	if (err == 0)
		err = weir_source_open(control_of(pool), on_end, child,
				       &child->token);
	if (err == 0 && pool->children->is_started)
		err = listen_to(pool, child);
	if (err < 0) {
		drop(pool, child);
		return err;
	}
	*ret_child = child;
	return 0;
}

int weir_child_add(struct weir_pool *pool, pid_t pid, weir_child_fn *fn,
		   void *data, weir_token *ret_token)
{
	struct child *child;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (pid < 1 || !fn)
		return -EINVAL;
	if (find(pool, pid, weir_token_none()))
		return -EEXIST;
	err = weir__child_check(pid);
	if (err < 0)
		return err;
	if (!pool->children) {
		pool->children = calloc(1, sizeof(*pool->children));
		if (!pool->children)
			return -ENOMEM;
		weir__list_init(&pool->children->list);
		pool->children->is_started =
			weir__life_get(&pool->life) != WEIR_POOL_NEW;
	}
	err = make(pool, pid, &child);
	if (err < 0)
		return err;
	child->fn = fn;
	child->data = data;
	weir__list_push(&pool->children->list, &child->link);
	if (pool->children->is_started)
		look_soon(pool, child);
	*ret_token = child->token;
	return 0;
}

int weir_child_remove(struct weir_pool *pool, weir_token token)
{
	struct child *child;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	child = weir_token_is_none(token) ? NULL : find(pool, -1, token);
	if (!child)
		return -ESTALE;
	drop(pool, child);
	return 0;
}
