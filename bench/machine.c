/* SPDX-License-Identifier: MIT */
/*
 * machine.c - what a run was made on and with
 *
 * A figure without its machine, kernel and compiler says nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <weir/base.h>

#include "peer.h"
#include "run.h"

#ifndef BENCH_CFLAGS
#define BENCH_CFLAGS "unknown"
#endif
#ifndef WEIR_HAVE_JEMALLOC
#define WEIR_HAVE_JEMALLOC 0
#endif
#ifndef WEIR_DEBUG
#define WEIR_DEBUG 0
#endif

/* The first line of @path that begins with @key, after its colon. */
static void read_key(const char *path, const char *key, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	char line[256];

	snprintf(buf, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		const char *value = strchr(line, ':');

		if (strncmp(line, key, strlen(key)) != 0 || !value)
			continue;
		value += 1 + strspn(value + 1, " \t");
		snprintf(buf, size, "%.*s", (int)strcspn(value, "\n"), value);
		break;
	}
	if (file)
		fclose(file);
}

static void describe_cpu(struct results *results)
{
	char model[100], text[160];

	read_key("/proc/cpuinfo", "model name", model, sizeof(model));
	snprintf(text, sizeof(text), "%ld x %s",
		 sysconf(_SC_NPROCESSORS_ONLN), model);
	results_add_fact(results, "cpu", text);
}

/* A busy machine shows in the spread; this says why. */
static void describe_load(struct results *results)
{
	double load[1];
	char text[32] = "unknown";

	if (getloadavg(load, 1) == 1)
		snprintf(text, sizeof(text), "%.2f", load[0]);
	results_add_fact(results, "load before", text);
}

static void describe_options(struct results *results)
{
	char text[64];

	snprintf(text, sizeof(text), "%u rounds, %s", bench_options.rounds,
		 bench_options.is_pinned ? "threads pinned" :
					   "threads not pinned");
	results_add_fact(results, "options", text);
}

void run_describe(struct results *results)
{
	const time_t now = time(NULL);
	struct utsname name;
	char text[160];

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", gmtime(&now));
	results_add_fact(results, "date", text);
	describe_cpu(results);
	uname(&name);
	results_add_fact(results, "arch", name.machine);
	results_add_fact(results, "kernel", name.release);
	describe_load(results);
	results_add_fact(results, "compiler", BENCH_COMPILER);
	results_add_fact(results, "flags", BENCH_CFLAGS);
	results_add_fact(results, "weir", weir_version());
	results_add_fact(results, "checks", WEIR_DEBUG ? "yes" : "no");
	results_add_fact(results, "jemalloc",
			 WEIR_HAVE_JEMALLOC ? "yes" : "no");
	results_add_fact(results, "libevent", peer_libevent_version());
	results_add_fact(results, "libev", peer_libev_version());
	results_add_fact(results, "libuv", peer_libuv_version());
	results_add_fact(results, "liburing", peer_liburing_version());
	describe_options(results);
}
