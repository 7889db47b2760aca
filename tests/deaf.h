/* SPDX-License-Identifier: MIT */
/*
 * tests/deaf.h - functions for calls that want one, and that do nothing
 */
#ifndef WEIR_TESTS_DEAF_H
#define WEIR_TESTS_DEAF_H

#include <weir.h>

static inline void run_nothing(struct weir_reactor *r,
			       const struct weir_msg *msg, void *data)
{
	(void)r, (void)msg, (void)data;
}

static inline void on_connect(struct weir_reactor *r, weir_token t, int error,
			      void *data)
{
	(void)r, (void)t, (void)error, (void)data;
}

static inline void on_accept(struct weir_reactor *r, int fd,
			     const struct weir_addr *peer, void *data)
{
	(void)r, (void)fd, (void)peer, (void)data;
}

static inline void on_relay(struct weir_reactor *r,
			    const struct weir_relay_result *result, void *data)
{
	(void)r, (void)result, (void)data;
}

static inline void on_signal(struct weir_reactor *control,
			     const struct signalfd_siginfo *info, void *data)
{
	(void)control, (void)info, (void)data;
}

static inline void on_tree(struct weir_reactor *control,
			   const struct weir_tree_event *event, void *data)
{
	(void)control, (void)event, (void)data;
}

static inline void on_watch(struct weir_reactor *control, const char *path,
			    enum weir_watch_event event, void *data)
{
	(void)control, (void)path, (void)event, (void)data;
}

static inline void on_child(struct weir_reactor *control,
			    const struct weir_child_status *status, void *data)
{
	(void)control, (void)status, (void)data;
}

#endif /* WEIR_TESTS_DEAF_H */
