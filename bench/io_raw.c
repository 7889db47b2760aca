/* SPDX-License-Identifier: MIT */
/*
 * io_raw.c - epoll by hand: the least that any loop can cost
 *
 * The choices: edge-triggered unless the row says otherwise, the slot's pointer
 * in the event, 256 events a call as weir takes, no time, no timers, and the
 * step compiled into the loop.  Nothing here guards against a slot that is
 * gone, as each real program must.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io.h"
#include "work.h"

enum { BATCH = 256 };

struct io_loop {
	struct io_job *job;
	enum io_mode mode;
	int epfd;
	bool is_stopping;
};

static uint32_t flags_of(enum io_mode mode)
{
	static const uint32_t flags[] = {
		[IO_EDGE] = EPOLLIN | EPOLLRDHUP | EPOLLET,
		[IO_LEVEL] = EPOLLIN | EPOLLRDHUP,
		[IO_ONESHOT] = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
	};

	return flags[mode];
}

static int open_loop(struct io_job *job, enum io_mode mode,
		     struct io_loop **ret_loop)
{
	struct io_loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->job = job;
	loop->mode = mode;
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epfd < 0) {
		free(loop);
		return -errno;
	}
	*ret_loop = loop;
	return 0;
}

static int control(struct io_loop *loop, int op, struct io_slot *slot)
{
	struct epoll_event event = {
		.events = flags_of(loop->mode),
		.data.ptr = slot,
	};

	return epoll_ctl(loop->epfd, op, slot->fd, &event) < 0 ? -errno : 0;
}

static int add_all(struct io_loop *loop)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < loop->job->count; i++)
		err = control(loop, EPOLL_CTL_ADD, &loop->job->slots[i]);
	return err;
}

static void remove_all(struct io_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		control(loop, EPOLL_CTL_DEL, &loop->job->slots[i]);
}

static void step_oneshot(struct io_slot *slot)
{
	work_chain(slot);
	control(slot->job->loop, EPOLL_CTL_MOD, slot);
}

/* Inlined with each step, so that the step is no call through a pointer. */
__attribute__((always_inline))
static inline void run_with(struct io_loop *loop,
			    void (*step)(struct io_slot *slot))
{
	struct epoll_event events[BATCH];

	while (!loop->is_stopping) {
		int n = epoll_wait(loop->epfd, events, BATCH, -1);

		for (int i = 0; i < n; i++)
			step(events[i].data.ptr);
	}
	loop->is_stopping = false;
}

static void run(struct io_loop *loop)
{
	if (loop->mode == IO_ONESHOT)
		run_with(loop, step_oneshot);
	else if (loop->job->work == IO_CHAIN)
		run_with(loop, work_chain);
	else if (loop->job->work == IO_ECHO)
		run_with(loop, work_echo);
	else
		run_with(loop, work_http);
}

static void stop(struct io_loop *loop)
{
	loop->is_stopping = true;
}

static void close_loop(struct io_loop *loop)
{
	close(loop->epfd);
	free(loop);
}

const struct io_ops io_raw = {
	open_loop, add_all, remove_all, run, stop, close_loop,
};
