/* SPDX-License-Identifier: MIT */
/*
 * harness.c - runs the tests that TEST() put into the section weir_tests
 *
 * The parent forks one child per test and waits for it with a limit.  Parent
 * and child share one page, the verdict: an exit status alone could not tell a
 * test that returned from one whose code under test called exit(0).
 *
 *   child   sets up -> body -> fd check -> has_finished = 1 -> exit(0)
 *   CHECK   has_failed = 1 -> _exit(1), in whichever thread or process fails
 *   SKIP    has_skipped = 1, reason -> _exit(0)
 *
 * A test has passed when its child exited with 0, has_finished is set and
 * has_failed is not.  The child ends with exit(), not _exit(), so that leak
 * checkers get their turn and can change the status.
 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No test takes a second on an idle machine; the rest is for busy ones. */
#define LIMIT_SECONDS 20
#define FDS_MAX 256
#define TARGET_MAX 96

/* Written by the child and its threads and children, read by the parent. */
struct verdict {
	volatile int has_failed;
	volatile int has_finished;
	volatile int has_skipped;
	char reason[256];
};

struct fds {
	int count;
	struct {
		int fd;
		char target[TARGET_MAX];	/* as /proc/self/fd has it */
	} open[FDS_MAX];
};

extern const struct test *const __start_weir_tests[];
extern const struct test *const __stop_weir_tests[];

static struct verdict *verdict;
static pid_t test_pid;

void test_note(const char *format, ...)
{
	char line[1024];
	va_list args;
	int n;

	n = snprintf(line, sizeof(line), "# ");
	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
	va_end(args);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	/* One write, so that lines of several threads do not mix. */
	fflush(stdout);
	if (write(STDOUT_FILENO, line, (size_t)n) < 0)
		verdict->has_failed = 1;
}

_Noreturn void test_fail(const char *file, int line, const char *format, ...)
{
	char what[900];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	test_note("%s:%d: %s", file, line, what);
	verdict->has_failed = 1;
	_exit(1);
}

_Noreturn void test_skip(const char *reason)
{
	snprintf(verdict->reason, sizeof(verdict->reason), "%s", reason);
	verdict->has_skipped = 1;
	_exit(0);
}

void test_check_eq(const char *file, int line, const char *what, intmax_t a,
		   intmax_t b)
{
	if (a != b)
		test_fail(file, line, "%s: %jd, not %jd", what, a, b);
}

void test_check_str(const char *file, int line, const char *what,
		    const char *a, const char *b)
{
	if (a == b || (a && b && strcmp(a, b) == 0))
		return;
	test_fail(file, line, "%s: \"%s\", not \"%s\"", what,
		  a ? a : "(null)", b ? b : "(null)");
}

static void list_fds(struct fds *fds)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	fds->count = 0;
	if (!dir)
		return;
	while ((entry = readdir(dir)) && fds->count < FDS_MAX) {
		int fd = atoi(entry->d_name);
		char *target = fds->open[fds->count].target;
		ssize_t n;

		if (entry->d_name[0] == '.' || fd == dirfd(dir))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target,
			       TARGET_MAX - 1);
		target[n > 0 ? n : 0] = '\0';
		fds->open[fds->count++].fd = fd;
	}
	closedir(dir);
}

/* Notes each descriptor of @a that @b lacks or has for another file. */
static int note_missing(const struct fds *a, const struct fds *b,
			const char *what)
{
	int missing = 0;

	for (int i = 0; i < a->count; i++) {
		int has = 0;

		for (int j = 0; j < b->count && !has; j++)
			has = a->open[i].fd == b->open[j].fd &&
			      !strcmp(a->open[i].target, b->open[j].target);
		if (has)
			continue;
		test_note("%s fd %d: %s", what, a->open[i].fd,
			  a->open[i].target);
		missing++;
	}
	return missing;
}

/*
 * Makes the signals that tests use behave the same wherever the tests are
 * started from.  The others stay: sanitizers have handlers on SIGSEGV and kin.
 */
static void reset_signals(void)
{
	static const int signals[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM,
		SIGUSR1, SIGUSR2, SIGCHLD,
	};
	sigset_t none;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_in_child(const struct test *test)
{
	static struct fds before, after;
	int null;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	reset_signals();
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0 && null != STDIN_FILENO) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	test_pid = getpid();
	list_fds(&before);
	test->run();
	if (getpid() != test_pid)
		test_fail(test->name, test->line,
			  "a forked child returned from the test");
	list_fds(&after);
	if (note_missing(&after, &before, "leaked") +
	    note_missing(&before, &after, "closed"))
		verdict->has_failed = 1;
	verdict->has_finished = 1;
	exit(0);
}

/* Notes what one thread of a hung test was doing: its name and where it is. */
static void note_thread(pid_t pid, const char *tid)
{
	static const char *const files[] = { "comm", "wchan" };
	char text[2][64] = { "?", "?" };

	for (int i = 0; i < 2; i++) {
		char path[128];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/%s",
			 (int)pid, tid, files[i]);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(text[i], sizeof(text[i]), file))
			text[i][strcspn(text[i], "\n")] = '\0';
		fclose(file);
	}
	test_note("  thread %s (%s) in %s", tid, text[0], text[1]);
}

static void note_hang(pid_t pid, double seconds)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	test_note("timed out after %g s", seconds);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			note_thread(pid, entry->d_name);
	closedir(dir);
}

static double limit_seconds(void)
{
	const char *factor = getenv("WEIR_TEST_TIMEOUT_FACTOR");
	double f = factor ? strtod(factor, NULL) : 1;

	return LIMIT_SECONDS * (f > 0 ? f : 1);
}

static struct timespec time_left(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec = end->tv_sec - now.tv_sec;
	now.tv_nsec = end->tv_nsec - now.tv_nsec;
	if (now.tv_nsec < 0) {
		now.tv_nsec += 1000000000;
		now.tv_sec--;
	}
	return now;
}

/* Waits for @pid until the limit, then kills it.  Returns its wait status. */
static int wait_limited(pid_t pid)
{
	double seconds = limit_seconds();
	struct timespec left, end;
	sigset_t chld;
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);	/* blocked since run_all() */
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	while (waitpid(pid, &status, WNOHANG) != pid) {
		left = time_left(&end);
		if (left.tv_sec < 0) {
			note_hang(pid, seconds);
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		sigtimedwait(&chld, NULL, &left);
	}
	kill(-pid, SIGKILL);	/* what it left running in its group */
	return status;
}

static int has_passed(int status)
{
	if (WIFSIGNALED(status))
		test_note("killed by signal %d (%s)", WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	else if (verdict->has_failed)
		;	/* said already */
	else if (WEXITSTATUS(status) != 0)
		test_note("exit status %d", WEXITSTATUS(status));
	else if (!verdict->has_finished && !verdict->has_skipped)
		test_note("exited in the middle");
	else
		return 1;
	return 0;
}

/* Runs @test forked and prints its TAP line.  Returns 1 if it passed. */
static int run_test(const struct test *test, int number)
{
	int passed, status;
	pid_t pid;

	memset(verdict, 0, sizeof(*verdict));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		printf("not ok %d - %s\n", number, test->name);
		test_note("fork: %s", strerror(errno));
		return 0;
	}
	if (pid == 0)
		run_in_child(test);
	setpgid(pid, pid);	/* both sides do it: no race with kill() */
	status = wait_limited(pid);
	passed = has_passed(status);
	printf("%s %d - %s", passed ? "ok" : "not ok", number, test->name);
	if (passed && verdict->has_skipped)
		printf(" # SKIP %s", verdict->reason);
	printf("\n");
	fflush(stdout);
	return passed;
}

static int compare_lines(const void *a, const void *b)
{
	const struct test *const *x = a, *const *y = b;

	return (*x)->line - (*y)->line;
}

static int is_chosen(const struct test *test, char **names)
{
	if (!names)
		return !test->is_hidden;
	for (; *names; names++)
		if (!strcmp(test->name, *names))
			return 1;
	return 0;
}

/* All tests but the hidden ones; or those in @names, which may be hidden. */
static int run_all(const struct test **tests, int count, char **names)
{
	int number = 0, passed = 0;
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	signal(SIGCHLD, SIG_DFL);	/* an inherited SIG_IGN would reap */
	for (int i = 0; i < count; i++) {
		if (!is_chosen(tests[i], names))
			continue;
		number++;
		passed += run_test(tests[i], number);
	}
	printf("1..%d\n", number);
	return number > 0 && passed == number ? 0 : 1;
}

static int run_unforked(const struct test **tests, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (strcmp(tests[i]->name, name))
			continue;
		test_pid = getpid();
		tests[i]->run();
		printf("ok 1 - %s\n1..1\n", name);
		return 0;
	}
	fprintf(stderr, "no test is named %s\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	int count = (int)(__stop_weir_tests - __start_weir_tests);
	const struct test **tests = calloc((size_t)count + 1, sizeof(*tests));
	int r = 0;

	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!tests || verdict == MAP_FAILED)
		return 2;
	/* In the order of the source, whatever the linker made of it. */
	memcpy(tests, __start_weir_tests, (size_t)count * sizeof(*tests));
	qsort(tests, (size_t)count, sizeof(*tests), compare_lines);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 1) {
		r = run_all(tests, count, NULL);
	} else if (!strcmp(argv[1], "--list")) {
		for (int i = 0; i < count; i++)
			if (!tests[i]->is_hidden)
				printf("%s\n", tests[i]->name);
	} else if (!strcmp(argv[1], "--only")) {
		r = run_all(tests, count, argv + 2);
	} else {
		r = run_unforked(tests, count, argv[1]);
	}
	free(tests);
	return r;
}
