/* SPDX-License-Identifier: MIT */
/*
 * R18: absurd sizes are no reason to die, and no array grows
 */
#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <weir.h>

#include "say.h"

int main(void)
{
	const int fd = eventfd(1, EFD_NONBLOCK);
	struct weir_event event;
	struct weir_reactor *r;
	weir_token token;

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token) == 0);
	MUST(weir_reactor_wait(r, &event, 0, WEIR_FOREVER) == 0);
	MUST(weir_reactor_wait(r, NULL, 1, 0) == -EINVAL);
	MUST(weir_reactor_wait(r, &event, SIZE_MAX, 0) == 1);
	MUST(event.fd == fd);
	MUST(weir_reactor_wait(r, &event, SIZE_MAX, 0) == 0);
	weir_reactor_free(r);
	return say_ok();
}
