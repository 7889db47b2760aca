/* SPDX-License-Identifier: MIT */
/*
 * R3: an interruption is not a timeout, and the time left is known
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <weir.h>

#include "say.h"

static void on_alarm(int signo)
{
	(void)signo;
}

int main(void)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	const struct itimerval soon = { .it_value = { .tv_usec = 2000 } };
	struct weir_event event;
	struct weir_reactor *r;
	weir_ns deadline;

	MUST(sigaction(SIGALRM, &action, NULL) == 0);
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_MSEC) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_FOREVER) == -EINTR);
	/* The same deadline waits for what is left. */
	deadline = weir_clock() + 20 * WEIR_NS_PER_MSEC;
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	while (weir_reactor_wait_until(r, &event, 1, deadline, NULL) == -EINTR)
		;
	MUST(weir_clock() >= deadline);
	weir_reactor_free(r);
	return say_ok();
}
