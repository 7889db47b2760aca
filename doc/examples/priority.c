/* SPDX-License-Identifier: MIT */
/*
 * priority.c - out-of-band data of a TCP connection
 *
 * One byte overtakes the others.  WEIR_PRIORITY tells of it; it is read with
 * MSG_OOB, and the stream goes on without it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

/* Both ends of a connection to oneself. */
static int connect_pair(int fds[2])
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || fds[0] < 0 ||
	    bind(listener, (struct sockaddr *)&addr, len) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) < 0 ||
	    connect(fds[0], (struct sockaddr *)&addr, len) < 0)
		return -1;
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	close(listener);
	return fds[1] < 0 ? -1 : 0;
}

static enum weir_verdict on_event(struct weir_reactor *r,
				  const struct weir_event *event, void *data)
{
	char *heard = data, buf[64], urgent;
	ssize_t n;

	if ((event->facts & WEIR_PRIORITY) &&
	    recv(event->fd, &urgent, 1, MSG_OOB) == 1)
		sprintf(heard + strlen(heard), "[%c]", urgent);
	n = weir_fd_read(event->fd, buf, sizeof(buf) - 1);
	if (n == -EAGAIN)
		return WEIR_DONE;
	if (n <= 0) {
		weir_source_close(r, event->token);
		weir_reactor_stop(r);
		return WEIR_DONE;
	}
	strncat(heard, buf, (size_t)n);
	return WEIR_MORE;
}

int main(void)
{
	char heard[128] = "";
	struct weir_reactor *r;
	weir_token token;
	int fds[2];

	if (connect_pair(fds) < 0 || weir_reactor_new(NULL, &r) < 0 ||
	    send(fds[0], "slow", 4, 0) != 4 ||
	    send(fds[0], "!", 1, MSG_OOB) != 1 ||
	    send(fds[0], "ly", 2, 0) != 2 ||
	    weir_source_add_flags(r, fds[1], EPOLLIN | EPOLLPRI | EPOLLET,
				  on_event, heard, &token) < 0)
		return 1;
	close(fds[0]);
	weir_reactor_run(r);
	weir_reactor_free(r);
	printf("%s\n", heard);
	return strcmp(heard, "[!]slowly") != 0;
}
