/* SPDX-License-Identifier: MIT */
/*
 * test_connect_move.c - an attempt to connect goes to another worker
 */
#include <weir.h>

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "sys/fault.h"
#include "thing.h"

struct attempt {
	struct weir_addr addr;
	weir_ns timeout;
	weir_token token;
	int begun, moved, cancelled;
	_Atomic int calls;
	int worker, error;	/* of the call */
	sem_t done;
};

static void on_decided(struct weir_reactor *r, weir_token token, int error,
		       void *data)
{
	struct attempt *a = data;

	CHECK(weir_token_equal(token, a->token));
	CHECK(weir_reactor_current() == r);
	a->worker = weir_reactor_index(r);
	a->error = error;
	if (error == 0)
		CHECK_EQ(weir_source_close(r, token), 0);
	a->calls++;
	sem_post(&a->done);
}

/* Nothing is decided before the next look at epoll. */
static void begin_and_move(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	a->begun = weir_connect(r, &a->addr, a->timeout, on_decided, a,
				&a->token);
	if (a->begun == 0)
		a->moved = weir_source_move(r, a->token, 1);
}

static void cancel(struct weir_reactor *r, void *arg)
{
	struct attempt *a = arg;

	a->cancelled = weir_connect_cancel(r, a->token);
}

static void begin(struct weir_pool *pool, struct attempt *a, int port,
		  weir_ns timeout)
{
	*a = (struct attempt){ .addr = fixture_addr(port), .timeout = timeout };
	CHECK_EQ(sem_init(&a->done, 0, 0), 0);
	fixture_on(pool, 0, begin_and_move, a);
	CHECK_EQ(a->begun, 0);
	CHECK_EQ(a->moved, 0);
}

static void check_decided(struct weir_pool *pool, struct attempt *a, int error)
{
	fixture_wait(&a->done);
	CHECK_EQ(a->error, error);
	CHECK_EQ(a->worker, 1);
	fixture_settle(pool);
	CHECK_EQ(a->calls, 1);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, timers_running), 0);
}

TEST(it_is_decided_where_it_is)
{
	struct weir_pool *pool = thing_pool();
	struct attempt a;
	int port, fd = fixture_listen(8, &port);

	begin(pool, &a, port, WEIR_FOREVER);
	check_decided(pool, &a, 0);
	close(fd);
	fd = fixture_dead_port(&port);
	begin(pool, &a, port, 3600 * WEIR_NS_PER_SEC);
	check_decided(pool, &a, -ECONNREFUSED);
	close(fd);
	fixture_pool_end(pool);
}

TEST(its_limit_moves_along_and_so_it_can_be_cancelled)
{
	struct weir_pool *pool = thing_pool();
	struct attempt a;
	int port, fd = fixture_listen(0, &port);
	int filler = fixture_connect(port);

	begin(pool, &a, port, 30 * WEIR_NS_PER_MSEC);
	check_decided(pool, &a, -ETIMEDOUT);
	begin(pool, &a, port, 3600 * WEIR_NS_PER_SEC);
	fixture_settle(pool);
	fixture_on(pool, 0, cancel, &a);
	CHECK_EQ(a.cancelled, -ESTALE);
	fixture_on(pool, 1, cancel, &a);
	CHECK_EQ(a.cancelled, 0);
	fixture_settle(pool);
	CHECK_EQ(a.calls, 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, sources), 0);
	CHECK_EQ(FIXTURE_STAT(pool, WEIR_ALL, timers_running), 0);
	close(filler);
	close(fd);
	fixture_pool_end(pool);
}

/* ADD, DEL of the move; what comes then fails. */
static _Atomic bool is_counting;
static _Atomic int good = 2;

static int fault(enum weir__call call)
{
	return call == WEIR__CALL_EPOLL_CTL && is_counting && --good < 0 ?
	       -ENOSPC : 0;
}

TEST(if_it_cannot_be_watched_there_that_is_its_end)
{
	struct attempt a;
	int port, fd = fixture_listen(8, &port);
	struct weir_pool *pool;

	weir__fault_hook = fault;
	pool = thing_pool();
	is_counting = true;
	begin(pool, &a, port, WEIR_FOREVER);
	check_decided(pool, &a, -ENOSPC);
	is_counting = false;
	close(fd);
	fixture_pool_end(pool);
}
