/* SPDX-License-Identifier: MIT */
/*
 * loop/registry.c - looking at the sources of a reactor
 */
#include <errno.h>

#include "loop/reactor.h"
#include "loop/source.h"

static void describe(const struct weir__source *s,
		     struct weir_source_info *info)
{
	*info = (struct weir_source_info){
		.token = s->token,
		.fd = s->fd,
		.registered = s->fd >= 0 ? s->registered : 0,
		.wanted = s->wanted,
		.ready = s->ready,
		.is_lost = s->is_lost,
		.is_disarmed = s->is_disarmed && (s->registered & EPOLLONESHOT),
		.fn = s->fn,
		.data = s->data,
	};
}

int weir_source_find(struct weir_reactor *r, int fd, weir_token *ret_token)
{
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (fd < 0 || (size_t)fd >= r->fds_capacity || !r->fds[fd])
		return -ENOENT;
	*ret_token = r->fds[fd]->token;
	return 0;
}

int weir_source_info(struct weir_reactor *r, weir_token token, size_t size,
		     struct weir_source_info *ret_info)
{
	const struct weir__source *s;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (size != sizeof(*ret_info))
		return -EINVAL;
	s = weir__source_get(r, token);
	if (!s)
		return -ESTALE;
	describe(s, ret_info);
	return 0;
}

int weir_source_each(struct weir_reactor *r, weir_source_each_fn *fn,
		     void *data)
{
	struct weir__list *node;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!fn)
		return -EINVAL;
	for (node = r->sources.next; err >= 0 && node != &r->sources;
	     node = node->next) {
		const struct weir__source *s = WEIR__CONTAINER(node,
					struct weir__source, all_link);
		struct weir_source_info info;

		if (s->is_hidden)
			continue;
		describe(s, &info);
		err = fn(r, &info, data);
	}
	return err < 0 ? err : 0;
}

static int count_one(struct weir_reactor *r,
		     const struct weir_source_info *info, void *data)
{
	(void)r;
	(void)info;
	++*(int *)data;
	return 0;
}

int weir_source_count(struct weir_reactor *r)
{
	int count = 0;
	int err = weir_source_each(r, count_one, &count);

	return err < 0 ? err : count;
}
