/* SPDX-License-Identifier: MIT */
/*
 * sys/futex.h - sleeping until a word changes
 *
 * The word is one of sync/, of 32 bits, passed as a plain address.
 */
#ifndef WEIR_SYS_FUTEX_H
#define WEIR_SYS_FUTEX_H

#include <stdint.h>
#include <weir/base.h>

/**
 * weir__futex_wait() - sleep while a word has a value
 * @word:     the word
 * @value:    sleep only if it has this value
 * @deadline: on weir_clock()'s scale; WEIR_FOREVER: none
 *
 * May return early for no reason: the caller looks at the word again.
 *
 * Return: 0, -EAGAIN (another value), -EINTR or -ETIMEDOUT.
 */
int weir__futex_wait(const void *word, uint32_t value, weir_ns deadline);

/**
 * weir__futex_wake() - wake one thread that sleeps over a word
 *
 * Return: how many were woken, 0 or 1.
 */
int weir__futex_wake(const void *word);

#endif /* WEIR_SYS_FUTEX_H */
