/* SPDX-License-Identifier: MIT */
/*
 * tests/link.h - a relay between sockets whose other ends are the test's
 *
 *     client <--> a  relay  b <--> server
 *
 * client and server block; a and b are sources of worker 0.
 */
#ifndef WEIR_TESTS_LINK_H
#define WEIR_TESTS_LINK_H

#include <semaphore.h>
#include <weir.h>

#include "fixture.h"

struct link {
	int client, server;
	int a_fd, b_fd;
	weir_token a, b;
	const struct weir_relay_options *options;
	struct weir_relay *relay;
	int is_starting;
	int calls;		/* of link_on_end() */
	struct weir_relay_result result;
	sem_t done;
};

typedef void pair_fn(int fds[2]);

/* Make the sockets. */
void link_open(struct link *l, pair_fn *pair_a, pair_fn *pair_b);

/* Close the outer ends. */
void link_close(struct link *l);

/* fixture_fn: make sources of the inner ends, which want nothing. */
void link_add(struct weir_reactor *r, void *link);

/* Add them, and start the relay. */
void link_start(struct link *l, struct weir_pool *pool);

/* weir_relay_fn: the relay has ended. */
void link_on_end(struct weir_reactor *r, const struct weir_relay_result *result,
		 void *link);

/* Wait for that. */
void link_wait(struct link *l);

/* Nothing of any relay is left on worker 0. */
void link_check_clean(struct weir_pool *pool);

/*
 * Send until nothing moves any more, though the workers had their turns.
 *
 * Return: the position reached.
 */
uint64_t link_fill(struct weir_pool *pool, int fd, unsigned seed,
		   uint64_t limit);

#endif /* WEIR_TESTS_LINK_H */
