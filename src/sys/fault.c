/* SPDX-License-Identifier: MIT */
/*
 * fault.c - the hook, and the names of the calls
 */
#include "sys/fault.h"

int (*weir__fault_hook)(enum weir__call call);

static const char *const names[WEIR__CALL_COUNT] = {
	[WEIR__CALL_EPOLL_CREATE] = "epoll_create",
	[WEIR__CALL_EPOLL_CTL] = "epoll_ctl",
	[WEIR__CALL_EPOLL_WAIT] = "epoll_wait",
	[WEIR__CALL_EVENTFD_NEW] = "eventfd_new",
	[WEIR__CALL_EVENTFD_WRITE] = "eventfd_write",
	[WEIR__CALL_EVENTFD_READ] = "eventfd_read",
	[WEIR__CALL_TIMERFD_NEW] = "timerfd_new",
	[WEIR__CALL_TIMERFD_SET] = "timerfd_set",
	[WEIR__CALL_SIGNALFD_NEW] = "signalfd_new",
	[WEIR__CALL_SIGNALFD_SET] = "signalfd_set",
	[WEIR__CALL_SIGNALFD_READ] = "signalfd_read",
	[WEIR__CALL_SIGMASK] = "sigmask",
	[WEIR__CALL_INOTIFY_NEW] = "inotify_new",
	[WEIR__CALL_INOTIFY_ADD] = "inotify_add",
	[WEIR__CALL_INOTIFY_REMOVE] = "inotify_remove",
	[WEIR__CALL_READ] = "read",
	[WEIR__CALL_WRITE] = "write",
	[WEIR__CALL_READV] = "readv",
	[WEIR__CALL_WRITEV] = "writev",
	[WEIR__CALL_SEND] = "send",
	[WEIR__CALL_RECV] = "recv",
	[WEIR__CALL_SENDV] = "sendv",
	[WEIR__CALL_SPLICE] = "splice",
	[WEIR__CALL_SENDFILE] = "sendfile",
	[WEIR__CALL_SEEK] = "seek",
	[WEIR__CALL_SENDMSG] = "sendmsg",
	[WEIR__CALL_RECVMSG] = "recvmsg",
	[WEIR__CALL_CLOSE] = "close",
	[WEIR__CALL_FCNTL] = "fcntl",
	[WEIR__CALL_DUP] = "dup",
	[WEIR__CALL_PIPE] = "pipe",
	[WEIR__CALL_POLL] = "poll",
	[WEIR__CALL_OPEN] = "open",
	[WEIR__CALL_OPENDIR] = "opendir",
	[WEIR__CALL_STAT] = "stat",
	[WEIR__CALL_UNLINK] = "unlink",
	[WEIR__CALL_SOCKET] = "socket",
	[WEIR__CALL_SOCKET_MODE] = "socket_mode",
	[WEIR__CALL_SOCKET_PAIR] = "socket_pair",
	[WEIR__CALL_BIND] = "bind",
	[WEIR__CALL_LISTEN] = "listen",
	[WEIR__CALL_ACCEPT] = "accept",
	[WEIR__CALL_CONNECT] = "connect",
	[WEIR__CALL_SHUTDOWN] = "shutdown",
	[WEIR__CALL_SOCKOPT_SET] = "sockopt_set",
	[WEIR__CALL_SOCKOPT_GET] = "sockopt_get",
	[WEIR__CALL_GETSOCKNAME] = "getsockname",
	[WEIR__CALL_SPAWN] = "spawn",
	[WEIR__CALL_KILL] = "kill",
	[WEIR__CALL_PIDFD_OPEN] = "pidfd_open",
	[WEIR__CALL_PIDFD_SIGNAL] = "pidfd_signal",
	[WEIR__CALL_WAIT] = "wait",
	[WEIR__CALL_THREAD_CREATE] = "thread_create",
	[WEIR__CALL_THREAD_PIN] = "thread_pin",
	[WEIR__CALL_TIMERSLACK] = "timerslack",
	[WEIR__CALL_AFFINITY] = "affinity",
	[WEIR__CALL_FORK_PAGE] = "fork_page",
	[WEIR__CALL_ARENA_NEW] = "arena_new",
	[WEIR__CALL_ALLOC] = "alloc",
	[WEIR__CALL_MMAP] = "mmap",
	[WEIR__CALL_MEMFD_NEW] = "memfd_new",
	[WEIR__CALL_MEMFD_SIZE] = "memfd_size",
	[WEIR__CALL_FUTEX_WAIT] = "futex_wait",
};

const char *weir__call_name(enum weir__call call)
{
	if ((unsigned int)call >= WEIR__CALL_COUNT || !names[call])
		return "?";
	return names[call];
}
