/* SPDX-License-Identifier: MIT */
/*
 * R9: a mask is given back bit by bit, and what is pending kills nobody
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

static int is_blocked(int signo)
{
	sigset_t now;

	MUST(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	return sigismember(&now, signo);
}

int main(void)
{
	struct weir_reactor *r;
	struct weir_sigfd *s;
	sigset_t set, own;

	MUST(weir_reactor_new(NULL, &r) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigemptyset(&own);
	sigaddset(&own, SIGTERM);
	MUST(pthread_sigmask(SIG_BLOCK, &own, NULL) == 0);
	MUST(weir_sigfd_open(r, &set, 0, NULL, NULL, &s) == 0);
	/* Blocked since by somebody else, and one that is pending. */
	sigaddset(&own, SIGHUP);
	MUST(pthread_sigmask(SIG_BLOCK, &own, NULL) == 0);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(weir_sigfd_close(s) == 0);
	MUST(!is_blocked(SIGUSR1));
	MUST(is_blocked(SIGTERM) && is_blocked(SIGHUP));
	weir_reactor_free(r);
	return say_ok();
}
