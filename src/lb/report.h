/* SPDX-License-Identifier: MIT */
#ifndef LB_REPORT_H
#define LB_REPORT_H

/*
 * lb/report.h - what is wrong with a file, as FILE:LINE: message
 */

/* Takes one message, without a newline. */
typedef void lb_report_fn(const char *text, void *data);

struct lb_report {
	const char *file;	/* its name, for the messages */
	int errors;		/* how many messages there were */
	lb_report_fn *fn;	/* may be NULL: only count */
	void *data;
};

/**
 * lb_report_error() - add a message
 * @report: where to
 * @line:   1 .. ; 0: the file as a whole
 * @format: as printf(3)
 *
 * Threads: one at a time.
 */
void lb_report_error(struct lb_report *report, int line, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

#endif /* LB_REPORT_H */
