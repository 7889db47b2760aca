/* SPDX-License-Identifier: MIT */
/*
 * sys/timerfd.h - a timer of the kernel that one can sleep on
 *
 * It is read with weir__read().
 */
#ifndef WEIR_SYS_TIMERFD_H
#define WEIR_SYS_TIMERFD_H

#include <stdint.h>
#include <time.h>

/**
 * weir__timerfd_new() - a timer, disarmed, non-blocking, close-on-exec
 *
 * Return: the fd, -EINVAL (@clock), -EMFILE, -ENFILE, -ENODEV or -ENOMEM.
 */
int weir__timerfd_new(clockid_t clock);

/**
 * weir__timerfd_set() - arm or disarm it, and forget what has expired
 * @value_ns:  the first expiration; 0 disarms
 * @period_ns: between the later ones; 0: none
 * @flags:     TFD_TIMER_*
 *
 * Return: 0, -ECANCELED (it is armed; but the clock was set, which was not
 *         read), -EBADF or -EINVAL (not a timer).
 */
int weir__timerfd_set(int fd, uint64_t value_ns, uint64_t period_ns, int flags);

#endif /* WEIR_SYS_TIMERFD_H */
