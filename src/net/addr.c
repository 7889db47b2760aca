/* SPDX-License-Identifier: MIT */
/*
 * net/addr.c - addresses as text
 *
 *     192.0.2.1:80    *:80    [2001:db8::1]:80    unix:/path    unix:@name
 *
 * Strict: no names, no blanks, nothing left out, so that a mistyped line of a
 * configuration is an error and not another address.
 */
#include <weir/listener.h>
#include <weir/unix.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

enum {
	PORT_DIGITS = 5,
	PATH_OFFSET = offsetof(struct sockaddr_un, sun_path),
	PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path),
};

_Static_assert(sizeof(UNIX_PREFIX) + PATH_SIZE <= WEIR_ADDR_TEXT,
	       "the longest text fits");

/* Return: 0 .. 65535, or -EINVAL. */
static int parse_port(const char *text)
{
	int port = 0;
	int i;

	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] < '0' || text[i] > '9' || i == PORT_DIGITS)
			return -EINVAL;
		port = port * 10 + (text[i] - '0');
	}
	return i > 0 && port <= UINT16_MAX ? port : -EINVAL;
}

/* @host is not terminated: it has @len characters. */
static int parse_ipv4(const char *host, size_t len, int port,
		      struct weir_addr *ret_addr)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
	};
	char text[INET_ADDRSTRLEN];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, host, len);
	text[len] = '\0';
	if (strcmp(text, "*") != 0 &&
	    inet_pton(AF_INET, text, &in.sin_addr) != 1)
		return -EINVAL;
	*ret_addr = (struct weir_addr){ .len = sizeof(in) };
	memcpy(&ret_addr->ss, &in, sizeof(in));
	return 0;
}

static int parse_ipv6(const char *host, size_t len, int port,
		      struct weir_addr *ret_addr)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
	};
	char text[INET6_ADDRSTRLEN];

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, host, len);
	text[len] = '\0';
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return -EINVAL;
	*ret_addr = (struct weir_addr){ .len = sizeof(in6) };
	memcpy(&ret_addr->ss, &in6, sizeof(in6));
	return 0;
}

int weir_addr_parse(const char *text, struct weir_addr *ret_addr)
{
	const char *colon;
	int port;

	if (!text)
		return -EINVAL;
	if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
		return weir_unix_addr(text + strlen(UNIX_PREFIX), ret_addr) < 0 ?
			-EINVAL : 0;
	colon = strrchr(text, ':');
	if (!colon)
		return -EINVAL;
	port = parse_port(colon + 1);
	if (port < 0)
		return port;
	if (text[0] != '[')
		return parse_ipv4(text, (size_t)(colon - text), port, ret_addr);
	if (colon[-1] != ']' || colon - text < 2)
		return -EINVAL;
	return parse_ipv6(text + 1, (size_t)(colon - text) - 2, port, ret_addr);
}

static void format_ipv4(const struct weir_addr *addr, char *buf, size_t size)
{
	char host[INET_ADDRSTRLEN] = "?";
	struct sockaddr_in in;

	memcpy(&in, &addr->ss, sizeof(in));
	inet_ntop(AF_INET, &in.sin_addr, host, sizeof(host));
	snprintf(buf, size, "%s:%u", host, (unsigned)ntohs(in.sin_port));
}

static void format_ipv6(const struct weir_addr *addr, char *buf, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	struct sockaddr_in6 in6;

	memcpy(&in6, &addr->ss, sizeof(in6));
	inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
	snprintf(buf, size, "[%s]:%u", host, (unsigned)ntohs(in6.sin6_port));
}

/* A peer often has no name at all, and an abstract one begins with a NUL. */
static void format_unix(const struct weir_addr *addr, char *buf, size_t size)
{
	const socklen_t len = addr->len > sizeof(struct sockaddr_un) ?
			      sizeof(struct sockaddr_un) : addr->len;
	char path[PATH_SIZE + 1] = "";
	struct sockaddr_un un;

	memcpy(&un, &addr->ss, sizeof(un));
	if (len > PATH_OFFSET)
		memcpy(path, un.sun_path, len - PATH_OFFSET);
	if (len > PATH_OFFSET && path[0] == '\0')
		path[0] = '@';
	snprintf(buf, size, UNIX_PREFIX "%s", path);
}

const char *weir_addr_format(const struct weir_addr *addr, char *buf,
			     size_t size)
{
	const sa_family_t family = addr->ss.ss_family;

	if (family == AF_INET && addr->len >= sizeof(struct sockaddr_in))
		format_ipv4(addr, buf, size);
	else if (family == AF_INET6 && addr->len >= sizeof(struct sockaddr_in6))
		format_ipv6(addr, buf, size);
	else if (family == AF_UNIX && addr->len >= PATH_OFFSET)
		format_unix(addr, buf, size);
	else
		snprintf(buf, size, "?");
	return buf;
}
