/* SPDX-License-Identifier: MIT */
/*
 * wait_loop.c - events in an array of one's own
 *
 * Two pipes, two tokens; each turn fills the same array anew.  Who stops
 * reading before EAGAIN says so with weir_source_again(), and loses no edge.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <weir.h>

static int ends[2][2];
static weir_token tokens[2];

/* Four bytes at a time, so that the other one has its turn. */
static int read_some(struct weir_reactor *r, int which)
{
	char buf[4];
	ssize_t n = weir_fd_read(ends[which][0], buf, sizeof(buf));

	if (n == -EAGAIN)
		return 0;	/* used up: an edge will say when there is more */
	if (n <= 0) {
		printf("pipe %d has ended\n", which);
		weir_source_close(r, tokens[which]);
		return 1;
	}
	printf("pipe %d: %.*s\n", which, (int)n, buf);
	weir_source_again(r, tokens[which], WEIR_READABLE);
	return 0;
}

int main(void)
{
	struct weir_event events[64];
	struct weir_reactor *r;
	int ended = 0;

	if (weir_reactor_new(NULL, &r) < 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		if (pipe2(ends[i], O_NONBLOCK | O_CLOEXEC) < 0 ||
		    weir_source_add(r, ends[i][0], WEIR_READABLE, NULL, NULL,
				    &tokens[i]) < 0)
			return 1;
		if (weir_fd_write(ends[i][1], i ? "zyxwvut" : "abcdefgh",
				  i ? 7 : 8) < 0)
			return 1;
		close(ends[i][1]);
	}
	while (ended < 2) {
		int n = weir_reactor_wait(r, events, 64, WEIR_FOREVER);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return 1;
		for (int e = 0; e < n; e++)
			for (int i = 0; i < 2; i++)
				if (weir_token_equal(events[e].token,
						     tokens[i]))
					ended += read_some(r, i);
	}
	weir_reactor_free(r);
	return 0;
}
