/* SPDX-License-Identifier: MIT */
/* sync/mesh.c - see mesh.h */
#include "sync/mesh.h"

#include <stdlib.h>
#include <string.h>

static void *lines_of(size_t size)
{
	void *lines = weir__line_alloc(size);

	if (lines)
		memset(lines, 0, size);
	return lines;
}

static bool members_init(struct weir__mesh *mesh)
{
	const unsigned n = mesh->members;

	mesh->senders = lines_of(n * sizeof(struct weir__sender));
	mesh->receivers = lines_of(n * sizeof(struct weir__receiver));
	if (!mesh->senders || !mesh->receivers)
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct weir__sender *s = &mesh->senders[i];
		struct weir__receiver *r = &mesh->receivers[i];

		s->rings = lines_of(n * sizeof(s->rings[0]));
		s->dirty = lines_of(n * sizeof(s->dirty[0]));
		r->told = lines_of(mesh->words * sizeof(r->told[0]));
		r->left = lines_of(mesh->words * sizeof(r->left[0]));
		if (!s->rings || !s->dirty || !r->told || !r->left)
			return false;
	}
	return true;
}

struct weir__mesh *weir__mesh_new(unsigned members, size_t capacity)
{
	struct weir__mesh *mesh = calloc(1, sizeof(*mesh));

	if (!mesh)
		return NULL;
	mesh->members = members;
	mesh->words = (members + 63) / 64;
	mesh->capacity = capacity;
	if (!members_init(mesh))
		return weir__mesh_free(mesh);
	return mesh;
}

static void member_done(struct weir__mesh *mesh, unsigned i)
{
	if (mesh->senders && mesh->senders[i].rings) {
		for (unsigned to = 0; to < mesh->members; to++)
			weir__ring_free(weir__mesh_ring(mesh, i, to));
		free(mesh->senders[i].rings);
	}
	if (mesh->senders)
		free(mesh->senders[i].dirty);
	if (mesh->receivers) {
		free(mesh->receivers[i].told);
		free(mesh->receivers[i].left);
	}
}

struct weir__mesh *weir__mesh_free(struct weir__mesh *mesh)
{
	if (!mesh)
		return NULL;
	for (unsigned i = 0; i < mesh->members; i++)
		member_done(mesh, i);
	free(mesh->senders);
	free(mesh->receivers);
	free(mesh);
	return NULL;
}

void weir__mesh_set_bell(struct weir__mesh *mesh, unsigned member,
			 struct weir__doorbell *bell)
{
	mesh->receivers[member].bell = bell;
}

/* Let what @from has for @to leave; true if that took a system call. */
static bool flush_one(struct weir__mesh *mesh, unsigned from, unsigned to)
{
	struct weir__ring *ring = weir__mesh_ring(mesh, from, to);
	struct weir__receiver *r = &mesh->receivers[to];
	size_t count;

	if (ring->published == ring->tail)
		return false;
	weir__doorbell_stamp(r->bell, mesh->senders[from].now);
	count = weir__ring_publish(ring);
	mesh->senders[from].count += count;
	/* Though it may stand already: B1 needs it set after the ring. */
	atomic_fetch_or_explicit(&r->told[from / 64],
				 UINT64_C(1) << from % 64,
				 memory_order_release);		/* M3 */
	return weir__doorbell_ring(r->bell);
}

static struct weir__ring *make_ring(struct weir__mesh *mesh, unsigned from,
				    unsigned to)
{
	struct weir__ring *ring = weir__ring_new(mesh->capacity);

	if (ring)
		atomic_store_explicit(&mesh->senders[from].rings[to], ring,
				      memory_order_release);	/* M1 */
	return ring;
}

int weir__mesh_push(struct weir__mesh *mesh, unsigned from, unsigned to,
		    const struct weir_msg *msg, size_t reserve)
{
	struct weir__sender *s = &mesh->senders[from];
	struct weir__ring *ring = weir__mesh_ring(mesh, from, to);

	if (!ring) {
		ring = make_ring(mesh, from, to);
		if (!ring)
			return -ENOMEM;
	}
	if (weir__mesh_try(s, to, *msg, reserve))
		return 0;
	weir__ring_look(ring);
	if (weir__mesh_try(s, to, *msg, reserve))
		return 0;
	/* The receiver must see them, or there is never room. */
	flush_one(mesh, from, to);
	return -EAGAIN;
}

int weir__mesh_prepare(struct weir__mesh *mesh, unsigned from, unsigned to,
		       size_t reserve)
{
	struct weir__ring *ring = weir__mesh_ring(mesh, from, to);

	if (!ring)
		return make_ring(mesh, from, to) ? 0 : -ENOMEM;
	if (!weir__ring_has_room(ring, reserve))
		weir__ring_look(ring);
	if (weir__ring_has_room(ring, reserve))
		return 0;
	flush_one(mesh, from, to);
	return -EAGAIN;
}

unsigned weir__mesh_flush(struct weir__mesh *mesh, unsigned from)
{
	struct weir__sender *s = &mesh->senders[from];
	unsigned rung = 0;

	while (s->dirty_count > 0) {
		const unsigned to = s->dirty[--s->dirty_count];
		struct weir__ring *ring = weir__mesh_ring(mesh, from, to);

		ring->is_dirty = false;
		ring->quick_end = 0;
		rung += flush_one(mesh, from, to);
	}
	return rung;
}

/*
 * One ring's part of weir__mesh_take(); *ret_more: whether some are left.  The
 * slots go back a quarter of the ring at a time: often enough for a sender that
 * waits for room, and a line to and fro not with each message.
 */
static size_t take_from(struct weir__ring *ring, size_t most,
			weir__mesh_fn *fn, void *data, bool *ret_more)
{
	const size_t quarter = ring->capacity / 4 + 1;
	const size_t count = weir__ring_count(ring);
	const size_t mine = count < most ? count : most;
	size_t step;

	for (size_t done = 0; done < mine; done += step) {
		const struct weir_msg *msgs;

		step = mine - done < quarter ? mine - done : quarter;
		msgs = weir__ring_span(ring, &step);
		fn(msgs, step, data);
		weir__ring_drop(ring, step);
	}
	*ret_more = count > mine;
	return mine;
}

/* The senders of one word of bits that have something. */
static uint64_t take_bits(struct weir__receiver *me, unsigned word)
{
	uint64_t bits = me->left[word];

	if (atomic_load_explicit(&me->told[word],
				 memory_order_relaxed))		/* M5 */
		bits |= atomic_exchange_explicit(&me->told[word], 0,
						memory_order_acquire); /* M4 */
	me->left[word] = 0;
	return bits;
}

size_t weir__mesh_take(struct weir__mesh *mesh, unsigned to, size_t most,
		       weir__mesh_fn *fn, void *data, bool *ret_more)
{
	struct weir__receiver *me = &mesh->receivers[to];
	size_t taken = 0;
	bool more = false;

	for (unsigned w = 0; w < mesh->words; w++) {
		uint64_t bits = take_bits(me, w);

		for (; bits != 0; bits &= bits - 1) {
			const unsigned bit = (unsigned)__builtin_ctzll(bits);
			bool has_left;

			taken += take_from(weir__mesh_ring(mesh, w * 64 + bit,
							   to),
					   most, fn, data, &has_left);
			me->left[w] |= (uint64_t)has_left << bit;
			more = more || has_left;
		}
	}
	*ret_more = more;
	return taken;
}

void weir__mesh_mark(struct weir__mesh *mesh, unsigned to,
		     enum weir__mark which)
{
	for (unsigned from = 0; from < mesh->members; from++) {
		struct weir__ring *ring = weir__mesh_ring(mesh, from, to);

		if (ring)
			weir__ring_mark(ring, which);
	}
}

/* A ring that was made since has its mark at its begin. */
bool weir__mesh_is_past_mark(const struct weir__mesh *mesh, unsigned to,
			     enum weir__mark which)
{
	for (unsigned from = 0; from < mesh->members; from++) {
		const struct weir__ring *ring = weir__mesh_ring(mesh, from, to);

		if (ring && !weir__ring_is_past_mark(ring, which))
			return false;
	}
	return true;
}
