/* SPDX-License-Identifier: MIT */
/*
 * value.c - what stands on the right of an equal sign
 */
#include "lb/value.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* Reads digits up to @end; *ret_value stops growing at UINT64_MAX. */
static int read_digits(const char *text, const char *end, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text == end)
		return -EINVAL;
	for (; text < end; text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (*text < '0' || *text > '9')
			return -EINVAL;
		if (value > (UINT64_MAX - digit) / 10)
			value = UINT64_MAX;
		else
			value = value * 10 + digit;
	}
	*ret_value = value;
	return 0;
}

int lb_value_count(const char *text, uint64_t min, uint64_t max,
		   uint64_t *ret_value)
{
	uint64_t value;
	int r = read_digits(text, text + strlen(text), &value);

	if (r < 0)
		return r;
	if (value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int lb_value_seconds(const char *text, weir_ns min, weir_ns max,
		     weir_ns *ret_value)
{
	const char *end = text + strlen(text);
	const char *point = strchr(text, '.');
	const char *whole_end = point ? point : end;
	uint64_t seconds, fraction = 0;
	int r = read_digits(text, whole_end, &seconds);

	if (r == 0 && point) {
		ptrdiff_t digits = end - point - 1;

		if (digits > 9)
			return -EINVAL;
		r = read_digits(point + 1, end, &fraction);
		for (; digits < 9; digits++)
			fraction *= 10;
	}
	if (r < 0)
		return r;
	if (seconds > max / WEIR_NS_PER_SEC)
		return -ERANGE;
	seconds = seconds * WEIR_NS_PER_SEC + fraction;
	if (seconds < min || seconds > max)
		return -ERANGE;
	*ret_value = seconds;
	return 0;
}
