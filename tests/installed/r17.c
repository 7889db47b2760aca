/* SPDX-License-Identifier: MIT */
/*
 * R17: each call says what went wrong, and says it of each cause
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weir.h>

#include "say.h"

static weir_token token;

static int add(struct weir_reactor *r, int fd)
{
	errno = EL2HLT;	/* of no account */
	return weir_source_add(r, fd, WEIR_READABLE, NULL, NULL, &token);
}

static void no_descriptors(void)
{
	struct rlimit limit, none = { 0, 0 };
	struct weir_reactor *r = NULL;

	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none.rlim_max = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &none) == 0);
	MUST(weir_reactor_new(NULL, &r) == -EMFILE);
	MUST(!r);
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

int main(void)
{
	const int fd = eventfd(0, EFD_NONBLOCK), blocking = eventfd(0, 0);
	const int file = open("/proc/self/exe", O_RDONLY | O_NONBLOCK);
	struct weir_reactor *r;

	no_descriptors();
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(add(r, -1) == -EBADF);
	MUST(add(r, 999) == -EBADF);
	MUST(add(r, file) == -EPERM);
	MUST(add(r, blocking) == -EPERM);
	MUST(weir_source_add(r, fd, 0, NULL, NULL, &token) == -EINVAL);
	MUST(add(r, fd) == 0);
	MUST(add(r, fd) == -EEXIST);
	MUST(weir_source_modify(r, token, 1u << 27) == -EINVAL);
	close(fd);
	MUST(weir_source_modify(r, token, EPOLLIN) == -EBADF);
	MUST(weir_source_remove(r, token) == 0);
	MUST(weir_source_remove(r, token) == -ESTALE);
	weir_reactor_free(r);
	return say_ok();
}
