/* SPDX-License-Identifier: MIT */
#ifndef HTTP_H
#define HTTP_H

/*
 * http.h - what httpd.c needs of HTTP/1.1: one connection's bytes and requests
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <weir/fd.h>
#include <weir/source.h>

#define HTTP_ANSWER_MAX 512

struct http {
	size_t in_len, out_len, out_at;	/* out_at .. out_len: to be written */
	int is_closing;	/* set it to end when no request is under way */
	int is_last;	/* no request is taken any more */
	char in[4096], out[4096];
};

/* An answer does not wait for the one before to be acknowledged. */
static inline void http_send_at_once(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static inline int http_is_writing(const struct http *h)
{
	return h->out_at < h->out_len;
}

/* The fact to wait for when a step would block. */
static inline uint32_t http_fact(const struct http *h)
{
	return http_is_writing(h) ? WEIR_WRITABLE : WEIR_READABLE;
}

/*
 * Writes what there is to write, else reads.  Returns as weir_fd_read(): 0 is
 * the end.  After the last answer the client ends first: with bytes of its own
 * still unread, closing would be a reset, and could overtake that answer.
 */
static inline ssize_t http_step(struct http *h, int fd)
{
	ssize_t n;

	if (http_is_writing(h)) {
		n = weir_fd_write(fd, h->out + h->out_at,
				  h->out_len - h->out_at);
		h->out_at += n > 0 ? (size_t)n : 0;
		if (http_is_writing(h))
			return n;
		h->out_at = h->out_len = 0;
		if (h->is_last)
			shutdown(fd, SHUT_WR);
		return n;
	}
	if (h->is_last)
		h->in_len = 0;
	n = weir_fd_read(fd, h->in + h->in_len, sizeof(h->in) - h->in_len);
	h->in_len += n > 0 ? (size_t)n : 0;
	if (n == -EAGAIN && h->is_closing && h->in_len == 0)
		return 0;
	return n;
}

/* The value of a field in the head that ends at @end; NULL if it has none. */
static inline const char *http_field(const char *at, const char *end,
				     const char *field)
{
	size_t n = strlen(field);

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		at++;
		if ((size_t)(end - at) <= n)
			return NULL;
		if (strncasecmp(at, field, n) == 0 && at[n] == ':')
			return at + n + 1 + strspn(at + n + 1, " \t");
	}
	return NULL;
}

/* Answers the request that was taken; @text has less than 256 bytes. */
static inline void http_answer(struct http *h, const char *status,
			       const char *text)
{
	int n;

	h->is_last |= h->is_closing && h->in_len == 0;
	n = snprintf(h->out + h->out_len, HTTP_ANSWER_MAX, "HTTP/1.1 %s\r\n"
		     "Content-Type: text/plain\r\n"
		     "Content-Length: %zu\r\n%s\r\n%s",
		     status, strlen(text),
		     h->is_last ? "Connection: close\r\n" : "", text);
	h->out_len += n > 0 ? (size_t)n : 0;
}

/*
 * Takes the next request, once all of it is there and its answer has room.
 * Writes its path, cut to @size.  Returns 1, or 0: not yet, or it was a wrong
 * one and has been answered.
 */
static inline int http_take(struct http *h, char *path, size_t size)
{
	const char *end = memmem(h->in, h->in_len, "\r\n\r\n", 4);
	const char *value, *version = NULL;
	size_t len;

	if (h->is_last || h->out_len + HTTP_ANSWER_MAX > sizeof(h->out) ||
	    (!end && h->in_len < sizeof(h->in)))
		return 0;
	if (end)
		version = memmem(h->in, (size_t)(end - h->in), " HTTP/1.", 8);
	if (!version || memcmp(h->in, "GET /", 5) != 0 ||
	    http_field(h->in, end, "Content-Length") ||
	    http_field(h->in, end, "Transfer-Encoding")) {
		h->is_last = 1;
		http_answer(h, "400 Bad Request", "GET only, without a body\n");
		return 0;
	}
	snprintf(path, size, "%.*s", (int)(version - h->in - 4), h->in + 4);
	value = http_field(h->in, end, "Connection");
	h->is_last = version[8] == '0' ||
		     (value && strncasecmp(value, "close", 5) == 0);
	len = (size_t)(end + 4 - h->in);
	h->in_len -= len;
	memmove(h->in, h->in + len, h->in_len);
	return 1;
}

#endif /* HTTP_H */
