/* SPDX-License-Identifier: MIT */
#ifndef LB_SESSION_H
#define LB_SESSION_H

/*
 * lb/session.h - one client's connection, from accept to the end
 */
#include <weir.h>

/**
 * lb_session_accept() - take on a client: a weir_accept_fn
 * @r:    the worker's reactor, whose data is the struct lb
 * @fd:   the connection
 * @peer: who it is
 * @data: the id of the door it came through, as a pointer
 *
 * Threads: workers.
 * Owns:    @fd.
 */
void lb_session_accept(struct weir_reactor *r, int fd,
		       const struct weir_addr *peer, void *data);

#endif /* LB_SESSION_H */
