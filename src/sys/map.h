/* SPDX-License-Identifier: MIT */
/*
 * sys/map.h - memory by the page, with or without a file that others can map
 */
#ifndef WEIR_SYS_MAP_H
#define WEIR_SYS_MAP_H

#include <stddef.h>

/**
 * weir__map_new() - pages of zeros, for this process alone
 * @size: bytes, above 0
 *
 * Pages that nobody touches take no memory.
 *
 * Return: 0 or -ENOMEM.
 */
int weir__map_new(size_t size, void **ret_memory);

/**
 * weir__map_new_shared() - the same, as a memory file that can be mapped
 * @name:   what /proc/PID/fd shows after "memfd:"
 * @ret_fd: receives its descriptor, close-on-exec; of a size that nobody can
 *          change any more, so that no reader gets a SIGBUS
 *
 * Return: 0, -EMFILE, -ENFILE, -ENOMEM or whatever forbids memory files here.
 */
int weir__map_new_shared(const char *name, size_t size, void **ret_memory,
			 int *ret_fd);

/* @memory may be NULL. */
void weir__map_free(void *memory, size_t size);

#endif /* WEIR_SYS_MAP_H */
