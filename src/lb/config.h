/* SPDX-License-Identifier: MIT */
#ifndef LB_CONFIG_H
#define LB_CONFIG_H

/*
 * lb/config.h - the configuration file, as plain data
 *
 * doc/weir-lb.conf.example explains each option.  The parser is libconfuse,
 * which keeps global state: one thread reads files, main before the pool runs,
 * the control thread afterwards.
 */
#include <stddef.h>
#include <sys/stat.h>
#include <weir.h>

#include "lb/report.h"

/* Bytes.  Some 10,000 servers; a limit, so that a wrong path cannot make us
 * swallow a disk. */
#define LB_CONFIG_FILE_MAX (1024 * 1024)

enum lb_balance {
	LB_ROUNDROBIN,
	LB_LEASTCONN
};

enum lb_check_kind {
	LB_CHECK_NONE,
	LB_CHECK_CONNECT,
	LB_CHECK_COMMAND
};

/* How a listener's servers are checked. */
struct lb_check_config {
	enum lb_check_kind kind;
	char *command;			/* for /bin/sh, or NULL */
	weir_ns interval;		/* from an answer to the next question */
	weir_ns timeout;
	unsigned fall;			/* bad answers in a row: down */
	unsigned rise;			/* good ones: up */
};

struct lb_target_config {
	struct weir_addr addr;
	char name[WEIR_ADDR_TEXT];	/* weir_addr_format() of addr */
	int line;
	unsigned weight;		/* 1 .. 256 */
};

struct lb_listen_config {
	struct weir_addr addr;
	char name[WEIR_ADDR_TEXT];
	int line;
	enum weir_listener_mode accept;
	enum lb_balance balance;
	weir_ns connect_timeout;
	weir_ns idle_timeout;		/* 0: none */
	weir_ns fail_timeout;
	unsigned tries;			/* 0: as many as there are servers */
	struct lb_check_config check;
	struct lb_target_config *targets;
	size_t target_count;		/* at least 1 */
};

struct lb_config {
	unsigned workers;		/* 0: from CPUs */
	enum weir_listener_mode accept;	/* of those that do not say */
	weir_ns drain_timeout;
	weir_ns stall_limit;		/* 0: not watched */
	int backlog;
	size_t buffer_bytes;
	struct lb_listen_config *listens;
	size_t listen_count;		/* at least 1 */
	struct stat file;		/* the file it was read from */
};

/**
 * lb_config_read() - read and check a file
 * @path:       the file
 * @report:     receives each mistake; report->file is @path
 * @ret_config: receives the configuration, which the caller frees
 *
 * Threads: one at a time in the process.
 * Return:  0, -EINVAL (something was reported) or -ENOMEM.
 */
int lb_config_read(const char *path, struct lb_report *report,
		   struct lb_config **ret_config);

/**
 * lb_config_is_current() - whether the file is still the one that was read
 * @config: what was read
 * @path:   the file
 *
 * Threads: any.
 * Return:  1 or 0.
 */
int lb_config_is_current(const struct lb_config *config, const char *path);

/**
 * lb_config_find() - find a listener by its address
 * @config: the configuration
 * @name:   as weir_addr_format() writes it
 *
 * Threads: any.
 * Return:  the listener, or NULL.
 */
const struct lb_listen_config *lb_config_find(const struct lb_config *config,
					      const char *name);

/**
 * lb_check_config_equal() - whether two ways to check are the same
 * @a: one
 * @b: the other
 *
 * Threads: any.
 * Return:  1 or 0.
 */
int lb_check_config_equal(const struct lb_check_config *a,
			  const struct lb_check_config *b);

/**
 * lb_config_free() - free a configuration
 * @config: the configuration, or NULL
 *
 * Threads: any.
 * Return:  NULL.
 */
struct lb_config *lb_config_free(struct lb_config *config);

#endif /* LB_CONFIG_H */
