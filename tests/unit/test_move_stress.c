/* SPDX-License-Identifier: MIT */
/*
 * test_move_stress.c - a connection in use moves to and fro, and nobody notices
 *
 * One TCP connection echoes what comes, on whichever worker it is, and its
 * handler moves it on again and again. A client checks every byte both ways.
 * Meanwhile threads of the pool and others send it numbered messages.
 */
#include <weir.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "stress.h"

enum {
	WORKERS = 3,	/* it moves between two of them; the third sends */
	FOREIGN = 2,
	SENDERS = FOREIGN + WORKERS,
	BUFFER = 4096,
	MOVES = 10000,
	MOVES_LEAST = 100,
};

/* One sender's messages. */
struct flow {
	_Atomic uint64_t sent;	/* the sender's */
	uint64_t next;		/* whose it is may change; see on_message() */
};

struct link {
	struct weir_pool *pool;
	int fds[2];		/* the client's, the source's */
	weir_token token;
	struct weir_timer *timer;
	struct flow flows[SENDERS];
	bool is_untold;		/* is to send itself a message */
	int worker;		/* not atomic: moves must order it */
	size_t held;		/* bytes to be written */
	uint8_t buffer[BUFFER];
	_Atomic uint64_t moved, runs, ticks;
	_Atomic uint64_t written, read;	/* by the client; written: or about to be */
	_Atomic bool is_over;	/* no more moves, messages or bytes */
};

static struct link link_;

static void check_place(struct weir_reactor *r, const struct link *l)
{
	CHECK(weir_reactor_current() == r);
	CHECK_EQ(weir_reactor_index(r), l->worker);
}

/* Its own message is run: the move before is complete. */
static void on_complete(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	struct link *l = data;
	const int from = l->worker;
	int err;

	(void)msg;
	check_place(r, l);
	if (l->is_over)
		return;
	/* Afterwards it is not ours to write. */
	l->worker = 1 - from;
	err = weir_source_move(r, l->token, 1 - from);
	if (err == 0)
		return;
	CHECK_EQ(err, -EAGAIN);
	l->worker = from;
	l->is_untold = true;
	CHECK_EQ(weir_source_again(r, l->token, WEIR_WRITABLE), 0);
}

static const struct weir_call complete = { .run = on_complete };

/* What came goes back, with an appetite that is never the same. */
static enum weir_verdict echo(int fd, struct link *l)
{
	ssize_t n;

	for (int i = 0; i < 4; i++) {
		if (l->held == 0) {
			n = read(fd, l->buffer, BUFFER);
			if (n <= 0)
				return WEIR_DONE;
			l->held = (size_t)n;
		}
		n = write(fd, l->buffer, l->held);
		if (n < 0)
			return WEIR_DONE;
		l->held -= (size_t)n;
		memmove(l->buffer, l->buffer + n, l->held);
	}
	return WEIR_MORE;
}

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct link *l = data;
	enum weir_verdict verdict;
	int err;

	check_place(r, l);
	CHECK(!(event->facts & WEIR_ERROR));
	if (event->facts & WEIR_STOPPING)
		return WEIR_DONE;
	if (event->facts & WEIR_MOVED) {
		l->moved++;
		l->is_untold = true;
	}
	if (l->is_untold) {
		err = weir_reactor_send(r, l->token, &complete, NULL, 0);
		CHECK(err == 0 || err == -EAGAIN);
		l->is_untold = err < 0;
	}
	verdict = echo(event->fd, l);
	if (!l->is_untold)
		return verdict;
	CHECK_EQ(weir_source_again(r, l->token, WEIR_WRITABLE), 0);
	return WEIR_MORE;
}

static void on_tick(struct weir_reactor *r, struct weir_timer *timer,
		    void *data)
{
	struct link *l = data;

	CHECK(timer == l->timer);
	check_place(r, l);
	l->ticks++;
}

/* The numbers and the worker's are plain: TSan sees who touches them. */
static void on_message(struct weir_reactor *r, const struct weir_msg *msg,
		       void *data)
{
	struct link *l = data;
	struct flow *flow = msg->arg;

	check_place(r, l);
	CHECK_EQ(msg->word, flow->next);
	flow->next++;
	l->runs++;
}

static void on_returned(struct weir_reactor *r, const struct weir_msg *msg,
			int why)
{
	(void)r;
	(void)msg;
	test_fail(__FILE__, __LINE__, "a message came back: %d", why);
}

static const struct weir_call message = {
	.run = on_message,
	.undeliverable = on_returned,
};

/* Return: whether it was accepted. */
static bool tell(struct link *l, struct flow *flow)
{
	int err = weir_send(l->pool, l->token, &message, flow, flow->sent);

	if (err == 0)
		flow->sent++;
	else
		CHECK_EQ(err, -EAGAIN);
	return err == 0;
}

static void *foreign(void *arg)
{
	struct flow *flow = arg;

	while (!link_.is_over) {
		/* In bursts, with pauses: the others want the machine too. */
		for (int i = 0; i < 8; i++)
			tell(&link_, flow);
		usleep(50);
	}
	return NULL;
}

/* Each worker sends a little in each turn. */
static void repeat(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct link *l = data;

	if (l->is_over)
		return;
	for (int i = 0; i < 8; i++)
		tell(l, &l->flows[FOREIGN + weir_reactor_index(r)]);
	weir_timer_start(t, 100000);
}

static void start_repeating(struct weir_reactor *r, void *arg)
{
	struct weir_timer *t;

	CHECK_EQ(weir_timer_new(r, repeat, arg, &t), 0);
	CHECK_EQ(weir_timer_start(t, 1), 0);
}

static void add(struct weir_reactor *r, void *arg)
{
	struct link *l = arg;

	CHECK_EQ(weir_source_add(r, l->fds[1], WEIR_READABLE | WEIR_WRITABLE,
				 on_event, l, &l->token), 0);
	CHECK_EQ(weir_timer_new_for(r, l->token, on_tick, l, &l->timer), 0);
	CHECK_EQ(weir_timer_start_every(l->timer, WEIR_NS_PER_MSEC), 0);
	CHECK_EQ(weir_reactor_send(r, l->token, &complete, NULL, 0), 0);
}

/* Some bytes are always on their way, but the machine is others' too. */
static void *writer(void *arg)
{
	struct link *l = arg;

	while (!l->is_over) {
		const uint64_t from = l->written;

		if (from - l->read > 20000) {
			usleep(20);
			continue;
		}
		l->written = from + 10000;
		fixture_send(l->fds[0], 7, from, from + 10000);
	}
	return NULL;
}

static void *reader(void *arg)
{
	struct link *l = arg;

	while (!l->is_over || l->read < l->written) {
		if (l->read == l->written)
			usleep(20);
		else
			l->read = fixture_receive(l->fds[0], 7, l->read,
						  l->written, NULL);
	}
	return NULL;
}

static uint64_t sent_by_all(const struct link *l)
{
	uint64_t n = 0;

	for (int i = 0; i < SENDERS; i++)
		n += l->flows[i].sent;
	return n;
}

static void start(struct link *l, pthread_t *threads)
{
	l->pool = fixture_pool(WORKERS);
	fixture_tcp_pair(l->fds);
	CHECK_EQ(weir_pool_start(l->pool), 0);
	fixture_on(l->pool, 0, add, l);
	for (int i = 0; i < WORKERS; i++)
		fixture_on(l->pool, i, start_repeating, l);
	for (int i = 0; i < FOREIGN; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, foreign,
					&l->flows[i]), 0);
	CHECK_EQ(pthread_create(&threads[FOREIGN], NULL, writer, l), 0);
	CHECK_EQ(pthread_create(&threads[FOREIGN + 1], NULL, reader, l), 0);
}

/* 10,000 moves, if that takes no longer than two seconds or what was asked. */
static void watch_over(struct link *l)
{
	const weir_ns asked = stress_end();
	const weir_ns end = weir_clock() + 3 * WEIR_NS_PER_SEC / 2;

	while (l->moved < MOVES_LEAST || !stress_is_over(asked) ||
	       (l->moved < MOVES && !stress_is_over(end)))
		fixture_sleep_ms(1);
	l->is_over = true;
}

TEST(nobody_notices_that_a_connection_moves)
{
	pthread_t threads[FOREIGN + 2];
	struct link *l = &link_;

	start(l, threads);
	watch_over(l);
	for (int i = 0; i < FOREIGN + 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	fixture_settle(l->pool);
	while (l->runs < sent_by_all(l))
		fixture_sleep_ms(1);
	CHECK_EQ(l->read, l->written);
	CHECK(l->ticks > 0);
	NOTE("%llu moves, %llu messages, %llu bytes, %llu ticks",
	     (unsigned long long)l->moved, (unsigned long long)l->runs,
	     (unsigned long long)l->read, (unsigned long long)l->ticks);
	fixture_pool_end(l->pool);
	CHECK_EQ(l->runs, sent_by_all(l));
	close(l->fds[0]);
	close(l->fds[1]);
}
