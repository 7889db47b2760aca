/* SPDX-License-Identifier: MIT */
/*
 * test_errno_control.c - each error of what the control thread looks after
 *
 * Signals, children, paths and trees.
 */
#include "pool/pool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <weir.h>

#include "deaf.h"
#include "deny.h"
#include "fixture.h"
#include "folder.h"

static weir_token token;

static void be_nobody(void)
{
	if (geteuid() == 0)
		CHECK_EQ(seteuid(65534), 0);
}

static void be_root_again(void)
{
	if (getuid() == 0)
		CHECK_EQ(seteuid(0), 0);
}

/* --- signals --- */

TEST(a_signal_finds_no_room)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1,
	};
	struct weir__token_store *store;
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	deny_heap(0);
	CHECK_EQ(weir_signal_subscribe(pool, SIGTERM, 0, on_signal, NULL,
				       &token), -ENOMEM);
	deny_nothing();
	store = pool->tokens->store;
	store->made = store->fresh = (uint32_t)WEIR__TOKEN_CHUNKS <<
				     WEIR__TOKEN_CHUNK_BITS;
	CHECK_EQ(weir_signal_subscribe(pool, SIGTERM, 0, on_signal, NULL,
				       &token), -ENOSPC);
	store->made = store->fresh = 0;
	weir_pool_free(pool);
}

static void *add_elsewhere(void *arg)
{
	deny_heap(0);
	CHECK_EQ(weir_signal_add(arg, SIGUSR2, on_signal, NULL), -ENOMEM);
	CHECK_EQ(weir_signal_subscribe(arg, SIGUSR2, 0, on_signal, NULL,
				       &token), -ENOMEM);
	return NULL;
}

/* Another thread has blocked nothing yet; a pool that has stopped is anyone's. */
TEST(a_signal_cannot_be_counted)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1,
	};
	struct weir_pool *pool;
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_stop(pool), 0);
	CHECK_EQ(pthread_create(&thread, NULL, add_elsewhere, pool), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	weir_pool_free(pool);
}

/* --- children --- */

static struct weir_pool *children_pool;

static int add_child(pid_t pid)
{
	return weir_child_add(children_pool, pid, on_child, NULL, &token);
}

/* The control thread takes the pidfd into its set at once. */
static void add_running(struct weir_reactor *control, void *arg)
{
	(void)control;
	deny_call(WEIR__CALL_EPOLL_CTL, -ENOSPC);
	CHECK_ERRNO(weir_child_add, ENOSPC, add_child(*(pid_t *)arg));
	deny_nothing();
}

TEST(a_child_cannot_be_added)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	children_pool = fixture_pool(1);
	deny_descriptors(true);
	CHECK_ERRNO(weir_child_add, EMFILE, add_child(pid));
	deny_descriptors(false);
	deny_call(WEIR__CALL_PIDFD_OPEN, -ENFILE);
	CHECK_ERRNO(weir_child_add, ENFILE, add_child(pid));
	deny_call(WEIR__CALL_PIDFD_OPEN, -ENOSYS);
	CHECK_ERRNO(weir_child_add, ENOSYS, add_child(pid));
	deny_memory();
	CHECK_ERRNO(weir_child_add, ENOMEM, add_child(pid));
	deny_nothing();
	CHECK_EQ(weir_pool_start(children_pool), 0);
	CHECK_ERRNO(weir_child_add, EBUSY, add_child(pid));
	fixture_on(children_pool, WEIR_CONTROL, add_running, (void *)&pid);
	fixture_pool_end(children_pool);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
}

/* --- paths --- */

static struct weir_pool *paths_pool;

static int watch(const char *path)
{
	return weir_watch_add(paths_pool, path, on_watch, NULL, &token);
}

static int tree(const char *path)
{
	return weir_tree_add(paths_pool, path, NULL, on_tree, NULL, &token);
}

static void begin_paths(void)
{
	begin();
	paths_pool = fixture_pool(1);
}

static void end_paths(void)
{
	weir_pool_free(paths_pool);
	finish();
}

static void name_too_long(char *path, size_t size)
{
	memset(path, 'x', size - 1);
	for (size_t i = 0; i < size - 1; i += 100)
		path[i] = '/';
	path[size - 1] = '\0';
}

TEST(a_path_leads_nowhere)
{
	const struct weir_tree_options odd = { .size = 1 };
	char path[5000];

	begin_paths();
	touch("file");
	CHECK_EQ(symlink("loop", "loop"), 0);
	name_too_long(path, sizeof(path));
	CHECK_ERRNO(weir_watch_add, EINVAL, watch(""));
	CHECK_ERRNO(weir_watch_add, ENAMETOOLONG, watch(path));
	CHECK_ERRNO(weir_watch_add, ELOOP, watch("loop"));
	CHECK_ERRNO(weir_tree_add, EINVAL, tree(""));
	CHECK_EQ(weir_tree_add(paths_pool, "/", &odd, on_tree, NULL, &token),
		 -EINVAL);
	CHECK_ERRNO(weir_tree_add, ENAMETOOLONG, tree(path));
	CHECK_ERRNO(weir_tree_add, ELOOP, tree("loop"));
	CHECK_ERRNO(weir_tree_add, ENOENT, tree("missing"));
	CHECK_ERRNO(weir_tree_add, ENOTDIR, tree("file"));
	end_paths();
}

TEST(a_folder_is_not_ours)
{
	begin_paths();
	CHECK_EQ(chmod(".", 0755), 0);
	CHECK_EQ(mkdir("secret", 0), 0);
	be_nobody();
	CHECK_ERRNO(weir_watch_add, EACCES, watch("secret/file"));
	CHECK_ERRNO(weir_tree_add, EACCES, tree("secret"));
	be_root_again();
	end_paths();
}

TEST(a_path_finds_nothing_left)
{
	begin_paths();
	deny_descriptors(true);
	CHECK_ERRNO(weir_watch_add, EMFILE, watch("file"));
	CHECK_ERRNO(weir_tree_add, EMFILE, tree("."));
	deny_descriptors(false);
	deny_call(WEIR__CALL_INOTIFY_NEW, -ENFILE);
	CHECK_ERRNO(weir_watch_add, ENFILE, watch("file"));
	CHECK_ERRNO(weir_tree_add, ENFILE, tree("."));
	deny_call(WEIR__CALL_INOTIFY_ADD, -ENOSPC);
	CHECK_ERRNO(weir_watch_add, ENOSPC, watch("file"));
	CHECK_ERRNO(weir_tree_add, ENOSPC, tree("."));
	deny_memory();
	CHECK_ERRNO(weir_watch_add, ENOMEM, watch("file"));
	CHECK_ERRNO(weir_tree_add, ENOMEM, tree("."));
	deny_nothing();
	/* Nothing of all that is in the way of one that goes well. */
	CHECK_EQ(watch("file"), 0);
	CHECK_EQ(tree("."), 0);
	end_paths();
}

TEST(paths_are_the_control_threads)
{
	struct weir_tree_stats stats = { .size = sizeof(stats) };

	begin_paths();
	CHECK_EQ(tree("."), 0);
	stats.size = 1;
	CHECK_EQ(weir_tree_stats(paths_pool, token, &stats), -EINVAL);
	stats.size = sizeof(stats);
	CHECK_EQ(weir_tree_stats(paths_pool, weir_token_none(), &stats),
		 -ESTALE);
	CHECK_EQ(weir_pool_start(paths_pool), 0);
	CHECK_ERRNO(weir_watch_add, EBUSY, watch("file"));
	CHECK_EQ(weir_watch_remove(paths_pool, token), -EBUSY);
	CHECK_ERRNO(weir_tree_add, EBUSY, tree("."));
	CHECK_EQ(weir_tree_remove(paths_pool, token), -EBUSY);
	CHECK_EQ(weir_tree_stats(paths_pool, token, &stats), -EBUSY);
	CHECK_EQ(weir_pool_stop(paths_pool), 0);
	CHECK_EQ(weir_pool_join(paths_pool), 0);
	end_paths();
}
