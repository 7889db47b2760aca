/* SPDX-License-Identifier: MIT */
/*
 * tests/probe.h - a reactor to turn by hand, and sources that note their calls
 *
 * What cannot work fails the test: no function here reports an error.
 */
#ifndef WEIR_TESTS_PROBE_H
#define WEIR_TESTS_PROBE_H

#include <stdint.h>
#include <weir/reactor.h>
#include <weir/source.h>

struct weir_reactor *probe_reactor(void);

/* One turn, without sleep; events of sources without a handler fail it. */
void probe_turn(struct weir_reactor *r);

struct probe;
typedef void probe_fn(struct weir_reactor *r, struct probe *p);

/* One end of a connection, and what its handler was told. */
struct probe {
	int fd, peer;			/* both non-blocking */
	weir_token token;
	enum weir_verdict verdict;	/* the handler's answer */
	probe_fn *act;			/* or NULL: done by the handler first */
	void *arg;			/* for @act */
	int calls;
	struct weir_event last;		/* what it was given */
};

/* The handler; its data is the probe. */
weir_source_fn probe_called;

/* A unix stream socket pair, not registered. */
void probe_pair(struct probe *p);

/* The same, registered for @facts with weir_source_add(). */
void probe_add(struct weir_reactor *r, struct probe *p, uint32_t facts);

/* The same, with weir_source_add_flags(). */
void probe_add_flags(struct weir_reactor *r, struct probe *p, uint32_t flags);

/* Both registered as readable, with a byte to read, each the other's @arg. */
void probe_both(struct weir_reactor *r, struct probe *p, struct probe *q);

/* Close both ends, whatever became of the source. */
void probe_close(struct probe *p);

/* Send to @p, take what has come, fill its way out, let that drain. */
void probe_send(struct probe *p, int bytes);
int probe_take(struct probe *p);
void probe_fill(struct probe *p);
void probe_drain(struct probe *p);

/* Turn once; @p must have been called @calls times in it, with @facts. */
#define PROBE_TURN(r, p, calls, facts) \
	probe_check(__FILE__, __LINE__, r, p, calls, facts)
void probe_check(const char *file, int line, struct weir_reactor *r,
		 struct probe *p, int calls, unsigned facts);

#endif /* WEIR_TESTS_PROBE_H */
