/* SPDX-License-Identifier: MIT */
/*
 * log.c - lines for people on stderr, lines for programs on stdout
 */
#include "lb/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weir.h>

/* Longer than any line we write; what is longer is cut. */
#define LINE_BYTES 1024

static const char *level_name(int level)
{
	if (level <= WEIR_LOG_ERROR)
		return "error";
	return level <= WEIR_LOG_WARNING ? "warning" : "info";
}

/* "2026-01-31T12:00:00.123Z", in UTC, so that logs of machines compare. */
static void format_time(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm;
	char seconds[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, size, "%s.%03dZ", seconds,
		 (int)(now.tv_nsec / 1000000));
}

int lb_emit(int fd, const char *text)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	size_t left = strlen(text);

	/* A pipe that is ready has room for a page: for any line of ours. */
	if (poll(&poll_fd, 1, 0) == 0)
		return -EAGAIN;
	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		left -= (size_t)n;
	}
	return 0;
}

void lb_log(int level, const char *format, ...)
{
	/* This thread's own lines that nobody took. */
	static _Thread_local unsigned lost;
	char line[LINE_BYTES], when[64], note[64] = "";
	va_list args;
	int head;

	format_time(when, sizeof(when));
	if (lost > 0)
		snprintf(note, sizeof(note), "(%u lines lost) ", lost);
	head = snprintf(line, sizeof(line), "%s %s weir-lb: %s", when,
			level_name(level), note);
	va_start(args, format);
	vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	lost = lb_emit(STDERR_FILENO, line) < 0 ? lost + 1 : 0;
}

void lb_log_pool(int level, const char *text, void *data)
{
	(void)data;
	lb_log(level, "%s", text);
}
