/* SPDX-License-Identifier: MIT */
/*
 * oneshot.c - one event, then silence until it is rearmed
 *
 * The kernel forgets a ONESHOT source after its event.  To rearm it is one
 * call; its token stays, and what is ready at that moment is said at once.
 */
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <weir.h>

#define FLAGS (EPOLLIN | EPOLLONESHOT)

int main(void)
{
	struct weir_event events[4];
	struct weir_reactor *r;
	weir_token token;
	uint64_t count;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), heard = 0;

	if (fd < 0 || weir_reactor_new(NULL, &r) < 0 ||
	    weir_source_add_flags(r, fd, FLAGS, NULL, NULL, &token) < 0)
		return 1;
	for (int round = 1; round <= 3; round++) {
		eventfd_write(fd, 1);
		heard += weir_reactor_wait(r, events, 4, WEIR_FOREVER);
		/* Two more, which nobody hears of. */
		eventfd_write(fd, 1);
		eventfd_write(fd, 1);
		if (weir_reactor_wait(r, events, 4, 0) != 0)
			return 1;
		/* Rearmed while it is readable: heard at once. */
		if (weir_source_modify(r, token, FLAGS) < 0)
			return 1;
		heard += weir_reactor_wait(r, events, 4, 0);
		if (eventfd_read(fd, &count) < 0 || count != 3)
			return 1;
		printf("round %d: heard %d times, token unchanged: %d\n", round,
		       heard, weir_token_equal(events[0].token, token));
		if (weir_source_modify(r, token, FLAGS) < 0)
			return 1;
	}
	weir_source_close(r, token);
	weir_reactor_free(r);
	return heard != 6;
}
