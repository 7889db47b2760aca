/* SPDX-License-Identifier: MIT */
/*
 * report.c - what is wrong with a file, as FILE:LINE: message
 */
#include "lb/report.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

/* A value may hold anything; a message is one line. */
static void blank_controls(char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

void lb_report_error(struct lb_report *report, int line, const char *format,
		     ...)
{
	char message[512], text[768];
	va_list args;

	report->errors++;
	if (!report->fn)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (line > 0)
		snprintf(text, sizeof(text), "%s:%d: %s", report->file, line,
			 message);
	else
		snprintf(text, sizeof(text), "%s: %s", report->file, message);
	blank_controls(text);
	report->fn(text, report->data);
}
