/* SPDX-License-Identifier: MIT */
#ifndef WEIR_BUFFER_H
#define WEIR_BUFFER_H

/*
 * weir/buffer.h - bytes between two descriptors, never more than so many
 *
 * A ring of fixed size.  It is high once it holds options.high bytes and stays
 * so until it holds options.low or fewer: stop reading what feeds it while it
 * is high, and its sender is slowed down (weir_source_want() costs nothing),
 * without a change for each byte.
 *
 *     while ((n = weir_buffer_fill(b, in)) > 0)
 *             ;
 *     weir_source_want(r, in_token, weir_buffer_is_high(b) ? 0 : WEIR_READABLE);
 *     weir_source_want(r, out_token, weir_buffer_len(b) > 0 ? WEIR_WRITABLE : 0);
 *
 * For two stream sockets weir/relay.h does all of it.
 */
#include <stddef.h>
#include <sys/types.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

struct weir_buffer;

struct weir_buffer_options {
	size_t size;		/* sizeof(struct weir_buffer_options) */
	size_t capacity;	/* bytes, up to 1 GiB; default 64 KiB */
	size_t high;		/* 1 .. capacity; default three quarters of it */
	size_t low;		/* below high; default a quarter of capacity, or
				   none where that is not below */
};

/**
 * weir_buffer_new() - make an empty buffer
 * @options:    or NULL
 * @ret_buffer: receives the buffer
 *
 * Threads: any; a buffer is used by one thread at a time, whichever that is.
 * Owns:    the caller frees it.
 * Return:  0, -EINVAL (an option is out of range) or -ENOMEM.
 */
int weir_buffer_new(const struct weir_buffer_options *options,
		    struct weir_buffer **ret_buffer);

/**
 * weir_buffer_free() - free a buffer, and what it holds
 * @b: the buffer, or NULL
 *
 * Threads: its user.
 * Return:  NULL.
 */
struct weir_buffer *weir_buffer_free(struct weir_buffer *b);

/**
 * weir_buffer_len() - how many bytes it holds
 * @b: the buffer
 *
 * Threads: its user.
 * Return:  0 .. its capacity.
 */
size_t weir_buffer_len(const struct weir_buffer *b);

/**
 * weir_buffer_is_high() - whether what feeds it should pause
 * @b: the buffer
 *
 * Threads: its user.
 * Return:  1 from the high mark on, until it is down to the low one; else 0.
 */
int weir_buffer_is_high(const struct weir_buffer *b);

/**
 * weir_buffer_push() - put bytes in
 * @b:   the buffer
 * @src: the bytes
 * @n:   how many
 *
 * Threads: its user.
 * Return:  how many fitted in, from the first on.
 */
size_t weir_buffer_push(struct weir_buffer *b, const void *src, size_t n);

/**
 * weir_buffer_take() - take bytes out
 * @b:   the buffer
 * @dst: receives them, the oldest first; NULL: they are thrown away
 * @n:   how many at most
 *
 * Threads: its user.
 * Return:  how many there were.
 */
size_t weir_buffer_take(struct weir_buffer *b, void *dst, size_t n);

/**
 * weir_buffer_fill() - read into it, once
 * @b:  the buffer
 * @fd: a descriptor
 *
 * Threads: its user.
 * Return:  bytes read; 0: the end of @fd; -ENOSPC (it is full), -EAGAIN
 *          (nothing now), -EBADF, -ECONNRESET, or another error that
 *          weir_fd_readv() lists.
 */
ssize_t weir_buffer_fill(struct weir_buffer *b, int fd);

/**
 * weir_buffer_flush() - write out of it, once
 * @b:  the buffer
 * @fd: a descriptor
 *
 * What is written is taken out; what is not stays for the next call.
 *
 * Threads: its user.
 * Return:  bytes written; 0: it is empty; -EAGAIN (no room now), -EBADF, -EPIPE,
 *          or another error that weir_fd_writev() lists.
 */
ssize_t weir_buffer_flush(struct weir_buffer *b, int fd);

WEIR_END_DECLS

#endif /* WEIR_BUFFER_H */
