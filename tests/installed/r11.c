/* SPDX-License-Identifier: MIT */
/*
 * R11: each child is told of, however many end at once
 */
#include <unistd.h>
#include <weir.h>

#include "say.h"

enum { CHILDREN = 20 };

static int left = CHILDREN, sum;

static void on_end(struct weir_reactor *r,
		   const struct weir_child_result *result, void *data)
{
	(void)data;
	MUST(result->status.code == CLD_EXITED);
	sum += result->status.status;
	if (--left == 0)
		MUST(weir_reactor_stop(r) == 0);
}

int main(void)
{
	char script[] = "exit 3";
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, script, NULL };
	const struct weir_child_options options = {
		.size = sizeof(options), .argv = argv, .on_end = on_end,
	};
	struct weir_reactor *r;
	weir_token token;

	MUST(weir_reactor_new(NULL, &r) == 0);
	for (int i = 0; i < CHILDREN; i++)
		MUST(weir_child_spawn(r, &options, &token) == 0);
	MUST(weir_reactor_run(r) == 0);
	MUST(left == 0 && sum == 3 * CHILDREN);
	weir_reactor_free(r);
	return say_ok();
}
