/* SPDX-License-Identifier: MIT */
/*
 * R13: who stops early loses nothing, and starves nobody
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

enum { BYTES = 100 };

static int taken, quiet_at = -1;

/* One byte a call; the edge comes once. */
static enum weir_verdict on_busy(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	char byte;

	(void)data;
	if (weir_fd_read(event->fd, &byte, 1) != 1)
		return WEIR_DONE;
	if (++taken == BYTES)
		MUST(weir_reactor_stop(r) == 0);
	return WEIR_MORE;
}

static enum weir_verdict on_quiet(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)r;
	(void)event;
	(void)data;
	quiet_at = taken;
	return WEIR_DONE;
}

int main(void)
{
	const int type = SOCK_STREAM | SOCK_NONBLOCK;
	struct weir_reactor *r;
	char bytes[BYTES];
	weir_token token;
	int busy[2], quiet[2];

	memset(bytes, 'x', sizeof(bytes));
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(socketpair(AF_UNIX, type, 0, busy) == 0);
	MUST(socketpair(AF_UNIX, type, 0, quiet) == 0);
	MUST(weir_source_add(r, busy[0], WEIR_READABLE, on_busy, NULL,
			     &token) == 0);
	MUST(weir_source_add(r, quiet[0], WEIR_READABLE, on_quiet, NULL,
			     &token) == 0);
	MUST(write(busy[1], bytes, BYTES) == BYTES);
	MUST(write(quiet[1], bytes, 1) == 1);
	MUST(weir_reactor_run(r) == 0);
	MUST(taken == BYTES);
	MUST(quiet_at >= 0 && quiet_at < 3);
	weir_reactor_free(r);
	return say_ok();
}
