/* SPDX-License-Identifier: MIT */
/*
 * test_sys_map.c - pages, and memory files of a fixed size
 */
#include "sys/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/fault.h"

#include "harness.h"

static enum weir__call failing;

static int hook(enum weir__call call)
{
	return call == failing ? -ENFILE : 0;
}

TEST(pages_are_zeros)
{
	static const char zeros[10000];
	void *memory;

	CHECK_EQ(weir__map_new(sizeof(zeros), &memory), 0);
	CHECK_EQ(memcmp(memory, zeros, sizeof(zeros)), 0);
	weir__map_free(memory, sizeof(zeros));
	weir__map_free(NULL, 1);
}

TEST(a_memory_file_is_shared_and_keeps_its_size)
{
	void *memory, *other;
	int fd;

	CHECK_EQ(weir__map_new_shared("test", 4096, &memory, &fd), 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	other = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(other != MAP_FAILED);
	strcpy(memory, "seen");
	CHECK_STR(other, "seen");
	CHECK_EQ(ftruncate(fd, 1), -1);
	CHECK_EQ(ftruncate(fd, 8192), -1);
	munmap(other, 4096);
	weir__map_free(memory, 4096);
	close(fd);
}

/* The harness finds a descriptor that is left open. */
TEST(each_step_may_fail)
{
	static const enum weir__call steps[] = {
		WEIR__CALL_MEMFD_NEW, WEIR__CALL_MEMFD_SIZE, WEIR__CALL_MMAP,
	};
	void *memory = (void *)7;
	int fd = 7;

	weir__fault_hook = hook;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		failing = steps[i];
		CHECK_EQ(weir__map_new_shared("test", 4096, &memory, &fd),
			 -ENFILE);
	}
	CHECK_EQ(weir__map_new(4096, &memory), -ENFILE);
	weir__fault_hook = NULL;
	CHECK(memory == (void *)7);
	CHECK_EQ(fd, 7);
}
