/* SPDX-License-Identifier: MIT */
/*
 * httpd.c - a small HTTP/1.1 server: httpd ADDRESS [NAME [WORKERS]]
 *
 * Answers GET with NAME, and GET /count with how often it did.  Keep-alive,
 * pipelining, and a drain on TERM.  What is HTTP about it stands in http.h.
 */
#include "http.h"
#include <error.h>
#include <unistd.h>
#include <weir.h>

#define BUDGET 16	/* steps, before other connections have their turn */

struct conn {
	weir_token token;
	struct http http;
};

static const char *name = "httpd";
static struct weir_counter *count;

static void answer(struct weir_reactor *r, struct http *h)
{
	char path[8], text[80];

	while (http_take(h, path, sizeof(path))) {
		snprintf(text, sizeof(text), "%.70s\n", name);
		if (strcmp(path, "/count") == 0)
			snprintf(text, sizeof(text), "%jd\n",
				 (intmax_t)weir_counter_sum(count));
		else
			weir_counter_add(count, r, 1);
		http_answer(h, "200 OK", text);
	}
}

static enum weir_verdict on_conn(struct weir_reactor *r,
				 const struct weir_event *event, void *data)
{
	struct conn *c = data;
	ssize_t n = event->facts & WEIR_STOPPING ? -ECANCELED : 1;

	c->http.is_closing |= !!(event->facts & WEIR_DRAINING);
	for (int i = 0; i < BUDGET && n > 0; i++) {
		answer(r, &c->http);
		n = http_step(&c->http, event->fd);
	}
	if (n == -EAGAIN) {
		weir_source_clear(r, c->token, http_fact(&c->http));
		weir_source_want(r, c->token, http_fact(&c->http));
	} else if (n <= 0) {
		weir_source_close(r, c->token);
		weir_mfree(r, c);
	}
	return WEIR_MORE;
}

static void on_accept(struct weir_reactor *r, int fd,
		      const struct weir_addr *peer, void *data)
{
	struct conn *c = weir_mzalloc(r, sizeof(*c));

	(void)peer, (void)data;
	http_send_at_once(fd);
	if (!c || weir_source_add(r, fd, WEIR_READABLE, on_conn, c,
				  &c->token) < 0) {
		weir_mfree(r, c);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct weir_pool_options options = { .size = sizeof(options) };
	char text[WEIR_ADDR_TEXT];
	struct weir_listener *listener;
	struct weir_addr addr;
	struct weir_pool *pool;
	int r;

	if (argc < 2 || weir_addr_parse(argv[1], &addr) < 0)
		error(1, 0, "ADDRESS [NAME [WORKERS]]");
	name = argc > 2 ? argv[2] : name;
	options.workers = argc > 3 ? (unsigned)atoi(argv[3]) : 1;
	if ((r = weir_pool_new(&options, &pool)) < 0 ||
	    (r = weir_counter_new(pool, &count)) < 0 ||
	    (r = weir_listener_open(pool, &addr, NULL, on_accept, NULL,
				    &listener)) < 0 ||
	    (r = weir_listener_addr(listener, &addr)) < 0 ||
	    (r = weir_pool_start(pool)) < 0)
		error(1, -r, "%s", argv[1]);
	dprintf(STDOUT_FILENO, "%s listens on %s\n", name,
		weir_addr_format(&addr, text, sizeof(text)));
	r = weir_pool_join(pool);
	weir_counter_free(count);
	weir_pool_free(pool);
	return r < 0;
}
