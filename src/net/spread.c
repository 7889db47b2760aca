/* SPDX-License-Identifier: MIT */
/*
 * net/spread.c - HANDOFF: which worker gets a connection
 *
 * The less loaded of two workers drawn at random: nearly as even as asking all
 * of them, and where the numbers are old it does not send a burst to the one
 * that was idle a moment ago (Mitzenmacher, "The Power of Two Choices in
 * Randomized Load Balancing", 2001).
 *
 * A worker's load is the number of its sources, as it last published it, and
 * the connections on their way to it.  Those are known from what it says it
 * has accepted: each that is sent raises what that number is expected to
 * become.  It may run ahead of us, when other listeners feed the worker too;
 * then nothing of ours counts as being on its way.
 *
 * The user may have a function that chooses: it is given all that is known.
 *
 * No connection is lost or reset because a queue is full: if all are, the one
 * in hand is kept, the rest wait in the kernel.
 */
#include <errno.h>
#include <stdlib.h>

#include "loop/reactor.h"
#include "net/listener.h"
#include "sys/clock.h"
#include "sys/io.h"
#include "sys/socket.h"

/* A connection on its way. */
struct parcel {
	weir_accept_fn *fn;
	void *data;
	int fd;			/* -1: none yet */
	struct weir_addr peer;
};

struct weir__spread {
	struct weir_listener *listener;
	struct parcel *next;	/* the one in hand, or NULL */
	struct weir__meter *meter;	/* both for the user's function, */
	struct weir_load *loads;	/* or NULL */
	uint64_t random;
	int workers;
	uint64_t expected[];	/* of weir__pool_accepted() */
};

static int prepare_choice(struct weir__spread *spread)
{
	if (!spread->listener->choose)
		return 0;
	spread->meter = weir__meter_new(spread->listener->pool);
	spread->loads = calloc((size_t)spread->workers,
			       sizeof(spread->loads[0]));
	return spread->meter && spread->loads ? 0 : -ENOMEM;
}

struct weir__spread *weir__spread_new(struct weir_listener *listener)
{
	const int workers = weir_pool_workers(listener->pool);
	struct weir__spread *spread;

	spread = calloc(1, sizeof(*spread) + (size_t)workers *
			   sizeof(spread->expected[0]));
	if (!spread)
		return NULL;
	spread->listener = listener;
	spread->workers = workers;
	spread->random = weir__clock_now() | 1;	/* never 0 */
	if (prepare_choice(spread) < 0)
		return weir__spread_free(spread);
	return spread;
}

static struct parcel *free_parcel(struct parcel *parcel)
{
	if (parcel && parcel->fd >= 0)
		weir__close(parcel->fd);
	free(parcel);
	return NULL;
}

struct weir__spread *weir__spread_free(struct weir__spread *spread)
{
	if (!spread)
		return NULL;
	free_parcel(spread->next);
	weir__meter_free(spread->meter);
	free(spread->loads);
	free(spread);
	return NULL;
}

static void arrive(struct weir_reactor *r, const struct weir_msg *msg,
		   void *data)
{
	struct parcel *parcel = msg->arg;

	(void)data;
	weir__stat_add(r, WEIR__STAT_ACCEPTED, 1);
	weir__reactor_accepted(r, parcel->fd);
	parcel->fn(r, parcel->fd, &parcel->peer, parcel->data);
	weir__reactor_accepted(r, -1);
	free(parcel);
}

static void come_back(struct weir_reactor *r, const struct weir_msg *msg,
		      int why)
{
	(void)r;
	(void)why;
	free_parcel(msg->arg);
}

static const struct weir_call arrive_call = {
	.run = arrive,
	.undeliverable = come_back,
};

/* xorshift64 (Marsaglia, 2003). */
static uint64_t draw_bits(struct weir__spread *spread)
{
	uint64_t x = spread->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	spread->random = x;
	return x;
}

/* 0 .. limit - 1, from 32 bits. */
static int within(uint64_t bits, int limit)
{
	return (int)((bits & UINT32_MAX) * (uint64_t)limit >> 32);
}

/* The upper bits are good. */
static int draw(struct weir__spread *spread, int limit)
{
	return within(draw_bits(spread) >> 32, limit);
}

static uint64_t coming_to(const struct weir__spread *spread, int worker)
{
	const struct weir_pool *pool = spread->listener->pool;
	const uint64_t arrived = weir__pool_accepted(pool, worker);
	const uint64_t expected = spread->expected[worker];

	return expected > arrived ? expected - arrived : 0;
}

static uint64_t load_of(const struct weir__spread *spread, int worker)
{
	return weir__pool_load(spread->listener->pool, worker) +
	       coming_to(spread, worker);
}

static int send_to(struct weir__spread *spread, int worker)
{
	struct weir_pool *pool = spread->listener->pool;
	const uint64_t arrived = weir__pool_accepted(pool, worker);
	int err = weir_post(pool, worker, &arrive_call, spread->next, 0);

	if (err < 0)
		return err;
	if (spread->expected[worker] < arrived)
		spread->expected[worker] = arrived;
	spread->expected[worker]++;
	spread->next = NULL;
	return 0;
}

/* The less loaded of two.  Which is a is chance, so a tie is decided by it. */
static int choose_of_two(struct weir__spread *spread)
{
	const int n = spread->workers;
	const int a = draw(spread, n);
	const int b = n == 1 ? a : (a + 1 + draw(spread, n - 1)) % n;

	return load_of(spread, b) < load_of(spread, a) ? b : a;
}

static int choose(struct weir__spread *spread)
{
	const struct weir_listener *l = spread->listener;
	int worker = -1;

	if (l->choose) {
		weir__meter_read(spread->meter, spread->loads);
		for (int i = 0; i < spread->workers; i++)
			spread->loads[i].coming = coming_to(spread, i);
		worker = l->choose(spread->loads, spread->workers,
				   draw_bits(spread), l->choose_data);
	}
	if (worker < 0 || worker >= spread->workers)
		worker = choose_of_two(spread);
	return worker;
}

/* Steps of 5 %: what is less may be noise. */
static bool is_idler(const struct weir_load *b, const struct weir_load *a)
{
	const uint32_t step = WEIR__PPM / 20;
	const uint32_t more = b->busy_ppm > a->busy_ppm ?
			      b->busy_ppm - a->busy_ppm :
			      a->busy_ppm - b->busy_ppm;

	if (more > step)
		return b->busy_ppm < a->busy_ppm;
	return b->sources + b->coming + b->queue_depth <
	       a->sources + a->coming + a->queue_depth;
}

int weir_choose_idlest(const struct weir_load *loads, int workers,
		       uint64_t random, void *data)
{
	const int a = within(random >> 32, workers);
	const int b = workers == 1 ? a :
		      (a + 1 + within(random, workers - 1)) % workers;

	(void)data;
	return is_idler(&loads[b], &loads[a]) ? b : a;
}

/* Give away the connection in hand.  Return: 0, -EBUSY or -ECANCELED. */
static int send_away(struct weir__spread *spread)
{
	const int n = spread->workers;
	const int best = choose(spread);

	/* If its queue is full: the next one that has room. */
	for (int i = 0; i < n; i++) {
		int err = send_to(spread, (best + i) % n);

		if (err == 0 || err == -ECANCELED)
			return err;
	}
	return -EBUSY;
}

/* Have an empty parcel in hand, so that nothing is accepted in vain. */
static int prepare(struct weir__spread *spread)
{
	struct parcel *parcel;

	if (spread->next)
		return 0;
	parcel = malloc(sizeof(*parcel));
	if (!parcel)
		return -ENOMEM;
	*parcel = (struct parcel){
		.fn = spread->listener->fn,
		.data = spread->listener->data,
		.fd = -1,
	};
	spread->next = parcel;
	return 0;
}

int weir__spread_one(struct weir__spread *spread, int fd)
{
	struct parcel *parcel;
	int err = prepare(spread);

	if (err < 0)
		return err;
	parcel = spread->next;
	if (parcel->fd < 0)
		parcel->fd = weir__accept(fd, &parcel->peer.ss,
					  &parcel->peer.len);
	if (parcel->fd < 0) {
		err = parcel->fd;
		parcel->fd = -1;
		return err;
	}
	err = send_away(spread);
	if (err != -ECANCELED)
		return err;
	/* The pool has stopped: the call that ends us is on its way. */
	spread->next = free_parcel(parcel);
	return -EAGAIN;
}
