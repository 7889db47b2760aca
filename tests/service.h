/* SPDX-License-Identifier: MIT */
/*
 * tests/service.h - a pool that listens and serves
 *
 * Each connection is sent one byte, "!", and then kept until its peer ends it.
 */
#ifndef WEIR_TESTS_SERVICE_H
#define WEIR_TESTS_SERVICE_H

#include <semaphore.h>
#include <weir.h>

#include "fixture.h"

enum { SERVICE_WORKERS = 2 };

struct service {
	struct weir_pool *pool;
	struct weir_listener *listener;
	struct weir_listener_options options;
	struct weir_addr addr;
	int family;		/* of all peers */
	int opened;		/* what weir_listener_open() returned */
	int closed;
	int accepted[SERVICE_WORKERS];	/* each worker its own */
	int closes_at_once;	/* and keeps no connection */
	sem_t done;		/* once for each connection */
};

/* A pool that is NEW, with a listener on a port that the kernel chose. */
void service_new(struct service *s, enum weir_listener_mode mode);

/* And the pool runs. */
void service_start(struct service *s, enum weir_listener_mode mode);

/*
 * fixture_fn, but before the start and after the join to be called directly:
 * open another listener on addr, which becomes the address it has; close it.
 */
void service_open(struct weir_reactor *r, void *service);
void service_close(struct weir_reactor *r, void *service);

/* weir_accept_fn: what the service does. */
void service_on_accept(struct weir_reactor *r, int fd,
		       const struct weir_addr *peer, void *service);

/* A blocking TCP connection to it. */
int service_connect(const struct service *s);

/* How many it has accepted; while the workers rest. */
int service_total(const struct service *s);

/* Is nobody listening there? */
int service_is_refused(const struct weir_addr *addr);

#endif /* WEIR_TESTS_SERVICE_H */
