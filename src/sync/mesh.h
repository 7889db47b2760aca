/* SPDX-License-Identifier: MIT */
/*
 * sync/mesh.h - a ring from each thread of a pool to each other, and itself
 *
 * Members are numbered 0 .. n - 1.  A ring is made by its producer with the
 * first message.  What a member pushes in a turn leaves in one go: one store
 * a ring and at most one write to an eventfd a receiver.
 *
 * Memory: n * n pointers, and for each pair that ever spoke 640 bytes and 32
 * for each message of the capacity.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * M1 -> M2  A consumer that sees a ring sees it made.  In weir__mesh_is_idle()
 *           the fence D2 of sync/doorbell.h stands before it as well.
 */
#ifndef WEIR_SYNC_MESH_H
#define WEIR_SYNC_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <weir/message.h>

#include "sync/doorbell.h"

struct weir__mesh;

/**
 * weir__mesh_new() - make a mesh without rings
 * @members:  1 ..
 * @capacity: of each ring, a power of two
 *
 * Return: the mesh, or NULL (out of memory).
 */
struct weir__mesh *weir__mesh_new(unsigned members, size_t capacity);

/* What is still in it is forgotten.  Return: NULL. */
struct weir__mesh *weir__mesh_free(struct weir__mesh *mesh);

/* Before any message: where @member is woken.  @bell is lent to @mesh. */
void weir__mesh_set_bell(struct weir__mesh *mesh, unsigned member,
			 struct weir__doorbell *bell);

/**
 * weir__mesh_push() - put a message on its way; it leaves with the next flush
 * @reserve: refuse if no more than this many slots are free
 *
 * A ring that is full of messages not flushed yet is flushed.
 *
 * Threads: member @from.
 * Return:  0, -EAGAIN (full) or -ENOMEM (no ring could be made).
 */
int weir__mesh_push(struct weir__mesh *mesh, unsigned from, unsigned to,
		    const struct weir_msg *msg, size_t reserve);

/**
 * weir__mesh_flush() - let all that @from has pushed leave
 *
 * Threads: member @from.
 * Return:  how many doorbells had to be rung by a system call.
 */
unsigned weir__mesh_flush(struct weir__mesh *mesh, unsigned from);

typedef void weir__mesh_fn(const struct weir_msg *msg, void *data);

/**
 * weir__mesh_take() - take what has come for a member
 * @most: from each ring, so that none starves the others
 *
 * Takes no more from a ring than was in it when its turn came, so that a
 * function which pushes to its own member cannot keep it here.
 *
 * Threads: member @to.
 * Return:  how many were taken; *ret_more says whether some were left.
 */
size_t weir__mesh_take(struct weir__mesh *mesh, unsigned to, size_t most,
		       weir__mesh_fn *fn, void *data, bool *ret_more);

/**
 * weir__mesh_is_idle() - whether @to may go to sleep over its rings
 *
 * Threads: member @to, between arming its doorbell and sleeping.
 */
bool weir__mesh_is_idle(const struct weir__mesh *mesh, unsigned to);

/* Remember what has been flushed to @to until now.  Threads: member @to. */
void weir__mesh_mark(struct weir__mesh *mesh, unsigned to);

/* Has all of that been taken?  Threads: member @to. */
bool weir__mesh_is_past_mark(const struct weir__mesh *mesh, unsigned to);

#endif /* WEIR_SYNC_MESH_H */
