/* SPDX-License-Identifier: MIT */
/*
 * R1: what a wait has in its array replaces what was there
 */
#include <sys/eventfd.h>
#include <weir.h>

#include "say.h"

int main(void)
{
	struct weir_event events[4] = { { .fd = 77 }, { .fd = 78 } };
	struct weir_reactor *r;
	weir_token a, b;
	const int x = eventfd(1, EFD_NONBLOCK), y = eventfd(0, EFD_NONBLOCK);

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_source_add(r, x, WEIR_READABLE, NULL, NULL, &a) == 0);
	MUST(weir_source_add(r, y, WEIR_READABLE, NULL, NULL, &b) == 0);
	MUST(weir_reactor_wait(r, events, 4, 0) == 1);
	MUST(events[0].fd == x && weir_token_equal(events[0].token, a));
	/* The next one comes to the same place. */
	MUST(eventfd_write(y, 1) == 0);
	MUST(weir_reactor_wait(r, events, 4, 0) == 1);
	MUST(events[0].fd == y && weir_token_equal(events[0].token, b));
	MUST(events[1].fd == 78);
	weir_reactor_free(r);
	return say_ok();
}
