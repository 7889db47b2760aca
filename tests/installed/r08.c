/* SPDX-License-Identifier: MIT */
/*
 * R8: other threads give work to a reactor, and wake it
 */
#include <errno.h>
#include <pthread.h>
#include <weir.h>

#include "say.h"

enum { THREADS = 4, POSTS = 1000 };

static int runs;	/* by the reactor's thread alone */

static void run(struct weir_reactor *r, const struct weir_msg *msg, void *data)
{
	(void)msg;
	(void)data;
	if (++runs == THREADS * POSTS)
		MUST(weir_reactor_stop(r) == 0);
}

static const struct weir_call call = { .run = run };

static void *poster(void *arg)
{
	for (int i = 0; i < POSTS; i++)
		while (weir_reactor_post(arg, &call, NULL, 0) == -EAGAIN)
			;
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	struct weir_reactor *r;

	MUST(weir_reactor_new(NULL, &r) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, poster, r) == 0);
	MUST(weir_reactor_run(r) == 0);
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
	MUST(runs == THREADS * POSTS);
	weir_reactor_free(r);
	return say_ok();
}
