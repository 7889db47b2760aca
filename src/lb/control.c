/* SPDX-License-Identifier: MIT */
/*
 * control.c - what happens on the control thread
 *
 *     TERM, INT      drain; a second one ends the draining
 *     HUP            read the configuration again
 *     USR1           numbers to the log
 *     file changed   read the configuration again
 *     watchdog       what is stuck, to the log
 *     timers         the line on stdout; the sweep of servers that nobody
 *                    uses; a word on accepts that failed
 */
#include "lb/control.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "lb/check.h"
#include "lb/config.h"
#include "lb/door.h"
#include "lb/log.h"
#include "lb/stats.h"
#include "lb/table.h"

/* Between two looks at servers that wait for their last connection. */
#define SWEEP_NS (250 * WEIR_NS_PER_MSEC)

/* Between two looks at whether accepts have failed. */
#define ACCEPT_CHECK_NS WEIR_NS_PER_SEC

void lb_control_log_error(const char *text, void *data)
{
	(void)data;
	lb_log(WEIR_LOG_ERROR, "%s", text);
}

void lb_control_free_table(void *table, void *data)
{
	struct lb *lb = data;

	lb_table_free(table);
	/* It may have been the last to name some server. */
	if (lb->control && lb->sweep_timer)
		weir_timer_start(lb->sweep_timer, 0);
}

static void on_sweep(struct weir_reactor *control, struct weir_timer *timer,
		     void *data)
{
	struct lb *lb = data;

	(void)control;
	if (lb_servers_sweep(&lb->servers) > 0)
		weir_timer_start(timer, SWEEP_NS);
}

/* Does an address that stays want to be accepted from in another way? */
static int has_other_accepts(const struct lb_config *old,
			      const struct lb_config *config)
{
	for (size_t i = 0; i < config->listen_count; i++) {
		const struct lb_listen_config *listen = &config->listens[i];
		const struct lb_listen_config *was =
			lb_config_find(old, listen->name);

		if (was && was->accept != listen->accept)
			return 1;
	}
	return 0;
}

/* Says what a reload cannot change. */
static void warn_of_changes(const struct lb *lb,
			    const struct lb_config *config)
{
	const struct lb_config *old = lb->config;

	if (lb->workers != config->workers)
		lb_log(WEIR_LOG_WARNING,
		       "workers = %u needs a restart; it is %u until then",
		       config->workers, lb->workers);
	if (has_other_accepts(old, config) || old->backlog != config->backlog)
		lb_log(WEIR_LOG_WARNING,
		       "accept and backlog hold for listeners opened from now "
		       "on; a restart is needed for the others");
}

/* A stall is a line in the log, which is the pool's too. */
static void watch_stalls(struct lb *lb)
{
	const struct weir_watchdog_options options = {
		.size = sizeof(options), .limit = lb->config->stall_limit,
	};
	int r = weir_watchdog_start(lb->pool, &options);

	if (r < 0)
		lb_log(WEIR_LOG_WARNING, "stalls are not watched: %s",
		       strerror(-r));
}

static void reload(struct lb *lb, const char *why)
{
	struct lb_report report = { .file = lb->path,
				    .fn = lb_control_log_error };
	struct lb_config *config = NULL;
	int r;

	if (lb->is_draining) {
		lb_log(WEIR_LOG_WARNING, "%s: draining, so not reloaded", why);
		return;
	}
	r = lb_config_read(lb->path, &report, &config);
	if (r == 0)
		warn_of_changes(lb, config);
	if (r == 0)
		r = lb_doors_apply(lb, config, &report);
	if (r == 0) {
		if (lb->control)
			lb_checks_apply(lb);
		lb->reloads++;
		watch_stalls(lb);
		lb_log(WEIR_LOG_INFO, "%s: %s is in force (reload %ju)", why,
		       lb->path, (uintmax_t)lb->reloads);
		return;
	}
	lb_config_free(config);
	lb->reload_errors++;
	if (report.errors == 0)
		lb_control_log_error(strerror(-r), NULL);
	lb_log(WEIR_LOG_ERROR, "%s: the configuration in force stays", why);
}

static void on_watch(struct weir_reactor *control, const char *path,
		     enum weir_watch_event event, void *data)
{
	(void)control;
	if (event == WEIR_WATCH_GONE)
		lb_log(WEIR_LOG_WARNING,
		       "%s is gone; the configuration in force stays", path);
	else
		reload(data, "file changed");
}

static void on_hup(struct weir_reactor *control,
		   const struct signalfd_siginfo *info, void *data)
{
	(void)control;
	(void)info;
	reload(data, "SIGHUP");
}

static void on_usr1(struct weir_reactor *control,
		    const struct signalfd_siginfo *info, void *data)
{
	(void)control;
	(void)info;
	lb_stats_log(data);
}

static void on_term(struct weir_reactor *control,
		    const struct signalfd_siginfo *info, void *data)
{
	struct lb *lb = data;
	weir_ns limit = lb->is_draining ? 0 : lb->config->drain_timeout;

	(void)control;
	lb_log(WEIR_LOG_INFO, "%s: %jd connections, draining for at most %g s",
	       info->ssi_signo == SIGINT ? "SIGINT" : "SIGTERM",
	       (intmax_t)lb_count_get(lb, LB_NOW),
	       (double)limit / WEIR_NS_PER_SEC);
	lb->is_draining = 1;
	lb_checks_stop(lb);
	if (weir_pool_drain(lb->pool, limit) < 0)
		weir_pool_stop(lb->pool);
}

static void on_stats(struct weir_reactor *control, struct weir_timer *timer,
		     void *data)
{
	struct lb_stats *stats = data;
	int r = lb_stats_emit(stats);

	(void)control;
	if (r == 0 || r == -EAGAIN || r == -ENOMEM)
		return;
	lb_log(WEIR_LOG_WARNING, "stdout: %s; no more statistics there",
	       strerror(-r));
	weir_timer_stop(timer);
}

/* The library pauses and tries again, and leaves it to us to say so. */
static void on_accept_check(struct weir_reactor *control,
			    struct weir_timer *timer, void *data)
{
	struct lb *lb = data;
	struct weir_stats workers = { .size = sizeof(workers) };
	struct weir_stats own = { .size = sizeof(own) };
	uint64_t errors;

	(void)control;
	(void)timer;
	/* With accept = handoff it is this thread that accepts. */
	weir_pool_stats(lb->pool, WEIR_ALL, &workers);
	weir_pool_stats(lb->pool, WEIR_CONTROL, &own);
	errors = workers.accept_errors + own.accept_errors;
	if (errors == lb->accept_errors)
		return;
	lb_log(WEIR_LOG_ERROR, "%ju accepts failed for want of descriptors or "
	       "memory; who waits is accepted later",
	       (uintmax_t)(errors - lb->accept_errors));
	lb->accept_errors = errors;
}

static int start_accept_check(struct weir_reactor *control, struct lb *lb)
{
	struct weir_timer *timer;
	int r = weir_timer_new(control, on_accept_check, lb, &timer);

	return r < 0 ? r : weir_timer_start_every(timer, ACCEPT_CHECK_NS);
}

static int start_stats(struct weir_reactor *control, struct lb *lb)
{
	struct weir_timer *timer;
	int r = lb_stats_new(lb, &lb->stats);

	if (r == 0)
		r = weir_timer_new(control, on_stats, lb->stats, &timer);
	if (r == 0)
		r = weir_timer_start_every(timer, lb->stats_period);
	return r;
}

/* The first thing on the control thread. */
static void run_begin(struct weir_reactor *control, const struct weir_msg *msg,
		      void *data)
{
	struct lb *lb = msg->arg;
	int r = weir_timer_new(control, on_sweep, lb, &lb->sweep_timer);

	(void)data;
	lb->control = control;
	if (r == 0)
		r = weir_timer_start(lb->sweep_timer, 0);
	if (r == 0)
		r = start_accept_check(control, lb);
	if (r == 0 && lb->stats_period > 0)
		r = start_stats(control, lb);
	if (r < 0)
		lb_log(WEIR_LOG_ERROR, "timers: %s", strerror(-r));
	lb_checks_apply(lb);
	/* What was written between the first reading and the watch. */
	if (!lb_config_is_current(lb->config, lb->path))
		reload(lb, "file changed");
}

static int watch(struct lb *lb)
{
	weir_token token;
	int r = weir_watch_add(lb->pool, lb->path, on_watch, lb, &token);

	if (r < 0)
		lb_log(WEIR_LOG_WARNING,
		       "%s cannot be watched: %s; send SIGHUP to reload",
		       lb->path, strerror(-r));
	return r;
}

int lb_control_init(struct lb *lb)
{
	static const struct weir_call begin = { .run = run_begin };
	int r = weir_signal_add(lb->pool, SIGTERM, on_term, lb);

	if (r == 0)
		r = weir_signal_add(lb->pool, SIGINT, on_term, lb);
	if (r == 0)
		r = weir_signal_add(lb->pool, SIGHUP, on_hup, lb);
	if (r == 0)
		r = weir_signal_add(lb->pool, SIGUSR1, on_usr1, lb);
	if (r < 0)
		return r;
	watch(lb);
	watch_stalls(lb);
	return weir_post(lb->pool, WEIR_CONTROL, &begin, lb, 0);
}
