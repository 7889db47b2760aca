/* SPDX-License-Identifier: MIT */
/*
 * hello.c - each worker says hello
 */
#include <stdio.h>
#include <weir.h>

static void greet(struct weir_reactor *r, const struct weir_msg *msg,
		  void *data)
{
	(void)data;
	printf("%s from worker %d\n", (const char *)msg->arg,
	       weir_reactor_index(r));
}

static const struct weir_call greeting = { .run = greet };

int main(void)
{
	struct weir_pool *pool;

	if (weir_pool_new(NULL, &pool) < 0 || weir_pool_start(pool) < 0)
		return 1;
	for (int i = 0; i < weir_pool_workers(pool); i++)
		weir_post(pool, i, &greeting, "hello", 0);
	weir_pool_drain(pool, WEIR_NS_PER_SEC);
	weir_pool_join(pool);
	weir_pool_free(pool);
	return 0;
}
