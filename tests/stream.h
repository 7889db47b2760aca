/* SPDX-License-Identifier: MIT */
/*
 * tests/stream.h - a stream of bytes that are checked, between two threads
 */
#ifndef WEIR_TESTS_STREAM_H
#define WEIR_TESTS_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"

/* What stands above sent is the test's. */
struct stream {
	int from, to;
	unsigned seed;
	uint64_t chunk;			/* bytes sent at a time */
	unsigned rest_us;		/* of who receives, before each read */
	const _Atomic bool *is_over;	/* then the sender ends its side */
	_Atomic uint64_t sent, received;
	pthread_t threads[2];
};

static inline void *stream_send(void *arg)
{
	struct stream *s = arg;

	while (!*s->is_over) {
		/* Some bytes are on their way, and not all of the machine's. */
		if (s->sent - s->received > 200000) {
			usleep(50);
			continue;
		}
		fixture_send(s->from, s->seed, s->sent, s->sent + s->chunk);
		s->sent += s->chunk;
	}
	CHECK_EQ(shutdown(s->from, SHUT_WR), 0);
	return NULL;
}

static inline void *stream_receive(void *arg)
{
	struct stream *s = arg;
	uint64_t at;

	do {
		at = s->received;
		if (s->rest_us > 0)
			usleep(s->rest_us);
		s->received = fixture_receive(s->to, s->seed, at, at + 5000,
					      NULL);
	} while (s->received > at);
	return NULL;
}

static inline void stream_start(struct stream *s)
{
	CHECK_EQ(pthread_create(&s->threads[0], NULL, stream_send, s), 0);
	CHECK_EQ(pthread_create(&s->threads[1], NULL, stream_receive, s), 0);
}

/* All that was sent has come, when it is over. */
static inline void stream_join(struct stream *s)
{
	CHECK_EQ(pthread_join(s->threads[0], NULL), 0);
	CHECK_EQ(pthread_join(s->threads[1], NULL), 0);
	CHECK_EQ(s->received, s->sent);
}

#endif /* WEIR_TESTS_STREAM_H */
