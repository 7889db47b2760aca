/* SPDX-License-Identifier: MIT */
/*
 * test_inotify_decode.c - what is read from inotify is not to be trusted
 */
#include <weir/inotify.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

static size_t put(char *at, int wd, const char *name, uint32_t len)
{
	struct inotify_event *raw = (void *)at;

	memset(at, 0, sizeof(*raw) + len);
	raw->wd = wd;
	raw->mask = IN_CREATE;
	raw->cookie = 9;
	raw->len = len;
	if (len)
		memcpy(raw->name, name, strlen(name));
	return sizeof(*raw) + len;
}

/* An error in a late record takes nothing from the earlier ones. */
TEST(what_comes_before_an_error_is_decoded)
{
	_Alignas(struct inotify_event) char buf[256];
	struct weir_inotify_event e;
	size_t len = put(buf, 1, "name", 16), offset = 0;

	len += put(buf + len, 2, NULL, 0);
	len += put(buf + len, 3, "cut", 16);
	CHECK_EQ(weir_inotify_decode(buf, len - 1, &offset, &e), 1);
	CHECK_EQ(e.wd, 1);
	CHECK_EQ(e.cookie, 9);
	CHECK_STR(e.name, "name");
	CHECK_EQ(e.name_len, 4);
	CHECK_EQ(weir_inotify_decode(buf, len - 1, &offset, &e), 1);
	CHECK_EQ(e.wd, 2);
	CHECK(e.name == NULL);
	CHECK_EQ(offset, 48);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(weir_inotify_decode(buf, len - 1, &offset, &e),
			 -EINVAL);
		CHECK_EQ(offset, 48);
		CHECK_EQ(e.wd, 2);	/* nothing is written */
	}
	CHECK_EQ(weir_inotify_decode(buf, len, &offset, &e), 1);
	CHECK_EQ(weir_inotify_decode(buf, len, &offset, &e), 0);
	CHECK_EQ(weir_inotify_decode(buf, 0, &(size_t){ 0 }, &e), 0);
	CHECK_EQ(weir_inotify_decode(buf, len, &(size_t){ SIZE_MAX }, &e),
		 -EINVAL);
}

/* Good records with some bytes changed, in a block of their exact length. */
TEST(any_bytes_are_decoded_or_refused)
{
	_Alignas(struct inotify_event) char good[256];
	struct weir_inotify_event e;
	size_t len = put(good, 1, "abc", 4);
	unsigned seed = 1;
	int seen[3] = { 0, 0, 0 };

	len += put(good + len, 2, NULL, 0);
	len += put(good + len, 3, "0123456789abcde", 16);
	for (int round = 0; round < 100000; round++) {
		const size_t n = (size_t)rand_r(&seed) % (len + 1);
		char *buf = malloc(n ? n : 1);
		size_t offset = 0, before = 0;
		int r;

		memcpy(buf, good, n);
		for (int i = rand_r(&seed) % 4; i > 0 && n > 0; i--)
			buf[(size_t)rand_r(&seed) % n] = (char)rand_r(&seed);
		while ((r = weir_inotify_decode(buf, n, &offset, &e)) == 1) {
			CHECK(offset > before && offset <= n);
			before = offset;
			if (e.name)
				CHECK_EQ(strlen(e.name), e.name_len);
			seen[1]++;
		}
		CHECK(r == 0 ? offset == n : r == -EINVAL);
		seen[r == 0 ? 0 : 2]++;
		free(buf);
	}
	CHECK(seen[0] > 1000 && seen[1] > 1000 && seen[2] > 1000);
}
