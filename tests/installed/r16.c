/* SPDX-License-Identifier: MIT */
/*
 * R16: a half-close is a fact, and the kernel's own mask is there
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <weir.h>

#include "say.h"

int main(void)
{
	struct weir_event event;
	struct weir_reactor *r;
	weir_token token;
	int s[2], mounts;

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s) == 0);
	MUST(weir_source_add(r, s[0], WEIR_READABLE, NULL, NULL, &token) == 0);
	MUST(shutdown(s[1], SHUT_WR) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_SEC) == 1);
	MUST(event.facts & WEIR_RDHUP);
	MUST(!(event.facts & WEIR_HANGUP));
	MUST(event.raw & EPOLLRDHUP);
	/* A pseudo-file can be watched for changes. */
	mounts = open("/proc/self/mountinfo", O_RDONLY);
	MUST(mounts < 0 || weir_source_add_priority(r, mounts, NULL, NULL,
						    &token) == 0);
	weir_reactor_free(r);
	return say_ok();
}
