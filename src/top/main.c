/* SPDX-License-Identifier: MIT */
/* top/main.c - weir-top */
#include "top/top.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weir.h>

static const char help[] =
"weir-top - what the weir pools of a process are doing\n"
"\n"
"    weir-top [-d SECONDS] PID\n"
"    weir-top -1 [--json] [-d SECONDS] PID\n"
"\n"
"Shows for each worker, and for the control thread (ctl), whether it is\n"
"asleep, busy or stalled and for how long; turns, events and messages a\n"
"second; how long turns take; how late timers are; how many messages the last\n"
"turn found; sources and stalls.  Then what each busy thread is in, and which\n"
"handlers and tokens used the time that the flight recorders know of.\n"
"\n"
"The process is not stopped and does not notice.  You need the right to debug\n"
"it: be its user, or root.\n"
"\n"
"  -1, --once         one look, and no screen\n"
"      --json         as JSON, for scripts\n"
"  -d, --delay SECONDS  between two looks, and over how long a rate is taken;\n"
"                     default 1, at least 0.01\n"
"  -h, --help         this text\n"
"  -V, --version      the version of weir, and what this was built with\n"
"\n"
"Exit status: 0; 1 if the process cannot be looked at, has no pool or is\n"
"gone; 2 for wrong usage.\n";

static struct {
	bool is_once, is_json;
	double delay;
	pid_t pid;
} options = { .delay = 1 };

static const struct option long_options[] = {
	{ "once", no_argument, NULL, '1' },
	{ "json", no_argument, NULL, 'j' },
	{ "delay", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static _Noreturn void usage(const char *why)
{
	fprintf(stderr, "weir-top: %s\nTry: weir-top --help\n", why);
	exit(2);
}

static void read_options(int argc, char **argv)
{
	char *end;
	int c;

	while ((c = getopt_long(argc, argv, "1d:hV", long_options, NULL)) >= 0) {
		switch (c) {
		case '1':
			options.is_once = true;
			break;
		case 'j':
			options.is_json = true;
			break;
		case 'd':
			options.delay = strtod(optarg, &end);
			if (*end || !(options.delay >= 0.01) ||
			    options.delay > 86400)
				usage("--delay is 0.01 .. 86400 seconds");
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		case 'V':
			printf("weir-top %s\nscreen: %s\nnames: %s\n",
			       weir_version(), top_screen_kind,
			       top_names_kind);
			exit(0);
		default:
			usage("no such option");
		}
	}
	if (optind + 1 != argc)
		usage("one PID is wanted");
	options.pid = (pid_t)strtol(argv[optind], &end, 10);
	if (*end || options.pid <= 0)
		usage("a PID is a number");
	if (options.is_json && !options.is_once)
		usage("--json goes with -1");
}

static int attach(struct top_sample *samples)
{
	struct top_pool pools[TOP_POOLS];
	int n = top_attach(options.pid, pools);

	if (n < 0)
		fprintf(stderr, "weir-top: process %d: %s\n", (int)options.pid,
			strerror(-n));
	else if (n == 0)
		fprintf(stderr, "weir-top: process %d has no weir pool that "
			"this weir-top can read\n", (int)options.pid);
	if (n <= 0)
		return 0;
	for (int i = 0; i < n; i++) {
		if (!top_sample_init(&samples[i], &pools[i])) {
			fprintf(stderr, "weir-top: %s\n", strerror(ENOMEM));
			return 0;
		}
	}
	return n;
}

static void take_all(struct top_sample *samples, int n)
{
	for (int i = 0; i < n; i++)
		top_sample_take(&samples[i]);
}

static int look_once(struct top_sample *samples, int n)
{
	const struct timespec delay = {
		.tv_sec = (time_t)options.delay,
		.tv_nsec = (long)((options.delay -
				   (double)(time_t)options.delay) * 1e9),
	};

	nanosleep(&delay, NULL);
	take_all(samples, n);
	if (options.is_json)
		top_json(stdout, options.pid, samples, n);
	else
		top_text(stdout, options.pid, samples, n);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Return: whether the screen goes on. */
static bool show(struct top_sample *samples, int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool goes_on = false;

	if (!out)
		return false;
	top_text(out, options.pid, samples, n);
	if (fclose(out) == 0)
		goes_on = top_screen_show(text, options.delay);
	free(text);
	return goes_on;
}

static int look_on(struct top_sample *samples, int n)
{
	bool is_gone = false;

	if (!top_screen_begin()) {
		fputs("weir-top: built without ncurses, or no terminal: "
		      "use -1\n", stderr);
		return 1;
	}
	while (!is_gone && show(samples, n)) {
		take_all(samples, n);
		is_gone = kill(options.pid, 0) < 0 && errno == ESRCH;
	}
	top_screen_end();
	if (is_gone)
		fprintf(stderr, "weir-top: process %d has ended\n",
			(int)options.pid);
	return is_gone ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct top_sample samples[TOP_POOLS];
	int n;

	read_options(argc, argv);
	n = attach(samples);
	if (n == 0)
		return 1;
	top_names_init(options.pid);
	take_all(samples, n);
	return options.is_once ? look_once(samples, n) : look_on(samples, n);
}
