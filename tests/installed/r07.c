/* SPDX-License-Identifier: MIT */
/*
 * R7: what is registered can be looked up, listed and closed
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <weir.h>

#include "say.h"

static int each(struct weir_reactor *r, const struct weir_source_info *info,
		void *data)
{
	(void)r;
	*(int *)data += info->fd;
	return 0;
}

int main(void)
{
	const int x = eventfd(0, EFD_NONBLOCK), y = eventfd(0, EFD_NONBLOCK);
	struct weir_source_info info;
	struct weir_reactor *r;
	weir_token a, b, found;
	int sum = 0;
	void *data;

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_source_add(r, x, WEIR_READABLE, NULL, &sum, &a) == 0);
	MUST(weir_source_add(r, y, WEIR_READABLE, NULL, NULL, &b) == 0);
	MUST(weir_source_count(r) == 2);
	MUST(weir_source_find(r, x, &found) == 0);
	MUST(weir_token_equal(found, a));
	MUST(weir_source_data(r, found, &data) == 0 && data == &sum);
	MUST(weir_source_info(r, b, sizeof(info), &info) == 0);
	MUST(info.fd == y && (info.wanted & WEIR_READABLE));
	MUST(weir_source_each(r, each, &sum) == 0 && sum == x + y);
	MUST(weir_source_close(r, a) == 0);
	MUST(fcntl(x, F_GETFD) < 0);
	MUST(weir_source_find(r, x, &found) == -ENOENT);
	MUST(weir_source_remove(r, a) == -ESTALE);
	MUST(weir_source_count(r) == 1);
	weir_reactor_free(r);
	return say_ok();
}
