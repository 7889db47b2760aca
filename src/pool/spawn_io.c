/* SPDX-License-Identifier: MIT */
/*
 * pool/spawn_io.c - the pipes of a spawned child
 *
 * Each end of a pipe has an open file of its own, so ours does not block while
 * the child's does. Output is read as fast as it is taken, and no byte is read
 * that nobody wants: at the limit our end is closed, and a writer finds out.
 */
#include "pool/spawn.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <weir/source.h>

#include "loop/reactor.h"
#include "loop/source.h"
#include "sys/fork.h"
#include "sys/io.h"
#include "sys/spawn.h"

/* Reads of 16 KiB, a quarter of a pipe; after four it is another's turn. */
enum { READ_BYTES = 16384, READS_A_CALL = 4 };

void weir__stream_close(struct weir__stream *s)
{
	if (s->fd < 0)
		return;
	weir_source_remove(s->child->r, s->token);
	weir__close(s->fd);
	s->fd = -1;
}

static void set_flag(const struct weir__stream *s, unsigned of_out,
		     unsigned of_err)
{
	s->child->flags |= s->which == 1 ? of_out : of_err;
}

/* Return: 0 or -ENOMEM. */
static int collect(struct weir__stream *s, const char *bytes, size_t n)
{
	size_t room = s->room;

	while (s->total + n + 1 > room)
		room = room == 0 ? 1024 : room * 2;
	if (room > s->room) {
		char *more = realloc(s->bytes, room);

		if (!more)
			return -ENOMEM;
		s->bytes = more;
		s->room = room;
	}
	for (size_t i = 0; i < n; i++)
		s->bytes[s->total + i] = bytes[i];
	s->bytes[s->total + n] = '\0';
	return 0;
}

/* Return: whether more may be read. */
static bool take(struct weir__stream *s, const char *bytes, size_t n)
{
	struct weir__spawned *child = s->child;
	const bool is_over = n > s->limit - s->total;

	if (is_over) {
		set_flag(s, WEIR_CHILD_OUT_LIMIT, WEIR_CHILD_ERR_LIMIT);
		n = s->limit - s->total;
	}
	if (!child->on_bytes && n > 0 && collect(s, bytes, n) < 0) {
		child->flags |= WEIR_CHILD_NO_MEMORY;
		return false;
	}
	s->total += n;
	if (child->on_bytes && n > 0)
		child->on_bytes(child->r, child->token, s->which, bytes, n,
				child->data);
	return !is_over;
}

/* Return: 1 (there may be more), 0 (not now) or < 0 (never). */
static int read_once(struct weir__stream *s)
{
	char bytes[READ_BYTES];
	const size_t left = s->limit - s->total;
	ssize_t n;

	/* One byte above the limit tells that it is exceeded. */
	n = weir__read(s->fd, bytes, left < READ_BYTES ? left + 1 : READ_BYTES);
	if (n == -EAGAIN && !s->child->is_grace_over)
		return 0;
	if (n == -EAGAIN)
		set_flag(s, WEIR_CHILD_OUT_HELD, WEIR_CHILD_ERR_HELD);
	if (n <= 0 || !take(s, bytes, (size_t)n))
		return -1;
	return 1;
}

static enum weir_verdict on_output(struct weir_reactor *r,
				   const struct weir_event *event, void *data)
{
	struct weir__stream *s = data;
	int more = 1;

	(void)r;
	if (event->facts & WEIR_STOPPING) {
		weir__spawned_stop(s->child);
		return WEIR_DONE;
	}
	if (!(event->facts & (WEIR_READABLE | WEIR_HANGUP | WEIR_ERROR)))
		return WEIR_DONE;
	for (int i = 0; more > 0 && i < READS_A_CALL && !s->is_paused; i++)
		more = read_once(s);
	if (more < 0) {
		weir__stream_close(s);
		weir__spawned_settle(s->child);
		return WEIR_DONE;
	}
	/* Paused: weir_child_pause() makes it ready again. */
	return more > 0 && !s->is_paused ? WEIR_MORE : WEIR_DONE;
}

void weir__stream_give_up(struct weir__stream *s)
{
	if (s->fd < 0 || s->is_paused)
		return;
	set_flag(s, WEIR_CHILD_OUT_HELD, WEIR_CHILD_ERR_HELD);
	weir__stream_close(s);
}

/* Return: bytes taken, or -EPIPE; what does not fit is waited for. */
static ssize_t feed(struct weir__stream *s, const char *bytes, size_t n)
{
	struct weir_reactor *r = s->child->r;
	size_t done = 0;
	ssize_t w = 0;

	while (done < n) {
		w = weir__pipe_write(s->fd, bytes + done, n - done);
		if (w < 0)
			break;
		done += (size_t)w;
	}
	if (w == -EAGAIN) {
		weir_source_clear(r, s->token, WEIR_WRITABLE);
		weir_source_want(r, s->token, WEIR_WRITABLE);
	} else if (w < 0) {
		weir__stream_close(s);
		return -EPIPE;
	}
	return (ssize_t)done;
}

static void feed_given(struct weir__stream *s)
{
	const ssize_t n = feed(s, s->left, s->left_bytes);

	if (n < 0)
		return;
	s->left += n;
	s->left_bytes -= (size_t)n;
	if (s->left_bytes == 0)
		weir__stream_close(s);
}

static enum weir_verdict on_input(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	struct weir__stream *s = data;
	struct weir__spawned *child = s->child;

	if (event->facts & WEIR_STOPPING) {
		weir__spawned_stop(child);
		return WEIR_DONE;
	}
	if (event->facts & (WEIR_ERROR | WEIR_HANGUP)) {
		/* Nobody reads any more. */
		weir__stream_close(s);
		return WEIR_DONE;
	}
	if (!(event->facts & WEIR_WRITABLE))
		return WEIR_DONE;
	if (s->is_given) {
		feed_given(s);
		return WEIR_DONE;
	}
	weir_source_want(r, s->token, 0);
	if (child->on_room)
		child->on_room(r, child->token, child->data);
	return WEIR_DONE;
}

int weir__stream_open(struct weir__spawned *child, int which, int *ret_theirs)
{
	struct weir__stream *s = &child->streams[which];
	const int ours = which == 0;	/* the end to write is fds[1] */
	int fds[2];
	int err = weir__pipe(fds);

	if (err < 0)
		return err;
	err = weir__fd_nonblock_set(fds[ours], true);
	if (err == 0)
		err = weir_source_add(child->r, fds[ours],
				      ours ? WEIR_WRITABLE : WEIR_READABLE,
				      ours ? on_input : on_output, s,
				      &s->token);
	/* Written when there is something: see weir__stream_start(). */
	if (err == 0 && ours)
		err = weir_source_want(child->r, s->token, 0);
	if (err < 0) {
		weir__close(fds[0]);
		weir__close(fds[1]);
		return err;
	}
	weir__source_pin(child->r, s->token, true);
	s->fd = fds[ours];
	*ret_theirs = fds[!ours];
	return 0;
}

void weir__stream_start(struct weir__stream *s)
{
	if (s->fd < 0)
		return;
	if (s->is_given)
		feed_given(s);
	else if (s->child->on_room)
		weir_source_want(s->child->r, s->token, WEIR_WRITABLE);
}

/* Return: 0, -ESTALE or -ECHILD. */
static int find(struct weir_reactor *r, weir_token token,
		struct weir__spawned **ret_child)
{
	if (weir__fork_happened(r->fork_generation))
		return -ECHILD;
	*ret_child = weir__spawned_get(r, token);
	return *ret_child ? 0 : -ESTALE;
}

int weir_child_kill(struct weir_reactor *r, weir_token token, int signo)
{
	struct weir__spawned *child;
	int err = find(r, token, &child);

	if (err < 0)
		return err;
	return weir__group_kill(child->pidfd, child->pid, signo);
}

int weir_child_write(struct weir_reactor *r, weir_token token,
		     const void *bytes, size_t n)
{
	struct weir__spawned *child;
	int err = find(r, token, &child);

	if (err < 0)
		return err;
	if (n > INT_MAX)
		return -EINVAL;
	if (child->streams[0].fd < 0 || child->streams[0].is_given)
		return -EPIPE;
	return (int)feed(&child->streams[0], bytes, n);
}

int weir_child_close_input(struct weir_reactor *r, weir_token token)
{
	struct weir__spawned *child;
	int err = find(r, token, &child);

	if (err == 0)
		weir__stream_close(&child->streams[0]);
	return err;
}

int weir_child_pause(struct weir_reactor *r, weir_token token, int which,
		     int is_paused)
{
	struct weir__spawned *child;
	struct weir__stream *s;
	int err = find(r, token, &child);

	if (err < 0)
		return err;
	if (which != 1 && which != 2)
		return -EINVAL;
	s = &child->streams[which];
	if (s->fd < 0 || s->is_paused == (is_paused != 0))
		return 0;
	s->is_paused = is_paused != 0;
	weir_source_want(r, s->token, s->is_paused ? 0 : WEIR_READABLE);
	if (!s->is_paused)
		weir_source_again(r, s->token, WEIR_READABLE);
	return 0;
}
