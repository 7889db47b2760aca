/* SPDX-License-Identifier: MIT */
/*
 * pool/pool.c - made and freed
 */
#include "pool/pool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/rcu.h"
#include "sys/fork.h"

/* Options are for people: so many of them is a mistake. */
enum {
	WORKERS_MAX = 1024,
	MESSAGES_MIN = 64,
	NAME_MAX_LENGTH = 8,
};

static int take_options(struct weir_pool *pool,
			const struct weir_pool_options *options)
{
	struct weir_pool_options *o = &pool->options;

	if (options && options->size != sizeof(*options))
		return -EINVAL;
	if (options)
		*o = *options;
	if (o->workers > WORKERS_MAX ||
	    (o->flags & ~(WEIR_POOL_NO_SIGNALS | WEIR_POOL_PIN)))
		return -EINVAL;
	/* 64 KiB of address space a worker and more: as other pools have it. */
	if (weir__queue_size(o->inbox_messages, 4096, MESSAGES_MIN,
			     &o->inbox_messages) < 0 ||
	    weir__queue_size(o->ring_messages, 1024, MESSAGES_MIN,
			     &o->ring_messages) < 0)
		return -EINVAL;
	if (o->spin_ns > WEIR__SPIN_MAX)
		return -EINVAL;
	if (o->drain_ns == 0)
		o->drain_ns = 30 * WEIR_NS_PER_SEC;
	if (!o->name)
		o->name = "weir";
	if (o->name[0] == '\0' || strlen(o->name) > NAME_MAX_LENGTH)
		return -EINVAL;
	snprintf(pool->name, sizeof(pool->name), "%s", o->name);
	o->name = pool->name;
	return 0;
}

static int make_threads(struct weir_pool *pool)
{
	const int n = weir__pool_threads(pool);

	pool->threads = calloc((size_t)n, sizeof(pool->threads[0]));
	pool->mesh = weir__mesh_new((unsigned)n, pool->options.ring_messages);
	if (!pool->threads || !pool->mesh)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		struct weir__worker *w = &pool->threads[i];
		const struct weir__reactor_config config = {
			.tokens = pool->tokens,
			.view = weir__shm_view(pool, i),
			.owner = (uint32_t)i + 1,
			.inbox_messages = pool->options.inbox_messages,
			.hooks = &weir__pool_hooks,
			.hooks_data = w,
		};
		int err = weir__reactor_new(&config, &w->reactor);

		if (err < 0)
			return err;
		weir__list_init(&w->spawned);
		if (i != weir__pool_control(pool) && pool->has_cores)
			w->reactor->spin = (struct weir__spin){
				.may_linger = true,
				.limit = pool->options.spin_ns,
				.need = 1,
			};
		w->pool = pool;
		w->index = i;
		w->out = weir__mesh_sender(pool->mesh, (unsigned)i);
		weir__moves_init(w);
		weir__mesh_set_bell(pool->mesh, (unsigned)i,
				    &w->reactor->bell);
	}
	return 0;
}

/* What can fail, in this order; dismantle() undoes any part of it. */
static int assemble(struct weir_pool *pool)
{
	int err;

	if (!weir__rcu_is_usable())
		return -ENOTSUP;
	err = weir__pool_size(pool);
	if (err < 0)
		return err;
	err = weir__tokens_new(&pool->tokens);
	if (err < 0)
		return err;
	err = weir__shm_open(pool);
	if (err < 0)
		return err;
	err = make_threads(pool);
	if (err < 0)
		return err;
	if (pool->options.flags & WEIR_POOL_NO_SIGNALS)
		return 0;
	return weir__signals_open(pool);
}

static void dismantle(struct weir_pool *pool)
{
	struct weir__list *node;

	while ((node = weir__list_take(&pool->items)) != NULL) {
		struct weir__pool_item *item = WEIR__CONTAINER(node,
					struct weir__pool_item, link);

		item->free_fn(item);
	}
	weir__watchdog_close(pool);
	weir__reclaim_close(pool);
	weir__children_close(pool);
	weir__watches_close(pool);
	weir__subscribers_close(pool);
	weir__signals_close(pool);
	for (int i = 0; pool->threads && i < weir__pool_threads(pool); i++) {
		if (pool->threads[i].reactor)
			weir__reactor_free(pool->threads[i].reactor);
		weir__moves_done(&pool->threads[i]);
	}
	free(pool->threads);
	weir__mesh_free(pool->mesh);
	weir__shm_close(pool);
	weir__tokens_free(pool->tokens);
	weir__gate_done(&pool->gate);
	free(pool);
}

int weir_pool_new(const struct weir_pool_options *options,
		  struct weir_pool **ret_pool)
{
	struct weir_pool *pool;
	int err;

	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pool->fork_generation = weir__fork_generation();
	pool->maker = pthread_self();
	weir__life_init(&pool->life);
	weir__flag_init(&pool->spawns_without_pidfd);
	weir__list_init(&pool->items);
	err = weir__gate_init(&pool->gate);
	if (err < 0) {
		free(pool);
		return err;
	}
	err = take_options(pool, options);
	if (err == 0)
		err = assemble(pool);
	if (err < 0) {
		dismantle(pool);
		return err;
	}
	*ret_pool = pool;
	return 0;
}

static void give_back(const struct weir_msg *msgs, size_t count, void *data)
{
	(void)data;
	for (size_t i = 0; i < count; i++)
		weir__undeliver(NULL, &msgs[i], -ECANCELED);
}

/* What was added and posted to threads that never ran ends here. */
static void return_all(struct weir_pool *pool)
{
	for (int i = 0; i < weir__pool_threads(pool); i++) {
		struct weir_reactor *r = pool->threads[i].reactor;
		struct weir_msg msg;
		bool more;

		r->thread = pthread_self();
		weir__reactor_end(r);
		weir__reactor_close_inbox(r);
		while (weir__mesh_take(pool->mesh, (unsigned)i, SIZE_MAX,
				       give_back, NULL, &more) > 0)
			;
		while (weir__inbox_take(r->inbox, &msg))
			give_back(&msg, 1, NULL);
		weir__room_return_all(&pool->threads[i], NULL);
	}
}

struct weir_pool *weir_pool_free(struct weir_pool *pool)
{
	if (!pool || weir__fork_happened(pool->fork_generation))
		return NULL;
	weir_pool_stop(pool);
	if (weir_pool_join(pool) == -EDEADLK)
		return NULL;
	return_all(pool);
	dismantle(pool);
	return NULL;
}

struct weir_reactor *weir__pool_reactor(struct weir_pool *pool, int worker)
{
	return pool->threads[weir__pool_place(pool, worker)].reactor;
}

int weir__pool_check_control(const struct weir_pool *pool)
{
	const struct weir_reactor *r = weir_reactor_current();

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	switch (weir__life_get(&pool->life)) {
	case WEIR_POOL_NEW:
		return pthread_equal(pool->maker, pthread_self()) ? 0 : -EBUSY;
	case WEIR_POOL_STOPPED:
		return 0;
	case WEIR_POOL_RUNNING:
	case WEIR_POOL_DRAINING:
	case WEIR_POOL_STOPPING:
		break;
	}
	return r == pool->threads[weir__pool_control(pool)].reactor ? 0
								    : -EBUSY;
}

void weir__pool_own(struct weir_pool *pool, struct weir__pool_item *item)
{
	weir__list_push(&pool->items, &item->link);
}

void weir__pool_disown(struct weir__pool_item *item)
{
	weir__list_remove(&item->link);
}

uint64_t weir__pool_load(const struct weir_pool *pool, int worker)
{
	return weir__stat_get(pool->threads[worker].reactor,
			      WEIR__STAT_SOURCES);
}

uint64_t weir__pool_accepted(const struct weir_pool *pool, int worker)
{
	return weir__stat_get(pool->threads[worker].reactor,
			      WEIR__STAT_ACCEPTED);
}

void weir__pool_log(const struct weir_pool *pool, int level,
		    const char *format, ...)
{
	char text[512];
	va_list args;

	if (!pool->options.log)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pool->options.log(level, text, pool->options.log_data);
}

enum weir_pool_state weir_pool_state(const struct weir_pool *pool)
{
	return weir__life_get(&pool->life);
}

int weir_pool_workers(const struct weir_pool *pool)
{
	return pool->workers;
}

const char *weir_pool_describe(const struct weir_pool *pool)
{
	return pool->describe;
}

const char *weir_pool_error(const struct weir_pool *pool)
{
	return pool->error;
}

struct weir_pool *weir_reactor_pool(const struct weir_reactor *r)
{
	const struct weir__worker *w = r->hooks_data;

	return w ? w->pool : NULL;
}

int weir_reactor_index(const struct weir_reactor *r)
{
	const struct weir__worker *w = r->hooks_data;

	if (!w)
		return 0;
	return w->index == w->pool->workers ? WEIR_CONTROL : w->index;
}
