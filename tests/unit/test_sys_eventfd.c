/* SPDX-License-Identifier: MIT */
/*
 * test_sys_eventfd.c - rings counted, coalesced, and never blocked
 */
#include "sys/eventfd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"

static int reads, writes;

/* The counter is full each time, and somebody else empties it. */
static int always_full(enum weir__call call)
{
	if (call == WEIR__CALL_EVENTFD_READ)
		reads++;
	if (call == WEIR__CALL_EVENTFD_WRITE)
		writes++;
	return -EAGAIN;
}

static int not_readable(enum weir__call call)
{
	return call == WEIR__CALL_EVENTFD_READ ? -EIO : 0;
}

TEST(eventfd_has_its_flags)
{
	int fd = weir__eventfd_new();

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}

TEST(eventfd_counts_rings)
{
	uint64_t count = 99;
	int fd = weir__eventfd_new();

	CHECK_EQ(weir__eventfd_read(fd, &count), -EAGAIN);
	CHECK_EQ(count, 99);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(weir__eventfd_ring(fd), 0);
	CHECK_EQ(weir__eventfd_read(fd, &count), 0);
	CHECK_EQ(count, 3);
	CHECK_EQ(weir__eventfd_read(fd, &count), -EAGAIN);
	close(fd);
}

TEST(eventfd_rings_when_full)
{
	const uint64_t full = UINT64_MAX - 1;
	uint64_t count;
	int fd = weir__eventfd_new();

	CHECK_EQ(write(fd, &full, sizeof(full)), sizeof(full));
	CHECK_EQ(weir__eventfd_ring(fd), 0);
	CHECK_EQ(weir__eventfd_read(fd, &count), 0);
	CHECK_EQ(count, 1);

	CHECK_EQ(write(fd, &full, sizeof(full)), sizeof(full));
	weir__fault_hook = not_readable;
	CHECK_EQ(weir__eventfd_ring(fd), -EIO);
	close(fd);
}

TEST(eventfd_does_not_ring_for_ever)
{
	int fd = weir__eventfd_new();

	weir__fault_hook = always_full;
	CHECK_EQ(weir__eventfd_ring(fd), -EAGAIN);
	CHECK(writes > 1 && writes == reads);
	close(fd);
}

TEST(eventfd_says_why_not)
{
	uint64_t count;

	CHECK_EQ(weir__eventfd_ring(-1), -EBADF);
	CHECK_EQ(weir__eventfd_read(-1, &count), -EBADF);
}
