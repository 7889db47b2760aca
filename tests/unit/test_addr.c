/* SPDX-License-Identifier: MIT */
#include <weir/listener.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "harness.h"

static const struct {
	const char *text;
	const char *formatted;	/* NULL: the same */
	int family;
	int port;
} good[] = {
	{ "192.0.2.1:80", NULL, AF_INET, 80 },
	{ "0.0.0.0:0", NULL, AF_INET, 0 },
	{ "255.255.255.255:65535", NULL, AF_INET, 65535 },
	{ "127.0.0.1:00080", "127.0.0.1:80", AF_INET, 80 },
	{ "*:8080", "0.0.0.0:8080", AF_INET, 8080 },
	{ "[2001:db8::1]:80", NULL, AF_INET6, 80 },
	{ "[::]:0", NULL, AF_INET6, 0 },
	{ "[::1]:65535", NULL, AF_INET6, 65535 },
	{ "[2001:DB8:0:0:0:0:0:1]:443", "[2001:db8::1]:443", AF_INET6, 443 },
	{ "[::ffff:192.0.2.1]:80", NULL, AF_INET6, 80 },
	{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
	  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", AF_INET6, 65535 },
	{ "unix:/run/weir.sock", NULL, AF_UNIX, -1 },
	{ "unix:/", NULL, AF_UNIX, -1 },
	{ "unix:/with:colon and blank", NULL, AF_UNIX, -1 },
	{ "unix:@abstract", NULL, AF_UNIX, -1 },
};

static const char *const bad[] = {
	"", ":", ":80", "80", "*", "*:", "* :80", "**:80", "*.0.0.1:80",
	"192.0.2.1", "192.0.2.1:", "192.0.2.1:-1", "192.0.2.1:+1",
	"192.0.2.1:65536", "192.0.2.1:99999", "192.0.2.1:000080",
	"192.0.2.1:100000000000000000000", "192.0.2.1:80 ", " 192.0.2.1:80",
	"192.0.2.1:8 0", "192.0.2.1:0x50", "192.0.2.1:http", "192.0.2.1 :80",
	"192.0.2.256:80", "192.0.2:80", "192.0.2.1.1:80", "3221225985:80",
	"0300.0.2.1:80", "192.0.2.1:80\n", "192.0.2.1:80:80", "localhost:80",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80",
	"::1:80", "2001:db8::1:80", "[::1]", "[::1]:", "[::1]80", "[::1] :80",
	"[::1:80", "::1]:80", "[]:80", "[:80", "]:80", "[:]:80", "[::1]]:80",
	"[[::1]]:80", "[::1%lo]:80", "[192.0.2.1]:80", "[*]:80", "[::1]:65536",
	"[1:2:3:4:5:6:7:8:9]:80", "[::g]:80",
	"[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:80",
	"unix", "unix:", "unix:run/weir.sock", "unix: /run", "UNIX:/run",
	"unix:@", "tcp:/x",
};

static int port_of(const struct weir_addr *addr)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (addr->ss.ss_family == AF_UNIX)
		return -1;
	memcpy(&in, &addr->ss, sizeof(in));
	memcpy(&in6, &addr->ss, sizeof(in6));
	return ntohs(addr->ss.ss_family == AF_INET ? in.sin_port :
						     in6.sin6_port);
}

TEST(good_texts_are_read_and_written_back)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct weir_addr addr;
		char buf[WEIR_ADDR_TEXT];

		CHECK_EQ(weir_addr_parse(good[i].text, &addr), 0);
		CHECK_EQ(addr.ss.ss_family, good[i].family);
		CHECK_EQ(port_of(&addr), good[i].port);
		CHECK(weir_addr_format(&addr, buf, sizeof(buf)) == buf);
		CHECK_STR(buf, good[i].formatted ? good[i].formatted :
						   good[i].text);
	}
}

TEST(what_is_written_is_read_back_as_the_same)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct weir_addr a, b;
		char buf[WEIR_ADDR_TEXT];

		CHECK_EQ(weir_addr_parse(good[i].text, &a), 0);
		weir_addr_format(&a, buf, sizeof(buf));
		CHECK_EQ(weir_addr_parse(buf, &b), 0);
		CHECK_EQ(a.len, b.len);
		CHECK_EQ(memcmp(&a.ss, &b.ss, a.len), 0);
	}
}

TEST(bad_texts_are_refused_and_nothing_is_written)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct weir_addr addr, before;

		memset(&addr, 0x5a, sizeof(addr));
		memset(&before, 0x5a, sizeof(before));
		if (weir_addr_parse(bad[i], &addr) != -EINVAL)
			test_fail(__FILE__, __LINE__, "\"%s\" was read",
				  bad[i]);
		CHECK_EQ(memcmp(&addr, &before, sizeof(addr)), 0);
	}
	CHECK_EQ(weir_addr_parse(NULL, NULL), -EINVAL);
}

TEST(a_unix_path_may_fill_its_room_and_no_more)
{
	char text[5 + 108 + 1] = "unix:/";
	char buf[WEIR_ADDR_TEXT];
	struct weir_addr addr;

	memset(text + 6, 'x', 106);
	text[5 + 107] = '\0';
	CHECK_EQ(weir_addr_parse(text, &addr), 0);
	CHECK_EQ(addr.len, sizeof(struct sockaddr_un));
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), text);
	text[5 + 107] = 'x';
	text[5 + 108] = '\0';
	CHECK_EQ(weir_addr_parse(text, &addr), -EINVAL);
}

TEST(addresses_that_only_the_kernel_makes_have_a_text_too)
{
	struct weir_addr addr = { .len = sizeof(sa_family_t) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char buf[WEIR_ADDR_TEXT];

	/* the peer of most unix connections */
	addr.ss.ss_family = AF_UNIX;
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), "unix:");
	/* abstract */
	memcpy(un.sun_path, "\0name", 5);
	memcpy(&addr.ss, &un, sizeof(un));
	addr.len = offsetof(struct sockaddr_un, sun_path) + 5;
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), "unix:@name");
	/* a path without a NUL after it */
	memset(un.sun_path, 'x', sizeof(un.sun_path));
	memcpy(&addr.ss, &un, sizeof(un));
	addr.len = sizeof(un);
	CHECK_EQ(strlen(weir_addr_format(&addr, buf, sizeof(buf))), 5 + 108);
	/* of no family that we know, or cut off */
	addr = (struct weir_addr){ .len = 4 };
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), "?");
	addr.ss.ss_family = AF_INET;
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), "?");
	addr.ss.ss_family = AF_INET6;
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), "?");
}

TEST(a_text_is_cut_to_the_room_there_is)
{
	char buf[8] = "unused";
	struct weir_addr addr;

	CHECK_EQ(weir_addr_parse("192.0.2.1:80", &addr), 0);
	CHECK_STR(weir_addr_format(&addr, buf, sizeof(buf)), "192.0.2");
	CHECK_STR(weir_addr_format(&addr, buf, 1), "");
	buf[0] = 'x';
	weir_addr_format(&addr, buf, 0);
	CHECK_EQ(buf[0], 'x');
}

/* Mutants of good texts, and noise: read or refused, never worse. */
TEST(any_bytes_are_read_or_refused)
{
	static const char alphabet[] = "0123456789.:[]*/abcdfunix%@- ";
	uint64_t state = 88172645463325252u;

	for (int round = 0; round < 200000; round++) {
		char text[64], buf[WEIR_ADDR_TEXT];
		struct weir_addr addr;
		size_t len;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		snprintf(text, sizeof(text), "%s",
			 good[state % (sizeof(good) / sizeof(good[0]))].text);
		len = strlen(text);
		for (unsigned i = 0; i < 1 + (state >> 60); i++)
			text[(state >> (8 + 3 * i)) % len] = alphabet[
				(state >> (20 + i)) % (sizeof(alphabet) - 1)];
		if (weir_addr_parse(text, &addr) < 0)
			continue;
		CHECK(addr.len <= sizeof(addr.ss));
		weir_addr_format(&addr, buf, sizeof(buf));
		CHECK_EQ(weir_addr_parse(buf, &addr), 0);
	}
}
