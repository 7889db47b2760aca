/* SPDX-License-Identifier: MIT */
#ifndef WEIR_EVENTFD_H
#define WEIR_EVENTFD_H

/*
 * weir/eventfd.h - a counter that is readable while it is not 0
 *
 * For signal handlers, and for code that knows descriptors only; between
 * threads that have reactors weir_reactor_post() costs less.
 */
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

/**
 * weir_eventfd_new() - make a counter at 0, non-blocking and close-on-exec
 *
 * Threads: any.
 * Owns:    the caller closes it.
 * Return:  the descriptor, -EMFILE, -ENFILE, -ENODEV or -ENOMEM.
 */
int weir_eventfd_new(void);

/**
 * weir_eventfd_write() - add to the counter
 * @fd: the descriptor
 * @n:  how much, not UINT64_MAX; 0 wakes nobody
 *
 * Each call is an edge, also while the counter is not 0: a source of it need
 * not be read.
 *
 * Threads: any; async-signal-safe, errno stays as it was.
 * Return:  0, -EAGAIN (the sum would be above UINT64_MAX - 1: it is as it was),
 *          -EINVAL (@n), -EBADF or -EIO (@fd is no eventfd: some of the number
 *          was written to it).
 */
int weir_eventfd_write(int fd, uint64_t n);

/**
 * weir_eventfd_read() - take the count, and set it to 0
 * @fd:        the descriptor
 * @ret_count: receives it, 1 ..
 *
 * Threads: any; async-signal-safe, errno stays as it was.
 * Return:  0, -EAGAIN (it is 0), -EBADF, -EINVAL (@fd cannot be read so) or
 *          -EIO (@fd is no eventfd: it ended, or gave less than a number).
 */
int weir_eventfd_read(int fd, uint64_t *ret_count);

WEIR_END_DECLS

#endif /* WEIR_EVENTFD_H */
