/* SPDX-License-Identifier: MIT */
/*
 * test_errno_attached.c - each error of what a reactor has with it
 *
 * Inotify instances, signal descriptors and spawned children.
 */
#include <weir.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "deny.h"
#include "folder.h"
#include "probe.h"

static weir_token token;

/* --- in a reactor that ends --- */

static struct weir_inotify *in;
static struct weir_sigfd *sigfd;
static int frees;

static void run_nothing(struct weir_reactor *r, const struct weir_msg *msg,
			void *data)
{
	(void)r;
	(void)msg;
	(void)data;
}

static void on_child_end(struct weir_reactor *r,
			 const struct weir_child_result *result, void *data)
{
	(void)r;
	(void)result;
	++*(int *)data;
}

static int ends;

/* Run @argv0 with the option given, as it is or not. */
static int spawn(struct weir_reactor *r, const char *argv0)
{
	const struct weir_child_options o = {
		.size = sizeof(o),
		.argv = (char *[]){ (char *)argv0, NULL },
		.stdio = { { .how = WEIR_CHILD_PIPE },
			   { .how = WEIR_CHILD_PIPE } },
		.on_end = on_child_end,
		.data = &ends,
	};

	return weir_child_spawn(r, &o, &token);
}

static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
}

static int open_sigfd(struct weir_reactor *r, unsigned flags)
{
	sigset_t set;

	signals(&set);
	return weir_sigfd_open(r, &set, flags, NULL, NULL, &sigfd);
}

static int new_inotify(struct weir_reactor *r)
{
	return weir_inotify_new(r, NULL, NULL, NULL, &in);
}

static void on_free(struct weir_reactor *r, const struct weir_msg *msg, int why)
{
	(void)msg;
	(void)why;
	frees++;
	CHECK_ERRNO(weir_inotify_new, ECANCELED, new_inotify(r));
	CHECK_ERRNO(weir_sigfd_open, ECANCELED, open_sigfd(r, 0));
	CHECK_ERRNO(weir_child_spawn, ECANCELED, spawn(r, "true"));
}

TEST(a_reactor_that_ends_takes_nothing_on)
{
	static const struct weir_call call = { run_nothing, on_free };
	struct weir_reactor *r = probe_reactor();

	CHECK_EQ(weir_reactor_post(r, &call, NULL, 0), 0);
	weir_reactor_free(r);
	CHECK_EQ(frees, 1);
	CHECK(!in && !sigfd);
}

/* --- inotify --- */

TEST(an_inotify_instance_is_not_made)
{
	struct weir_reactor *r = probe_reactor();

	deny_descriptors(true);
	CHECK_ERRNO(weir_inotify_new, EMFILE, new_inotify(r));
	deny_descriptors(false);
	deny_call(WEIR__CALL_INOTIFY_NEW, -ENFILE);
	CHECK_ERRNO(weir_inotify_new, ENFILE, new_inotify(r));
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_inotify_new, ENOSPC, new_inotify(r));
	deny_memory();
	CHECK_ERRNO(weir_inotify_new, ENOMEM, new_inotify(r));
	deny_nothing();
	CHECK(strstr(weir_inotify_hint(-EMFILE), "max_user_instances"));
	CHECK(strstr(weir_inotify_hint(-ENOSPC), "max_user_watches"));
	CHECK(!weir_inotify_hint(-ENFILE));
	weir_reactor_free(r);
}

TEST(an_inotify_watch_is_not_added)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_inotify_event event;
	int wd = -7;

	begin();
	CHECK_EQ(new_inotify(r), 0);
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(mkdir("secret", 0), 0);
	if (getuid() == 0)
		CHECK_EQ(seteuid(65534), 0);
	CHECK_EQ(weir_inotify_add(in, "secret", IN_CREATE, NULL, &wd),
		 -EACCES);
	if (getuid() == 0)
		CHECK_EQ(seteuid(0), 0);
	deny_call(WEIR__CALL_INOTIFY_ADD, -ENOSPC);
	CHECK_EQ(weir_inotify_add(in, ".", IN_CREATE, NULL, &wd), -ENOSPC);
	deny_heap(0);
	CHECK_EQ(weir_inotify_add(in, ".", IN_CREATE, NULL, &wd), -ENOMEM);
	deny_call(WEIR__CALL_READ, -EIO);
	CHECK_EQ(weir_inotify_next(in, &event), -EIO);
	deny_nothing();
	CHECK_EQ(wd, -7);
	CHECK_EQ(weir_inotify_count(in), 0);
	weir_reactor_free(r);
	finish();
}

/* --- signals --- */

static bool is_blocked(int signo)
{
	sigset_t now;

	CHECK_EQ(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
	return sigismember(&now, signo) == 1;
}

TEST(a_sigfd_is_not_opened)
{
	struct weir_reactor *r = probe_reactor();

	deny_descriptors(true);
	CHECK_ERRNO(weir_sigfd_open, EMFILE, open_sigfd(r, 0));
	deny_descriptors(false);
	deny_call(WEIR__CALL_SIGNALFD_NEW, -ENFILE);
	CHECK_ERRNO(weir_sigfd_open, ENFILE, open_sigfd(r, 0));
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_sigfd_open, ENOSPC, open_sigfd(r, 0));
	deny_call(WEIR__CALL_OPENDIR, -ENOENT);
	CHECK_ERRNO(weir_sigfd_open, ENOENT,
		    open_sigfd(r, WEIR_SIGFD_EVERY_THREAD));
	deny_call(WEIR__CALL_OPENDIR, -EACCES);
	CHECK_ERRNO(weir_sigfd_open, EACCES,
		    open_sigfd(r, WEIR_SIGFD_EVERY_THREAD));
	/* The record of it, then that of what the thread has blocked. */
	deny_nothing();
	for (int pass = 0; pass < 2; pass++) {
		deny_heap(pass);
		CHECK_ERRNO(weir_sigfd_open, ENOMEM, open_sigfd(r, 0));
	}
	deny_nothing();
	CHECK(!sigfd && !is_blocked(SIGUSR1));
	weir_reactor_free(r);
}

TEST(threads_cannot_be_looked_at)
{
	char name[16];
	sigset_t set;
	int signo;
	pid_t tid;

	signals(&set);
	deny_descriptors(true);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name),
		 -EMFILE);
	deny_descriptors(false);
	deny_call(WEIR__CALL_OPENDIR, -ENFILE);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name),
		 -ENFILE);
	deny_call(WEIR__CALL_OPENDIR, -ENOENT);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name),
		 -ENOENT);
	deny_call(WEIR__CALL_OPENDIR, -EACCES);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name),
		 -EACCES);
	deny_call(WEIR__CALL_OPENDIR, -ENOMEM);
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name),
		 -ENOMEM);
	deny_nothing();
	CHECK_EQ(weir_sigfd_find_open_thread(&set, &tid, &signo, name), 1);
}

/* --- children --- */

static void write_file(const char *path, const char *text, mode_t mode)
{
	const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

TEST(a_program_cannot_be_run)
{
	struct weir_reactor *r = probe_reactor();
	char *big;

	begin();
	touch("plain");
	write_file("odd", "x", 0700);
	CHECK_ERRNO(weir_child_spawn, ENOENT, spawn(r, "./missing"));
	CHECK_ERRNO(weir_child_spawn, ENOTDIR, spawn(r, "./plain/x"));
	CHECK_ERRNO(weir_child_spawn, EACCES, spawn(r, "./plain"));
	CHECK_ERRNO(weir_child_spawn, ENOEXEC, spawn(r, "./odd"));
	big = malloc(1 << 20);
	memset(big, 'x', 1 << 20);
	big[(1 << 20) - 1] = '\0';
	const struct weir_child_options o = {
		.size = sizeof(o),
		.argv = (char *[]){ (char *)"true", big, NULL },
		.on_end = on_child_end,
	};
	CHECK_EQ(weir_child_spawn(r, &o, &token), -E2BIG);
	free(big);
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
	finish();
}

TEST(a_spawn_is_asked_wrongly)
{
	struct weir_reactor *r = probe_reactor();
	struct weir_child_options o = {
		.size = sizeof(o),
		.argv = (char *[]){ (char *)"true", NULL },
		.stdio = { { .how = WEIR_CHILD_FD, .fd = -1 } },
		.on_end = on_child_end,
	};

	CHECK_EQ(weir_child_spawn(r, &o, &token), -EBADF);
	o.stdio[0].fd = 1000;
	CHECK_EQ(weir_child_spawn(r, &o, &token), -EBADF);
	o.stdio[0].how = WEIR_CHILD_JOIN;
	CHECK_EQ(weir_child_spawn(r, &o, &token), -EINVAL);
	CHECK_EQ(weir_child_spawn(r, NULL, &token), -EINVAL);
	weir_reactor_free(r);
}

TEST(a_spawn_finds_nothing_left)
{
	struct weir_reactor *r = probe_reactor();

	deny_descriptors(true);
	CHECK_ERRNO(weir_child_spawn, EMFILE, spawn(r, "true"));
	deny_descriptors(false);
	deny_call(WEIR__CALL_PIPE, -ENFILE);
	CHECK_ERRNO(weir_child_spawn, ENFILE, spawn(r, "true"));
	deny_call(WEIR__CALL_SPAWN, -EAGAIN);
	CHECK_ERRNO(weir_child_spawn, EAGAIN, spawn(r, "true"));
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_child_spawn, ENOSPC, spawn(r, "true"));
	deny_memory();
	CHECK_ERRNO(weir_child_spawn, ENOMEM, spawn(r, "true"));
	deny_nothing();
	CHECK_EQ(weir_source_count(r), 0);
	weir_reactor_free(r);
}

TEST(a_child_is_gone)
{
	const weir_token none = weir_token_none();
	struct weir_reactor *r = probe_reactor();

	CHECK_EQ(weir_child_kill(r, none, 0), -ESTALE);
	CHECK_EQ(weir_child_write(r, none, "x", 1), -ESTALE);
	CHECK_EQ(weir_child_close_input(r, none), -ESTALE);
	CHECK_EQ(weir_child_pause(r, none, 1, 1), -ESTALE);
	weir_reactor_free(r);
}

TEST(a_child_is_asked_wrongly)
{
	struct weir_reactor *r = probe_reactor();

	CHECK_EQ(spawn(r, "cat"), 0);
	CHECK_EQ(weir_child_kill(r, token, 999), -EINVAL);
	deny_call(WEIR__CALL_PIDFD_SIGNAL, -ESRCH);
	CHECK_EQ(weir_child_kill(r, token, 0), -ESRCH);
	deny_call(WEIR__CALL_PIDFD_SIGNAL, -EPERM);
	CHECK_EQ(weir_child_kill(r, token, 0), -EPERM);
	deny_nothing();
	CHECK_EQ(weir_child_write(r, token, "x", (size_t)INT_MAX + 1),
		 -EINVAL);
	CHECK_EQ(weir_child_pause(r, token, 0, 1), -EINVAL);
	CHECK_EQ(weir_child_close_input(r, token), 0);
	while (ends == 0) {
		struct weir_event events[1];

		CHECK_EQ(weir_reactor_wait(r, events, 1, WEIR_NS_PER_SEC / 100),
			 0);
	}
	weir_reactor_free(r);
}
