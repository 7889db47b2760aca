/* SPDX-License-Identifier: MIT */
/*
 * R12: any signals, and as many signal descriptors as one likes
 */
#include <signal.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

static int seen[2];

static void on_signal(struct weir_reactor *r, struct weir_sigfd *s,
		      const struct signalfd_siginfo *infos, unsigned count,
		      void *data)
{
	(void)s;
	seen[data == &seen[1]] = (int)infos[count - 1].ssi_signo;
	if (seen[0] && seen[1])
		MUST(weir_reactor_stop(r) == 0);
}

int main(void)
{
	struct weir_sigfd *a, *b;
	struct weir_reactor *r;
	sigset_t set;

	MUST(weir_reactor_new(NULL, &r) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(weir_sigfd_open(r, &set, 0, on_signal, &seen[0], &a) == 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGWINCH);
	MUST(weir_sigfd_open(r, &set, 0, on_signal, &seen[1], &b) == 0);
	MUST(kill(getpid(), SIGUSR1) == 0);
	MUST(kill(getpid(), SIGRTMIN + 1) == 0);
	MUST(weir_reactor_run(r) == 0);
	MUST(seen[0] == SIGUSR1 && seen[1] == SIGRTMIN + 1);
	MUST(weir_sigfd_close(b) == 0);
	weir_reactor_free(r);
	return say_ok();
}
