/* SPDX-License-Identifier: MIT */
/*
 * watch_tmp.c - watch the temporary directory, print each file modified
 *
 *     watch_tmp [SECONDS [DIRECTORY]]
 *
 * Ten seconds, and $TMPDIR or /tmp, if not told otherwise.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir.h>

/* Take what there is; names are bytes, and stay in the library's buffer. */
static void print_all(struct weir_inotify *in)
{
	struct weir_inotify_event e;

	while (weir_inotify_next(in, &e) == 1) {
		if (e.mask & IN_Q_OVERFLOW)
			printf("some modifications were missed\n");
		else
			printf("modified: %s\n", e.name ? e.name : e.path);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? atof(argv[1]) : 10;
	const char *path = argc > 2 ? argv[2] : getenv("TMPDIR");
	struct weir_event events[64];
	struct weir_inotify *in;
	struct weir_reactor *r;
	weir_ns deadline;
	int err, n, wd;

	if (weir_reactor_new(NULL, &r) < 0)
		return 1;
	err = weir_inotify_new(r, NULL, NULL, NULL, &in);
	if (err == 0)
		err = weir_inotify_add(in, path ? path : "/tmp", IN_MODIFY,
				       NULL, &wd);
	if (err < 0) {
		const char *hint = weir_inotify_hint(err);

		fprintf(stderr, "%s\n", hint ? hint : strerror(-err));
		return 1;
	}
	printf("watching\n");
	fflush(stdout);
	deadline = weir_clock() + (weir_ns)(seconds * 1e9);
	do {
		n = weir_reactor_wait_until(r, events, 64, deadline, NULL);
		for (int i = 0; i < n; i++)
			if (weir_token_equal(events[i].token,
					     weir_inotify_token(in)))
				print_all(in);
	} while (n > 0 || n == -EINTR);
	weir_reactor_free(r);	/* and the instance */
	return n < 0;
}
