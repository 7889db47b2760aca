/* SPDX-License-Identifier: MIT */
/* top/attach.c - the memory files of a process */
#include "top/top.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TARGET "/memfd:" WEIR_SHM_NAME

static bool is_ours(int dir, const char *entry)
{
	char target[64];
	ssize_t n = readlinkat(dir, entry, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strncmp(target, TARGET, strlen(TARGET)) == 0;
}

/* What this program knows how to read, and of @pid itself: not inherited. */
static bool is_good(const struct weir_shm *shm, size_t size, pid_t pid)
{
	return size >= sizeof(*shm) && shm->magic == WEIR_SHM_MAGIC &&
	       shm->version == WEIR_SHM_VERSION && shm->size <= size &&
	       shm->header_size >= sizeof(*shm) &&
	       shm->line_size >= sizeof(struct weir_shm_line) &&
	       shm->pid == (uint32_t)pid &&
	       shm->threads_offset + shm->threads * shm->thread_stride <= size;
}

static bool attach_one(int dir, const char *entry, pid_t pid,
		       struct top_pool *pool)
{
	int fd = openat(dir, entry, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *memory = MAP_FAILED;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED,
			      fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return false;
	if (!is_good(memory, (size_t)st.st_size, pid)) {
		munmap(memory, (size_t)st.st_size);
		return false;
	}
	*pool = (struct top_pool){ memory, (size_t)st.st_size };
	return true;
}

int top_attach(pid_t pid, struct top_pool *pools)
{
	const struct dirent *entry;
	char path[64];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (n < TOP_POOLS && (entry = readdir(dir)) != NULL) {
		if (is_ours(dirfd(dir), entry->d_name) &&
		    attach_one(dirfd(dir), entry->d_name, pid, &pools[n]))
			n++;
	}
	closedir(dir);
	return n;
}
