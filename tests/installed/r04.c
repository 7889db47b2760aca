/* SPDX-License-Identifier: MIT */
/*
 * R4: an interest is changed, and a ONESHOT rearmed, under one token
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <weir.h>

#include "say.h"

int main(void)
{
	const int fd = eventfd(1, EFD_NONBLOCK);
	struct weir_event event;
	struct weir_reactor *r;
	weir_token token, other;

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_source_add_flags(r, fd, EPOLLIN | EPOLLONESHOT, NULL, NULL,
				   &token) == 0);
	MUST(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &other) ==
	     -EEXIST);
	MUST(weir_reactor_wait(r, &event, 1, 0) == 1);
	MUST(weir_reactor_wait(r, &event, 1, 0) == 0);
	MUST(weir_source_modify(r, token, EPOLLIN | EPOLLONESHOT) == 0);
	MUST(weir_reactor_wait(r, &event, 1, 0) == 1);
	MUST(weir_token_equal(event.token, token));
	MUST(weir_source_modify(r, token, EPOLLOUT | EPOLLET) == 0);
	MUST(weir_reactor_wait(r, &event, 1, 0) == 1);
	MUST(event.facts == WEIR_WRITABLE);
	weir_reactor_free(r);
	return say_ok();
}
