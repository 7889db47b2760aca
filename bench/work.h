/* SPDX-License-Identifier: MIT */
/*
 * work.h - what is done with a readable descriptor, the same for every peer
 *
 * The read has room for more than there is, so one call is enough to know that
 * a descriptor is drained: a stream that gives less than asked has no more.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"

#define WORK_HTTP_REQUEST \
	"GET /hello HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\n\r\n"
#define WORK_HTTP_ANSWER \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" \
	"Content-Length: 6\r\n\r\nhello\n"

/* One read can hold at most this many requests, and so many answers. */
enum { WORK_HTTP_BATCH = 64 };

extern char work_answers[WORK_HTTP_BATCH * sizeof(WORK_HTTP_ANSWER)];

static inline void work_count(struct io_job *job, long n)
{
	job->seen += n;
	if (job->seen >= job->total || job->has_failed)
		job->stop(job->loop);
}

/*
 * Pass on what came, as long as there are writes left: one byte, unless two
 * have met in one pipe.
 */
static inline void work_chain(struct io_slot *slot)
{
	struct io_job *job = slot->job;
	char buf[64];
	ssize_t n = read(slot->fd, buf, sizeof(buf));

	if (n <= 0)
		return;
	if (job->left > 0) {
		job->left -= n;
		if (write(slot->next_out, buf, (size_t)n) != n)
			job->has_failed = true;
	}
	work_count(job, n);
}

/*
 * Send back what came.  The socket has room for the largest message, and the
 * client waits for it, so a short write is a failure of the bench.
 */
static inline void work_echo(struct io_slot *slot)
{
	struct io_job *job = slot->job;
	ssize_t n;

	do {
		n = recv(slot->fd, job->buf, IO_BUF_BYTES, 0);
		if (n <= 0)
			return;
		if (send(slot->fd, job->buf, (size_t)n, MSG_NOSIGNAL) != n)
			job->has_failed = true;
		work_count(job, n);
	} while (n == IO_BUF_BYTES);
}

/* How many requests end in the @n bytes that came. */
static inline unsigned work_http_ends(struct io_slot *slot, ssize_t n)
{
	static const char end[] = "\r\n\r\n";
	const char *at = slot->job->buf;
	unsigned count = 0;

	for (; n > 0; n--, at++) {
		if (*at == end[slot->matched])
			slot->matched++;
		else
			slot->matched = *at == '\r';
		if (slot->matched == 4) {
			slot->matched = 0;
			count++;
		}
	}
	return count;
}

static inline void work_http(struct io_slot *slot)
{
	struct io_job *job = slot->job;
	const size_t one = sizeof(WORK_HTTP_ANSWER) - 1;
	ssize_t n = recv(slot->fd, job->buf, 4096, 0);
	unsigned count;

	if (n <= 0)
		return;
	count = work_http_ends(slot, n);
	if (count == 0)
		return;
	if (count > WORK_HTTP_BATCH ||
	    send(slot->fd, work_answers, count * one, MSG_NOSIGNAL) !=
	    (ssize_t)(count * one))
		job->has_failed = true;
	work_count(job, count);
}

#endif /* BENCH_WORK_H */
