/* SPDX-License-Identifier: MIT */
/* sync/mesh.c - see mesh.h */
#include "sync/mesh.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sync/line.h"
#include "sync/ring.h"

/* What a member keeps about its own sending; on lines of its own. */
struct sender {
	_Alignas(WEIR__LINE) unsigned dirty_count;
	bool *is_dirty;		/* by receiver: something is not flushed */
	unsigned *dirty;	/* the receivers for which that is so */
};

struct weir__mesh {
	unsigned members;
	size_t capacity;
	struct weir__doorbell **bells;
	struct sender *senders;
	_Atomic(struct weir__ring *) rings[];	/* [to * members + from] */
};

static bool senders_init(struct weir__mesh *mesh)
{
	const unsigned n = mesh->members;

	mesh->senders = weir__line_alloc(n * sizeof(struct sender));
	if (!mesh->senders)
		return false;
	for (unsigned i = 0; i < n; i++)
		mesh->senders[i] = (struct sender){ .dirty_count = 0 };
	for (unsigned i = 0; i < n; i++) {
		struct sender *s = &mesh->senders[i];

		s->is_dirty = calloc(n, sizeof(*s->is_dirty));
		s->dirty = calloc(n, sizeof(*s->dirty));
		if (!s->is_dirty || !s->dirty)
			return false;
	}
	return true;
}

struct weir__mesh *weir__mesh_new(unsigned members, size_t capacity)
{
	const size_t pairs = (size_t)members * members;
	struct weir__mesh *mesh;

	mesh = calloc(1, sizeof(*mesh) + pairs * sizeof(mesh->rings[0]));
	if (!mesh)
		return NULL;
	mesh->members = members;
	mesh->capacity = capacity;
	mesh->bells = calloc(members, sizeof(mesh->bells[0]));
	if (!mesh->bells || !senders_init(mesh))
		return weir__mesh_free(mesh);
	return mesh;
}

struct weir__mesh *weir__mesh_free(struct weir__mesh *mesh)
{
	if (!mesh)
		return NULL;
	for (size_t i = 0; i < (size_t)mesh->members * mesh->members; i++)
		weir__ring_free(atomic_load_explicit(&mesh->rings[i],
					memory_order_acquire));	/* M2 */
	for (unsigned i = 0; mesh->senders && i < mesh->members; i++) {
		free(mesh->senders[i].is_dirty);
		free(mesh->senders[i].dirty);
	}
	free(mesh->senders);
	free(mesh->bells);
	free(mesh);
	return NULL;
}

void weir__mesh_set_bell(struct weir__mesh *mesh, unsigned member,
			 struct weir__doorbell *bell)
{
	mesh->bells[member] = bell;
}

static struct weir__ring *ring_of(const struct weir__mesh *mesh, unsigned from,
				  unsigned to)
{
	return atomic_load_explicit(&mesh->rings[to * mesh->members + from],
				    memory_order_acquire);	/* M2 */
}

static struct weir__ring *make_ring(struct weir__mesh *mesh, unsigned from,
				    unsigned to)
{
	struct weir__ring *ring = weir__ring_new(mesh->capacity);

	if (ring)
		atomic_store_explicit(&mesh->rings[to * mesh->members + from],
				      ring, memory_order_release); /* M1 */
	return ring;
}

/* Let what @from has for @to leave; true if that took a system call. */
static bool flush_one(struct weir__mesh *mesh, unsigned from, unsigned to)
{
	return weir__ring_publish(ring_of(mesh, from, to)) &&
	       weir__doorbell_ring(mesh->bells[to]);
}

int weir__mesh_push(struct weir__mesh *mesh, unsigned from, unsigned to,
		    const struct weir_msg *msg, size_t reserve)
{
	struct sender *s = &mesh->senders[from];
	struct weir__ring *ring = ring_of(mesh, from, to);

	if (!ring) {
		ring = make_ring(mesh, from, to);
		if (!ring)
			return -ENOMEM;
	}
	if (!weir__ring_push(ring, msg, reserve)) {
		/* The receiver must see them, or there is never room. */
		flush_one(mesh, from, to);
		return -EAGAIN;
	}
	if (!s->is_dirty[to]) {
		s->is_dirty[to] = true;
		s->dirty[s->dirty_count++] = to;
	}
	return 0;
}

unsigned weir__mesh_flush(struct weir__mesh *mesh, unsigned from)
{
	struct sender *s = &mesh->senders[from];
	unsigned rung = 0;

	while (s->dirty_count > 0) {
		unsigned to = s->dirty[--s->dirty_count];

		s->is_dirty[to] = false;
		rung += flush_one(mesh, from, to);
	}
	return rung;
}

size_t weir__mesh_take(struct weir__mesh *mesh, unsigned to, size_t most,
		       weir__mesh_fn *fn, void *data, bool *ret_more)
{
	size_t taken = 0;
	bool more = false;

	for (unsigned from = 0; from < mesh->members; from++) {
		struct weir__ring *ring = ring_of(mesh, from, to);
		size_t count = ring ? weir__ring_count(ring) : 0;

		more = more || count > most;
		count = count < most ? count : most;
		for (size_t i = 0; i < count; i++) {
			struct weir_msg msg;

			weir__ring_take(ring, &msg);
			fn(&msg, data);
		}
		taken += count;
	}
	*ret_more = more;
	return taken;
}

bool weir__mesh_is_idle(const struct weir__mesh *mesh, unsigned to)
{
	for (unsigned from = 0; from < mesh->members; from++) {
		const struct weir__ring *ring = ring_of(mesh, from, to);

		if (ring && !weir__ring_is_empty(ring))
			return false;
	}
	return true;
}

void weir__mesh_mark(struct weir__mesh *mesh, unsigned to)
{
	for (unsigned from = 0; from < mesh->members; from++) {
		struct weir__ring *ring = ring_of(mesh, from, to);

		if (ring)
			weir__ring_mark(ring);
	}
}

/* A ring that was made since has its mark at its begin. */
bool weir__mesh_is_past_mark(const struct weir__mesh *mesh, unsigned to)
{
	for (unsigned from = 0; from < mesh->members; from++) {
		const struct weir__ring *ring = ring_of(mesh, from, to);

		if (ring && !weir__ring_is_past_mark(ring))
			return false;
	}
	return true;
}
