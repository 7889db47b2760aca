/* SPDX-License-Identifier: MIT */
/*
 * test_sys_inotify.c - watches, and records that are not to be trusted
 *
 * Buffers are copied to the heap at their exact length, so that a sanitizer
 * sees a read beyond the end.
 */
#include "sys/inotify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/io.h"

#include "harness.h"

#define HEAD sizeof(struct inotify_event)

static char dir[] = "/tmp/weir-test-XXXXXX";

static void touch(const char *name)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY);
	int fd = openat(at, name, O_CREAT | O_WRONLY, 0600);

	CHECK(fd >= 0);
	close(fd);
	close(at);
}

static void untouch(const char *name)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY);

	CHECK_EQ(unlinkat(at, name, 0), 0);
	close(at);
}

TEST(inotify_has_its_flags)
{
	int fd = weir__inotify_new();

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}

TEST(inotify_says_why_not)
{
	int fd = weir__inotify_new();
	int wd;

	CHECK_EQ(weir__inotify_add(fd, "/no/such/file", IN_MODIFY), -ENOENT);
	CHECK_EQ(weir__inotify_add(fd, "/proc/self/comm",
				   IN_MODIFY | IN_ONLYDIR), -ENOTDIR);
	CHECK_EQ(weir__inotify_add(fd, "/", 0), -EINVAL);
	CHECK_EQ(weir__inotify_add(-1, "/", IN_CREATE), -EBADF);
	wd = weir__inotify_add(fd, "/", IN_CREATE);
	CHECK(wd > 0);
	CHECK_EQ(weir__inotify_add(fd, "/", IN_DELETE), wd);
	CHECK_EQ(weir__inotify_add(fd, "/", IN_DELETE | IN_MASK_CREATE),
		 -EEXIST);
	CHECK_EQ(weir__inotify_remove(fd, wd), 0);
	CHECK_EQ(weir__inotify_remove(fd, wd), -EINVAL);
	CHECK_EQ(weir__inotify_remove(-1, wd), -EBADF);
	close(fd);
}

TEST(inotify_events_are_read)
{
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *event;
	char longest[NAME_MAX + 1];
	size_t offset = 0;
	ssize_t len;
	int fd, wd;

	memset(longest, 'n', NAME_MAX);
	longest[NAME_MAX] = '\0';
	CHECK(mkdtemp(dir));
	fd = weir__inotify_new();
	wd = weir__inotify_add(fd, dir, IN_CREATE | IN_DELETE_SELF);
	CHECK(wd > 0);
	touch("a");
	touch(longest);
	untouch("a");
	untouch(longest);
	rmdir(dir);

	len = weir__read(fd, buf, sizeof(buf));
	CHECK(len > 0);
	event = weir__inotify_next(buf, (size_t)len, &offset);
	CHECK(event && event->wd == wd && event->mask == IN_CREATE);
	CHECK_STR(event->name, "a");
	event = weir__inotify_next(buf, (size_t)len, &offset);
	CHECK(event && event->wd == wd && event->mask == IN_CREATE);
	CHECK_STR(event->name, longest);
	event = weir__inotify_next(buf, (size_t)len, &offset);
	CHECK(event && event->mask == IN_DELETE_SELF);
	CHECK_EQ(event->len, 0);
	event = weir__inotify_next(buf, (size_t)len, &offset);
	CHECK(event && event->mask == IN_IGNORED);
	CHECK(!weir__inotify_next(buf, (size_t)len, &offset));
	CHECK_EQ(offset, len);
	CHECK(!weir__inotify_next(buf, (size_t)len, &offset));
	CHECK_EQ(offset, len);
	close(fd);
}

/* Append a record; @space is its len field, and how many bytes follow. */
static size_t put(char *buf, size_t at, const char *name, uint32_t space)
{
	struct inotify_event event = { .wd = 1, .mask = IN_CREATE,
				       .len = space };

	memcpy(buf + at, &event, HEAD);
	memset(buf + at + HEAD, 0, space);
	memcpy(buf + at + HEAD, name, strlen(name));
	return at + HEAD + space;
}

/* Walk a heap copy of exactly @len bytes. */
static int walk(const char *buf, size_t len, size_t *ret_offset)
{
	char *copy = malloc(len ? len : 1);
	const struct inotify_event *event;
	size_t offset = 0;
	int n = 0;

	memcpy(copy, buf, len);
	while ((event = weir__inotify_next(copy, len, &offset))) {
		CHECK(offset <= len);
		if (event->len)
			CHECK(strlen(event->name) < event->len);
		n++;
	}
	*ret_offset = offset;
	CHECK(!weir__inotify_next(copy, len, &offset));	/* stays at the end */
	CHECK(offset == *ret_offset);
	free(copy);
	return n;
}

TEST(cut_records_end_the_walk)
{
	char name[256];
	char buf[1024];
	size_t ends[5] = { 0 };
	size_t offset;

	memset(name, 'x', 255);
	name[255] = '\0';
	ends[1] = put(buf, ends[0], "", 0);
	ends[2] = put(buf, ends[1], "fifteen bytes..", 16);
	ends[3] = put(buf, ends[2], "padded", 32);
	ends[4] = put(buf, ends[3], name, 256);
	for (size_t len = 0; len <= ends[4]; len++) {
		int whole = 0;

		while (whole < 4 && ends[whole + 1] <= len)
			whole++;
		CHECK_EQ(walk(buf, len, &offset), whole);
		if (len == ends[whole])
			CHECK(offset == len);
		else
			CHECK(offset == SIZE_MAX);
	}
}

TEST(impossible_records_end_the_walk)
{
	static const uint32_t lens[] = {
		17, 18, 1, UINT32_MAX, UINT32_MAX - 15, 1u << 31, 64,
	};
	char buf[256];
	size_t first, end, offset;

	/* Its len leads beyond the buffer, or to where nothing is aligned. */
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		first = put(buf, 0, "first", 16);
		end = put(buf, first, "second", 16);
		memcpy(buf + first + offsetof(struct inotify_event, len),
		       &lens[i], sizeof(lens[i]));
		CHECK_EQ(walk(buf, end, &offset), 1);
		CHECK(offset == SIZE_MAX);
	}
	/* A name that ends, in a record that does not end where it should. */
	for (uint32_t len = 1; len < 16; len++) {
		first = put(buf, 0, "first", 16);
		end = put(buf, first, "", 16);
		memcpy(buf + first + offsetof(struct inotify_event, len), &len,
		       sizeof(len));
		CHECK_EQ(walk(buf, end, &offset), len % 4 ? 1 : 2);
		CHECK(offset == SIZE_MAX);
	}
	/* A name that does not end. */
	first = put(buf, 0, "first", 16);
	end = put(buf, first, "sixteen bytes...", 16);
	CHECK_EQ(walk(buf, end, &offset), 1);
	CHECK(offset == SIZE_MAX);
	/* An offset from elsewhere. */
	offset = end + 1;
	CHECK(!weir__inotify_next(buf, end, &offset));
	CHECK(offset == SIZE_MAX);
	/* A misaligned buffer. */
	offset = 0;
	CHECK(!weir__inotify_next(buf + 1, end - 1, &offset) ||
	      (uintptr_t)(buf + 1) % _Alignof(struct inotify_event) == 0);
}

TEST(garbage_is_survived)
{
	uint64_t x = 88172645463325252u;
	char buf[256];
	size_t offset;

	for (int i = 0; i < 100000; i++) {
		size_t len = (size_t)(x % (sizeof(buf) + 1));

		for (size_t j = 0; j < sizeof(buf); j += sizeof(x)) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* Small numbers make records that hold together. */
			if (x & 1)
				x &= UINT64_C(0x00ff0000003c003c);
			memcpy(buf + j, &x, sizeof(x));
			x += UINT64_C(0x9e3779b97f4a7c15);
		}
		walk(buf, len, &offset);
		CHECK(offset == len || offset == SIZE_MAX);
	}
}
