/* SPDX-License-Identifier: MIT */
/*
 * wakeup.c - an eventfd that is written to by a signal handler
 *
 * A handler may write(2), and little else.  The reactor wakes up at once, and
 * ordinary code does the rest.  (weir_reactor_stop() may be called by a
 * handler, too; and weir/sigfd.h does without handlers.)
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weir.h>

static int wakeup = -1;	/* set before the handler is installed */

static void on_signal(int signo)
{
	const uint64_t one = 1;
	const int saved = errno;

	(void)signo;
	/* If it is full the reactor wakes up all the same. */
	if (write(wakeup, &one, sizeof(one)) < 0)
		errno = saved;
}

static enum weir_verdict on_wakeup(struct weir_reactor *r,
				   const struct weir_event *event, void *data)
{
	int *rounds = data;
	eventfd_t count;

	if (eventfd_read(event->fd, &count) < 0)
		return WEIR_DONE;
	printf("%d signals\n", (int)count);
	*rounds += 1;
	if (*rounds == 3)
		weir_reactor_stop(r);
	else
		raise(SIGUSR1);
	return WEIR_DONE;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct weir_reactor *r;
	weir_token token;
	int rounds = 0;

	wakeup = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wakeup < 0 || weir_reactor_new(NULL, &r) < 0 ||
	    weir_source_add(r, wakeup, WEIR_READABLE, on_wakeup, &rounds,
			    &token) < 0 ||
	    sigaction(SIGUSR1, &action, NULL) < 0)
		return 1;
	raise(SIGUSR1);
	raise(SIGUSR1);
	weir_reactor_run(r);
	weir_source_close(r, token);
	weir_reactor_free(r);
	return rounds != 3;
}
