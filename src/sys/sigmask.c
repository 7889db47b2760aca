/* SPDX-License-Identifier: MIT */
/*
 * sys/sigmask.c - signals that several owners want blocked
 *
 * A count for each thread and signal.  A bit of a thread's mask is ours if it
 * was clear when a hold came: only then the last release clears it again, and
 * no other bit is ever touched, so that what others have blocked or unblocked
 * meanwhile stays.
 *
 * A forked child begins with nothing: the owners are the parent's.  The
 * parent's counts are leaked there.
 */
#include "sys/sigmask.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "sys/fork.h"
#include "sys/signals.h"

struct holder {
	struct holder *next;
	pthread_t thread;
	unsigned total;			/* sum of users */
	unsigned users[WEIR__SIGNALS];
	bool is_ours[WEIR__SIGNALS];
};

static struct {
	uint32_t fork_generation;
	struct holder *holders;
} all;				/* under weir__fork_lock() */

static void lock(void)
{
	const uint32_t generation = weir__fork_generation();

	weir__fork_lock();
	if (all.fork_generation != generation) {
		all.fork_generation = generation;
		all.holders = NULL;
	}
}

static void unlock(void)
{
	weir__fork_unlock();
}

bool weir__signal_is_servable(int signo)
{
	switch (signo) {
	case SIGKILL:
	case SIGSTOP:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
		return false;
	default:
		/* 32 and 33 are the C library's own. */
		return (signo >= 1 && signo < 32) ||
		       (signo >= SIGRTMIN && signo <= SIGRTMAX);
	}
}

/* Where the link to @thread's holder is, or where it would be. */
static struct holder **find(pthread_t thread)
{
	struct holder **at = &all.holders;

	while (*at && !pthread_equal((*at)->thread, thread))
		at = &(*at)->next;
	return at;
}

static void drop_if_idle(struct holder **at)
{
	struct holder *h = *at;

	if (h->total > 0)
		return;
	*at = h->next;
	free(h);
}

static int hold(const sigset_t *set)
{
	struct holder **at = find(pthread_self());
	sigset_t added;
	int err;

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (!*at)
			return -ENOMEM;
		(*at)->thread = pthread_self();
	}
	err = weir__signals_block(set, &added);
	for (int signo = 1; err == 0 && signo < WEIR__SIGNALS; signo++) {
		if (sigismember(set, signo) != 1)
			continue;
		if (sigismember(&added, signo) == 1)
			(*at)->is_ours[signo] = true;
		(*at)->users[signo]++;
		(*at)->total++;
	}
	drop_if_idle(at);
	return err;
}

int weir__sigmask_hold(const sigset_t *set)
{
	int err;

	lock();
	err = hold(set);
	unlock();
	return err;
}

static bool has_owner_elsewhere(const struct holder *than, int signo)
{
	for (const struct holder *h = all.holders; h; h = h->next)
		if (h != than && h->users[signo] > 0)
			return true;
	return false;
}

/*
 * Take @h's counts down.  What it is to unblock goes into @clear, and what
 * nobody else waits for into @discard as well.
 *
 * Return: whether there is something to unblock.  (sigisemptyset() of glibc
 * 2.36 does not see real-time signals.)
 */
static bool count_down(struct holder *h, const sigset_t *set, sigset_t *clear,
		       sigset_t *discard)
{
	bool any = false;

	sigemptyset(clear);
	sigemptyset(discard);
	for (int signo = 1; signo < WEIR__SIGNALS; signo++) {
		if (sigismember(set, signo) != 1 || h->users[signo] == 0)
			continue;
		h->total--;
		if (--h->users[signo] > 0 || !h->is_ours[signo])
			continue;
		h->is_ours[signo] = false;
		sigaddset(clear, signo);
		if (!has_owner_elsewhere(h, signo))
			sigaddset(discard, signo);
		any = true;
	}
	return any;
}

int weir__sigmask_release(pthread_t thread, const sigset_t *set)
{
	sigset_t clear, discard;
	struct holder **at;
	int err = 0;

	lock();
	at = find(thread);
	if (*at) {
		if (count_down(*at, set, &clear, &discard)) {
			if (!pthread_equal(thread, pthread_self())) {
				err = -EPERM;
			} else {
				weir__signals_discard(&discard);
				weir__signals_unblock(&clear);
			}
		}
		drop_if_idle(at);
	}
	unlock();
	return err;
}

void weir__sigmask_before(sigset_t *mask)
{
	lock();
	for (const struct holder *h = all.holders; h; h = h->next)
		for (int signo = 1; signo < WEIR__SIGNALS; signo++)
			if (h->is_ours[signo])
				sigdelset(mask, signo);
	unlock();
}
