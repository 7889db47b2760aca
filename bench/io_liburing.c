/* SPDX-License-Identifier: MIT */
/*
 * io_liburing.c - io_uring, by liburing
 *
 * Not a readiness loop: reads are posted ahead, and their completion is the
 * event.  The choices: completions run on the one thread that submits
 * (SINGLE_ISSUER, DEFER_TASKRUN), all that a batch has caused is submitted with
 * the wait, a write says nothing when it succeeds, and the next read stands
 * linked behind it.  Descriptors are blocking for the time: a read of a
 * non-blocking one would complete with EAGAIN at once.
 */
#include "io.h"
#include "peer.h"

#ifdef WEIR_HAVE_LIBURING

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>

#include "work.h"

enum { ENTRIES = 4096 };

/* The least that a slot's buffer has: a cache line of its own. */
enum { BUF_LEAST = 64 };

struct io_loop {
	struct io_job *job;
	struct io_uring ring;
	bool is_stopping;
	long reads;		/* posted and not completed */
	char *bufs;		/* one a slot, as reads are posted ahead */
	size_t buf_bytes;
};

const char *peer_liburing_version(void)
{
	return WEIR_LIBURING_VERSION;
}

static int open_loop(struct io_job *job, enum io_mode mode,
		     struct io_loop **ret_loop)
{
	struct io_loop *loop;

	(void)mode;
	if (job->work == IO_HTTP)
		return -EOPNOTSUPP;
	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	loop->job = job;
	loop->buf_bytes = job->message_bytes > BUF_LEAST ?
			  job->message_bytes : BUF_LEAST;
	loop->bufs = calloc(job->count, loop->buf_bytes);
	if (!loop->bufs) {
		free(loop);
		return -ENOMEM;
	}
	for (size_t i = 0; i < job->count; i++)
		fcntl(job->slots[i].fd, F_SETFL, 0);
	*ret_loop = loop;
	return 0;
}

static struct io_uring_sqe *next_sqe(struct io_loop *loop)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&loop->ring);

	if (!sqe) {
		io_uring_submit(&loop->ring);
		sqe = io_uring_get_sqe(&loop->ring);
	}
	return sqe;
}

static char *buf_of(const struct io_loop *loop, const struct io_slot *slot)
{
	return loop->bufs + slot->number * loop->buf_bytes;
}

static void post_read(struct io_loop *loop, struct io_slot *slot)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_read(sqe, slot->fd, buf_of(loop, slot),
			   (unsigned)loop->buf_bytes, 0);
	io_uring_sqe_set_data(sqe, slot);
	loop->reads++;
}

/* By the thread that runs the loop: it is the ring's single issuer. */
static int add_all(struct io_loop *loop)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = 4 * ENTRIES,
	};

	int err = io_uring_queue_init_params(ENTRIES, &loop->ring, &params);

	if (err < 0)
		return err;
	for (size_t i = 0; i < loop->job->count; i++)
		post_read(loop, &loop->job->slots[i]);
	io_uring_submit(&loop->ring);
	return 0;
}

static void post_write(struct io_loop *loop, int fd, const char *buf,
		       unsigned n, unsigned flags)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_write(sqe, fd, buf, n, 0);
	io_uring_sqe_set_data(sqe, NULL);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS | flags);
}

static void complete(struct io_loop *loop, const struct io_uring_cqe *cqe)
{
	struct io_slot *slot = io_uring_cqe_get_data(cqe);
	struct io_job *job = loop->job;

	loop->reads -= slot != NULL;
	if (!slot || cqe->res <= 0) {
		job->has_failed = true;	/* a write that failed, or the end */
		loop->is_stopping = true;
		return;
	}
	if (job->work == IO_ECHO) {
		post_write(loop, slot->fd, buf_of(loop, slot),
			   (unsigned)cqe->res, IOSQE_IO_LINK);
		post_read(loop, slot);
		work_count(job, cqe->res);
		return;
	}
	if (job->left > 0) {
		job->left -= cqe->res;
		post_write(loop, slot->next_out, buf_of(loop, slot),
			   (unsigned)cqe->res, 0);
	}
	post_read(loop, slot);
	work_count(job, cqe->res);
}

static void run(struct io_loop *loop)
{
	struct io_uring_cqe *cqe;
	unsigned head, count;

	while (!loop->is_stopping) {
		io_uring_submit_and_wait(&loop->ring, 1);
		count = 0;
		io_uring_for_each_cqe(&loop->ring, head, cqe) {
			complete(loop, cqe);
			count++;
		}
		io_uring_cq_advance(&loop->ring, count);
	}
	/* What the last batch has caused, answers of an echo among it. */
	io_uring_submit(&loop->ring);
}

static void submit_cancel(struct io_loop *loop)
{
	struct io_uring_sqe *sqe = next_sqe(loop);

	io_uring_prep_cancel(sqe, NULL, IORING_ASYNC_CANCEL_ANY |
			     IORING_ASYNC_CANCEL_ALL);
	io_uring_sqe_set_data(sqe, NULL);
	io_uring_submit(&loop->ring);
}

/*
 * A read that lives on would take the bytes of the next contender.  One that
 * stands linked behind a write may begin after a cancellation: then nothing
 * comes any more, and it takes another one.
 */
static void cancel_reads(struct io_loop *loop)
{
	struct __kernel_timespec patience = { .tv_nsec = 2000000 };
	struct io_uring_cqe *cqe;

	submit_cancel(loop);
	while (loop->reads > 0) {
		if (io_uring_wait_cqe_timeout(&loop->ring, &cqe,
					      &patience) < 0) {
			submit_cancel(loop);
			continue;
		}
		loop->reads -= io_uring_cqe_get_data(cqe) != NULL;
		io_uring_cqe_seen(&loop->ring, cqe);
	}
}

static void remove_all(struct io_loop *loop)
{
	cancel_reads(loop);
	io_uring_queue_exit(&loop->ring);
}

static void stop(struct io_loop *loop)
{
	loop->is_stopping = true;
}

static void close_loop(struct io_loop *loop)
{
	for (size_t i = 0; i < loop->job->count; i++)
		fcntl(loop->job->slots[i].fd, F_SETFL, O_NONBLOCK);
	free(loop->bufs);
	free(loop);
}

const struct io_ops io_liburing = {
	open_loop, add_all, remove_all, run, stop, close_loop,
};

#else

const struct io_ops io_liburing;

const char *peer_liburing_version(void)
{
	return "none";
}

#endif
