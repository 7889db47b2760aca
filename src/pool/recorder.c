/* SPDX-License-Identifier: MIT */
/*
 * pool/recorder.c - a thread's last events, read by another
 *
 * Ticks become nanoseconds by two points that are known in both: the oldest
 * WAKE in the ring, and this very moment.
 */
#include <weir/recorder.h>

#include <errno.h>
#include <stdlib.h>

#include "pool/pool.h"
#include "sys/clock.h"
#include "sys/fork.h"
#include "sys/tick.h"

/* A moment, known in both units; and how many ns a tick lasts. */
struct scale {
	uint64_t tick;
	weir_ns ns;
	double pace;
};

static enum weir_shm_kind kind_of(const struct weir__record *r)
{
	return (enum weir_shm_kind)(r->word >> 32);
}

static weir_ns time_of(const struct scale *scale, uint64_t tick)
{
	const double ahead = (double)(int64_t)(tick - scale->tick);

	return scale->ns + (weir_ns)(int64_t)(ahead * scale->pace);
}

/* From the first WAKE among @raw until now; without one, ticks are as now. */
static struct scale find_scale(const struct weir__record *raw, size_t n)
{
	struct scale scale = { weir__tick(), weir__clock_now(), 0 };

	for (size_t i = 0; i < n; i++) {
		if (kind_of(&raw[i]) != WEIR_SHM_WAKE ||
		    scale.tick <= raw[i].tick || scale.ns <= raw[i].subject)
			continue;
		scale.pace = (double)(scale.ns - raw[i].subject) /
			     (double)(scale.tick - raw[i].tick);
		break;
	}
	return scale;
}

static void translate(const struct weir__record *raw,
		      const struct scale *scale, struct weir_record *ret)
{
	*ret = (struct weir_record){
		.kind = kind_of(raw),
		.value = (uint32_t)raw->word,
		.handler = (uintptr_t)raw->handler,
		.begun = time_of(scale, raw->tick),
	};
	switch (ret->kind) {
	case WEIR_SHM_CALL:
	case WEIR_SHM_MESSAGE:
		ret->token.bits = raw->subject;
		break;
	case WEIR_SHM_TIMER:
		ret->lag = raw->subject;
		break;
	case WEIR_SHM_WAKE:
		ret->begun = raw->subject;
		ret->duration = raw->handler;
		ret->handler = 0;
		break;
	}
}

/* When the record before @next ended. */
static weir_ns end_before(const struct weir_record *next)
{
	return next->kind == WEIR_SHM_WAKE ? next->begun - next->duration
					   : next->begun;
}

static void translate_all(const struct weir__record *raw, size_t n,
			  weir_ns end, struct weir_record *records)
{
	const struct scale scale = find_scale(raw, n);

	for (size_t i = n; i-- > 0;) {
		struct weir_record *r = &records[i];

		translate(&raw[i], &scale, r);
		if (r->kind != WEIR_SHM_WAKE && end > r->begun)
			r->duration = end - r->begun;
		end = end_before(r);
	}
}

/* The newest records, oldest first; those that go meanwhile are left out. */
static size_t copy(const struct weir__view *view, struct weir__record *raw,
		   size_t most)
{
	const uint64_t count = weir__record_count(&view->records_begun);
	uint64_t n = count > most ? count - most : 0;
	size_t got = 0;

	for (; n < count; n++) {
		if (!weir__record_get(&view->records, &view->records_begun, n,
				      &raw[got])) {
			got = 0;	/* and so have those before it */
			continue;
		}
		got++;
	}
	/* Half written?  See sync/record.h. */
	if (got > 0 && raw[got - 1].tick < (got > 1 ? raw[got - 2].tick : 1))
		got--;
	return got;
}

static int read_view(const struct weir__view *view,
		     struct weir_record *records, size_t capacity)
{
	struct weir__record *raw;
	weir_ns end;
	size_t n;

	if (capacity == 0)
		return 0;
	if (capacity > WEIR__RECORDS)
		capacity = WEIR__RECORDS;
	raw = malloc(capacity * sizeof(*raw));
	if (!raw)
		return -ENOMEM;
	n = copy(view, raw, capacity);
	/* While it waits, the last event has ended. */
	end = weir__tally_get(&view->woke_at) ? weir__clock_now()
					     : weir__tally_get(&view->waits_at);
	translate_all(raw, n, end, records);
	free(raw);
	return (int)n;
}

int weir_pool_records(const struct weir_pool *pool, int worker,
		      struct weir_record *records, size_t capacity)
{
	const int place = weir__pool_place(pool, worker);

	if (weir__fork_happened(pool->fork_generation))
		return -ECHILD;
	if (place < 0 || !records)
		return -EINVAL;
	return read_view(pool->threads[place].reactor->view, records, capacity);
}

int weir_shm_records(const struct weir_shm *shm, unsigned thread,
		     struct weir_record *records, size_t capacity)
{
	const char *block;

	if (shm->magic != WEIR_SHM_MAGIC || shm->version != WEIR_SHM_VERSION ||
	    shm->records != WEIR__RECORDS || shm->line_offset != 0 ||
	    shm->records_offset != offsetof(struct weir__view, records))
		return -ENOTSUP;
	if (thread >= shm->threads || !records)
		return -EINVAL;
	block = (const char *)shm + shm->threads_offset +
		thread * shm->thread_stride;
	return read_view((const void *)block, records, capacity);
}

int weir__recorder_newest(const struct weir__view *view,
			  struct weir_record *ret_record)
{
	struct weir__record raw[64];
	struct weir_record records[64];
	size_t n;

	n = copy(view, raw, 64);
	if (n == 0)
		return -EAGAIN;
	translate_all(raw, n, weir__clock_now(), records);
	*ret_record = records[n - 1];
	return 0;
}

const char *weir_shm_kind_name(enum weir_shm_kind kind)
{
	switch (kind) {
	case WEIR_SHM_CALL:
		return "call";
	case WEIR_SHM_MESSAGE:
		return "message";
	case WEIR_SHM_TIMER:
		return "timer";
	case WEIR_SHM_WAKE:
		return "wake";
	}
	return "?";
}
