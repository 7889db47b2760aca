/* SPDX-License-Identifier: MIT */
/*
 * R15: a forked child is told, and cannot take the parent anything away
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

static void in_the_child(struct weir_reactor *r, weir_token token)
{
	struct weir_event event;

	MUST(weir_source_remove(r, token) == -ECHILD);
	MUST(weir_reactor_wait(r, &event, 1, 0) == -ECHILD);
	MUST(weir_reactor_after_fork(r) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_SEC) == 1);
	MUST(weir_source_remove(r, token) == 0);
	weir_reactor_free(r);
	_exit(0);
}

int main(void)
{
	const int fd = eventfd(1, EFD_NONBLOCK);
	struct weir_event event;
	struct weir_reactor *r;
	weir_token token;
	int status;
	pid_t pid;

	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_SEC) == 1);
	pid = fork();
	if (pid == 0)
		in_the_child(r, token);
	MUST(waitpid(pid, &status, 0) == pid && status == 0);
	MUST(eventfd_write(fd, 1) == 0);
	MUST(weir_reactor_wait(r, &event, 1, WEIR_NS_PER_SEC) == 1);
	MUST(weir_token_equal(event.token, token));
	weir_reactor_free(r);
	return say_ok();
}
