/* SPDX-License-Identifier: MIT */
/*
 * pool/signal.c - signals, as calls on the control thread
 *
 * Each pool reads a signalfd of its own. A signal sent to the process is read
 * by one of them only, so whoever reads one passes it on to every other pool
 * that serves it: the registry below is the list of these, and the only thing
 * that pools share.
 *
 * Who wants a signal blocked is counted in sys/sigmask.c.
 */
#include <weir/signal.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/source.h"
#include "pool/pool.h"
#include "sys/fork.h"
#include "sys/io.h"
#include "sys/sigmask.h"
#include "sys/signals.h"

/* 2 KiB of stack, and more than one read is rarely needed. */
enum { READ_AT_ONCE = 16, READS_A_CALL = 4 };

struct handler {
	bool is_set;
	weir_signal_fn *fn;
	void *data;
};

struct weir__signals {
	struct weir_pool *pool;
	int fd;
	weir_token source;		/* of fd */
	sigset_t set;			/* those served, and blocked */
	pthread_t blocker[WEIR__SIGNALS]; /* on which thread */
	struct handler handlers[WEIR__SIGNALS];
	struct weir__list link;		/* in the registry, under its lock */
};

static struct {
	uint32_t fork_generation;
	struct weir__list pools;
} registry;				/* under weir__fork_lock() */

/* A forked child begins with nothing: the parent's pools are not its own. */
static void registry_lock(void)
{
	const uint32_t generation = weir__fork_generation();

	weir__fork_lock();
	if (registry.fork_generation == generation)
		return;
	registry.fork_generation = generation;
	weir__list_init(&registry.pools);
}

static void registry_unlock(void)
{
	weir__fork_unlock();
}

/* Block @signo here. */
static int serve(struct weir__signals *s, int signo)
{
	sigset_t one;
	int err;

	sigemptyset(&one);
	sigaddset(&one, signo);
	err = weir__sigmask_hold(&one);
	if (err < 0)
		return err;
	sigaddset(&s->set, signo);
	s->blocker[signo] = pthread_self();
	return 0;
}

static void unserve_all(struct weir__signals *s)
{
	sigset_t one;

	for (int signo = 1; signo < WEIR__SIGNALS; signo++) {
		if (sigismember(&s->set, signo) != 1)
			continue;
		sigemptyset(&one);
		sigaddset(&one, signo);
		weir__sigmask_release(s->blocker[signo], &one);
	}
}

void weir__signals_before(sigset_t *ret_mask)
{
	weir__signals_get(ret_mask);
	weir__sigmask_before(ret_mask);
}

int weir__signals_open(struct weir_pool *pool)
{
	static const int by_default[] = {
		SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD,
	};
	struct weir__signals *s = calloc(1, sizeof(*s));
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->pool = pool;
	s->fd = -EBADF;
	sigemptyset(&s->set);
	weir__list_init(&s->link);
	pool->signals = s;
	for (size_t i = 0; err == 0 &&
	     i < sizeof(by_default) / sizeof(by_default[0]); i++)
		err = serve(s, by_default[i]);
	if (err < 0)
		return err;
	s->fd = weir__signalfd_new(&s->set);
	return s->fd < 0 ? s->fd : 0;
}

void weir__signals_close(struct weir_pool *pool)
{
	struct weir__signals *s = pool->signals;

	if (!s)
		return;
	registry_lock();
	weir__list_remove(&s->link);
	registry_unlock();
	unserve_all(s);
	if (s->fd >= 0)
		weir__close(s->fd);
	free(s);
	pool->signals = NULL;
}

int weir__signals_verify(struct weir_pool *pool)
{
	char name[16];
	int signo, r;
	pid_t tid;

	if (!pool->signals)
		return 0;
	r = weir__signals_unblocked_thread(&pool->signals->set, &tid, &signo,
					   name);
	if (r == 0)
		return 0;
	if (r < 0)
		snprintf(pool->error, sizeof(pool->error),
			 "cannot read the signal masks of /proc/self/task: %s",
			 strerror(-r));
	else
		snprintf(pool->error, sizeof(pool->error),
			 "thread %d (%s) does not block SIG%s: make the pool "
			 "before other threads", (int)tid, name,
			 sigabbrev_np(signo) ? sigabbrev_np(signo) : "RT");
	return r < 0 ? r : -EPERM;
}

static void by_default(struct weir_pool *pool, int signo)
{
	switch (signo) {
	case SIGTERM:
	case SIGINT:
		weir__pool_log(pool, WEIR_LOG_INFO, "SIG%s: draining",
			       sigabbrev_np(signo));
		weir__drain_begin(pool, pool->options.drain_ns);
		break;
	case SIGHUP:
		weir__watches_reload(pool);
		break;
	case SIGUSR1:
		weir__stats_dump(pool);
		break;
	default:
		break;
	}
}

/* On the control thread of the pool that is to hear of it. */
static void dispatch(struct weir_pool *pool,
		     const struct signalfd_siginfo *info)
{
	const int signo = (int)info->ssi_signo;
	const struct handler *h = &pool->signals->handlers[signo];

	/* Whatever else it means: someone may be waiting to be reaped. */
	if (signo == SIGCHLD) {
		weir__children_reap(pool);
		weir__spawns_look(pool);
	}
	if (h->is_set && h->fn)
		h->fn(weir__pool_reactor(pool, WEIR_CONTROL), info, h->data);
	if (!weir__subscribers_tell(pool, info) && !h->is_set)
		by_default(pool, signo);
}

static void passed_run(struct weir_reactor *control,
		       const struct weir_msg *msg, void *data)
{
	struct weir__signals *s = weir_reactor_pool(control)->signals;
	const struct signalfd_siginfo *info = msg->arg;

	(void)data;
	if (sigismember(&s->set, (int)info->ssi_signo))
		dispatch(s->pool, info);
	free(msg->arg);
}

static void passed_back(struct weir_reactor *control,
			const struct weir_msg *msg, int why)
{
	(void)control;
	(void)why;
	free(msg->arg);
}

static const struct weir_call passed_call = {
	.run = passed_run,
	.undeliverable = passed_back,
};

/* With the registry's lock.  Return: 0 or -errno. */
static int pass_to(struct weir__signals *s, const struct signalfd_siginfo *info)
{
	struct signalfd_siginfo *copy = malloc(sizeof(*copy));
	int err;

	if (!copy)
		return -ENOMEM;
	*copy = *info;
	err = weir__post_reserved(s->pool, WEIR_CONTROL, &passed_call, copy, 0);
	if (err < 0)
		free(copy);
	return err;
}

static void pass_on(const struct weir__signals *reader,
		    const struct signalfd_siginfo *info)
{
	struct weir__list *node;
	unsigned lost = 0;

	registry_lock();
	for (node = registry.pools.next; node != &registry.pools;
	     node = node->next) {
		struct weir__signals *s = WEIR__CONTAINER(node,
					struct weir__signals, link);

		lost += s != reader && pass_to(s, info) < 0;
	}
	registry_unlock();
	if (lost > 0)
		weir__pool_log(reader->pool, WEIR_LOG_WARNING,
			       "no room to pass signal %u on to %u other pools",
			       info->ssi_signo, lost);
}

static void leave_registry(struct weir__signals *s)
{
	registry_lock();
	weir__list_remove(&s->link);
	registry_unlock();
}

static enum weir_verdict on_readable(struct weir_reactor *control,
				     const struct weir_event *event, void *data)
{
	struct signalfd_siginfo infos[READ_AT_ONCE];
	struct weir__signals *s = data;

	(void)control;
	if (event->facts & WEIR_STOPPING) {
		leave_registry(s);
		return WEIR_DONE;
	}
	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	for (int reads = 0; reads < READS_A_CALL; reads++) {
		int n;

		/* weir__signals_go_on() makes it ready again. */
		if (weir__subscribers_are_full(s->pool))
			return WEIR_DONE;
		n = weir__signalfd_read(s->fd, infos, READ_AT_ONCE);

		if (n < 0)
			return WEIR_DONE;
		for (int i = 0; i < n; i++) {
			pass_on(s, &infos[i]);
			dispatch(s->pool, &infos[i]);
		}
	}
	return WEIR_MORE;
}

void weir__signals_go_on(struct weir_pool *pool)
{
	weir_source_again(weir__pool_reactor(pool, WEIR_CONTROL),
			  pool->signals->source, WEIR_READABLE);
}

int weir__signals_start(struct weir_pool *pool)
{
	struct weir_reactor *control = weir__pool_reactor(pool, WEIR_CONTROL);
	struct weir__signals *s = pool->signals;
	weir_token token;
	int err;

	if (!s)
		return 0;
	err = weir_source_add(control, s->fd, WEIR_READABLE, on_readable, s,
			      &token);
	if (err < 0)
		return err;
	registry_lock();
	weir__list_push(&registry.pools, &s->link);
	registry_unlock();
	s->source = token;
	return weir__source_hide(control, token);
}

/* Serve a signal that the pool has not served so far. */
static int serve_new(struct weir_pool *pool, int signo)
{
	struct weir__signals *s = pool->signals;
	sigset_t one, all = s->set;
	char name[16];
	pid_t tid;
	int err, unblocked;

	if (weir__life_get(&pool->life) != WEIR_POOL_NEW) {
		/* Threads run: it must have been blocked all along. */
		sigemptyset(&one);
		sigaddset(&one, signo);
		if (weir__signals_unblocked_thread(&one, &tid, &unblocked,
						   name) != 0)
			return -EPERM;
	}
	sigaddset(&all, signo);
	err = weir__signalfd_set(s->fd, &all);
	if (err < 0)
		return err;
	err = serve(s, signo);
	if (err < 0)
		weir__signalfd_set(s->fd, &s->set);
	return err;
}

int weir__signals_serve(struct weir_pool *pool, int signo)
{
	if (!weir__signal_is_servable(signo))
		return -EINVAL;
	if (!pool->signals)
		return -EPERM;
	if (sigismember(&pool->signals->set, signo))
		return 0;
	return serve_new(pool, signo);
}

int weir_signal_add(struct weir_pool *pool, int signo, weir_signal_fn *fn,
		    void *data)
{
	struct weir__signals *s = pool->signals;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	err = weir__signals_serve(pool, signo);
	if (err < 0)
		return err;
	s->handlers[signo] = (struct handler){ true, fn, data };
	return 0;
}

int weir_signal_remove(struct weir_pool *pool, int signo)
{
	struct weir__signals *s = pool->signals;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	if (!s || !weir__signal_is_servable(signo) ||
	    !s->handlers[signo].is_set)
		return -ENOENT;
	s->handlers[signo] = (struct handler){ .is_set = false };
	return 0;
}
