/* SPDX-License-Identifier: MIT */
/*
 * tests/harness.h - unit tests that cannot be forgotten, hang or leak
 *
 * A test file is one or more TEST(name) { ... } and nothing else: each
 * registers itself through a linker section, and main() is in harness.c.
 *
 *     #include "harness.h"
 *
 *     TEST(ring_is_empty_when_new)
 *     {
 *             struct weir__ring ring;
 *
 *             CHECK_EQ(weir__ring_init(&ring, 8), 0);
 *             CHECK(weir__ring_is_empty(&ring));
 *             weir__ring_done(&ring);
 *     }
 *
 * Each test runs in a forked child and process group of its own, with
 * /dev/null as standard input and default signal handling, and fails when it
 *
 *   - fails a CHECK, in any thread or forked child of its own,
 *   - ends in any other way than by returning from its body (or SKIP),
 *   - ends with other file descriptors open than it started with,
 *   - runs longer than its limit: 20 s, times WEIR_TEST_TIMEOUT_FACTOR,
 *   - is found at fault by a sanitizer, at its exit too.
 *
 * Whatever a test leaves running in its process group is killed with it.
 * Output is TAP on standard output.
 *
 *     ./test_x                 all tests
 *     ./test_x --list          their names
 *     ./test_x --only NAME...  these tests, in the same way as all
 *     ./test_x NAME            one test, not forked and without limit, for gdb
 */
#ifndef WEIR_TESTS_HARNESS_H
#define WEIR_TESTS_HARNESS_H

#ifdef NDEBUG
#error "tests and NDEBUG do not go together"
#endif

#include <stdint.h>

struct test {
	const char *name;
	int line;
	int is_hidden;
	void (*run)(void);
};

/*
 * The section holds pointers, not structs: their size is their alignment, so
 * no compiler or sanitizer can leave a gap between two entries.
 */
#define TEST_REGISTER(fn, hidden)					\
	static void fn(void);						\
	static const struct test test_of_##fn = {			\
		.name = #fn, .line = __LINE__, .is_hidden = hidden,	\
		.run = fn,						\
	};								\
	static const struct test *const test_entry_##fn		\
		__attribute__((used, section("weir_tests"))) =		\
			&test_of_##fn;					\
	static void fn(void)

#define TEST(fn) TEST_REGISTER(fn, 0)

/* Runs only when it is named: for the tests of the harness itself. */
#define TEST_HIDDEN(fn) TEST_REGISTER(fn, 1)

#define CHECK(cond)							\
	((cond) ? (void)0 :						\
		  test_fail(__FILE__, __LINE__, "%s", #cond))

/* Integers of any type; each argument is evaluated once. */
#define CHECK_EQ(a, b)							\
	test_check_eq(__FILE__, __LINE__, #a " == " #b,			\
		      (intmax_t)(a), (intmax_t)(b))

/*
 * That @value is -@err, and that @fn is what returned it.  For results that
 * come by way of a variable or a function of the test: CHECK_EQ(weir_x(...),
 * -EINVAL) says the same by itself.  tests/build/errnos.test looks for both.
 */
#define CHECK_ERRNO(fn, err, value)					\
	((void)sizeof(&(fn)),						\
	 test_check_eq(__FILE__, __LINE__,				\
		       #fn ": " #value " == -" #err,			\
		       (intmax_t)(value), -(intmax_t)(err)))

/* Strings; NULL equals only NULL. */
#define CHECK_STR(a, b)							\
	test_check_str(__FILE__, __LINE__, #a " == " #b, (a), (b))

#define SKIP(reason) test_skip(reason)

/* A diagnostic line of the running test, `# ...`. */
#define NOTE(...) test_note(__VA_ARGS__)

/* Break here in gdb: every failed CHECK passes through. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *reason);
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void test_check_eq(const char *file, int line, const char *what, intmax_t a,
		   intmax_t b);
void test_check_str(const char *file, int line, const char *what,
		    const char *a, const char *b);

#endif /* WEIR_TESTS_HARNESS_H */
