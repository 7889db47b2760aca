/* SPDX-License-Identifier: MIT */
/*
 * row_move.c - connections that move between two workers, to and fro
 *
 * weir's moves keep messages in order and tokens valid; "by hand" is what
 * remains without that: out of one epoll set, a write to an eventfd, into the
 * other set. Each connection moves on as soon as it may: in weir when a message
 * that it sent to itself on its arrival is run, which is the end of the move.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

#include "bench.h"
#include "rows.h"
#include "tool.h"

enum { MOST = 64 };

struct mover {
	int fds[2];
	weir_token token;
	struct moving *moving;
	uint64_t began;		/* of its last move */
	uint64_t pause;		/* of all its moves, ns */
	long left;
};

struct moving {
	struct weir_pool *pool;
	struct mover movers[MOST];
	int count;
	int epolls[2], bells[2];	/* by hand */
	atomic_bool is_over;
	sem_t done;
};

static void move_on(struct weir_reactor *r, struct mover *m)
{
	int err;

	if (m->left-- == 0) {
		sem_post(&m->moving->done);
		return;
	}
	m->began = now_ns();
	err = weir_source_move(r, m->token, 1 - weir_reactor_index(r));
	if (err < 0)
		tool_die("move", err);
}

static void on_complete(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)msg;
	move_on(r, data);
}

static const struct weir_call complete = { .run = on_complete };

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct mover *m = data;

	if (event->facts & WEIR_MOVED) {
		m->pause += now_ns() - m->began;
		weir_reactor_send(r, m->token, &complete, NULL, 0);
	}
	return WEIR_DONE;
}

static void on_begin(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	struct moving *moving = msg->arg;

	(void)data;
	for (int i = 0; i < moving->count; i++) {
		struct mover *m = &moving->movers[i];
		int err = weir_source_add(r, m->fds[1], WEIR_READABLE, on_event,
					  m, &m->token);

		if (err < 0)
			tool_die("add", err);
		move_on(r, m);
	}
}

static const struct weir_call begin = { .run = on_begin };

static int by_weir(struct moving *moving)
{
	const struct weir_pool_options o = {
		.size = sizeof(o),
		.workers = 2,
		.flags = WEIR_POOL_NO_SIGNALS,
	};
	int err = weir_pool_new(&o, &moving->pool);

	if (err == 0)
		err = weir_pool_start(moving->pool);
	if (err == 0)
		err = weir_post(moving->pool, 0, &begin, moving, 0);
	for (int i = 0; err == 0 && i < moving->count; i++)
		sem_wait(&moving->done);
	weir_pool_free(moving->pool);
	return err;
}

struct hand {
	struct moving *moving;
	int number;
	_Atomic(struct mover *) *boxes;	/* [to * MOST + mover] */
};

/* Give one away, unless it has moved enough. */
static void give(struct hand *hand, struct mover *m)
{
	struct moving *moving = hand->moving;
	const int to = 1 - hand->number;

	if (m->left-- == 0) {
		sem_post(&moving->done);
		return;
	}
	m->began = now_ns();
	epoll_ctl(moving->epolls[hand->number], EPOLL_CTL_DEL, m->fds[1], NULL);
	atomic_store(&hand->boxes[to * MOST + (m - moving->movers)], m);
	tool_ring(moving->bells[to]);
}

static void look(struct hand *hand)
{
	struct moving *moving = hand->moving;

	for (int i = 0; i < moving->count; i++) {
		struct epoll_event e = { .events = EPOLLIN | EPOLLET };
		struct mover *m = atomic_exchange(
			&hand->boxes[hand->number * MOST + i], NULL);

		if (!m)
			continue;
		epoll_ctl(moving->epolls[hand->number], EPOLL_CTL_ADD,
			  m->fds[1], &e);
		m->pause += now_ns() - m->began;
		give(hand, m);
	}
}

static void *hand_main(void *arg)
{
	struct hand *hand = arg;
	struct moving *moving = hand->moving;
	struct epoll_event e;

	while (!atomic_load(&moving->is_over)) {
		look(hand);
		epoll_wait(moving->epolls[hand->number], &e, 1, -1);
	}
	return NULL;
}

static int by_hand(struct moving *moving)
{
	_Atomic(struct mover *) boxes[2 * MOST] = { NULL };
	struct hand hands[2];
	pthread_t threads[2];

	for (int i = 0; i < moving->count; i++) {
		moving->movers[i].began = now_ns();
		atomic_init(&boxes[i], &moving->movers[i]);
	}
	for (int i = 0; i < 2; i++) {
		struct epoll_event e = { .events = EPOLLIN | EPOLLET };

		moving->epolls[i] = epoll_create1(EPOLL_CLOEXEC);
		moving->bells[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		epoll_ctl(moving->epolls[i], EPOLL_CTL_ADD, moving->bells[i],
			  &e);
		hands[i] = (struct hand){ moving, i, boxes };
	}
	for (int i = 0; i < 2; i++)
		threads[i] = tool_thread(hand_main, &hands[i]);
	for (int i = 0; i < moving->count; i++)
		sem_wait(&moving->done);
	/* No pthread_cancel(): what a frame was to ASan would stay behind. */
	atomic_store(&moving->is_over, true);
	for (int i = 0; i < 2; i++) {
		tool_ring(moving->bells[i]);
		pthread_join(threads[i], NULL);
		close(moving->epolls[i]);
		close(moving->bells[i]);
	}
	return 0;
}

static int round_move(void *shared, const struct bench_point *point,
		      const struct bench_contender *contender, double *values)
{
	static struct moving moving;
	long moves = tool_scaled(2000, 10);
	uint64_t pause = 0, began;
	int err;

	(void)shared;
	moving = (struct moving){ .count = (int)point->a };
	sem_init(&moving.done, 0, 0);
	for (int i = 0; i < moving.count; i++) {
		struct mover *m = &moving.movers[i];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
			       SOCK_CLOEXEC, 0, m->fds))
			tool_die("socketpair", -errno);
		m->moving = &moving;
		m->left = moves / moving.count + 1;
	}
	began = now_ns();
	err = contender->arg ? by_hand(&moving) : by_weir(&moving);
	values[0] = (double)(now_ns() - began) / 1000;
	for (int i = 0; i < moving.count; i++) {
		pause += moving.movers[i].pause;
		close(moving.movers[i].fds[0]);
		close(moving.movers[i].fds[1]);
	}
	moves = (moves / moving.count + 1) * moving.count;
	values[0] /= (double)moves;
	values[1] = (double)pause / 1000 / (double)moves;
	sem_destroy(&moving.done);
	return err;
}

static const struct bench_metric metrics[] = {
	{ "time", "us/move", false },
	{ "pause", "us", false },
	{ NULL, NULL, false },
};

static const struct bench_point points[] = {
	{ "1 connection", 1, 0, 0, false, 0 },
	{ "64 connections", 64, 0, 0, false, 0 },
	{ NULL, 0, 0, 0, false, 0 },
};

static const struct bench_contender contenders[] = {
	{ "weir", NULL, 0, NULL },
	{ "by hand, no messages", NULL, 1, NULL },
	{ NULL, NULL, 0, NULL },
};

const struct bench_row row_move = {
	.name = "move",
	.title = "connections that move between two workers, to and fro",
	.method = "Time: until a connection has moved so often, the next move "
		  "beginning when the last is complete, divided by all moves. "
		  "Pause: from the call to the first callback over there.",
	.has_threads = true,
	.metrics = metrics,
	.points = points,
	.contenders = contenders,
	.round = round_move,
};
