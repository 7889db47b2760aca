/* SPDX-License-Identifier: MIT */
#ifndef LB_PROBE_H
#define LB_PROBE_H

/*
 * lb/probe.h - one question to one server: is it well?
 */
#include <weir.h>

struct lb_check_config;
struct lb_probe;
struct lb_server;

/*
 * The answer, once; the probe is gone.  @why is NULL if the server is well, or
 * says what is wrong, for the time of the call.
 */
typedef void lb_probe_fn(const char *why, void *data);

/**
 * lb_probe_start() - ask
 * @control:   the reactor of the calling thread
 * @config:    how
 * @server:    whom; held by the caller
 * @fn:        called with the answer: not during this call, and not after
 *             lb_probe_cancel()
 * @data:      passed to @fn
 * @ret_probe: receives the probe
 *
 * Threads: control only.
 * Return:  0, or a negative errno: we lack something that asking takes.
 */
int lb_probe_start(struct weir_reactor *control,
		   const struct lb_check_config *config,
		   const struct lb_server *server, lb_probe_fn *fn, void *data,
		   struct lb_probe **ret_probe);

/**
 * lb_probe_cancel() - do not wait for the answer
 * @probe: the probe, or NULL
 *
 * Threads: control only.
 */
void lb_probe_cancel(struct lb_probe *probe);

/**
 * lb_probe_free() - free a probe that was not answered
 * @probe: the probe, or NULL
 *
 * Threads: main, after weir_pool_join(): its reactor is gone.
 */
void lb_probe_free(struct lb_probe *probe);

#endif /* LB_PROBE_H */
