/* SPDX-License-Identifier: MIT */
/*
 * net/eventfd.c - a counter that is readable while it is not 0
 */
#include <weir/eventfd.h>

#include <errno.h>

#include "sys/eventfd.h"

int weir_eventfd_new(void)
{
	return weir__eventfd_new();
}

/* What a signal handler interrupts may be about to look at errno. */

int weir_eventfd_write(int fd, uint64_t n)
{
	const int before = errno;
	const int r = weir__eventfd_add(fd, n);

	errno = before;
	return r;
}

int weir_eventfd_read(int fd, uint64_t *ret_count)
{
	const int before = errno;
	const int r = weir__eventfd_read(fd, ret_count);

	errno = before;
	return r;
}
