/* SPDX-License-Identifier: MIT */
/*
 * R6: after a remove no event of the batch in hand is delivered
 */
#include <sys/eventfd.h>
#include <weir.h>

#include "say.h"

static weir_token tokens[2];
static int calls;

/* The first of the batch removes the other. */
static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	const int other = weir_token_equal(event->token, tokens[0]);

	(void)data;
	calls++;
	MUST(weir_source_remove(r, tokens[other]) == 0);
	return WEIR_DONE;
}

int main(void)
{
	struct weir_event event;
	struct weir_reactor *r;

	MUST(weir_reactor_new(NULL, &r) == 0);
	for (int i = 0; i < 2; i++)
		MUST(weir_source_add(r, eventfd(1, EFD_NONBLOCK),
				     WEIR_READABLE, on_event, NULL,
				     &tokens[i]) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_MSEC) == 0);
	MUST(calls == 1);
	MUST(weir_source_count(r) == 1);
	weir_reactor_free(r);
	return say_ok();
}
