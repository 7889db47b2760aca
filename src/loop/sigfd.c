/* SPDX-License-Identifier: MIT */
/*
 * loop/sigfd.c - signals as events
 */
#include <weir/sigfd.h>

#include <errno.h>
#include <stdlib.h>
#include <weir/source.h>

#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/io.h"
#include "sys/sigmask.h"
#include "sys/signals.h"

enum {
	READ_AT_ONCE = 16,	/* 2 KiB of stack */
	READS_A_CALL = 4,
	READ_MAX = 1000,
};

struct weir_sigfd {
	struct weir__attached attached;
	struct weir_reactor *reactor;
	weir_sigfd_fn *fn;
	void *data;
	weir_token token;
	int fd;
	sigset_t set;
	bool is_holding;
	bool is_orphan;		/* of a parent's; see after_fork.c */
	pthread_t thread;	/* that holds */
	bool *is_closed;	/* the handler's, while it runs */
};

static bool is_servable(const sigset_t *set)
{
	bool any = false;

	for (int signo = 1; signo < WEIR__SIGNALS; signo++) {
		if (sigismember(set, signo) != 1)
			continue;
		if (!weir__signal_is_servable(signo))
			return false;
		any = true;
	}
	return any;
}

int weir_sigfd_read(struct weir_sigfd *s, struct signalfd_siginfo *infos,
		    size_t n)
{
	int r = weir__reactor_check(s->reactor);

	if (r < 0)
		return r;
	if (s->fn || n == 0 || n > READ_MAX)
		return -EINVAL;
	if (s->is_orphan)
		return -ECHILD;
	r = weir__signalfd_read(s->fd, infos, n);
	return r == -EAGAIN ? 0 : r;
}

weir_token weir_sigfd_token(const struct weir_sigfd *s)
{
	return s->token;
}

int weir_sigfd_find_open_thread(const sigset_t *set, pid_t *ret_tid,
				int *ret_signo, char name[16])
{
	return weir__signals_unblocked_thread(set, ret_tid, ret_signo, name);
}

/* Return: whether there may be more. */
static bool pass_on(struct weir_reactor *r, struct weir_sigfd *s,
		    const bool *is_closed)
{
	struct signalfd_siginfo infos[READ_AT_ONCE];

	for (int reads = 0; reads < READS_A_CALL; reads++) {
		const int n = weir__signalfd_read(s->fd, infos, READ_AT_ONCE);

		if (n < 0)
			return false;
		s->fn(r, s, infos, (unsigned)n, s->data);
		if (*is_closed)
			return false;
	}
	return true;
}

static enum weir_verdict on_readable(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	struct weir_sigfd *s = data;
	bool is_closed = false;
	bool has_more;

	if (!(event->facts & WEIR_READABLE))
		return WEIR_DONE;
	s->is_closed = &is_closed;
	has_more = pass_on(r, s, &is_closed);
	if (!is_closed)
		s->is_closed = NULL;
	return has_more ? WEIR_MORE : WEIR_DONE;
}

/* Return: 0 or -EPERM. */
static int end(struct weir_sigfd *s)
{
	int err = 0;

	if (s->is_closed)
		*s->is_closed = true;
	weir__list_remove(&s->attached.link);
	if (!weir_token_is_none(s->token))
		weir_source_remove(s->reactor, s->token);
	if (s->fd >= 0)
		weir__close(s->fd);
	if (s->is_holding)
		err = weir__sigmask_release(s->thread, &s->set);
	free(s);
	return err;
}

/* The mask that was inherited stays as it is; its counts were the parent's. */
static void orphan(struct weir__attached *attached)
{
	struct weir_sigfd *s =
		WEIR__CONTAINER(attached, struct weir_sigfd, attached);

	if (!weir_token_is_none(s->token))
		weir_source_remove(s->reactor, s->token);
	s->token = weir_token_none();
	s->is_holding = false;
	s->is_orphan = true;
}

static void end_with_reactor(struct weir__attached *attached)
{
	end(WEIR__CONTAINER(attached, struct weir_sigfd, attached));
}

/* What can fail; end() undoes any part of it. */
static int acquire(struct weir_reactor *r, struct weir_sigfd *s, unsigned flags)
{
	char name[16];
	int err, signo;
	pid_t tid;

	err = weir__sigmask_hold(&s->set);
	if (err < 0)
		return err;
	s->is_holding = true;
	s->thread = pthread_self();
	if (flags & WEIR_SIGFD_EVERY_THREAD) {
		err = weir__signals_unblocked_thread(&s->set, &tid, &signo,
						     name);
		if (err != 0)
			return err < 0 ? err : -EPERM;
	}
	s->fd = weir__signalfd_new(&s->set);
	if (s->fd < 0)
		return s->fd;
	err = weir_source_add(r, s->fd, WEIR_READABLE,
			      s->fn ? on_readable : NULL,
			      s->fn ? s : s->data, &s->token);
	return err < 0 ? err : weir__source_hide(r, s->token);
}

int weir_sigfd_open(struct weir_reactor *r, const sigset_t *set, unsigned flags,
		    weir_sigfd_fn *fn, void *data,
		    struct weir_sigfd **ret_sigfd)
{
	struct weir_sigfd *s;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!set || !is_servable(set) || (flags & ~WEIR_SIGFD_EVERY_THREAD))
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->attached.free = end_with_reactor;
	s->attached.orphan = orphan;
	s->reactor = r;
	s->fn = fn;
	s->data = data;
	s->fd = -EBADF;
	s->set = *set;
	weir__list_push(&r->attached, &s->attached.link);
	err = acquire(r, s, flags);
	if (err < 0) {
		end(s);
		return err;
	}
	*ret_sigfd = s;
	return 0;
}

int weir_sigfd_close(struct weir_sigfd *s)
{
	int err = weir__reactor_check(s->reactor);

	return err < 0 ? err : end(s);
}
