/* SPDX-License-Identifier: MIT */
/*
 * pass.c - bytes with open descriptors, through unix sockets
 */
#include "sys/pass.h"

#include <string.h>
#include <sys/socket.h>

#include "sys/fault.h"
#include "sys/io.h"

/* Newer than the C library of some. */
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

/* Aligned as control messages must be. */
union control {
	struct cmsghdr align;
	/* Beside the descriptors there may be credentials and a label. */
	char buf[CMSG_SPACE(WEIR__PASS_MAX * sizeof(int)) + 1024];
};

ssize_t weir__send_fds(int fd, const void *buf, size_t n, const int *fds,
		       size_t count)
{
	union control control;
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;

	if (count > 0) {
		const size_t size = count * sizeof(int);
		struct cmsghdr *c = &control.align;

		memset(&control, 0, CMSG_SPACE(size));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(c), fds, size);
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(size);
	}
	do {
		r = weir__fault(WEIR__CALL_SENDMSG);
		if (r == 0)
			r = weir__result(sendmsg(fd, &msg, MSG_NOSIGNAL));
	} while (r == -EINTR);
	return r;
}

/* Take the descriptors out of one control message. */
static void take(const struct cmsghdr *c, struct weir__received *received)
{
	const size_t size = c->cmsg_len - CMSG_LEN(0);
	const size_t count = size / sizeof(int);
	int pidfd;

	if (c->cmsg_level != SOL_SOCKET)
		return;
	if (c->cmsg_type == SCM_PIDFD && count == 1) {
		memcpy(&pidfd, CMSG_DATA(c), sizeof(pidfd));
		if (pidfd >= 0)		/* else it is an error */
			weir__close(pidfd);
	}
	if (c->cmsg_type != SCM_RIGHTS ||
	    count > WEIR__PASS_MAX - received->count)
		return;
	memcpy(&received->fds[received->count], CMSG_DATA(c), size);
	received->count += count;
}

ssize_t weir__recv_fds(int fd, void *buf, size_t n,
		       struct weir__received *ret_received)
{
	union control control;
	struct iovec iov = { .iov_base = buf, .iov_len = n };
	struct msghdr msg;
	ssize_t r;

	do {
		msg = (struct msghdr){
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		r = weir__fault(WEIR__CALL_RECVMSG);
		if (r == 0)
			r = weir__result(recvmsg(fd, &msg, MSG_CMSG_CLOEXEC));
	} while (r == -EINTR);
	if (r < 0)
		return r;
	ret_received->count = 0;
	ret_received->is_data_cut = (msg.msg_flags & MSG_TRUNC) != 0;
	ret_received->is_fds_cut = (msg.msg_flags & MSG_CTRUNC) != 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c;
	     c = CMSG_NXTHDR(&msg, c))
		take(c, ret_received);
	return r;
}
