/* SPDX-License-Identifier: MIT */
/*
 * R2: an end is seen by who only wants to read
 */
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

int main(void)
{
	struct weir_event event;
	struct weir_reactor *r;
	weir_token token;
	int s[2], p[2];

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
	MUST(weir_source_add(r, s[0], WEIR_READABLE, NULL, NULL, &token) == 0);
	close(s[1]);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_SEC) == 1);
	MUST(event.facts & WEIR_READABLE);
	MUST(event.facts & WEIR_HANGUP);
	MUST(weir_source_close(r, token) == 0);
	/* A pipe says HUP without IN. */
	MUST(pipe(p) == 0 && weir_fd_set_nonblock(p[0], 1) == 0);
	MUST(weir_source_add(r, p[0], WEIR_READABLE, NULL, NULL, &token) == 0);
	close(p[1]);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_SEC) == 1);
	MUST(event.facts & WEIR_READABLE);
	weir_reactor_free(r);
	return say_ok();
}
