/* SPDX-License-Identifier: MIT */
/* sync/doorbell.c - see doorbell.h */
#include "sync/doorbell.h"

#include "sys/eventfd.h"
#include "sys/io.h"

int weir__doorbell_init(struct weir__doorbell *bell)
{
	int fd = weir__eventfd_new();

	if (fd < 0)
		return fd;
	bell->fd = fd;
	atomic_init(&bell->asleep, 0);				/* A4 */
	atomic_init(&bell->since, 0);				/* A5 */
	return 0;
}

void weir__doorbell_done(struct weir__doorbell *bell)
{
	weir__close(bell->fd);
	bell->fd = -1;
}

void weir__doorbell_write(struct weir__doorbell *bell)
{
	/*
	 * It can only fail if the counter is full and stays so, and then the
	 * descriptor has just had edges enough.
	 */
	(void)weir__eventfd_ring(bell->fd);
}
