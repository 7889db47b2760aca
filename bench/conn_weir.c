/* SPDX-License-Identifier: MIT */
/*
 * conn_weir.c - a source, and a timer that moves and ends with it
 */
#include <weir.h>

#include "conn.h"

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	(void)r, (void)event, (void)data;
	return WEIR_DONE;
}

static void on_timer(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	(void)r, (void)t, (void)data;
}

static int add(struct weir_reactor *r, int fd)
{
	struct weir_timer *timer;
	weir_token token;
	int err = weir_source_add(r, fd, WEIR_READABLE, on_event, NULL,
				  &token);

	if (err == 0)
		err = weir_timer_new_for(r, token, on_timer, NULL, &timer);
	if (err == 0)
		err = weir_timer_start(timer, CONN_IDLE_S * UINT64_C(1000000000));
	return err;
}

int conn_weir(const int *fds, size_t count)
{
	struct weir_reactor *r;
	int err = weir_reactor_new(NULL, &r);

	for (size_t i = 0; i < count && err == 0; i++)
		err = add(r, fds[i]);
	return err;
}
