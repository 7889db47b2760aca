/* SPDX-License-Identifier: MIT */
/*
 * R5: a descriptor closed while a duplicate is open haunts nobody
 *
 * The five steps: it is closed behind our back, its events go on, it cannot be
 * removed by its number, nor by the duplicate, and the number is used again.
 */
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

static int pair_of(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
}

/* Read from the library's side: what its own close leaves behind. */
static void closed_by_the_library(struct weir_reactor *r)
{
	struct weir_event events[4];
	weir_token token;
	int s[2], copy;

	MUST(pair_of(s) == 0);
	copy = dup(s[0]);
	MUST(weir_source_add(r, s[0], WEIR_READABLE, NULL, NULL, &token) == 0);
	MUST(weir_source_close(r, token) == 0);
	MUST(write(s[1], "x", 1) == 1);
	MUST(weir_reactor_wait(r, events, 4, WEIR_NS_PER_MSEC) == 0);
	close(copy);
	close(s[1]);
}

int main(void)
{
	struct weir_event events[4];
	struct weir_reactor *r;
	weir_token old, new;
	int s[2], t[2], copy, told = 0;

	MUST(weir_reactor_new(NULL, &r) == 0);
	closed_by_the_library(r);
	MUST(pair_of(s) == 0 && pair_of(t) == 0);
	MUST(weir_source_add(r, s[0], WEIR_READABLE, NULL, NULL, &old) == 0);
	copy = dup(s[0]);
	close(s[0]);
	MUST(dup2(t[0], s[0]) == s[0]);
	MUST(weir_source_add(r, s[0], WEIR_READABLE, NULL, NULL, &new) == 0);
	/* The old one is told that it is lost, and goes. */
	for (int i = 0; i < 3; i++)
		if (weir_reactor_wait(r, events, 4, WEIR_NS_PER_MSEC) > 0) {
			MUST(weir_token_equal(events[0].token, old));
			MUST(events[0].facts == WEIR_ERROR);
			MUST(events[0].fd == -1);
			told++;
		}
	MUST(told == 1);
	MUST(weir_source_remove(r, old) == 0);
	/* Both files have something to say: only the new one is heard. */
	for (int i = 0; i < 3; i++) {
		MUST(write(s[1], "x", 1) == 1 && write(t[1], "x", 1) == 1);
		MUST(weir_reactor_wait(r, events, 4, WEIR_NS_PER_SEC) == 1);
		MUST(weir_token_equal(events[0].token, new));
	}
	MUST(weir_source_count(r) == 1);
	close(copy);
	weir_reactor_free(r);
	return say_ok();
}
