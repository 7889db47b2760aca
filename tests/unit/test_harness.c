/* SPDX-License-Identifier: MIT */
/*
 * test_harness.c - the harness fails what must fail
 *
 * Each hidden test is wrong in one way.  The others run one of them in a fresh
 * copy of this program, as `make check` would, and look at the TAP it prints
 * and at its exit status.  A harness that lets something through would pass
 * its own tests too, so each verdict is compared as a whole line.
 */
#include "harness.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fits any output below; longer output is cut, and the CHECKs then fail. */
static char output[8192];

/*
 * Runs this program with @args, and with something else as standard input than
 * a test has; returns its exit status, fills @output.
 */
static int run_self(const char *const args[])
{
	size_t length = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		dup2(open("/dev/zero", O_RDONLY), STDIN_FILENO);
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		execv("/proc/self/exe", (char *const *)(uintptr_t)args);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], output + length,
			 sizeof(output) - 1 - length)) > 0)
		length += (size_t)n;
	output[length] = '\0';
	close(fds[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int run_only(const char *name)
{
	return run_self((const char *const[]){ "self", "--only", name, NULL });
}

/* Whether one whole line of @output is @line. */
static int has_line(const char *line)
{
	size_t length = strlen(line);
	const char *at = output;

	while ((at = strstr(at, line))) {
		if ((at == output || at[-1] == '\n') &&
		    (at[length] == '\n' || at[length] == '\0'))
			return 1;
		at++;
	}
	return 0;
}

static int has_text(const char *text)
{
	return strstr(output, text) != NULL;
}

/* @name must fail, and the output must say @why. */
static void check_fails(const char *name, const char *why)
{
	char line[128];

	CHECK_EQ(run_only(name), 1);
	snprintf(line, sizeof(line), "not ok 1 - %s", name);
	if (!has_line(line) || !has_text(why) || !has_line("1..1"))
		test_fail(__FILE__, __LINE__, "%s, \"%s\", but:\n%s", line,
			  why, output);
}

static void check_passes(const char *name)
{
	char line[128];

	CHECK_EQ(run_only(name), 0);
	snprintf(line, sizeof(line), "ok 1 - %s", name);
	CHECK(has_line(line));
	CHECK(has_line("1..1"));
}

TEST_HIDDEN(good)
{
	CHECK(1);
	CHECK_EQ(2, 2ull);
	CHECK_STR("a", "a");
	CHECK_STR(NULL, NULL);
}

TEST(good_test_passes)
{
	check_passes("good");
}

TEST_HIDDEN(bad_check)
{
	CHECK(1 > 2);
}

TEST_HIDDEN(bad_eq)
{
	CHECK_EQ(-1, 1);
}

TEST_HIDDEN(bad_str)
{
	CHECK_STR("a", "b");
}

TEST_HIDDEN(bad_null)
{
	CHECK_STR("a", NULL);
}

TEST(failed_check_fails)
{
	check_fails("bad_check", ": 1 > 2\n");
	check_fails("bad_eq", ": -1 == 1: -1, not 1\n");
	check_fails("bad_str", ": \"a\" == \"b\": \"a\", not \"b\"\n");
	check_fails("bad_null", ": \"a\", not \"(null)\"\n");
}

static void *fail(void *reached)
{
	CHECK(reached);
	return NULL;
}

TEST_HIDDEN(bad_thread)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fail, NULL), 0);
	pthread_join(thread, NULL);
}

TEST(failed_check_in_a_thread_fails)
{
	check_fails("bad_thread", "reached");
}

/* The test ignores its child's exit status; the harness does not. */
TEST_HIDDEN(bad_child)
{
	if (fork() == 0)
		fail(NULL);
	wait(NULL);
}

TEST(failed_check_in_a_child_fails)
{
	check_fails("bad_child", "reached");
}

TEST_HIDDEN(returns_twice)
{
	fork();
	while (wait(NULL) > 0)
		;
}

TEST(child_that_returns_fails)
{
	check_fails("returns_twice", "a forked child returned");
}

TEST_HIDDEN(leak)
{
	CHECK(open("/dev/zero", O_RDONLY) >= 0);
}

TEST_HIDDEN(lost_stdin)
{
	close(STDIN_FILENO);
}

/* The number of descriptors stays the same; what they are does not. */
TEST_HIDDEN(swapped_stdin)
{
	int fd = open("/dev/zero", O_RDONLY);

	CHECK(fd >= 0);
	dup2(fd, STDIN_FILENO);
	close(fd);
}

TEST(changed_descriptors_fail)
{
	check_fails("leak", ": /dev/zero\n");
	CHECK(has_text("# leaked fd "));
	check_fails("lost_stdin", "# closed fd 0: /dev/null\n");
	check_fails("swapped_stdin", "# leaked fd 0: /dev/zero\n");
}

TEST_HIDDEN(hang)
{
	for (;;)
		pause();
}

/* Ignores what can be ignored, and has a child that holds our pipe open. */
TEST_HIDDEN(stubborn)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	fork();
	for (;;)
		pause();
}

/*
 * That run_self() returns at all shows that no process of the hung test is
 * left: each would hold the pipe open, and this test would hang too.
 */
TEST(hung_test_is_killed)
{
	setenv("WEIR_TEST_TIMEOUT_FACTOR", "0.01", 1);
	check_fails("hang", "# timed out after 0.2 s\n");
	CHECK(has_text("#   thread "));
	check_fails("stubborn", "# timed out after 0.2 s\n");
}

TEST_HIDDEN(orphan)
{
	if (fork() == 0)
		for (;;)
			pause();
}

TEST(what_a_test_leaves_running_is_killed)
{
	check_passes("orphan");
}

TEST_HIDDEN(exits)
{
	exit(0);
}

TEST_HIDDEN(exits_with_3)
{
	exit(3);
}

TEST_HIDDEN(dies)
{
	raise(SIGKILL);
}

TEST(test_that_does_not_return_fails)
{
	check_fails("exits", "# exited in the middle\n");
	check_fails("exits_with_3", "# exit status 3\n");
	check_fails("dies", "# killed by signal 9 ");
}

TEST_HIDDEN(skips)
{
	SKIP("no such device");
}

TEST(skip_is_reported)
{
	CHECK_EQ(run_only("skips"), 0);
	CHECK(has_line("ok 1 - skips # SKIP no such device"));
	CHECK(has_line("1..1"));
}

TEST_HIDDEN(notes)
{
	NOTE("%d of %s", 3, "five");
}

TEST(note_is_a_diagnostic_line)
{
	check_passes("notes");
	CHECK(has_line("# 3 of five"));
}

TEST(verdicts_are_separate)
{
	CHECK_EQ(run_self((const char *const[]){ "self", "--only", "bad_check",
						 "skips", "notes", NULL }), 1);
	CHECK(has_line("not ok 1 - bad_check"));
	CHECK(has_line("ok 2 - skips # SKIP no such device"));
	CHECK(has_line("ok 3 - notes"));
	CHECK(has_line("1..3"));
}

TEST_HIDDEN(reads_stdin)
{
	char c;

	CHECK_EQ(read(STDIN_FILENO, &c, 1), 0);
}

TEST(stdin_is_empty)
{
	check_passes("reads_stdin");
}

TEST(unknown_name_fails)
{
	CHECK_EQ(run_only("no_such_test"), 1);
	CHECK_EQ(run_self((const char *const[]){ "self", "no_such_test",
						 NULL }), 2);
}

TEST(list_names_all_but_the_hidden)
{
	CHECK_EQ(run_self((const char *const[]){ "self", "--list", NULL }), 0);
	CHECK(has_line("list_names_all_but_the_hidden"));
	CHECK(has_line("good_test_passes"));
	CHECK(!has_line("good"));
	CHECK(!has_line("hang"));
}

TEST_HIDDEN(signals)
{
	struct sigaction action;
	sigset_t mask;

	CHECK_EQ(sigaction(SIGTERM, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
	CHECK_EQ(sigaction(SIGPIPE, NULL, &action), 0);
	CHECK(action.sa_handler == SIG_DFL);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
	CHECK(!sigismember(&mask, SIGUSR1));
	CHECK(!sigismember(&mask, SIGCHLD));
}

TEST(signals_start_at_their_defaults)
{
	sigset_t mask;

	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	check_passes("signals");
}

TEST(runs_alone_unforked)
{
	CHECK_EQ(run_self((const char *const[]){ "self", "good", NULL }), 0);
	CHECK(has_line("ok 1 - good"));
	CHECK_EQ(run_self((const char *const[]){ "self", "bad_check",
						 NULL }), 1);
	CHECK(!has_line("ok 1 - bad_check"));
}

#ifdef __SANITIZE_ADDRESS__
TEST_HIDDEN(leaks_memory)
{
	void *volatile lost = malloc(64);

	CHECK(lost);
	lost = NULL;
}

TEST(leaked_memory_fails)
{
	check_fails("leaks_memory", "detected memory leaks");
}
#endif
