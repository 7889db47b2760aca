/* SPDX-License-Identifier: MIT */
/*
 * eventfd.c - a counter one can sleep on
 */
#include "sys/eventfd.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "sys/fault.h"

/*
 * A counter takes 2^64 - 2 rings, so to find it full is rare, and to find it
 * full again after having emptied it takes somebody who writes huge numbers.
 */
#define RING_TRIES 3

int weir__eventfd_new(void)
{
	int r = weir__fault(WEIR__CALL_EVENTFD_NEW);

	if (r < 0)
		return r;
	return (int)weir__result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

int weir__eventfd_add(int fd, uint64_t n)
{
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_EVENTFD_WRITE);
		if (r == 0)
			r = weir__result(write(fd, &n, sizeof(n)));
	} while (r == -EINTR);
	if (r < 0)
		return (int)r;
	return r == sizeof(n) ? 0 : -EIO;
}

int weir__eventfd_ring(int fd)
{
	uint64_t count;
	int r = -EAGAIN;

	for (int i = 0; i < RING_TRIES && r == -EAGAIN; i++) {
		r = weir__eventfd_add(fd, 1);
		if (r != -EAGAIN)
			break;
		r = weir__eventfd_read(fd, &count);
		if (r == 0)
			r = -EAGAIN;	/* emptied, and still to be rung */
	}
	return r;
}

int weir__eventfd_read(int fd, uint64_t *ret_count)
{
	uint64_t count;
	ssize_t r;

	do {
		r = weir__fault(WEIR__CALL_EVENTFD_READ);
		if (r == 0)
			r = weir__result(read(fd, &count, sizeof(count)));
	} while (r == -EINTR);
	if (r < 0)
		return (int)r;
	if (r != sizeof(count))
		return -EIO;
	*ret_count = count;
	return 0;
}
