/* SPDX-License-Identifier: MIT */
/*
 * sync/token.c - generational token table
 *
 * A slot's life is its generation, which steps by one:
 *
 *     FREE (even) --open--> OPEN (odd) --close--> FREE, or RETIRED at the end
 *
 * A token is (table, generation, index), copied while the slot was OPEN.
 *
 * I1  No generation of a slot is entered twice: after the last one the slot is
 *     RETIRED and never reused.  Hence a token names its own object or nothing,
 *     never a later tenant of its slot.  A slot serves 2^27 objects.
 * I2  Slot memory is never given back before the table: a stale token, however
 *     old, is always safe to look up.
 * I3  Only the owner reads obj, and it compares generation and owner first.
 *     Others read one word and learn a number, not a pointer.
 * I4  A slot is at any time in exactly one place: OPEN, in one cache, in the
 *     store's list, or RETIRED.  Caches are private, the store has a mutex,
 *     taken once per WEIR__TOKEN_BATCH opens or closes.
 *
 * A token may change owners: give --> arriving (TRANSIT) --> settle.
 *
 * I5  Each of these, and FULL, is written by who is the owner at that moment.
 *     The one before does not touch the slot any more, the next one reads obj
 *     only after T6.
 *
 * Ordering: an arrow joins a release to the acquire it pairs with.
 * T1 -> T2  Whoever sees a chunk sees its slots zeroed.
 * T3, T4    Relaxed.  Only the owner's look decides, and it sees its own
 *           stores.  Another thread that got the token from the owner by any
 *           synchronised way sees the open; if it misses a later close, the
 *           owner will not.
 * T5 -> T6  The new owner sees what the old one left in obj, and did before.
 * T5, T7    Sequentially consistent, as are the claim Q8 and the mark Q9 of
 *           sync/inbox.c. A sender claims a place (Q8), then looks again (T7);
 *           the old owner gives the token away (T5), then looks where its
 *           queue ends (Q9). In the one order of all four: if T7 does not see
 *           T5 it is before it, so Q8 is before Q9, which sees the claim.
 *           Hence a message lies below the mark, or its sender has noticed.
 */
#include "sync/token.h"

#include <stdbool.h>
#include <stdlib.h>

enum { IDS = 1 << (64 - WEIR__TOKEN_INDEX_BITS - WEIR__TOKEN_GEN_BITS) };

/* Added to a token, or to a slot's word. */
static const uint64_t NEXT_GEN = WEIR__TOKEN_INDEX + 1;

/*
 * Numbers of tables.  They are given out in turn, so that one that was freed
 * comes back only after all the others.
 */
static struct {
	pthread_mutex_t lock;
	uint32_t next;
	bool used[IDS];
} ids = { .lock = PTHREAD_MUTEX_INITIALIZER, .next = 1 };

static uint32_t id_take(void)
{
	uint32_t id = 0;

	pthread_mutex_lock(&ids.lock);
	for (uint32_t i = 1; i < IDS && id == 0; i++) {
		if (!ids.used[ids.next])
			id = ids.next;
		ids.next = ids.next % (IDS - 1) + 1;
	}
	ids.used[id] = id != 0;
	pthread_mutex_unlock(&ids.lock);
	return id;
}

static void id_give(uint32_t id)
{
	pthread_mutex_lock(&ids.lock);
	ids.used[id] = false;
	pthread_mutex_unlock(&ids.lock);
}

int weir__tokens_new(struct weir__tokens **ret_tokens)
{
	struct weir__tokens *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->store = calloc(1, sizeof(*t->store));
	if (!t->store) {
		free(t);
		return -ENOMEM;
	}
	t->id = id_take();
	if (t->id == 0) {
		free(t->store);
		free(t);
		return -ENOSPC;
	}
	pthread_mutex_init(&t->store->lock, NULL);
	*ret_tokens = t;
	return 0;
}

struct weir__tokens *weir__tokens_free(struct weir__tokens *t)
{
	if (!t)
		return NULL;
	for (int i = 0; i < WEIR__TOKEN_CHUNKS; i++)
		free(atomic_load_explicit(&t->chunks[i],
					  memory_order_relaxed)); /* T2 */
	id_give(t->id);
	pthread_mutex_destroy(&t->store->lock);
	free(t->store);
	free(t);
	return NULL;
}

static struct weir__slot *slot_at(struct weir__tokens *t, uint32_t index)
{
	return weir__token_slot(t, (weir_token){ index });
}

/* With the store's lock held. */
static int make_chunk(struct weir__tokens *t)
{
	const uint32_t n = t->store->made >> WEIR__TOKEN_CHUNK_BITS;
	struct weir__slot *chunk;

	if (n == WEIR__TOKEN_CHUNKS)
		return -ENOSPC;
	chunk = calloc(1u << WEIR__TOKEN_CHUNK_BITS, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	atomic_store_explicit(&t->chunks[n], chunk,
			      memory_order_release);		/* T1 */
	t->store->made += 1u << WEIR__TOKEN_CHUNK_BITS;
	return 0;
}

/* With the store's lock held: one slot, used before if there is any. */
static int take_slot(struct weir__tokens *t, uint32_t *ret_index)
{
	struct weir__token_store *s = t->store;

	if (s->free_head != 0) {
		*ret_index = s->free_head - 1;
		s->free_head = (uint32_t)(uintptr_t)slot_at(t, *ret_index)->obj;
		return 0;
	}
	if (s->fresh == s->made) {
		int r = make_chunk(t);

		if (r < 0)
			return r;
	}
	*ret_index = s->fresh++;
	return 0;
}

static int refill(struct weir__tokens *t, struct weir__token_cache *cache)
{
	int r = 0;

	pthread_mutex_lock(&t->store->lock);
	while (r == 0 && cache->count < WEIR__TOKEN_BATCH) {
		r = take_slot(t, &cache->slots[cache->count]);
		if (r == 0)
			cache->count++;
	}
	pthread_mutex_unlock(&t->store->lock);
	return cache->count > 0 ? 0 : r;
}

static void give_back(struct weir__tokens *t, struct weir__token_cache *cache,
		      uint32_t keep)
{
	struct weir__token_store *s = t->store;

	pthread_mutex_lock(&s->lock);
	while (cache->count > keep) {
		uint32_t index = cache->slots[--cache->count];

		slot_at(t, index)->obj = (void *)(uintptr_t)s->free_head;
		s->free_head = index + 1;
	}
	pthread_mutex_unlock(&s->lock);
}

int weir__token_open(struct weir__tokens *t, struct weir__token_cache *cache,
		     uint32_t owner, void *obj, weir_token *ret_token)
{
	const uint64_t table = (uint64_t)t->id <<
			       (WEIR__TOKEN_GEN_BITS + WEIR__TOKEN_INDEX_BITS);
	struct weir__slot *slot;
	uint64_t name;
	uint32_t index;

	if (cache->count == 0) {
		int r = refill(t, cache);

		if (r < 0)
			return r;
	}
	index = cache->slots[--cache->count];
	slot = slot_at(t, index);
	name = atomic_load_explicit(&slot->word, memory_order_relaxed); /* T4 */
	name = (name | table) + NEXT_GEN;
	slot->obj = obj;
	atomic_store_explicit(&slot->word, name | owner,
			      memory_order_relaxed);		/* T3 */
	ret_token->bits = name | index;
	return 0;
}

void weir__token_close(struct weir__tokens *t, struct weir__token_cache *cache,
		       weir_token token)
{
	const uint64_t last_gen = ((UINT64_C(1) << WEIR__TOKEN_GEN_BITS) - 1) *
				  NEXT_GEN;
	struct weir__slot *slot = weir__token_slot(t, token);
	const uint64_t name = WEIR__TOKEN_NAME(token);

	slot->obj = NULL;
	if ((name & last_gen) == last_gen) {
		/* RETIRED (I1): an even name, but in no list any more. */
		atomic_store_explicit(&slot->word, 0,
				      memory_order_relaxed);	/* T3 */
		return;
	}
	atomic_store_explicit(&slot->word, name + NEXT_GEN,
			      memory_order_relaxed);		/* T3 */
	if (cache->count == 2 * WEIR__TOKEN_BATCH)
		give_back(t, cache, WEIR__TOKEN_BATCH);
	cache->slots[cache->count++] =
		(uint32_t)(token.bits & WEIR__TOKEN_INDEX);
}

void weir__token_give(struct weir__tokens *t, weir_token token, uint32_t to,
		      void *obj)
{
	struct weir__slot *slot = weir__token_slot(t, token);

	slot->obj = obj;
	atomic_store_explicit(&slot->word, WEIR__TOKEN_NAME(token) |
			      WEIR__TOKEN_TRANSIT | to,
			      memory_order_seq_cst);		/* T5 */
}

void *weir__token_arriving(const struct weir__tokens *t, uint32_t owner,
			   weir_token token)
{
	const struct weir__slot *slot = weir__token_slot(t, token);
	uint64_t word;

	if (!slot)
		return NULL;
	word = atomic_load_explicit(&slot->word, memory_order_acquire); /* T6 */
	if ((word & ~(uint64_t)WEIR__TOKEN_FULL) !=
	    (WEIR__TOKEN_NAME(token) | WEIR__TOKEN_TRANSIT | owner))
		return NULL;
	return slot->obj;
}

void weir__token_settle(struct weir__tokens *t, uint32_t owner,
			weir_token token, void *obj)
{
	struct weir__slot *slot = weir__token_slot(t, token);
	const uint64_t word = atomic_load_explicit(&slot->word,
					memory_order_relaxed);	/* T4 */

	slot->obj = obj;
	atomic_store_explicit(&slot->word, WEIR__TOKEN_NAME(token) |
			      (word & WEIR__TOKEN_FULL) | owner,
			      memory_order_relaxed);		/* T3 */
}

void weir__token_refuse(struct weir__tokens *t, weir_token token, bool refuse)
{
	struct weir__slot *slot = weir__token_slot(t, token);
	const uint64_t word = atomic_load_explicit(&slot->word,
				memory_order_relaxed) &
			      ~(uint64_t)WEIR__TOKEN_FULL;	/* T4 */

	atomic_store_explicit(&slot->word,
			      word | (refuse ? WEIR__TOKEN_FULL : 0),
			      memory_order_relaxed);		/* T3 */
}

void weir__token_cache_done(struct weir__tokens *t,
			    struct weir__token_cache *cache)
{
	give_back(t, cache, 0);
}
