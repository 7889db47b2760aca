/* SPDX-License-Identifier: MIT */
/* sys/map.c - see sys/map.h */
#include "sys/map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/fault.h"
#include "sys/io.h"

static int map(size_t size, int flags, int fd, void **ret_memory)
{
	int err = weir__fault(WEIR__CALL_MMAP);
	void *memory;

	if (err < 0)
		return err;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*ret_memory = memory;
	return 0;
}

int weir__map_new(size_t size, void **ret_memory)
{
	return map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1, ret_memory);
}

static int resize(int fd, size_t size)
{
	int err = weir__fault(WEIR__CALL_MEMFD_SIZE);

	if (err < 0)
		return err;
	err = (int)weir__result(ftruncate(fd, (off_t)size));
	if (err < 0)
		return err;
	return (int)weir__result(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK |
				       F_SEAL_GROW | F_SEAL_SEAL));
}

int weir__map_new_shared(const char *name, size_t size, void **ret_memory,
			 int *ret_fd)
{
	int err = weir__fault(WEIR__CALL_MEMFD_NEW);
	int fd;

	if (err < 0)
		return err;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	err = resize(fd, size);
	if (err == 0)
		err = map(size, MAP_SHARED, fd, ret_memory);
	if (err < 0) {
		weir__close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

void weir__map_free(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}
