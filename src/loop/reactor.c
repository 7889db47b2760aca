/* SPDX-License-Identifier: MIT */
/*
 * loop/reactor.c - made, entered, ended and freed
 */
#include "loop/reactor.h"

#include <weir/memory.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop/ready.h"
#include "loop/source.h"
#include "sys/clock.h"
#include "sys/epoll.h"
#include "sys/fork.h"
#include "sys/io.h"
#include "sys/map.h"

/* Of thread-locals there is one more, in pool/handoff.c. */
static _Thread_local struct weir_reactor *current
	__attribute__((tls_model("initial-exec")));

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) \
	TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

/* An owner's number for who has the table to himself. */
enum { ALONE = 1 };

static int open_view(struct weir_reactor *r, struct weir__view *lent)
{
	void *memory = lent;
	int err = 0;

	if (!lent)
		err = weir__map_new(sizeof(*r->view), &memory);
	if (err < 0)
		return err;
	r->view = memory;
	r->owns_view = !lent;
	weir__view_init(r->view);
	return 0;
}

/* What can fail, in this order; weir__reactor_free() undoes any part of it. */
static int acquire(struct weir_reactor *r,
		   const struct weir__reactor_config *config)
{
	int err;

	r->epfd = weir__epoll_create();
	if (r->epfd < 0)
		return r->epfd;
	err = weir__doorbell_init(&r->bell);
	if (err < 0)
		return err;
	err = weir__epoll_ctl(r->epfd, EPOLL_CTL_ADD, r->bell.fd,
			      EPOLLIN | EPOLLET, WEIR__BELL);
	if (err < 0)
		return err;
	err = weir__arena_new(&r->arena);
	if (err < 0)	/* jemalloc has no number left: too many reactors */
		return err == -EAGAIN ? -ENOSPC : err;
	r->inbox_messages = config->inbox_messages;
	r->inbox = weir__inbox_new(config->inbox_messages);
	if (!r->inbox)
		return -ENOMEM;
	err = open_view(r, config->view);
	if (err < 0)
		return err;
	r->tokens = config->tokens;
	if (r->tokens)
		return 0;
	err = weir__tokens_new(&r->tokens);
	r->owns_tokens = err == 0;
	return err;
}

int weir__reactor_new(const struct weir__reactor_config *config,
		      struct weir_reactor **ret_reactor)
{
	struct weir_reactor *r;
	int err;

	r = weir__line_alloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	memset(r, 0, sizeof(*r));
	r->epfd = -EBADF;
	r->bell.fd = -EBADF;
	r->fork_generation = weir__fork_generation();
	r->owner = config->owner;
	r->hooks = config->hooks;
	r->hooks_data = config->hooks_data;
	r->thread = pthread_self();
	weir__list_init(&r->ready);
	weir__list_init(&r->held);
	weir__list_init(&r->sources);
	weir__list_init(&r->timers);
	weir__list_init(&r->attached);
	weir__flag_init(&r->stop);
	weir_reactor_update_now(r);
	weir__wheel_init(&r->wheel, r->now);
	r->accepted_fd = -1;
	err = acquire(r, config);
	if (err < 0) {
		weir__reactor_free(r);
		return err;
	}
	*ret_reactor = r;
	return 0;
}

struct weir_reactor *weir__reactor_free(struct weir_reactor *r)
{
	struct weir__list *node;

	r->thread = pthread_self();	/* nobody else has it any more */
	while ((node = weir__list_first(&r->attached)) != NULL) {
		struct weir__attached *a = WEIR__CONTAINER(node,
					struct weir__attached, link);

		a->free(a);
	}
	while ((node = weir__list_first(&r->sources)) != NULL)
		weir__source_drop(r, WEIR__CONTAINER(node, struct weir__source,
						     all_link));
	weir__timers_free(r);
	if (r->tokens)
		weir__token_cache_done(r->tokens, &r->token_cache);
	if (r->owns_tokens)
		weir__tokens_free(r->tokens);
	weir__inbox_free(r->inbox);
	weir__arena_free(r->arena);
	free(r->fds);
	free(r->undrained);
	if (r->bell.fd >= 0)
		weir__doorbell_done(&r->bell);
	if (r->epfd >= 0)
		weir__close(r->epfd);
	if (r->owns_view)
		weir__map_free(r->view, sizeof(*r->view));
	free(r);
	return NULL;
}

int weir__queue_size(unsigned messages, unsigned by_default, unsigned at_least,
		     unsigned *ret_size)
{
	unsigned size = at_least;

	if (messages == 0)
		messages = by_default;
	if (messages < at_least || messages > WEIR__QUEUE_MAX)
		return -EINVAL;
	while (size < messages)
		size *= 2;
	*ret_size = size;
	return 0;
}

int weir_reactor_new(const struct weir_reactor_options *options,
		     struct weir_reactor **ret_reactor)
{
	struct weir__reactor_config config = { .owner = ALONE };
	unsigned size;

	if (options && options->size != sizeof(*options))
		return -EINVAL;
	if (weir__queue_size(options ? options->inbox_messages : 0, 1024, 16,
			     &size) < 0)
		return -EINVAL;
	config.inbox_messages = size;
	return weir__reactor_new(&config, ret_reactor);
}

struct weir_reactor *weir_reactor_free(struct weir_reactor *r)
{
	/* In a forked child the epoll set is the parent's: leave it alone. */
	if (!r || weir__reactor_check(r) < 0 || r->hooks || r->is_turning)
		return NULL;
	r->is_closing = true;
	r->is_turning = true;	/* nor may what it calls turn or free it */
	weir__reactor_close_inbox(r);
	weir__reactor_return_all(r);
	return weir__reactor_free(r);
}

void weir__reactor_enter(struct weir_reactor *r)
{
	r->thread = pthread_self();
	r->outer = current;
	current = r;
}

void weir__reactor_leave(void)
{
	current = current->outer;
}

void weir__reactor_drain(struct weir_reactor *r)
{
	struct weir__list *node;

	r->is_draining = true;
	for (node = r->sources.next; node != &r->sources; node = node->next)
		weir__source_tell(r, WEIR__CONTAINER(node, struct weir__source,
						     all_link));
}

void weir__source_stop(struct weir_reactor *r, struct weir__source *s)
{
	const weir_token token = s->token;

	s->wanted = 0;
	s->ready = WEIR_STOPPING;
	weir__ready_call(r, s);
	if (weir__source_get(r, token) == s)
		weir__source_drop(r, s);
}

void weir__reactor_end(struct weir_reactor *r)
{
	struct weir__list *node;

	r->is_closing = true;
	weir__stat_add(r, WEIR__STAT_SOURCES_FORCED,
		       weir__stat_get(r, WEIR__STAT_SOURCES));
	while ((node = weir__list_first(&r->sources)) != NULL)
		weir__source_stop(r, WEIR__CONTAINER(node, struct weir__source,
						     all_link));
}

/* The reactor is no constant: weir_reactor_new() made it. */
weir_ns weir_reactor_now(const struct weir_reactor *r)
{
	return weir__reactor_now((struct weir_reactor *)r);
}

weir_ns weir_reactor_update_now(struct weir_reactor *r)
{
	r->now = weir__clock_now();
	return r->now;
}

struct weir_reactor *weir_reactor_current(void)
{
	return current;
}

void weir_reactor_set_data(struct weir_reactor *r, void *data)
{
	r->data = data;
}

void *weir_reactor_data(const struct weir_reactor *r)
{
	return r->data;
}

void *weir_malloc(struct weir_reactor *r, size_t size)
{
	if (weir__reactor_check(r) < 0)
		return NULL;
	r->is_memory_stale = true;
	return weir__arena_alloc(r->arena, size);
}

void *weir_mzalloc(struct weir_reactor *r, size_t size)
{
	if (weir__reactor_check(r) < 0)
		return NULL;
	r->is_memory_stale = true;
	return weir__arena_zalloc(r->arena, size);
}

void weir_mfree(struct weir_reactor *r, void *ptr)
{
	if (weir__reactor_check(r) < 0)
		return;
	r->is_memory_stale = true;
	weir__arena_dealloc(r->arena, ptr);
}

weir_ns weir_clock(void)
{
	return weir__clock_now();
}

const char *weir_version(void)
{
	return VERSION_TEXT(WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR,
			    WEIR_VERSION_PATCH);
}
