/* SPDX-License-Identifier: MIT */
/*
 * test_child.c - children, reaped once and by nobody else
 */
#include <weir.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "harness.h"
#include "hold.h"
#include "sys/fault.h"

/* A child that waits for a byte, or for the other end to close. */
struct kid {
	pid_t pid;
	int fd;
	weir_token token;
	int result;		/* of the last call for it */
	int calls;
	struct weir_child_status status;
	struct weir_pool *pool;
	struct kid *removes;	/* when it has ended */
	sem_t ended;
};

static void kid_born(struct kid *kid)
{
	int fds[2];
	char code;

	memset(kid, 0, sizeof(*kid));
	sem_init(&kid->ended, 0, 0);
	CHECK_EQ(pipe(fds), 0);
	kid->pid = fork();
	CHECK(kid->pid >= 0);
	if (kid->pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &code, 1) == 1 ? code : 99);
	}
	close(fds[0]);
	kid->fd = fds[1];
}

static void kid_exit(struct kid *kid, char code)
{
	CHECK_EQ(write(kid->fd, &code, 1), 1);
	close(kid->fd);
}

static void kid_kill(struct kid *kid, int signo)
{
	CHECK_EQ(kill(kid->pid, signo), 0);
	close(kid->fd);
}

/* It has ended and is a zombie, or is gone. */
static void kid_wait_dead(const struct kid *kid)
{
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)kid->pid, &info, WEXITED | WNOWAIT), 0);
}

static bool is_zombie(const struct kid *kid)
{
	siginfo_t info;
	const int r = waitid(P_PID, (id_t)kid->pid, &info,
			     WEXITED | WNOWAIT | WNOHANG);

	CHECK(r == 0 || errno == ECHILD);
	return r == 0;
}

static void on_end(struct weir_reactor *control,
		   const struct weir_child_status *status, void *data)
{
	struct kid *kid = data;

	CHECK(weir_reactor_current() == control);
	CHECK_EQ(weir_reactor_index(control), WEIR_CONTROL);
	CHECK(!is_zombie(kid));
	kid->calls++;
	kid->status = *status;
	if (kid->removes)
		kid->removes->result = weir_child_remove(kid->pool,
						kid->removes->token);
	sem_post(&kid->ended);
}

static void add_here(struct weir_reactor *r, void *data)
{
	struct kid *kid = data;

	(void)r;
	kid->result = weir_child_add(kid->pool, kid->pid, on_end, kid,
				     &kid->token);
}

static void remove_here(struct weir_reactor *r, void *data)
{
	struct kid *kid = data;

	(void)r;
	kid->result = weir_child_remove(kid->pool, kid->token);
}

static int add(struct kid *kid, struct weir_pool *pool)
{
	kid->pool = pool;
	fixture_on(pool, WEIR_CONTROL, add_here, kid);
	return kid->result;
}

static void check_end(struct kid *kid, int code, int status)
{
	fixture_wait(&kid->ended);
	CHECK_EQ(kid->calls, 1);
	CHECK_EQ(kid->status.pid, kid->pid);
	CHECK_EQ(kid->status.code, code);
	CHECK_EQ(kid->status.status, status);
	CHECK(!is_zombie(kid));
}

static struct weir_pool *start_with(unsigned flags)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1, .flags = flags,
	};
	struct weir_pool *pool;

	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	return pool;
}

static int no_pidfd(enum weir__call call)
{
	return call == WEIR__CALL_PIDFD_OPEN ? -ENOSYS : 0;
}

static int no_pidfd_by_filter(enum weir__call call)
{
	return call == WEIR__CALL_PIDFD_OPEN ? -EPERM : 0;
}

static void children_end(unsigned flags)
{
	struct weir_pool *pool = start_with(flags);
	struct kid exits, killed, dead;

	kid_born(&exits);
	kid_born(&killed);
	kid_born(&dead);
	CHECK_EQ(add(&exits, pool), 0);
	CHECK_EQ(add(&exits, pool), -EEXIST);
	CHECK_EQ(add(&killed, pool), 0);
	kid_exit(&dead, 3);
	kid_wait_dead(&dead);
	/* Its SIGCHLD has come and gone. */
	fixture_settle(pool);
	CHECK_EQ(add(&dead, pool), 0);
	check_end(&dead, CLD_EXITED, 3);
	kid_exit(&exits, 42);
	check_end(&exits, CLD_EXITED, 42);
	kid_kill(&killed, SIGKILL);
	check_end(&killed, CLD_KILLED, SIGKILL);
	fixture_on(pool, WEIR_CONTROL, remove_here, &killed);
	CHECK_EQ(killed.result, -ESTALE);
	fixture_pool_end(pool);
	CHECK_EQ(exits.calls + killed.calls + dead.calls, 3);
}

TEST(children_end_by_pidfd)
{
	children_end(0);
	children_end(WEIR_POOL_NO_SIGNALS);
}

TEST(children_end_by_sigchld)
{
	weir__fault_hook = no_pidfd;
	children_end(0);
	weir__fault_hook = no_pidfd_by_filter;
	children_end(0);
}

TEST(nobody_would_hear_of_it)
{
	struct weir_pool *pool;
	struct kid kid;
	int status;

	weir__fault_hook = no_pidfd;
	pool = start_with(WEIR_POOL_NO_SIGNALS);
	kid_born(&kid);
	CHECK_EQ(add(&kid, pool), -ENOSYS);
	fixture_pool_end(pool);
	kid_exit(&kid, 0);
	CHECK_EQ(waitpid(kid.pid, &status, 0), kid.pid);
}

/* Added by the maker; one ends before the pool starts, one after. */
static void children_of_the_maker(void)
{
	const struct weir_pool_options options = {
		.size = sizeof(options), .workers = 1,
	};
	struct weir_pool *pool;
	struct kid early, late;

	kid_born(&early);
	kid_born(&late);
	CHECK_EQ(weir_pool_new(&options, &pool), 0);
	CHECK_EQ(weir_child_add(pool, early.pid, on_end, &early, &early.token),
		 0);
	CHECK_EQ(weir_child_add(pool, late.pid, on_end, &late, &late.token),
		 0);
	CHECK_EQ(weir_child_add(pool, late.pid, on_end, &late, &late.token),
		 -EEXIST);
	kid_exit(&early, 1);
	kid_wait_dead(&early);
	CHECK_EQ(early.calls, 0);
	CHECK_EQ(weir_pool_start(pool), 0);
	check_end(&early, CLD_EXITED, 1);
	kid_exit(&late, 2);
	check_end(&late, CLD_EXITED, 2);
	fixture_pool_end(pool);
}

TEST(a_child_is_added_before_the_start)
{
	children_of_the_maker();
	weir__fault_hook = no_pidfd;
	children_of_the_maker();
}

TEST(a_child_is_forgotten)
{
	struct weir_pool *pool = start_with(0);
	struct kid kid;
	int status;

	kid_born(&kid);
	CHECK_EQ(add(&kid, pool), 0);
	fixture_on(pool, WEIR_CONTROL, remove_here, &kid);
	CHECK_EQ(kid.result, 0);
	fixture_on(pool, WEIR_CONTROL, remove_here, &kid);
	CHECK_EQ(kid.result, -ESTALE);
	kid_exit(&kid, 5);
	/* It is ours to reap again. */
	CHECK_EQ(waitpid(kid.pid, &status, 0), kid.pid);
	CHECK_EQ(WEXITSTATUS(status), 5);
	fixture_settle(pool);
	fixture_pool_end(pool);
	CHECK_EQ(kid.calls, 0);
}

static void others_are_left_alone(void)
{
	struct weir_pool *pool = start_with(0);
	struct kid mine, theirs;
	int status;

	kid_born(&mine);
	kid_born(&theirs);
	CHECK_EQ(add(&mine, pool), 0);
	kid_exit(&theirs, 6);
	kid_wait_dead(&theirs);
	kid_exit(&mine, 7);
	check_end(&mine, CLD_EXITED, 7);
	CHECK(is_zombie(&theirs));
	CHECK_EQ(waitpid(theirs.pid, &status, 0), theirs.pid);
	CHECK_EQ(WEXITSTATUS(status), 6);
	fixture_pool_end(pool);
}

TEST(other_peoples_children_are_left_alone)
{
	others_are_left_alone();
	weir__fault_hook = no_pidfd;
	others_are_left_alone();
}

TEST(somebody_else_reaps_it)
{
	struct weir_pool *pool = start_with(0);
	struct hold hold = { .fn = NULL };
	struct kid kid;
	int status;

	kid_born(&kid);
	CHECK_EQ(add(&kid, pool), 0);
	hold_begin(&hold, pool, WEIR_CONTROL);
	kid_exit(&kid, 0);
	CHECK_EQ(waitpid(kid.pid, &status, 0), kid.pid);
	hold_end(&hold);
	fixture_settle(pool);
	do {
		fixture_on(pool, WEIR_CONTROL, remove_here, &kid);
	} while (kid.result == 0);
	CHECK_EQ(kid.result, -ESTALE);
	fixture_pool_end(pool);
	CHECK_EQ(kid.calls, 0);
}

/* All have ended when SIGCHLD is read; the first one removes the second. */
TEST(one_child_removes_another)
{
	struct hold hold = { .fn = NULL };
	struct weir_pool *pool;
	struct kid kids[3];
	int status;

	weir__fault_hook = no_pidfd;
	pool = start_with(0);
	for (int i = 0; i < 3; i++) {
		kid_born(&kids[i]);
		CHECK_EQ(add(&kids[i], pool), 0);
	}
	fixture_settle(pool);
	kids[0].removes = &kids[1];
	hold_begin(&hold, pool, WEIR_CONTROL);
	for (int i = 0; i < 3; i++) {
		kid_exit(&kids[i], 1);
		kid_wait_dead(&kids[i]);
	}
	hold_end(&hold);
	check_end(&kids[0], CLD_EXITED, 1);
	check_end(&kids[2], CLD_EXITED, 1);
	CHECK_EQ(kids[1].result, 0);
	fixture_settle(pool);
	CHECK_EQ(waitpid(kids[1].pid, &status, 0), kids[1].pid);
	fixture_pool_end(pool);
	CHECK_EQ(kids[1].calls, 0);
}

TEST(what_is_refused)
{
	struct weir_pool *pool = start_with(0);
	weir_token token = weir_token_none();
	struct kid kid;

	kid_born(&kid);
	CHECK_EQ(weir_child_add(pool, kid.pid, on_end, &kid, &token), -EBUSY);
	CHECK_EQ(weir_child_remove(pool, token), -EBUSY);
	fixture_pool_end(pool);
	pool = fixture_pool(1);
	CHECK_EQ(weir_child_add(pool, 0, on_end, &kid, &token), -EINVAL);
	CHECK_EQ(weir_child_add(pool, -1, on_end, &kid, &token), -EINVAL);
	CHECK_EQ(weir_child_add(pool, kid.pid, NULL, &kid, &token), -EINVAL);
	CHECK_EQ(weir_child_add(pool, 1, on_end, &kid, &token), -ECHILD);
	CHECK_EQ(weir_child_add(pool, getpid(), on_end, &kid, &token),
		 -ECHILD);
	CHECK_EQ(weir_child_remove(pool, token), -ESTALE);
	CHECK(weir_token_is_none(token));
	weir_pool_free(pool);
	kid_kill(&kid, SIGKILL);
	CHECK_EQ(waitpid(kid.pid, NULL, 0), kid.pid);
}

TEST(a_pool_ends_with_children)
{
	struct weir_pool *pool = start_with(0);
	struct kid kids[2];

	for (int i = 0; i < 2; i++) {
		kid_born(&kids[i]);
		CHECK_EQ(add(&kids[i], pool), 0);
	}
	fixture_pool_end(pool);
	for (int i = 0; i < 2; i++) {
		kid_kill(&kids[i], SIGKILL);
		CHECK_EQ(waitpid(kids[i].pid, NULL, 0), kids[i].pid);
		CHECK_EQ(kids[i].calls, 0);
	}
}

/* Many at once: each is told of, and nothing is left behind. */
TEST(a_crowd)
{
	enum { KIDS = 40 };
	static struct kid kids[KIDS];
	struct weir_pool *pool;

	for (int round = 0; round < 2; round++) {
		weir__fault_hook = round ? no_pidfd : NULL;
		pool = start_with(0);
		for (int i = 0; i < KIDS; i++) {
			kid_born(&kids[i]);
			CHECK_EQ(add(&kids[i], pool), 0);
		}
		for (int i = 0; i < KIDS; i++)
			kid_exit(&kids[i], (char)i);
		for (int i = 0; i < KIDS; i++)
			check_end(&kids[i], CLD_EXITED, i);
		fixture_pool_end(pool);
	}
}
