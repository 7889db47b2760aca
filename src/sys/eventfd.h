/* SPDX-License-Identifier: MIT */
/*
 * sys/eventfd.h - a counter one can sleep on
 */
#ifndef WEIR_SYS_EVENTFD_H
#define WEIR_SYS_EVENTFD_H

#include <stdint.h>

/**
 * weir__eventfd_new() - a counter at 0, non-blocking, close-on-exec
 *
 * Return: the fd, -EMFILE, -ENFILE, -ENODEV or -ENOMEM.
 */
int weir__eventfd_new(void);

/**
 * weir__eventfd_ring() - add one, and so cause an edge
 *
 * Nobody needs to read the counter: when it is full it is emptied here.
 * Async-signal-safe when no fault hook is set.
 *
 * Return: 0, -EBADF or -EAGAIN (others fill it faster than this call can
 *         empty it; the descriptor is readable all the while).
 */
int weir__eventfd_ring(int fd);

/**
 * weir__eventfd_add() - add @n, and so cause an edge
 *
 * Return: 0, -EAGAIN (too much: nothing is added), -EINVAL (UINT64_MAX), -EBADF
 *         or -EIO (not a counter: it took less than a number).
 */
int weir__eventfd_add(int fd, uint64_t n);

/**
 * weir__eventfd_read() - take the count, and set it to 0
 * @ret_count: receives it, 1 ..
 *
 * Return: 0, -EAGAIN (it is 0), -EBADF or -EIO (not a counter: it gave less
 *         than a number).
 */
int weir__eventfd_read(int fd, uint64_t *ret_count);

#endif /* WEIR_SYS_EVENTFD_H */
