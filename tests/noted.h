/* SPDX-License-Identifier: MIT */
/*
 * tests/noted.h - a timer of weir/timerfd.h that notes its calls
 */
#ifndef WEIR_TESTS_NOTED_H
#define WEIR_TESTS_NOTED_H

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/timerfd.h>
#include <weir.h>

#include "harness.h"

struct noted {
	weir_token token;
	int calls;
	uint64_t expirations;	/* of all calls */
	int error;		/* of the last */
	uint64_t enough;	/* expirations; then the reactor stops */
	void (*act)(struct weir_reactor *r, struct noted *n);
	struct noted *other;
};

static inline void on_time(struct weir_reactor *r, weir_token token,
			   uint64_t expirations, int error, void *data)
{
	struct noted *n = data;

	if (error != -ESHUTDOWN)
		CHECK(weir_reactor_current() == r);
	CHECK(weir_token_equal(token, n->token));
	CHECK((expirations == 0) == (error != 0));
	n->calls++;
	n->expirations += expirations;
	n->error = error;
	if (n->enough > 0 && (n->expirations >= n->enough || error != 0))
		CHECK_EQ(weir_reactor_stop(r), 0);
	if (n->act)
		n->act(r, n);
}

static inline void make(struct weir_reactor *r, clockid_t clock, struct noted *n)
{
	memset(n, 0, sizeof(*n));
	CHECK_EQ(weir_timerfd_open(r, clock, on_time, n, &n->token), 0);
}

/* Turn until @n has expired so often, or has failed. */
static inline void run_until(struct weir_reactor *r, struct noted *n,
			     uint64_t enough)
{
	n->enough = n->expirations + enough;
	CHECK_EQ(weir_reactor_run(r), 0);
	n->enough = 0;
}

/* The kernel says that it is due; the reactor has not looked yet. */
static inline void wait_due(struct weir_reactor *r, const struct noted *n)
{
	struct pollfd p = { .events = POLLIN };

	CHECK_EQ(weir_source_fd(r, n->token, &p.fd), 0);
	CHECK_EQ(poll(&p, 1, -1), 1);
}

static inline bool is_armed(struct weir_reactor *r, const struct noted *n)
{
	struct itimerspec left;
	int fd;

	CHECK_EQ(weir_source_fd(r, n->token, &fd), 0);
	CHECK_EQ(timerfd_gettime(fd, &left), 0);
	return left.it_value.tv_sec != 0 || left.it_value.tv_nsec != 0;
}

#endif /* WEIR_TESTS_NOTED_H */
