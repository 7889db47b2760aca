/* SPDX-License-Identifier: MIT */
/*
 * sys/epoll.h - an epoll set, with the timeout in nanoseconds
 */
#ifndef WEIR_SYS_EPOLL_H
#define WEIR_SYS_EPOLL_H

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>

/**
 * weir__epoll_create() - open an epoll set, close-on-exec
 *
 * Return: the fd, -EMFILE, -ENFILE or -ENOMEM.
 */
int weir__epoll_create(void);

/**
 * weir__epoll_ctl() - add, change or remove a descriptor
 * @op:     EPOLL_CTL_ADD, _MOD or _DEL
 * @events: EPOLLIN ...; ignored by EPOLL_CTL_DEL
 * @data:   comes back in epoll_event.data.u64
 *
 * Return: 0, -EBADF, -EEXIST (ADD: in the set already), -ENOENT (MOD, DEL: not
 *         in it), -EPERM (the file cannot be polled), -ENOMEM, -ENOSPC
 *         (max_user_watches), -EINVAL or -ELOOP.
 */
int weir__epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t data);

/**
 * weir__epoll_wait() - wait for events
 * @events:     room for @max of them
 * @max:        1 ..
 * @timeout_ns: below 0 for ever, 0 not at all
 *
 * Where the kernel has no epoll_pwait2 (before 5.11) the timeout is rounded up
 * to whole milliseconds: late, never early.
 *
 * @epfd must come from weir__epoll_create() in this process.
 *
 * Return: the number of events, 0 at the timeout, -EINTR (a signal handler
 *         ran; not retried, since the time left is not known here), -EBADF or
 *         -EINVAL (not an epoll set, or @max below 1).
 */
int weir__epoll_wait(int epfd, struct epoll_event *events, int max,
		     int64_t timeout_ns);

/**
 * weir__epoll_pwait() - the same, with another signal mask while it waits
 * @sigmask: NULL: as weir__epoll_wait()
 *
 * Return: as weir__epoll_wait().
 */
int weir__epoll_pwait(int epfd, struct epoll_event *events, int max,
		      int64_t timeout_ns, const sigset_t *sigmask);

#endif /* WEIR_SYS_EPOLL_H */
