/* SPDX-License-Identifier: MIT */
/*
 * net/relay.c - two stream sockets, each given what the other sends
 *
 * Each side has a direction, from it to the other:
 *
 *     OPEN --- end of stream, passed on --------> ENDED
 *      |  ^
 *      v  | all written
 *     HELD: bytes wait in a queue, nothing is read
 *
 * R1  Nothing is read while bytes of the direction wait.  So a queue is made
 *     when a write falls short, as large as what was left over, and freed with
 *     its last byte; and the end of a stream is met with an empty queue.
 * R2  A side wants READABLE while its direction is OPEN, and WRITABLE while the
 *     other's is HELD.  Nothing else is asked of the source: epoll_ctl never.
 * R3  What a failed socket had received before it failed is still delivered.
 *     The failure ends the other direction at once and reading from the
 *     survivor with it; the relay ends when the failed socket has nothing more
 *     to give.  Only then are both reset: who was promised more must not take
 *     what came for all of it.  (Unix sockets know no reset, only an end.)
 * R4  Functions that return bool say whether the relay is still there.  After
 *     false nothing of it may be touched.
 *
 * R5  A relay moves with both sides: they are tied.  It is plain memory, and its
 *     queues become that when it leaves; its timer is a source's.
 *
 * A short read says that the socket is empty, which saves the read that would
 * have met EAGAIN, unless the end may stand behind it: its edge came already
 * and will not come again.
 */
#include <weir/relay.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <weir/memory.h>
#include <weir/move.h>
#include <weir/source.h>
#include <weir/timer.h>

#include "base/bytes.h"
#include "loop/reactor.h"
#include "loop/source.h"
#include "net/scratch.h"
#include "sys/io.h"
#include "sys/socket.h"

enum {
	BUFFER_MIN = 4 * 1024,
	BUFFER_DEFAULT = 16 * 1024,
	BUFFER_MAX = WEIR__SCRATCH,
	/* Reads a call, so that a busy relay leaves room for the others. */
	READS_PER_CALL = 4,
};

static const uint32_t MUST_REGISTER =
	EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

struct side {
	struct weir_relay *relay;
	weir_token token;
	int fd;
	uint16_t wanted;
	bool has_ended;		/* nothing more is read from it */
	bool may_be_at_end;	/* a short read says nothing; see above */
	/* the direction from here to the other side */
	struct weir__bytes queue;
	bool is_queue_plain;	/* from malloc(): it has moved */
	uint64_t bytes;		/* taken by the other's socket */
};

struct weir_relay {
	struct weir__attached attached;
	struct weir_reactor *reactor;
	struct side sides[2];
	size_t buffer_bytes;
	weir_relay_fn *fn;
	void *data;
	int error;		/* 0, or of the side that failed first */
	int error_side;
	int leaving_error;	/* 0, or what a move has failed of */
	weir_ns idle_ns;
	weir_ns moved_at;	/* the last byte */
	struct weir_timer *idle;	/* NULL: no limit; side 0's */
	bool has_buffer;	/* it uses its reactor's */
};

static int join(struct weir_relay *relay)
{
	int err = weir__scratch_join(relay->reactor);

	relay->has_buffer = err == 0;
	return err;
}

static int index_of(const struct side *s)
{
	return s == &s->relay->sides[1];
}

static struct side *other(struct side *s)
{
	return &s->relay->sides[!index_of(s)];
}

static bool is_held(const struct side *s)
{
	return weir__bytes_len(&s->queue) > 0;
}

static void free_queue(struct side *s)
{
	if (s->is_queue_plain)
		free(s->queue.mem);
	else
		weir_mfree(s->relay->reactor, s->queue.mem);
	s->is_queue_plain = false;
	weir__bytes_init(&s->queue, NULL, 0);
}

static void clear(const struct side *s, uint32_t facts)
{
	weir_source_clear(s->relay->reactor, s->token, facts);
}

/* R2 */
static void update_wanted(struct side *s)
{
	uint16_t wanted = 0;

	if (!s->has_ended && !is_held(s))
		wanted |= WEIR_READABLE | WEIR_RDHUP;
	if (is_held(other(s)))
		wanted |= WEIR_WRITABLE;
	if (wanted == s->wanted)
		return;
	s->wanted = wanted;
	weir_source_want(s->relay->reactor, s->token, wanted);
}

/*
 * Is @s to be told that its stream was cut off?  An orderly close would say
 * that it is complete.
 */
static bool must_reset(struct side *s, enum weir_relay_end end)
{
	return end == WEIR_RELAY_ERROR || is_held(other(s));
}

static void finish(struct weir_relay *relay, enum weir_relay_end end)
{
	struct weir_reactor *r = relay->reactor;
	weir_relay_fn *fn = relay->fn;
	void *data = relay->data;
	const struct weir_relay_result result = {
		.end = end,
		.error = end == WEIR_RELAY_ERROR ? relay->error : 0,
		.error_side = relay->error_side,
		.bytes_a_to_b = relay->sides[0].bytes,
		.bytes_b_to_a = relay->sides[1].bytes,
	};

	weir__list_remove(&relay->attached.link);
	for (int i = 0; i < 2; i++) {
		struct side *s = &relay->sides[i];

		if (must_reset(s, end) && !weir__reactor_is_abandoned(r))
			weir__linger_reset(s->fd);
		weir_source_close(r, s->token);
	}
	for (int i = 0; i < 2; i++)
		free_queue(&relay->sides[i]);
	if (relay->has_buffer)
		weir__scratch_leave(r);
	free(relay);
	fn(r, &result, data);
}

static void end_with_reactor(struct weir__attached *attached)
{
	finish(WEIR__CONTAINER(attached, struct weir_relay, attached),
	       WEIR_RELAY_STOPPED);
}

static bool last_words(struct weir_relay *relay);

/*
 * @s has failed: R3.  @s->has_ended says whether anything is left to be read
 * from it.
 */
static bool fail(struct side *s, int error)
{
	struct weir_relay *relay = s->relay;
	struct side *o = other(s);

	if (relay->error != 0) {
		finish(relay, WEIR_RELAY_ERROR);	/* the survivor too */
		return false;
	}
	relay->error = error;
	relay->error_side = index_of(s);
	o->has_ended = true;
	free_queue(o);
	update_wanted(o);
	update_wanted(s);
	return last_words(relay);
}

/* What the socket of @s has failed of.  Return: -errno; 0 if it has not. */
static int take_error(const struct side *s)
{
	int error;
	int err = weir__sockopt_get(s->fd, SOL_SOCKET, SO_ERROR, &error);

	return err < 0 ? err : -error;
}

static void count(struct side *s, size_t n)
{
	struct weir_relay *relay = s->relay;

	s->bytes += n;
	relay->moved_at = weir_reactor_now(relay->reactor);
	weir__stat_add(relay->reactor, WEIR__STAT_BYTES_RELAYED, n);
}

/* OPEN -> HELD: the other side's socket is full. */
static bool hold(struct side *s, const uint8_t *buf, size_t n)
{
	struct side *o = other(s);
	uint8_t *mem = weir_malloc(s->relay->reactor, n);

	if (!mem)
		return fail(o, -ENOMEM);
	weir__bytes_init(&s->queue, mem, n);
	weir__bytes_push(&s->queue, buf, n);
	clear(o, WEIR_WRITABLE);
	update_wanted(s);
	update_wanted(o);
	return true;
}

/* Give the other side what was read from @s. */
static bool deliver(struct side *s, const uint8_t *buf, size_t n)
{
	ssize_t done = weir__send(other(s)->fd, buf, n);

	if (done < 0 && done != -EAGAIN)
		return fail(other(s), (int)done);
	if (done < 0)
		done = 0;
	if (done > 0)
		count(s, (size_t)done);
	if ((size_t)done == n)
		return true;
	return hold(s, buf + done, n - (size_t)done);
}

/* OPEN -> ENDED: all that came before was delivered (R1). */
static bool end_of_stream(struct side *s)
{
	struct side *o = other(s);
	int err;

	s->has_ended = true;
	update_wanted(s);
	err = weir__shutdown(o->fd, SHUT_WR);
	if (err < 0) {
		const int error = take_error(o);

		/* ENOTCONN says no more than that it is over. */
		return fail(o, error < 0 ? error : err);
	}
	if (!o->has_ended)
		return true;
	finish(s->relay, WEIR_RELAY_FINISHED);
	return false;
}

static bool read_failed(struct side *s, int error)
{
	if (error == -EAGAIN) {
		s->may_be_at_end = false;
		clear(s, WEIR_READABLE);
		return true;
	}
	s->has_ended = true;
	return fail(s, error);
}

/* Read from @s while there is something, and the other side takes it. */
static bool pump(struct side *s)
{
	struct weir_relay *relay = s->relay;
	uint8_t *buf = weir__scratch_get(relay->reactor);

	for (int i = 0; i < READS_PER_CALL; i++) {
		ssize_t n;

		if (s->has_ended || is_held(s))
			return true;
		n = weir__recv(s->fd, buf, relay->buffer_bytes);
		if (n < 0)
			return read_failed(s, (int)n);
		if (n == 0)
			return end_of_stream(s);
		if (!deliver(s, buf, (size_t)n))
			return false;
		if ((size_t)n < relay->buffer_bytes && !s->may_be_at_end) {
			clear(s, WEIR_READABLE);
			return true;
		}
	}
	return true;
}

/* pump() for the side that has failed: to the first sign that it is empty. */
static bool last_words(struct weir_relay *relay)
{
	struct side *s = &relay->sides[relay->error_side];
	uint8_t *buf = weir__scratch_get(relay->reactor);

	for (int i = 0; i < READS_PER_CALL; i++) {
		ssize_t n = 0;

		if (is_held(s))
			return true;	/* flush() comes back to it */
		if (!s->has_ended)
			n = weir__recv(s->fd, buf, relay->buffer_bytes);
		if (n <= 0) {
			finish(relay, WEIR_RELAY_ERROR);
			return false;
		}
		if (!deliver(s, buf, (size_t)n))
			return false;
	}
	/* Its next edge may have been for what was read just now: ask again. */
	weir_source_again(relay->reactor, s->token, WEIR_READABLE);
	return true;
}

/* The other side's socket has room for what waits in the queue of @s. */
static bool flush(struct side *s)
{
	struct iovec iov[2];
	int pieces = weir__bytes_peek(&s->queue, iov);
	ssize_t n;

	if (pieces == 0)
		return true;
	n = weir__sendv(other(s)->fd, iov, pieces);
	if (n < 0 && n != -EAGAIN)
		return fail(other(s), (int)n);
	if (n > 0) {
		count(s, (size_t)n);
		weir__bytes_drop(&s->queue, (size_t)n);
	}
	if (is_held(s)) {
		clear(other(s), WEIR_WRITABLE);
		return true;
	}
	/* HELD -> OPEN: if it is still readable, it is called for that. */
	free_queue(s);
	update_wanted(s);
	update_wanted(other(s));
	return s->relay->error == 0 || last_words(s->relay);
}

/*
 * The kernel says that the socket has failed.  A read will say how, in its
 * turn; but where nothing more is read, nobody else would ask.
 */
static bool notice_error(struct side *s)
{
	struct weir_relay *relay = s->relay;
	int error;

	if (!s->has_ended ||
	    (relay->error != 0 && relay->error_side == index_of(s)))
		return true;
	error = take_error(s);
	return error == 0 || fail(s, error);
}

/* Return: 0 or -ENOMEM. */
static int pack_queue(struct side *s)
{
	struct weir__bytes packed;
	struct iovec iov[2];

	if (s->is_queue_plain || weir__bytes_peek(&s->queue, iov) == 0)
		return 0;
	/* It was filled once, so it is in one piece. */
	weir__bytes_init(&packed, malloc(iov[0].iov_len), iov[0].iov_len);
	if (!packed.mem)
		return -ENOMEM;
	weir__bytes_push(&packed, iov[0].iov_base, iov[0].iov_len);
	free_queue(s);
	s->queue = packed;
	s->is_queue_plain = true;
	return 0;
}

/* Nothing of it stays the old reactor's. */
static void on_leaving(struct weir_relay *relay)
{
	for (int i = 0; i < 2; i++) {
		struct side *s = &relay->sides[i];

		if (pack_queue(s) == 0)
			continue;
		relay->leaving_error = -ENOMEM;
		free_queue(s);
	}
	weir__scratch_leave(relay->reactor);
	relay->has_buffer = false;
}

/* R5, and the end of the reactor.  Return: whether to go on; see R4. */
static bool on_travel(struct weir_reactor *r, struct side *s, uint32_t facts)
{
	struct weir_relay *relay = s->relay;
	int err = relay->leaving_error;

	if (facts & WEIR__LEAVING) {
		on_leaving(relay);
		return false;
	}
	relay->reactor = r;
	if (facts & WEIR_STOPPING) {
		finish(relay, WEIR_RELAY_STOPPED);
		return false;
	}
	/* The first side that is called brings the relay. */
	if (err == 0 && !relay->has_buffer)
		err = join(relay);
	if (err == 0)
		err = weir__source_mend(r, s->token);
	if (err == 0)
		return true;
	if (relay->error == 0) {
		relay->error = err;
		relay->error_side = index_of(s);
	}
	finish(relay, WEIR_RELAY_ERROR);
	return false;
}

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	const uint32_t facts = event->facts;
	const uint32_t others = facts & ~(WEIR_READABLE | WEIR_WRITABLE);
	struct side *s = data;
	struct weir_relay *relay = s->relay;
	bool is_there = true;

	if ((facts & (WEIR_STOPPING | WEIR_MOVED | WEIR__LEAVING)) &&
	    !on_travel(r, s, facts))
		return WEIR_DONE;
	if (others != 0)
		weir_source_clear(r, s->token, others);
	if (facts & (WEIR_RDHUP | WEIR_HANGUP | WEIR_ERROR))
		s->may_be_at_end = true;
	if (facts & WEIR_WRITABLE)
		is_there = flush(other(s));
	if (is_there && (facts & WEIR_READABLE))
		is_there = relay->error != 0 ? last_words(relay) : pump(s);
	if (is_there && (facts & WEIR_ERROR))
		notice_error(s);
	/* What is used up was cleared where that was found out. */
	return WEIR_MORE;
}

static void on_idle(struct weir_reactor *r, struct weir_timer *t, void *data)
{
	struct weir_relay *relay = data;
	const weir_ns still = weir_reactor_now(r) - relay->moved_at;

	/* Not restarted with each byte: it looks when it fires. */
	if (still < relay->idle_ns)
		weir_timer_start(t, relay->idle_ns - still);
	else
		finish(relay, WEIR_RELAY_IDLE);
}

static int take_options(struct weir_relay *relay,
			const struct weir_relay_options *options)
{
	relay->buffer_bytes = BUFFER_DEFAULT;
	if (!options)
		return 0;
	if (options->size != sizeof(*options))
		return -EINVAL;
	relay->idle_ns = options->idle_ns;
	if (options->buffer_bytes == 0)
		return 0;
	if (options->buffer_bytes < BUFFER_MIN ||
	    options->buffer_bytes > BUFFER_MAX)
		return -EINVAL;
	relay->buffer_bytes = options->buffer_bytes;
	return 0;
}

/* Nothing of the source is changed.  Return: 0, -ESTALE or -EINVAL. */
static int fill_side(struct weir_relay *relay, int i, weir_token token)
{
	const struct weir__source *source;
	struct side *s = &relay->sides[i];

	source = weir__source_get(relay->reactor, token);
	if (!source)
		return -ESTALE;
	/* Then wanting never needs the kernel, and cannot fail. */
	if (source->fd < 0 ||
	    (source->registered & MUST_REGISTER) != MUST_REGISTER)
		return -EINVAL;
	s->relay = relay;
	s->token = token;
	s->fd = source->fd;
	s->may_be_at_end = true;	/* who knows what was used up already */
	weir__bytes_init(&s->queue, NULL, 0);
	return 0;
}

/* All that can fail; what was made is in @relay. */
static int prepare(struct weir_relay *relay, weir_token a, weir_token b,
		   const struct weir_relay_options *options)
{
	int err = take_options(relay, options);

	if (err < 0)
		return err;
	if (weir_token_equal(a, b))
		return -EINVAL;
	err = fill_side(relay, 0, a);
	if (err < 0)
		return err;
	err = fill_side(relay, 1, b);
	if (err < 0)
		return err;
	if (relay->idle_ns > 0)
		err = weir_timer_new_for(relay->reactor, a, on_idle, relay,
					 &relay->idle);
	return err < 0 ? err : join(relay);
}

int weir_relay_start(struct weir_reactor *r, weir_token a, weir_token b,
		     const struct weir_relay_options *options,
		     weir_relay_fn *fn, void *data,
		     struct weir_relay **ret_relay)
{
	struct weir_relay *relay;
	int err = weir__reactor_check(r);

	if (err < 0)
		return err;
	if (!fn)
		return -EINVAL;
	relay = calloc(1, sizeof(*relay));
	if (!relay)
		return -ENOMEM;
	relay->reactor = r;
	relay->fn = fn;
	relay->data = data;
	relay->moved_at = weir_reactor_now(r);
	err = prepare(relay, a, b, options);
	if (err < 0) {
		weir_timer_free(relay->idle);
		free(relay);
		return err;
	}
	for (int i = 0; i < 2; i++) {
		weir_source_set(r, relay->sides[i].token, on_event,
				&relay->sides[i]);
		update_wanted(&relay->sides[i]);
	}
	weir__source_get(r, a)->hears_leaving = true;
	weir_source_tie(r, a, b);
	if (relay->idle)
		weir_timer_start(relay->idle, relay->idle_ns);
	relay->attached.free = end_with_reactor;
	relay->attached.orphan = weir__attached_keep;
	weir__reactor_attach(r, &relay->attached);
	*ret_relay = relay;
	return 0;
}

int weir_relay_close(struct weir_relay *relay)
{
	int err = weir__reactor_check(relay->reactor);

	if (err < 0)
		return err;
	finish(relay, WEIR_RELAY_CLOSED);
	return 0;
}
