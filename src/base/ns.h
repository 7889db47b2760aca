/* SPDX-License-Identifier: MIT */
/*
 * base/ns.h - sums of nanoseconds that stop at the end of time
 */
#ifndef WEIR_BASE_NS_H
#define WEIR_BASE_NS_H

#include <stdint.h>

/* Return: @a + @b, or UINT64_MAX, which is never, if that is too much. */
static inline uint64_t weir__ns_add(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

#endif /* WEIR_BASE_NS_H */
