/* SPDX-License-Identifier: MIT */
/*
 * say.h - what the programs here say: ok, or what does not hold
 */
#ifndef WEIR_TESTS_SAY_H
#define WEIR_TESTS_SAY_H

#include <stdio.h>
#include <stdlib.h>

/* End the program unless it holds. */
#define MUST(holds) must((holds) != 0, #holds, __LINE__)

static inline void must(int holds, const char *what, int line)
{
	if (holds)
		return;
	printf("not ok: line %d: %s\n", line, what);
	fflush(stdout);
	_Exit(1);
}

static inline int say_ok(void)
{
	puts("ok");
	return 0;
}

#endif /* WEIR_TESTS_SAY_H */
