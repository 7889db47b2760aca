/* SPDX-License-Identifier: MIT */
/*
 * pool/shm.c - the memory file that other processes see a pool in
 *
 * Where memory files are forbidden the pool runs all the same, with memory of
 * its own that nobody else sees.
 */
#include <weir/shm.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pool/pool.h"
#include "sys/clock.h"
#include "sys/io.h"
#include "sys/map.h"

enum {
	NAME_SIZE = 24,
	/* Of the header: a page, and the largest that Linux has is no less. */
	HEADER = 4096,
	STRIDE = (sizeof(struct weir__view) + 4095) / 4096 * 4096,
};

#define SAME(mine, theirs) \
	_Static_assert(offsetof(struct weir__view, mine) == \
		       offsetof(struct weir_shm_line, theirs), #theirs)
SAME(records_begun, records);
SAME(woke_at, woke_ns);
SAME(stall_limit, stall_limit_ns);
SAME(stall_woke_at, stall_woke_ns);
SAME(stall_ns, stall_ns);
SAME(turn_max, turn_max_ns);
SAME(waits_at, waits_ns);
_Static_assert(sizeof(struct weir__tally) == sizeof(uint64_t), "a number");
_Static_assert(sizeof(struct weir__record_slot) ==
	       sizeof(struct weir_shm_record), "a record");
_Static_assert(sizeof(struct weir_shm) +
	       (size_t)WEIR__STAT_COUNT * NAME_SIZE <= HEADER, "header");

static size_t size_of(const struct weir_pool *pool)
{
	return HEADER + (size_t)weir__pool_threads(pool) * STRIDE;
}

static void describe(const struct weir_pool *pool, struct weir_shm *shm)
{
	char *names = (char *)shm + sizeof(*shm);

	*shm = (struct weir_shm){
		.version = WEIR_SHM_VERSION,
		.header_size = sizeof(*shm),
		.size = size_of(pool),
		.pid = (uint32_t)getpid(),
		.threads = (uint32_t)weir__pool_threads(pool),
		.start_ns = weir__clock_now(),
		.threads_offset = HEADER,
		.thread_stride = STRIDE,
		.line_size = sizeof(struct weir_shm_line),
		.numbers_offset = offsetof(struct weir__view, stats),
		.numbers = WEIR__STAT_COUNT,
		.names_offset = sizeof(*shm),
		.name_size = NAME_SIZE,
		.histograms_offset = offsetof(struct weir__view, histograms),
		.histograms = WEIR__VIEW_HISTOGRAMS,
		.histogram_buckets = WEIR__HISTOGRAM_BUCKETS,
		.histogram_sub_bits = WEIR__HISTOGRAM_SUB_BITS,
		.records_offset = offsetof(struct weir__view, records),
		.records = WEIR__RECORDS,
		.record_size = sizeof(struct weir_shm_record),
	};
	snprintf(shm->pool_name, sizeof(shm->pool_name), "%s", pool->name);
	for (int i = 0; i < WEIR__STAT_COUNT; i++)
		snprintf(names + i * NAME_SIZE, NAME_SIZE, "%s",
			 weir__stat_name(i));
	weir__tally_publish((struct weir__tally *)&shm->magic, WEIR_SHM_MAGIC);
}

int weir__shm_open(struct weir_pool *pool)
{
	const size_t size = size_of(pool);
	int err;

	pool->shm_fd = -EBADF;
	err = weir__map_new_shared(WEIR_SHM_NAME, size, &pool->shm,
				   &pool->shm_fd);
	if (err < 0) {
		weir__pool_log(pool, WEIR_LOG_WARNING,
			       "%s: weir-top cannot see this pool: %s",
			       pool->name, strerror(-err));
		err = weir__map_new(size, &pool->shm);
	}
	if (err < 0)
		return err;
	describe(pool, pool->shm);
	return 0;
}

void weir__shm_close(struct weir_pool *pool)
{
	if (!pool->shm)
		return;
	weir__map_free(pool->shm, size_of(pool));
	pool->shm = NULL;
	if (pool->shm_fd >= 0)
		weir__close(pool->shm_fd);
}

struct weir__view *weir__shm_view(const struct weir_pool *pool, int place)
{
	return (void *)((char *)pool->shm + HEADER + (size_t)place * STRIDE);
}
