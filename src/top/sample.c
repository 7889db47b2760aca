/* SPDX-License-Identifier: MIT */
/*
 * top/sample.c - one look at a pool
 *
 * All numbers of all threads are copied first, then worked on: what is shown
 * together was read within microseconds.
 */
#include "top/top.h"

#include <stdlib.h>
#include <string.h>

static size_t bucket_count(const struct weir_shm *shm)
{
	return (size_t)shm->histograms * shm->histogram_buckets;
}

/* Words of one thread in top_sample.now. */
static size_t words(const struct weir_shm *shm)
{
	return shm->numbers + bucket_count(shm);
}

static const void *block(const struct weir_shm *shm, unsigned thread,
			 uint32_t offset)
{
	return (const char *)shm + shm->threads_offset +
	       thread * shm->thread_stride + offset;
}

static void copy(uint64_t *to, const void *from, size_t n)
{
	const volatile uint64_t *words_there = from;

	for (size_t i = 0; i < n; i++)
		to[i] = words_there[i];
}

bool top_sample_init(struct top_sample *s, const struct top_pool *pool)
{
	const struct weir_shm *shm = pool->shm;
	const size_t all = shm->threads * words(shm);

	*s = (struct top_sample){ .shm = shm, .threads = shm->threads };
	s->thread = calloc(s->threads, sizeof(s->thread[0]));
	s->before = calloc(all, sizeof(uint64_t));
	s->now = calloc(all, sizeof(uint64_t));
	s->records = calloc((size_t)s->threads * WEIR_RECORDS_MAX,
			    sizeof(s->records[0]));
	if (!s->thread || !s->before || !s->now || !s->records)
		return false;
	for (unsigned i = 0; i < s->threads; i++) {
		struct top_thread *t = &s->thread[i];

		t->numbers = calloc(shm->numbers, sizeof(uint64_t));
		t->rates = calloc(shm->numbers, sizeof(double));
		if (!t->numbers || !t->rates)
			return false;
		if (i + 1 == s->threads)
			snprintf(t->name, sizeof(t->name), "ctl");
		else
			snprintf(t->name, sizeof(t->name), "%u", i);
	}
	return true;
}

/* The largest value of a bucket; see weir/shm.h. */
static uint64_t edge(const struct weir_shm *shm, uint32_t bucket)
{
	const uint32_t bits = shm->histogram_sub_bits;
	const uint32_t row = bucket >> bits;
	const uint32_t shift = row > 0 ? row - 1 : 0;
	const uint64_t low = (uint64_t)(bucket - (shift << bits)) << shift;

	return low + (UINT64_C(1) << shift) - 1;
}

/* Of the values counted in @now and not yet in @before (NULL: none were). */
static struct top_quantiles quantiles(const struct weir_shm *shm,
				      const uint64_t *now,
				      const uint64_t *before)
{
	struct top_quantiles q = { 0 };
	uint64_t seen = 0;

	for (uint32_t i = 0; i < shm->histogram_buckets; i++)
		q.total += now[i] - (before ? before[i] : 0);
	for (uint32_t i = 0; i < shm->histogram_buckets; i++) {
		const uint64_t n = now[i] - (before ? before[i] : 0);

		if (n == 0)
			continue;
		if (seen * 2 < q.total && (seen + n) * 2 >= q.total)
			q.p50 = edge(shm, i);
		if (seen * 100 < q.total * 99 &&
		    (seen + n) * 100 >= q.total * 99)
			q.p99 = edge(shm, i);
		q.max = edge(shm, i);
		seen += n;
	}
	return q;
}

static void work_out(struct top_sample *s, unsigned i, bool is_first)
{
	const struct weir_shm *shm = s->shm;
	const uint64_t *now = s->now + i * words(shm);
	const uint64_t *before = s->before + i * words(shm);
	struct top_thread *t = &s->thread[i];
	const double seconds = (double)s->span_ns / 1e9;

	for (uint32_t n = 0; n < shm->numbers; n++) {
		t->numbers[n] = now[n];
		t->rates[n] = is_first ? 0 :
			      (double)(int64_t)(now[n] - before[n]) /
			      seconds;
	}
	now += shm->numbers;
	before += shm->numbers;
	for (uint32_t h = 0; h < shm->histograms && h <= WEIR_SHM_QUEUE_NS;
	     h++) {
		const size_t at = (size_t)h * shm->histogram_buckets;

		t->since[h] = quantiles(shm, now + at, NULL);
		t->span[h] = quantiles(shm, now + at,
				       is_first ? NULL : before + at);
	}
}

static void look_at_state(struct top_sample *s, unsigned i)
{
	const volatile struct weir_shm_line *line =
		block(s->shm, i, s->shm->line_offset);
	struct top_thread *t = &s->thread[i];
	const uint64_t woke = line->woke_ns;
	const uint64_t waits = line->waits_ns;
	const uint64_t since = woke ? woke : waits;

	t->is_asleep = woke == 0;
	t->state_ns = since && s->at > since ? s->at - since : 0;
	t->is_stalled = woke && t->state_ns > line->stall_limit_ns;
	t->turn_max_ns = line->turn_max_ns;
}

static int by_key(const void *a, const void *b)
{
	const struct weir_record *x = a, *y = b;

	if (x->handler != y->handler)
		return x->handler < y->handler ? -1 : 1;
	if (x->token.bits != y->token.bits)
		return x->token.bits < y->token.bits ? -1 : 1;
	return 0;
}

/* Keep the list of the longest, longest first. */
static void add_talker(struct top_sample *s, const struct top_talker *talker)
{
	size_t i = s->talker_count;

	if (i == TOP_TALKERS && s->talkers[i - 1].ns >= talker->ns)
		return;
	if (i == TOP_TALKERS)
		i--;
	else
		s->talker_count++;
	for (; i > 0 && s->talkers[i - 1].ns < talker->ns; i--)
		s->talkers[i] = s->talkers[i - 1];
	s->talkers[i] = *talker;
}

static void find_talkers(struct top_sample *s, size_t n)
{
	struct top_talker talker = { 0 };
	uint64_t total = 0;

	s->talker_count = 0;
	qsort(s->records, n, sizeof(s->records[0]), by_key);
	for (size_t i = 0; i < n; i++) {
		const struct weir_record *r = &s->records[i];

		if (r->kind == WEIR_SHM_WAKE)
			continue;
		total += r->duration;
		talker.handler = r->handler;
		talker.token = r->token;
		talker.calls++;
		talker.ns += r->duration;
		if (i + 1 < n && by_key(r, r + 1) == 0)
			continue;
		add_talker(s, &talker);
		talker = (struct top_talker){ 0 };
	}
	for (size_t i = 0; i < s->talker_count; i++)
		s->talkers[i].share = total ? (double)s->talkers[i].ns /
					      (double)total : 0;
}

void top_sample_take(struct top_sample *s)
{
	const struct weir_shm *shm = s->shm;
	const bool is_first = s->at == 0;
	const uint64_t at = weir_clock();
	uint64_t *old = s->before;
	size_t records = 0;

	s->before = s->now;
	s->now = old;
	s->span_ns = at - (is_first ? shm->start_ns : s->at);
	s->at = at;
	for (unsigned i = 0; i < s->threads; i++) {
		uint64_t *to = s->now + i * words(shm);

		copy(to, block(shm, i, shm->numbers_offset), shm->numbers);
		copy(to + shm->numbers, block(shm, i, shm->histograms_offset),
		     bucket_count(shm));
		look_at_state(s, i);
	}
	for (unsigned i = 0; i < s->threads; i++) {
		int n = weir_shm_records(shm, i, s->records + records,
					 WEIR_RECORDS_MAX);

		work_out(s, i, is_first);
		if (n <= 0)
			continue;
		records += (size_t)n;
		s->thread[i].newest = s->records[records - 1];
	}
	find_talkers(s, records);
}

int top_number(const struct weir_shm *shm, const char *name)
{
	for (uint32_t i = 0; i < shm->numbers; i++) {
		if (strcmp(top_number_name(shm, i), name) == 0)
			return (int)i;
	}
	return -1;
}

const char *top_number_name(const struct weir_shm *shm, unsigned number)
{
	return (const char *)shm + shm->names_offset +
	       number * shm->name_size;
}

const char *top_state(const struct top_thread *t)
{
	if (t->is_stalled)
		return "stalled";
	return t->is_asleep ? "asleep" : "busy";
}
