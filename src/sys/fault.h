/* SPDX-License-Identifier: MIT */
/*
 * sys/fault.h - the seam where any call to the kernel can be made to fail
 *
 * Every wrapper in sys/ asks weir__fault() before it calls the kernel.  In
 * production no hook is set and the question is one load and one predicted
 * branch.  A test sets a hook that counts the calls and fails the one it
 * wants, so that "any syscall may fail" is walked through, not hoped for.
 *
 * A wrapper that retries asks again on each attempt: a hook that answers
 * -EINTR once shows that the retry is there.
 */
#ifndef WEIR_SYS_FAULT_H
#define WEIR_SYS_FAULT_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

/* One for each call that can be made to fail. */
enum weir__call {
	WEIR__CALL_EPOLL_CREATE,
	WEIR__CALL_EPOLL_CTL,
	WEIR__CALL_EPOLL_WAIT,
	WEIR__CALL_EVENTFD_NEW,
	WEIR__CALL_EVENTFD_WRITE,
	WEIR__CALL_EVENTFD_READ,
	WEIR__CALL_TIMERFD_NEW,
	WEIR__CALL_TIMERFD_SET,
	WEIR__CALL_SIGNALFD_NEW,
	WEIR__CALL_SIGNALFD_SET,
	WEIR__CALL_SIGNALFD_READ,
	WEIR__CALL_SIGMASK,
	WEIR__CALL_INOTIFY_NEW,
	WEIR__CALL_INOTIFY_ADD,
	WEIR__CALL_INOTIFY_REMOVE,
	WEIR__CALL_READ,
	WEIR__CALL_WRITE,
	WEIR__CALL_READV,
	WEIR__CALL_WRITEV,
	WEIR__CALL_SEND,
	WEIR__CALL_RECV,
	WEIR__CALL_SENDV,
	WEIR__CALL_SPLICE,
	WEIR__CALL_SENDFILE,
	WEIR__CALL_SEEK,
	WEIR__CALL_SENDMSG,
	WEIR__CALL_RECVMSG,
	WEIR__CALL_CLOSE,
	WEIR__CALL_FCNTL,
	WEIR__CALL_DUP,
	WEIR__CALL_PIPE,
	WEIR__CALL_POLL,
	WEIR__CALL_OPEN,
	WEIR__CALL_OPENDIR,
	WEIR__CALL_STAT,
	WEIR__CALL_UNLINK,
	WEIR__CALL_SOCKET,
	WEIR__CALL_SOCKET_MODE,
	WEIR__CALL_SOCKET_PAIR,
	WEIR__CALL_BIND,
	WEIR__CALL_LISTEN,
	WEIR__CALL_ACCEPT,
	WEIR__CALL_CONNECT,
	WEIR__CALL_SHUTDOWN,
	WEIR__CALL_SOCKOPT_SET,
	WEIR__CALL_SOCKOPT_GET,
	WEIR__CALL_GETSOCKNAME,
	WEIR__CALL_SPAWN,
	WEIR__CALL_KILL,
	WEIR__CALL_PIDFD_OPEN,
	WEIR__CALL_PIDFD_SIGNAL,
	WEIR__CALL_WAIT,
	WEIR__CALL_THREAD_CREATE,
	WEIR__CALL_THREAD_PIN,
	WEIR__CALL_TIMERSLACK,
	WEIR__CALL_AFFINITY,
	WEIR__CALL_FORK_PAGE,
	WEIR__CALL_ARENA_NEW,
	WEIR__CALL_ALLOC,
	WEIR__CALL_MMAP,
	WEIR__CALL_MEMFD_NEW,
	WEIR__CALL_MEMFD_SIZE,
	WEIR__CALL_FUTEX_WAIT,
	WEIR__CALL_COUNT
};

/*
 * NULL in production.  The hook answers 0 (go ahead) or a negative errno (fail
 * with it).  Set it while the process has one thread: it is a plain variable,
 * and every thread started later sees it.
 */
extern int (*weir__fault_hook)(enum weir__call call)
	__attribute__((visibility("hidden")));

/**
 * weir__fault() - shall this call fail?
 *
 * Return: 0, or the negative errno that the hook asks for.
 */
static inline int weir__fault(enum weir__call call)
{
	if (__builtin_expect(weir__fault_hook != NULL, 0))
		return weir__fault_hook(call);
	return 0;
}

/**
 * weir__result() - turn a libc result (-1 and errno) into ours (-errno)
 *
 * Return: @r, or -errno if @r is negative.
 */
static inline ssize_t weir__result(ssize_t r)
{
	return r < 0 ? -errno : r;
}

/**
 * weir__call_name() - a call's name, for test output
 *
 * Return: such as "epoll_ctl"; "?" for a value that is not in the enum.
 */
const char *weir__call_name(enum weir__call call);

#endif /* WEIR_SYS_FAULT_H */
