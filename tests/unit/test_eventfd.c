/* SPDX-License-Identifier: MIT */
/*
 * test_eventfd.c - a counter that is readable while it is not 0
 */
#include <weir/eventfd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <weir/reactor.h>

#include "sys/fault.h"

#include "harness.h"
#include "probe.h"

TEST(what_is_added_is_taken_at_once)
{
	const int fd = weir_eventfd_new();
	uint64_t count = 77;

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(weir_eventfd_read(fd, &count), -EAGAIN);
	CHECK_EQ(count, 77);
	CHECK_EQ(weir_eventfd_write(fd, 5), 0);
	CHECK_EQ(weir_eventfd_write(fd, UINT64_C(1) << 40), 0);
	CHECK_EQ(weir_eventfd_read(fd, &count), 0);
	CHECK_EQ(count, (UINT64_C(1) << 40) + 5);
	CHECK_EQ(weir_eventfd_write(fd, 0), 0);
	CHECK_EQ(weir_eventfd_read(fd, &count), -EAGAIN);
	close(fd);
}

TEST(a_full_counter_would_block)
{
	const int fd = weir_eventfd_new();
	uint64_t count;

	CHECK_EQ(weir_eventfd_write(fd, UINT64_MAX), -EINVAL);
	CHECK_EQ(weir_eventfd_write(fd, UINT64_MAX - 1), 0);
	CHECK_EQ(weir_eventfd_write(fd, 1), -EAGAIN);
	CHECK_EQ(weir_eventfd_read(fd, &count), 0);
	CHECK_EQ(count, UINT64_MAX - 1);
	close(fd);
}

TEST(what_is_no_counter_says_so)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	static char big[1 << 16];
	uint64_t count = 77;
	int fds[2];

	CHECK_EQ(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(write(fds[1], "abc", 3), 3);
	CHECK_EQ(weir_eventfd_read(fds[0], &count), -EIO);
	/* Room for less than a number: pipes take it whole or not at all. */
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	while (write(fds[1], big, 4096) > 0)
		continue;
	CHECK_EQ(weir_eventfd_write(fds[1], 1), -EAGAIN);
	CHECK_EQ(weir_eventfd_read(-1, &count), -EBADF);
	CHECK_EQ(weir_eventfd_write(-1, 1), -EBADF);
	CHECK_EQ(weir_eventfd_read(fds[1], &count), -EBADF);
	CHECK_EQ(weir_eventfd_write(timer, 1), -EINVAL);
	close(fds[1]);
	while (read(fds[0], big, sizeof(big)) > 0)
		continue;
	CHECK_EQ(weir_eventfd_read(fds[0], &count), -EIO);
	CHECK_EQ(count, 77);
	close(fds[0]);
	close(timer);
}

/* A file that may grow by three bytes more. */
TEST(a_short_write_is_an_error)
{
	const struct rlimit limit = { .rlim_cur = 3, .rlim_max = 3 };
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t count;

	CHECK(fd >= 0);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CHECK_EQ(weir_eventfd_write(fd, 1), -EIO);
	CHECK_ERRNO(weir_eventfd_read, EIO, weir_eventfd_read(fd, &count));
	close(fd);
	close(folder);
}

static int failing, interruptions;

static int fail_new(enum weir__call call)
{
	return call == WEIR__CALL_EVENTFD_NEW ? failing : 0;
}

static int new_where(int err)
{
	int r;

	failing = -err;
	weir__fault_hook = fail_new;
	r = weir_eventfd_new();
	weir__fault_hook = NULL;
	return r;
}

static int interrupt(enum weir__call call)
{
	(void)call;
	return ++interruptions % 3 ? -EINTR : 0;
}

static int fail_read(enum weir__call call)
{
	return call == WEIR__CALL_EVENTFD_READ ? -EINVAL : 0;
}

TEST(where_something_has_run_out)
{
	struct rlimit limit, old;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint64_t count;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)fd;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK_EQ(weir_eventfd_new(), -EMFILE);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
	CHECK_ERRNO(weir_eventfd_new, ENFILE, new_where(ENFILE));
	CHECK_ERRNO(weir_eventfd_new, ENODEV, new_where(ENODEV));
	CHECK_ERRNO(weir_eventfd_new, ENOMEM, new_where(ENOMEM));
	fd = weir_eventfd_new();
	weir__fault_hook = fail_read;
	CHECK_EQ(weir_eventfd_read(fd, &count), -EINVAL);
	weir__fault_hook = interrupt;
	CHECK_EQ(weir_eventfd_write(fd, 3), 0);
	CHECK_EQ(weir_eventfd_read(fd, &count), 0);
	weir__fault_hook = NULL;
	CHECK_EQ(count, 3);
	CHECK_EQ(interruptions, 6);
	close(fd);
}

static int counter;

static void on_signal(int signo)
{
	(void)signo;
	weir_eventfd_write(counter, 1);
}

/* It is full: each write fails, and the kernel's answer is in errno. */
TEST(a_signal_handler_wakes_a_wait_and_leaves_errno_alone)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_event event;
	weir_token token;
	uint64_t count;

	counter = weir_eventfd_new();
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	CHECK_EQ(weir_source_add(r, counter, WEIR_READABLE, NULL, NULL, &token),
		 0);
	for (int i = 0; i < 3; i++) {
		/* Never read: each write is an edge. */
		raise(SIGUSR1);
		CHECK_EQ(weir_reactor_wait(r, &event, 1, WEIR_FOREVER), 1);
		CHECK(weir_token_equal(event.token, token));
		CHECK_EQ(weir_reactor_wait(r, &event, 1, 0), 0);
	}
	CHECK_EQ(weir_eventfd_read(counter, &count), 0);
	CHECK_EQ(count, 3);
	CHECK_EQ(weir_eventfd_write(counter, UINT64_MAX - 1), 0);
	errno = 77;
	raise(SIGUSR1);
	CHECK_EQ(errno, 77);
	weir_reactor_free(r);
	close(counter);
}
