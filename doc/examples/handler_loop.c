/* SPDX-License-Identifier: MIT */
/*
 * handler_loop.c - a function for each source
 *
 * One end of a socket pair writes a megabyte as fast as there is room, the
 * other reads 4 KiB a call.  WEIR_MORE has it called again after the others;
 * WEIR_DONE after EAGAIN waits for an edge.  Nobody drains, nothing starves.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <weir.h>

#define TOTAL (1 << 20)

static size_t sent, received, calls;

static enum weir_verdict on_writable(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	static const char zeroes[16384];
	size_t left = TOTAL - sent;
	ssize_t n;

	(void)data;
	n = weir_fd_write(event->fd, zeroes,
			  left < sizeof(zeroes) ? left : sizeof(zeroes));
	if (n == -EAGAIN)
		return WEIR_DONE;
	if (n > 0)
		sent += (size_t)n;
	if (n > 0 && sent < TOTAL)
		return WEIR_MORE;
	weir_source_close(r, event->token);
	return WEIR_DONE;	/* means nothing any more */
}

static enum weir_verdict on_readable(struct weir_reactor *r,
				     const struct weir_event *event, void *data)
{
	char buf[4096];
	ssize_t n = weir_fd_read(event->fd, buf, sizeof(buf));

	(void)data;
	calls++;
	if (n == -EAGAIN)
		return WEIR_DONE;
	if (n > 0) {
		received += (size_t)n;
		return WEIR_MORE;
	}
	weir_source_close(r, event->token);
	weir_reactor_stop(r);
	return WEIR_DONE;
}

int main(void)
{
	struct weir_reactor *r;
	weir_token token;
	int fds[2];

	if (weir_reactor_new(NULL, &r) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       fds) < 0 ||
	    weir_source_add(r, fds[0], WEIR_WRITABLE, on_writable, NULL,
			    &token) < 0 ||
	    weir_source_add(r, fds[1], WEIR_READABLE, on_readable, NULL,
			    &token) < 0)
		return 1;
	weir_reactor_run(r);
	weir_reactor_free(r);
	printf("%zu bytes in %zu calls\n", received, calls);
	return received != TOTAL;
}
