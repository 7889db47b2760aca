/* SPDX-License-Identifier: MIT */
#ifndef LB_SCAN_H
#define LB_SCAN_H

/*
 * lb/scan.h - a look at a configuration's text before it is parsed
 *
 * libconfuse takes the end of the file for the end of every open section and
 * comment, and its line numbers drift by one with each C comment.  A file that
 * is half written must not pass for a whole one, and a message must name the
 * right line; so the text is looked at first.
 */
#include <stddef.h>

struct lb_report;

/* Where the sections begin. */
struct lb_scan {
	int *lines;	/* of each '{', in the order of the file */
	size_t count;
};

/**
 * lb_scan_text() - check that all is closed, and blank out the comments
 * @text:     the text; comments become spaces, lines stay lines
 * @report:   receives what is wrong
 * @ret_scan: receives where sections begin, for lb_scan_done()
 *
 * Threads: any.
 * Return:  0, -EINVAL (something was reported) or -ENOMEM.
 */
int lb_scan_text(char *text, struct lb_report *report,
		 struct lb_scan *ret_scan);

/**
 * lb_scan_done() - free what a scan holds
 * @scan: the scan
 *
 * Threads: any.
 */
void lb_scan_done(struct lb_scan *scan);

#endif /* LB_SCAN_H */
