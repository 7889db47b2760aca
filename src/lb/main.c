/* SPDX-License-Identifier: MIT */
/*
 * main.c - weir-lb, a TCP load balancer
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weir.h>

#include "lb/check.h"
#include "lb/config.h"
#include "lb/control.h"
#include "lb/door.h"
#include "lb/lb.h"
#include "lb/log.h"
#include "lb/stats.h"
#include "lb/table.h"
#include "lb/value.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2
};

/* What a connection takes: the client's socket and the server's. */
#define FDS_PER_CONNECTION 2

static const char usage[] =
	"Usage: weir-lb -c FILE [--stats-every SECONDS]\n"
	"       weir-lb -t -c FILE\n";

static const char help[] =
	"weir-lb forwards TCP connections to a list of servers.\n"
	"\n"
	"  -c, --config FILE           the configuration; it is read again when\n"
	"                              it changes, and on SIGHUP\n"
	"  -t, --check                 only check FILE: exit status 0 or 1\n"
	"      --stats-every SECONDS   write a line of statistics to stdout\n"
	"  -h, --help                  this text\n"
	"  -V, --version               the version\n"
	"\n"
	"Signals:\n"
	"  TERM, INT   take no new connections, finish those that are open, for\n"
	"              at most drain_timeout; a second one ends them\n"
	"  HUP         read FILE again; if it is wrong, nothing changes\n"
	"  USR1        write numbers to the log, which is stderr\n"
	"\n"
	"Exit status: 0 after TERM or INT, 1 if it cannot start, 2 for wrong\n"
	"usage.\n";

struct arguments {
	const char *path;
	int is_check;
	weir_ns stats_period;
};

static void print_line(const char *text, void *data)
{
	(void)data;
	fprintf(stderr, "%s\n", text);
}

static int wrong_usage(const char *format, const char *what)
{
	if (format) {
		fprintf(stderr, "weir-lb: ");
		fprintf(stderr, format, what);
		fputc('\n', stderr);
	}
	fprintf(stderr, "%sTry 'weir-lb --help'.\n", usage);
	return EXIT_USAGE;
}

/* Returns -1 to go on, or an exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *args)
{
	enum { STATS_EVERY = 256 };
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 't' },
		{ "stats-every", required_argument, NULL, STATS_EVERY },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:thV", options, NULL)) >= 0)
		switch (option) {
		case 'c':
			args->path = optarg;
			break;
		case 't':
			args->is_check = 1;
			break;
		case STATS_EVERY:
			if (lb_value_seconds(optarg, WEIR_NS_PER_MSEC,
					     86400 * WEIR_NS_PER_SEC,
					     &args->stats_period) < 0)
				return wrong_usage("wrong number of seconds "
						   "'%s'", optarg);
			break;
		case 'h':
			printf("%s\n%s", usage, help);
			return EXIT_OK;
		case 'V':
			printf("weir-lb %s\n", weir_version());
			return EXIT_OK;
		default:
			return wrong_usage(NULL, NULL);
		}
	if (optind < argc)
		return wrong_usage("what is '%s'?", argv[optind]);
	if (!args->path)
		return wrong_usage("%s", "-c FILE is missing");
	return -1;
}

static int check(const char *path)
{
	struct lb_report report = { .file = path, .fn = print_line };
	struct lb_config *config = NULL;
	int r = lb_config_read(path, &report, &config);

	lb_config_free(config);
	if (r == 0) {
		printf("%s: correct\n", path);
		return EXIT_OK;
	}
	if (report.errors == 0)
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
	return EXIT_FAILED;
}

/* Or a socket would be given number 2, and the log's lines. */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* As many descriptors as we are allowed. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void log_limit(void)
{
	struct rlimit limit;
	int lowest_free = dup(STDERR_FILENO);
	rlim_t used = lowest_free < 0 ? 64 : (rlim_t)lowest_free;

	if (lowest_free >= 0)
		close(lowest_free);
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	lb_log(WEIR_LOG_INFO,
	       "%ju descriptors: enough for about %ju connections",
	       (uintmax_t)limit.rlim_cur,
	       limit.rlim_cur > used ?
	       (uintmax_t)(limit.rlim_cur - used) / FDS_PER_CONNECTION : 0);
}

static int on_worker_start(struct weir_reactor *r, void *data)
{
	weir_reactor_set_data(r, data);
	return 0;
}

static void free_down(void *down, void *data)
{
	(void)data;
	free(down);
}

static int lb_init(struct lb *lb, const struct lb_config *config)
{
	const struct weir_pool_options options = {
		.size = sizeof(options),
		.workers = config->workers,
		.drain_ns = config->drain_timeout,
		.name = "weir-lb",
		.on_start = on_worker_start,
		.data = lb,
		.log = lb_log_pool,
	};
	int r = weir_pool_new(&options, &lb->pool);

	for (int i = 0; i < LB_COUNTS && r == 0; i++)
		r = weir_counter_new(lb->pool, &lb->counters[i]);
	if (r == 0)
		r = lb_servers_init(&lb->servers, lb->pool);
	if (r == 0)
		r = weir_snapshot_new(lb->pool, NULL, lb_control_free_table, lb,
				      &lb->tables);
	if (r == 0)
		r = weir_snapshot_new(lb->pool, NULL, free_down, NULL,
				      &lb->down);
	if (r < 0)
		lb_log(WEIR_LOG_ERROR, "cannot start: %s", strerror(-r));
	return r;
}

/* Accepts what lb_init() left half-done. */
static void lb_done(struct lb *lb)
{
	/* The control thread has ended, and its timers with it. */
	lb->control = NULL;
	lb_checks_free(lb);
	lb->down = weir_snapshot_free(lb->down);
	lb->tables = weir_snapshot_free(lb->tables);
	lb_servers_done(&lb->servers);
	lb->stats = lb_stats_free(lb->stats);
	for (int i = 0; i < LB_COUNTS; i++)
		lb->counters[i] = weir_counter_free(lb->counters[i]);
	lb_doors_free(lb);
	lb->config = lb_config_free(lb->config);
	lb->previous = lb_config_free(lb->previous);
	lb->pool = weir_pool_free(lb->pool);
}

static int open_doors(struct lb *lb, struct lb_config *config,
		      struct lb_report *report)
{
	int r = lb_doors_apply(lb, config, report);

	if (r < 0 && report->errors == 0)
		lb_log(WEIR_LOG_ERROR, "cannot start: %s", strerror(-r));
	return r;
}

static int lb_start(struct lb *lb)
{
	int r = lb_control_init(lb);

	if (r < 0) {
		lb_log(WEIR_LOG_ERROR, "cannot start: %s", strerror(-r));
		return r;
	}
	r = weir_pool_start(lb->pool);
	if (r < 0) {
		lb_log(WEIR_LOG_ERROR, "cannot start: %s (%s)", strerror(-r),
		       weir_pool_error(lb->pool));
		return r;
	}
	lb_log(WEIR_LOG_INFO, "%s", weir_pool_describe(lb->pool));
	log_limit();
	lb_log(WEIR_LOG_INFO, "weir-lb %s is ready", weir_version());
	return 0;
}

static void lb_wait(struct lb *lb)
{
	int r = weir_pool_join(lb->pool);

	if (r == -ETIMEDOUT)
		lb_log(WEIR_LOG_WARNING, "drain_timeout is over: %jd "
		       "connections were ended",
		       (intmax_t)lb_count_get(lb, LB_FORCED));
	lb_log(WEIR_LOG_INFO, "stopped after %jd connections",
	       (intmax_t)lb_count_get(lb, LB_TOTAL));
}

static int serve(const struct arguments *args)
{
	struct lb_report report = { .file = args->path,
				    .fn = lb_control_log_error };
	struct lb lb = { .path = args->path,
			 .stats_period = args->stats_period };
	struct lb_config *config = NULL;
	int r = lb_config_read(args->path, &report, &config);

	if (r < 0) {
		if (report.errors == 0)
			lb_control_log_error(strerror(-r), NULL);
		return EXIT_FAILED;
	}
	lb.workers = config->workers;
	raise_limit();
	/* A reader of stdout or stderr that ends is no reason to die. */
	signal(SIGPIPE, SIG_IGN);
	r = lb_init(&lb, config);
	if (r == 0)
		r = open_doors(&lb, config, &report);
	if (r < 0)
		lb_config_free(config);
	else
		r = lb_start(&lb);
	if (r == 0)
		lb_wait(&lb);
	lb_done(&lb);
	return r == 0 ? EXIT_OK : EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct arguments args = { .path = NULL };
	int status;

	fill_standard_fds();
	status = parse_arguments(argc, argv, &args);
	if (status >= 0)
		return status;
	return args.is_check ? check(args.path) : serve(&args);
}
