/* SPDX-License-Identifier: MIT */
/*
 * sync/token.h - the token table
 *
 * A table names objects by tokens.  One table serves all threads of a pool;
 * each thread owns the objects it opened, and takes its free slots from a
 * cache of its own.  token.c opens with why no token can go to a wrong object.
 *
 *     63     52 51            24 23                0
 *     | table  | generation     | slot index       |
 *
 * The table's number makes another pool's token a foreign one at sight.  A
 * generation is odd while its slot is open.
 */
#ifndef WEIR_SYNC_TOKEN_H
#define WEIR_SYNC_TOKEN_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>

enum {
	WEIR__TOKEN_INDEX_BITS = 24,
	WEIR__TOKEN_GEN_BITS = 28,
	/* Slots are made 4,096 at a time: 64 KiB. */
	WEIR__TOKEN_CHUNK_BITS = 12,
	WEIR__TOKEN_CHUNKS = 1 << (WEIR__TOKEN_INDEX_BITS -
				   WEIR__TOKEN_CHUNK_BITS),
	/* Moved at once between a cache and the table. */
	WEIR__TOKEN_BATCH = 64,
	/* Owners' numbers are 1 .. this - 1; 0 is nobody: the slot is free. */
	WEIR__TOKEN_OWNERS = 1 << 16,
	/* Beside the owner's number: it does not have the object yet. */
	WEIR__TOKEN_TRANSIT = 1 << 16,
	/* And: it has too many messages for it that cannot run yet. */
	WEIR__TOKEN_FULL = 1 << 17,
};

/* Of a token: which slot, and (the rest of it) of which table and when. */
#define WEIR__TOKEN_INDEX ((UINT64_C(1) << WEIR__TOKEN_INDEX_BITS) - 1)
#define WEIR__TOKEN_NAME(token) ((token).bits & ~WEIR__TOKEN_INDEX)

struct weir__slot {
	/*
	 * The token, with the owner's number and the two flags in the place of
	 * the index.
	 */
	_Atomic uint64_t word;
	void *obj;		/* owner only; while free: the next free slot */
};

/* The slots that are in no thread's cache. */
struct weir__token_store {
	pthread_mutex_t lock;
	uint32_t free_head;	/* index + 1 of the first; 0: none */
	uint32_t fresh;		/* slots below this have been used before */
	uint32_t made;		/* slots in chunks */
};

struct weir__tokens {
	_Atomic(struct weir__slot *) chunks[WEIR__TOKEN_CHUNKS];
	uint32_t id;		/* 1 .. 4095, never changes */
	struct weir__token_store *store;
};

/* One thread's supply of free slots. */
struct weir__token_cache {
	uint32_t count;
	uint32_t slots[2 * WEIR__TOKEN_BATCH];
};

/**
 * weir__tokens_new() - make an empty table
 *
 * Return: 0, -ENOMEM or -ENOSPC (4,095 tables exist in this process).
 */
int weir__tokens_new(struct weir__tokens **ret_tokens);

/**
 * weir__tokens_free() - free a table, but not the objects in it
 *
 * Return: NULL.
 */
struct weir__tokens *weir__tokens_free(struct weir__tokens *t);

/**
 * weir__token_open() - name an object
 * @cache: the calling thread's
 * @owner: the calling thread's number, 1 .. WEIR__TOKEN_OWNERS - 1
 *
 * Threads: any; @cache is the caller's alone.
 * Return:  0, -ENOSPC (2^24 slots are taken or worn out) or -ENOMEM.
 */
int weir__token_open(struct weir__tokens *t, struct weir__token_cache *cache,
		     uint32_t owner, void *obj, weir_token *ret_token);

/**
 * weir__token_close() - end the life of a token
 *
 * @token must be open and the caller's: weir__token_get() has just found it.
 *
 * Threads: the token's owner.
 */
void weir__token_close(struct weir__tokens *t, struct weir__token_cache *cache,
		       weir_token token);

/* Give a cache's slots back to the table, before the cache goes. */
void weir__token_cache_done(struct weir__tokens *t,
			    struct weir__token_cache *cache);

/* NULL if no slot of that index was ever made. */
static inline struct weir__slot *weir__token_slot(const struct weir__tokens *t,
						  weir_token token)
{
	const uint32_t index = (uint32_t)(token.bits & WEIR__TOKEN_INDEX);
	struct weir__slot *chunk;

	chunk = atomic_load_explicit(
		&t->chunks[index >> WEIR__TOKEN_CHUNK_BITS],
		memory_order_acquire);				/* T2 */
	if (!chunk)
		return NULL;
	return &chunk[index & ((1u << WEIR__TOKEN_CHUNK_BITS) - 1)];
}

/**
 * weir__token_get() - the object a token names, if it is the caller's
 *
 * One comparison: a free slot's owner is 0, which is no caller's number.
 *
 * Threads: the one that owns @owner's objects.
 * Return:  the object, or NULL: ended, another owner's, foreign or garbage.
 */
static inline void *weir__token_get(const struct weir__tokens *t,
				    uint32_t owner, weir_token token)
{
	const struct weir__slot *slot = weir__token_slot(t, token);
	const uint64_t wanted = WEIR__TOKEN_NAME(token) | owner;
	uint64_t word;

	if (!slot)
		return NULL;
	word = atomic_load_explicit(&slot->word, memory_order_relaxed); /* T4 */
	if (__builtin_expect(word != wanted, 0) &&
	    word != (wanted | WEIR__TOKEN_FULL))
		return NULL;
	return slot->obj;
}

/* Where a table's first chunk is, once there is one: a thread's own copy. */
struct weir__token_near {
	const struct weir__slot *slots;
	uint64_t count;		/* 0 until weir__token_near_set() */
};

/* After the thread's first weir__token_open(). */
static inline void weir__token_near_set(const struct weir__tokens *t,
					struct weir__token_near *near)
{
	near->slots = weir__token_slot(t, (weir_token){ 0 });
	near->count = 1u << WEIR__TOKEN_CHUNK_BITS;
}

/**
 * weir__token_find() - the object of a token, for who looks up many
 *
 * With what the first chunk holds it costs half of weir__token_get(), which
 * has the last word: NULL here means to ask it.
 *
 * Threads: the one that owns @owner's objects.
 */
static inline void *weir__token_find(const struct weir__tokens *t,
				     const struct weir__token_near *near,
				     uint64_t owner, weir_token token)
{
	const uint64_t index = token.bits & WEIR__TOKEN_INDEX;
	const struct weir__slot *slot;

	if (__builtin_expect(index < near->count, 1)) {
		slot = &near->slots[index];
	} else {
		slot = weir__token_slot(t, token);
		if (!slot)
			return NULL;
	}
	if (atomic_load_explicit(&slot->word, memory_order_relaxed) !=
	    (WEIR__TOKEN_NAME(token) | owner))			/* T4 */
		return NULL;
	if (!slot->obj)
		__builtin_unreachable();	/* it is open */
	return slot->obj;
}

/**
 * weir__token_owner() - who owns the object a token names
 *
 * The answer may be out of date when it is used: only the owner knows.
 *
 * Threads: any.
 * Return:  the owner's number, -ESTALE (ended), -EINVAL (none, or not of this
 *          table) or -EAGAIN (its owner wants no messages for it now).
 */
static inline int weir__token_owner(const struct weir__tokens *t,
				    weir_token token)
{
	const struct weir__slot *slot;
	uint64_t word;

	if (token.bits >> (64 - 12) != t->id)
		return -EINVAL;
	slot = weir__token_slot(t, token);
	if (!slot)
		return -EINVAL;
	word = atomic_load_explicit(&slot->word, memory_order_relaxed); /* T4 */
	if ((word & ~WEIR__TOKEN_INDEX) != WEIR__TOKEN_NAME(token) ||
	    (word & WEIR__TOKEN_INDEX) == 0)
		return -ESTALE;
	if (word & WEIR__TOKEN_FULL)
		return -EAGAIN;
	return (int)(word & (WEIR__TOKEN_OWNERS - 1));
}

/**
 * weir__token_is_at() - whether weir__token_owner() would still say @owner
 *
 * For a sender that has just claimed a place in @owner's queue by a
 * sequentially consistent operation: see T7.
 *
 * Threads: any.
 */
static inline bool weir__token_is_at(const struct weir__tokens *t,
				     weir_token token, uint32_t owner)
{
	const struct weir__slot *slot = weir__token_slot(t, token);
	const uint64_t word = atomic_load_explicit(&slot->word,
					memory_order_seq_cst);	/* T7 */

	/* One that has ended goes nowhere else: its owner finds that out. */
	return (word & ~WEIR__TOKEN_INDEX) != WEIR__TOKEN_NAME(token) ||
	       (word & (WEIR__TOKEN_OWNERS - 1)) == owner;
}

/**
 * weir__token_give() - make another thread the owner
 * @token: open, and the caller's
 * @obj:   what weir__token_arriving() shall find
 *
 * Threads: the token's owner, which may not touch it after this.
 */
void weir__token_give(struct weir__tokens *t, weir_token token, uint32_t to,
		      void *obj);

/**
 * weir__token_arriving() - what is on its way to the caller
 *
 * Return: what weir__token_give() was given, if @token is @owner's but
 *         weir__token_settle() has not been called yet; else NULL.
 */
void *weir__token_arriving(const struct weir__tokens *t, uint32_t owner,
			   weir_token token);

/**
 * weir__token_settle() - the object has arrived: weir__token_get() finds it
 *
 * Threads: the token's new owner.
 */
void weir__token_settle(struct weir__tokens *t, uint32_t owner,
			weir_token token, void *obj);

/**
 * weir__token_refuse() - have senders of @token told to try later, or no more
 *
 * Threads: the token's owner.
 */
void weir__token_refuse(struct weir__tokens *t, weir_token token, bool refuse);

#endif /* WEIR_SYNC_TOKEN_H */
