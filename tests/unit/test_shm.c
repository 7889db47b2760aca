/* SPDX-License-Identifier: MIT */
/*
 * test_shm.c - a pool as another process sees it
 *
 * The reader here is the same process, by the same way: /proc/PID/fd.
 */
#include <weir/shm.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "sys/fault.h"

static struct weir_pool *pool;

/* The memory file of this process, opened as weir-top does; -1: none. */
static int find(void)
{
	for (int fd = 3; fd < 64; fd++) {
		char path[64], target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    strstr(target, "memfd:" WEIR_SHM_NAME))
			return open(path, O_RDONLY | O_CLOEXEC);
	}
	return -1;
}

static const struct weir_shm *map(void)
{
	const struct weir_shm *shm;
	struct stat st;
	int fd = find();

	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	shm = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(shm != MAP_FAILED);
	CHECK_EQ(shm->size, st.st_size);
	close(fd);
	return shm;
}

static const void *block(const struct weir_shm *shm, unsigned thread,
			 uint32_t offset)
{
	return (const char *)shm + shm->threads_offset +
	       thread * shm->thread_stride + offset;
}

/* A number by its name. */
static uint64_t number(const struct weir_shm *shm, unsigned thread,
		       const char *name)
{
	const uint64_t *numbers = block(shm, thread, shm->numbers_offset);
	const char *names = (const char *)shm + shm->names_offset;

	for (uint32_t i = 0; i < shm->numbers; i++) {
		if (strcmp(names + i * shm->name_size, name) == 0)
			return numbers[i];
	}
	test_fail(__FILE__, __LINE__, "no number is called %s", name);
}

TEST(the_header_says_what_there_is)
{
	const struct weir_shm *shm;

	pool = fixture_pool(3);
	shm = map();
	CHECK(shm->magic == WEIR_SHM_MAGIC);
	CHECK_EQ(shm->version, WEIR_SHM_VERSION);
	CHECK_EQ(shm->header_size, sizeof(*shm));
	CHECK_EQ(shm->pid, getpid());
	CHECK_EQ(shm->threads, 4);
	CHECK_STR(shm->pool_name, "weir");
	CHECK_EQ(shm->line_size, sizeof(struct weir_shm_line));
	CHECK_EQ(shm->record_size, sizeof(struct weir_shm_record));
	CHECK_EQ(shm->records & (shm->records - 1), 0);
	CHECK(shm->records_offset + shm->records * shm->record_size <=
	      shm->thread_stride);
	CHECK_EQ(shm->size, shm->threads_offset + 4 * shm->thread_stride);
	fixture_pool_end(pool);
}

TEST(numbers_are_those_of_the_pool)
{
	const struct weir_shm *shm;
	const uint64_t *turns;
	uint64_t sum = 0;

	pool = fixture_pool(2);
	CHECK_EQ(weir_pool_start(pool), 0);
	shm = map();
	fixture_settle(pool);
	weir_pool_stop(pool);
	CHECK_EQ(weir_pool_join(pool), 0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(number(shm, i, "turns"),
			 FIXTURE_STAT(pool, (int)i, turns));
		CHECK_EQ(number(shm, i, "messages_in"),
			 FIXTURE_STAT(pool, (int)i, messages_in));
	}
	CHECK_EQ(number(shm, 2, "turns"),
		 FIXTURE_STAT(pool, WEIR_CONTROL, turns));
	turns = block(shm, 0, shm->histograms_offset);
	for (uint32_t i = 0; i < shm->histogram_buckets; i++)
		sum += turns[i];
	CHECK(sum > 0 && sum <= number(shm, 0, "turns") + 1);
	weir_pool_free(pool);
}

TEST(a_stuck_thread_is_seen_from_outside)
{
	static struct weir_record records[WEIR_RECORDS_MAX];
	struct hold hold = { .fn = NULL };
	const struct weir_shm_line *line;
	const struct weir_shm *shm;
	int n;

	pool = fixture_pool(1);
	CHECK_EQ(weir_pool_start(pool), 0);
	shm = map();
	hold_begin(&hold, pool, 0);
	line = block(shm, 0, shm->line_offset);
	CHECK(line->woke_ns > 0 && line->woke_ns <= weir_clock());
	n = weir_shm_records(shm, 0, records, WEIR_RECORDS_MAX);
	CHECK(n > 0);
	CHECK_EQ(records[n - 1].kind, WEIR_SHM_MESSAGE);
	CHECK_EQ(records[n - 1].handler, (uintptr_t)hold_run);
	CHECK_EQ(weir_shm_records(shm, 2, records, 1), -EINVAL);
	CHECK_EQ(weir_shm_records(shm, 0, NULL, 1), -EINVAL);
	hold_end(&hold);
	fixture_pool_end(pool);
	/* The reader's mapping outlives the pool. */
	CHECK_EQ(line->woke_ns, 0);
}

TEST(another_version_is_refused)
{
	struct weir_shm other;
	struct weir_record r;

	pool = fixture_pool(1);
	other = *map();
	other.version++;
	CHECK_EQ(weir_shm_records(&other, 0, &r, 1), -ENOTSUP);
	other.version--;
	other.magic++;
	CHECK_EQ(weir_shm_records(&other, 0, &r, 1), -ENOTSUP);
	fixture_pool_end(pool);
}

static int no_memory_file(enum weir__call call)
{
	return call == WEIR__CALL_MEMFD_NEW ? -EPERM : 0;
}

TEST(a_pool_runs_without_a_memory_file)
{
	weir__fault_hook = no_memory_file;
	pool = fixture_pool(1);
	weir__fault_hook = NULL;
	CHECK(find() < 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	fixture_settle(pool);
	CHECK(FIXTURE_STAT(pool, 0, turns) > 0);
	fixture_pool_end(pool);
}
