/* SPDX-License-Identifier: MIT */
/*
 * net/listener.c - accepting connections into a pool: control's part
 *
 * All sockets are bound and listen when weir_listener_open() returns; what is
 * left to do is to add each to the reactor of its worker.  Before the pool's
 * start the maker does that itself.  Later it goes by message:
 *
 *     control                          worker
 *        |---- open -------------------> adds the socket
 *        |---- close ------------------> takes what waits, closes it
 *        <---------------- closed -----|
 *
 * L1  A shard that got "close" answers "closed" once, also if it was closed
 *     before, by a drain.  One that was not asked never says anything.
 * L2  A listener that the user has closed is freed with the last answer it
 *     waits for.  The pool frees what it still has at its own end: then
 *     no thread is left that could answer.
 * L3  If a queue is full, what is to be said is tried again by a timer.
 * L4  A shard that was never told to open is still control's.
 */
#include <weir/listener.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <weir/timer.h>

#include "net/listener.h"
#include "net/unix.h"
#include "sys/io.h"
#include "sys/socket.h"

/* How soon to try again when a queue was full. */
static const weir_ns RETRY_NS = 5 * WEIR_NS_PER_MSEC;

enum {
	BACKLOG_DEFAULT = 4096,
	BUDGET_DEFAULT = 64,
};

static void close_socket(struct weir__shard *shard)
{
	if (shard->fd >= 0)
		weir__close(shard->fd);
	shard->fd = -1;
}

static void remove_path(struct weir_listener *l)
{
	if (l->has_path)
		weir__path_remove(weir__bind_path(&l->addr), &l->path_id);
	l->has_path = false;
}

/* All but the timers, which go with their reactors. */
static void free_listener(struct weir_listener *l)
{
	for (int i = 0; i < l->shards_count; i++)
		close_socket(&l->shards[i]);
	remove_path(l);
	weir__spread_free(l->spread);
	free(l);
}

static void free_item(struct weir__pool_item *item)
{
	free_listener(WEIR__CONTAINER(item, struct weir_listener, item));
}

/*
 * The last that is heard of it, by control.  Only before the start, or while
 * it is being made, a shard may still be open.
 */
static void discard(struct weir_listener *l)
{
	for (int i = 0; i < l->shards_count; i++) {
		struct weir__shard *shard = &l->shards[i];

		if (shard->is_added)
			weir__shard_end(weir__pool_reactor(l->pool,
							   shard->worker),
					shard);
		weir_timer_free(shard->timer);
	}
	weir_timer_free(l->timer);
	weir__pool_disown(&l->item);
	free_listener(l);
}

static void closed_run(struct weir_reactor *control, const struct weir_msg *msg,
		       void *data)
{
	struct weir_listener *l = msg->arg;

	(void)control;
	(void)data;
	if (--l->unanswered == 0)
		discard(l);
}

static const struct weir_call closed_call = { .run = closed_run };

/* On the shard's thread: L1. */
static void answer(struct weir__shard *shard)
{
	struct weir_listener *l = shard->listener;
	struct weir_timer *timer = shard->timer;
	int err;

	/* Once it is said the listener may be gone; the timer is ours. */
	shard->timer = NULL;
	err = weir__post_reserved(l->pool, WEIR_CONTROL, &closed_call, l, 0);
	if (err == 0 || err == -ECANCELED || !timer) {
		weir_timer_free(timer);
		return;
	}
	shard->timer = timer;
	weir_timer_start(timer, RETRY_NS);
}

void weir__listener_ended(struct weir__shard *shard)
{
	struct weir_listener *l = shard->listener;

	if (shard->is_asked)
		answer(shard);
	if (l->mode != WEIR_LISTENER_HANDOFF)
		return;
	remove_path(l);
	if (l->is_closed)
		discard(l);
}

static void open_run(struct weir_reactor *r, const struct weir_msg *msg,
		     void *data)
{
	(void)data;
	weir__shard_open_surely(r, msg->arg);
}

static void open_undeliverable(struct weir_reactor *r,
			       const struct weir_msg *msg, int why)
{
	(void)r;
	(void)why;
	close_socket(msg->arg);
}

static void close_run(struct weir_reactor *r, const struct weir_msg *msg,
		      void *data)
{
	struct weir__shard *shard = msg->arg;

	(void)data;
	shard->is_asked = true;
	if (shard->fd < 0)
		answer(shard);
	else
		weir__shard_close(r, shard);
}

static const struct weir_call open_call = {
	.run = open_run,
	.undeliverable = open_undeliverable,
};

/* Undeliverable: the pool has ended, and with it the shard. */
static const struct weir_call close_call = { .run = close_run };

static void end_told(struct weir__shard *shard)
{
	close_socket(shard);
	shard->told = WEIR__TOLD_CLOSED;
}

/* Tell a shard what it has to be told.  Return: 0, or -errno to try again. */
static int tell(struct weir_listener *l, struct weir__shard *shard)
{
	const struct weir_call *call = NULL;
	int err;

	if (shard->told == WEIR__TOLD_NOTHING)
		call = &open_call;
	else if (shard->told == WEIR__TOLD_NOT_CLOSED)
		call = &close_call;
	if (!call)
		return 0;
	if (call == &open_call &&
	    weir_pool_state(l->pool) != WEIR_POOL_RUNNING) {
		end_told(shard);	/* L4 */
		return 0;
	}
	err = weir__post_reserved(l->pool, shard->worker, call, shard, 0);
	if (err == -ECANCELED && call == &open_call)
		end_told(shard);
	else if (err == 0 || err == -ECANCELED)
		shard->told++;
	return err == -ECANCELED ? 0 : err;
}

static void tell_all(struct weir_listener *l)
{
	int err = 0;

	for (int i = 0; i < l->shards_count; i++) {
		const int r = tell(l, &l->shards[i]);

		if (r < 0)
			err = r;
	}
	if (err < 0)
		weir_timer_start(l->timer, RETRY_NS);	/* L3 */
}

static void on_timer(struct weir_reactor *control, struct weir_timer *t,
		     void *data)
{
	(void)control;
	(void)t;
	tell_all(data);
}

static const char *const mode_names[] = {
	[WEIR_LISTENER_SHARDED] = "sharded",
	[WEIR_LISTENER_HANDOFF] = "handoff",
	[WEIR_LISTENER_STEERED] = "steered",
};

enum { MODES = sizeof(mode_names) / sizeof(mode_names[0]) };

const char *weir_listener_mode_name(enum weir_listener_mode mode)
{
	return (unsigned)mode < MODES ? mode_names[mode] : NULL;
}

int weir_listener_mode_parse(const char *text,
			     enum weir_listener_mode *ret_mode)
{
	for (int i = 0; text && i < MODES; i++) {
		if (strcmp(text, mode_names[i]) != 0)
			continue;
		*ret_mode = (enum weir_listener_mode)i;
		return 0;
	}
	return -EINVAL;
}

static int check_options(const struct weir_listener_options *options)
{
	if (!options)
		return 0;
	if (options->size != sizeof(*options) || options->backlog < 0)
		return -EINVAL;
	if (!weir__unix_options_ok(options->unix_mode, options->unix_stale))
		return -EINVAL;
	return weir_listener_mode_name(options->mode) ? 0 : -EINVAL;
}

static void take_options(struct weir_listener *l,
			 const struct weir_listener_options *options)
{
	l->backlog = BACKLOG_DEFAULT;
	l->budget = BUDGET_DEFAULT;
	if (options) {
		l->unix_mode = options->unix_mode;
		l->unix_stale = options->unix_stale;
	}
	if (options && options->backlog > 0)
		l->backlog = options->backlog;
	if (options && options->accept_budget > 0)
		l->budget = options->accept_budget;
	l->choose = options ? options->choose : NULL;
	l->choose_data = options ? options->choose_data : NULL;
}

/* Sockets shared by address are TCP's; of unix sockets the last one wins. */
static enum weir_listener_mode mode_of(const struct weir_addr *addr,
				const struct weir_listener_options *options)
{
	if (addr->ss.ss_family == AF_UNIX)
		return WEIR_LISTENER_HANDOFF;
	return options ? options->mode : WEIR_LISTENER_SHARDED;
}

/* A listener without sockets, or NULL. */
static struct weir_listener *make(struct weir_pool *pool,
				  const struct weir_addr *addr,
				  const struct weir_listener_options *options)
{
	const enum weir_listener_mode mode = mode_of(addr, options);
	const bool is_shared = weir__mode_is_shared(mode);
	const int count = is_shared ? weir_pool_workers(pool) : 1;
	struct weir_listener *l;

	l = calloc(1, sizeof(*l) + (size_t)count * sizeof(l->shards[0]));
	if (!l)
		return NULL;
	weir__list_init(&l->item.link);
	l->item.free_fn = free_item;
	l->pool = pool;
	l->mode = mode;
	take_options(l, options);
	/* Byte by byte, so that a path ends with a NUL even if it is full. */
	memcpy(&l->addr.ss, &addr->ss, addr->len);
	l->addr.len = addr->len;
	l->shards_count = count;
	for (int i = 0; i < count; i++) {
		l->shards[i].listener = l;
		l->shards[i].worker = is_shared ? i : WEIR_CONTROL;
		l->shards[i].fd = -1;
	}
	return l;
}

/* The first socket decides the port and whose the name is. */
static int learn_addr(struct weir_listener *l, int fd)
{
	const char *path = weir__bind_path(&l->addr);

	if (path)
		l->has_path = weir__path_id(path, &l->path_id) == 0;
	if (l->addr.ss.ss_family == AF_UNIX)
		return 0;
	return weir__getsockname(fd, &l->addr.ss, &l->addr.len);
}

/* All of them have the address before the first one listens. */
static int bind_and_listen(struct weir_listener *l)
{
	int err = 0;

	for (int i = 0; err == 0 && i < l->shards_count; i++) {
		int fd = weir__bind_socket(l);

		if (fd < 0)
			return fd;
		l->shards[i].fd = fd;
		if (i == 0)
			err = learn_addr(l, fd);
	}
	for (int i = 0; err == 0 && i < l->shards_count; i++)
		err = weir__listen(l->shards[i].fd, l->backlog);
	if (err == 0 && l->mode == WEIR_LISTENER_STEERED)
		err = weir__steer(l->shards[0].fd, l->shards_count);
	return err;
}

/* Add to their reactors those sockets whose thread we are. */
static int open_own_shards(struct weir_listener *l)
{
	struct weir_pool *pool = l->pool;
	int err = 0;

	if (weir__mode_is_shared(l->mode) &&
	    weir_pool_state(pool) != WEIR_POOL_NEW)
		return 0;
	for (int i = 0; err == 0 && i < l->shards_count; i++) {
		struct weir__shard *shard = &l->shards[i];

		err = weir__shard_open(weir__pool_reactor(pool, shard->worker),
				       shard);
		shard->told = WEIR__TOLD_OPEN;
	}
	return err;
}

/* All that can fail; discard() undoes any part of it. */
static int prepare(struct weir_listener *l)
{
	int err = bind_and_listen(l);

	if (err < 0)
		return err;
	if (l->mode == WEIR_LISTENER_HANDOFF) {
		l->spread = weir__spread_new(l);
		if (!l->spread)
			return -ENOMEM;
	} else {
		err = weir_timer_new(weir__pool_reactor(l->pool, WEIR_CONTROL),
				     on_timer, l, &l->timer);
		if (err < 0)
			return err;
	}
	return open_own_shards(l);
}

int weir_listener_open(struct weir_pool *pool, const struct weir_addr *addr,
		       const struct weir_listener_options *options,
		       weir_accept_fn *fn, void *data,
		       struct weir_listener **ret_listener)
{
	struct weir_listener *l;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	err = check_options(options);
	if (err < 0)
		return err;
	if (!fn || addr->len > sizeof(addr->ss))
		return -EINVAL;
	if (weir_pool_state(pool) > WEIR_POOL_RUNNING)
		return -ECANCELED;
	l = make(pool, addr, options);
	if (!l)
		return -ENOMEM;
	l->fn = fn;
	l->data = data;
	err = prepare(l);
	if (err < 0) {
		discard(l);
		return err;
	}
	weir__pool_own(pool, &l->item);
	tell_all(l);
	*ret_listener = l;
	return 0;
}

int weir_listener_addr(const struct weir_listener *listener,
		       struct weir_addr *ret_addr)
{
	if (weir__pool_check_control(listener->pool) == -ECHILD)
		return -ECHILD;
	*ret_addr = listener->addr;
	return 0;
}

/* The pool runs.  @l may be gone when it returns. */
static void close_running(struct weir_listener *l)
{
	l->is_closed = true;
	if (l->mode == WEIR_LISTENER_HANDOFF) {
		if (l->shards[0].fd < 0)
			discard(l);
		else
			weir__shard_close(weir__pool_reactor(l->pool,
							     WEIR_CONTROL),
					  &l->shards[0]);
		return;
	}
	for (int i = 0; i < l->shards_count; i++) {
		struct weir__shard *shard = &l->shards[i];

		if (shard->told == WEIR__TOLD_NOTHING) {
			end_told(shard);
		} else if (shard->told == WEIR__TOLD_OPEN) {
			shard->told = WEIR__TOLD_NOT_CLOSED;
			l->unanswered++;
		}
	}
	if (l->unanswered == 0)
		discard(l);
	else
		tell_all(l);
}

int weir_listener_close(struct weir_listener *listener)
{
	struct weir_pool *pool = listener->pool;
	int err = weir__pool_check_control(pool);

	if (err < 0)
		return err;
	switch (weir_pool_state(pool)) {
	case WEIR_POOL_NEW:
		discard(listener);
		break;
	case WEIR_POOL_RUNNING:
	case WEIR_POOL_DRAINING:
	case WEIR_POOL_STOPPING:
		close_running(listener);
		break;
	case WEIR_POOL_STOPPED:
		break;	/* its sockets are closed, the rest is the pool's */
	}
	return 0;
}
