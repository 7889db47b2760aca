/* SPDX-License-Identifier: MIT */
/*
 * config.c - the configuration file, as plain data
 *
 * libconfuse does the syntax.  Every option is a CFG_PTR: its text and its line
 * are kept as they stand, and checked here once the whole file has been parsed,
 * so that one run names every mistake.  The lines of sections, which libconfuse
 * does not keep, come from scan.c.
 */
#include "lb/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lb/scan.h"
#include "lb/value.h"

#define WEIGHT_MAX 256
#define TRIES_MAX 1024
#define WORKERS_MAX 1024

/* The right side of an equal sign. */
struct word {
	int line;
	char text[];
};

struct reader {
	struct lb_report *report;
	struct lb_scan scan;
	size_t next_section;	/* in scan.lines */
};

/* The one being parsed, for complain(): libconfuse hands it no data. */
static struct lb_report *parsing;

/* The line of the word that libconfuse has let go of; 0: of none.  While it
 * parses it does so only to make room for another one. */
static int replaced_line;

static void drop_word(void *data)
{
	struct word *word = data;

	replaced_line = word->line;
	free(word);
}

static int keep_word(cfg_t *cfg, cfg_opt_t *opt, const char *value,
		     void *result)
{
	size_t size = strlen(value) + 1;
	struct word *word;

	if (replaced_line > 0) {
		cfg_error(cfg, "%s = '%s', but line %d has it already",
			  opt->name, value, replaced_line);
		return -1;
	}
	word = malloc(sizeof(*word) + size);
	if (!word)
		return -1;
	word->line = cfg->line;
	memcpy(word->text, value, size);
	*(void **)result = word;
	return 0;
}

static void complain(cfg_t *cfg, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	lb_report_error(parsing, cfg->line, "%s", text);
}

#define WORD(name) \
	CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, keep_word, drop_word)
#define SECTION(name, options) \
	CFG_SEC(name, options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

/* Returns NULL after a mistake, which was reported unless memory was short. */
static cfg_t *parse(char *text, struct lb_report *report)
{
	cfg_opt_t server[] = { WORD("weight"), CFG_END() };
	cfg_opt_t listen[] = {
		WORD("accept"),
		WORD("balance"),
		WORD("connect_timeout"),
		WORD("idle_timeout"),
		WORD("fail_timeout"),
		WORD("tries"),
		WORD("check"),
		WORD("check_command"),
		WORD("check_interval"),
		WORD("check_timeout"),
		WORD("check_fall"),
		WORD("check_rise"),
		SECTION("server", server),
		CFG_END()
	};
	cfg_opt_t root[] = {
		WORD("workers"),
		WORD("accept"),
		WORD("drain_timeout"),
		WORD("stall_limit"),
		WORD("backlog"),
		WORD("buffer"),
		SECTION("listen", listen),
		CFG_END()
	};
	cfg_t *cfg = cfg_init(root, CFGF_NONE);

	if (!cfg)
		return NULL;
	parsing = report;
	replaced_line = 0;
	cfg_set_error_function(cfg, complain);
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS) {
		cfg_free(cfg);
		return NULL;
	}
	return cfg;
}

static const struct word *get_word(cfg_t *cfg, const char *name)
{
	return cfg_opt_getnptr(cfg_getopt(cfg, name), 0);
}

static uint64_t get_count(struct reader *in, cfg_t *cfg, const char *name,
			  uint64_t by_default, uint64_t min, uint64_t max)
{
	const struct word *word = get_word(cfg, name);
	uint64_t value = by_default;

	if (word && lb_value_count(word->text, min, max, &value) < 0)
		lb_report_error(in->report, word->line,
				"%s must be a whole number, %ju to %ju, "
				"not '%s'", name, (uintmax_t)min,
				(uintmax_t)max, word->text);
	return value;
}

/* @min and @max in nanoseconds, as @by_default. */
static weir_ns get_seconds(struct reader *in, cfg_t *cfg, const char *name,
			   weir_ns by_default, weir_ns min, weir_ns max)
{
	const struct word *word = get_word(cfg, name);
	weir_ns value = by_default;

	if (word && lb_value_seconds(word->text, min, max, &value) < 0)
		lb_report_error(in->report, word->line,
				"%s must be in seconds, %g to %g, not '%s'",
				name, (double)min / WEIR_NS_PER_SEC,
				(double)max / WEIR_NS_PER_SEC, word->text);
	return value;
}

/* The same, or 0 for none. */
static weir_ns get_limit(struct reader *in, cfg_t *cfg, const char *name,
			 weir_ns by_default, weir_ns min, weir_ns max)
{
	const struct word *word = get_word(cfg, name);
	weir_ns value;

	if (word && lb_value_seconds(word->text, 0, 0, &value) == 0)
		return 0;
	return get_seconds(in, cfg, name, by_default, min, max);
}

/* "a, b or c" */
static void list_choices(const char *const *choices, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; choices[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 i == 0 ? "" :
					 choices[i + 1] ? ", " : " or ",
					 choices[i]);
}

/* The number of a word among @choices, which end with NULL; the first one is
 * the default. */
static int get_choice(struct reader *in, cfg_t *cfg, const char *name,
		      const char *const *choices)
{
	const struct word *word = get_word(cfg, name);
	char list[256];

	for (int i = 0; word && choices[i]; i++)
		if (strcmp(word->text, choices[i]) == 0)
			return i;
	list_choices(choices, list, sizeof(list));
	if (word)
		lb_report_error(in->report, word->line,
				"%s must be %s, not '%s'", name, list,
				word->text);
	return 0;
}

static enum weir_listener_mode get_accept(struct reader *in, cfg_t *cfg,
					  enum weir_listener_mode by_default)
{
	const char *names[8] = { NULL };

	for (int i = 0; i < 7; i++)
		names[i] = weir_listener_mode_name((enum weir_listener_mode)i);
	if (!get_word(cfg, "accept"))
		return by_default;
	return (enum weir_listener_mode)get_choice(in, cfg, "accept", names);
}

/* A section's title; fills in @addr and @name with what it means. */
static void get_title(struct reader *in, cfg_t *cfg, int line,
		      struct weir_addr *addr, char name[WEIR_ADDR_TEXT])
{
	const char *title = cfg_title(cfg);

	if (weir_addr_parse(title, addr) < 0)
		lb_report_error(in->report, line,
				"%s needs an address such as \"192.0.2.1:80\", "
				"\"[2001:db8::1]:80\" or \"unix:/path\", "
				"not '%s'", cfg_name(cfg), title);
	else
		weir_addr_format(addr, name, WEIR_ADDR_TEXT);
}

static int has_no_port(const struct weir_addr *addr)
{
	const struct sockaddr_in *in4 = (const void *)&addr->ss;
	const struct sockaddr_in6 *in6 = (const void *)&addr->ss;

	if (addr->ss.ss_family == AF_INET)
		return in4->sin_port == 0;
	return addr->ss.ss_family == AF_INET6 && in6->sin6_port == 0;
}

static int next_line(struct reader *in)
{
	if (in->next_section == in->scan.count)
		return 0;
	return in->scan.lines[in->next_section++];
}

static void read_target(struct reader *in, cfg_t *cfg,
			const struct lb_listen_config *listen,
			struct lb_target_config *target)
{
	target->line = next_line(in);
	get_title(in, cfg, target->line, &target->addr, target->name);
	if (has_no_port(&target->addr))
		lb_report_error(in->report, target->line,
				"server needs a port, not '%s'",
				cfg_title(cfg));
	/* libconfuse compares titles; this finds 0:80 beside 0.0.0.0:80. */
	for (const struct lb_target_config *other = listen->targets;
	     other < target; other++)
		if (other->addr.len > 0 && target->addr.len > 0 &&
		    strcmp(other->name, target->name) == 0)
			lb_report_error(in->report, target->line,
					"server '%s' stands in line %d already",
					target->name, other->line);
	target->weight = (unsigned)get_count(in, cfg, "weight", 1, 1,
					     WEIGHT_MAX);
}

static int read_targets(struct reader *in, cfg_t *cfg,
			struct lb_listen_config *listen)
{
	unsigned count = cfg_size(cfg, "server");

	if (count == 0) {
		lb_report_error(in->report, listen->line,
				"listen '%s' has no server", cfg_title(cfg));
		return 0;
	}
	listen->targets = calloc(count, sizeof(*listen->targets));
	if (!listen->targets)
		return -ENOMEM;
	listen->target_count = count;
	for (unsigned i = 0; i < count; i++)
		read_target(in, cfg_getnsec(cfg, "server", i), listen,
			    &listen->targets[i]);
	return 0;
}

/* A command, and the word that asks for one, need each other. */
static void check_command(struct reader *in, cfg_t *cfg, int line,
			  const struct lb_check_config *check)
{
	const struct word *command = get_word(cfg, "check_command");

	if (check->kind == LB_CHECK_COMMAND && !command)
		lb_report_error(in->report, line,
				"check = command needs a check_command");
	else if (check->kind != LB_CHECK_COMMAND && command)
		lb_report_error(in->report, command->line,
				"check_command = '%s' needs check = command",
				command->text);
}

static int read_check(struct reader *in, cfg_t *cfg, int line,
		      struct lb_check_config *check)
{
	static const char *const kinds[] = { "none", "connect", "command",
					     NULL };
	const struct word *command = get_word(cfg, "check_command");

	check->kind = (enum lb_check_kind)get_choice(in, cfg, "check", kinds);
	check->interval = get_seconds(in, cfg, "check_interval",
				      2 * WEIR_NS_PER_SEC,
				      10 * WEIR_NS_PER_MSEC,
				      3600 * WEIR_NS_PER_SEC);
	check->timeout = get_seconds(in, cfg, "check_timeout", WEIR_NS_PER_SEC,
				     WEIR_NS_PER_MSEC, 3600 * WEIR_NS_PER_SEC);
	check->fall = (unsigned)get_count(in, cfg, "check_fall", 3, 1, 100);
	check->rise = (unsigned)get_count(in, cfg, "check_rise", 2, 1, 100);
	check_command(in, cfg, line, check);
	if (!command)
		return 0;
	check->command = strdup(command->text);
	return check->command ? 0 : -ENOMEM;
}

static int read_listen(struct reader *in, cfg_t *cfg,
		       const struct lb_config *config,
		       struct lb_listen_config *listen)
{
	static const char *const balances[] = { "roundrobin", "leastconn",
						NULL };

	listen->line = next_line(in);
	get_title(in, cfg, listen->line, &listen->addr, listen->name);
	for (const struct lb_listen_config *other = config->listens;
	     other < listen; other++)
		if (other->addr.len > 0 && listen->addr.len > 0 &&
		    strcmp(other->name, listen->name) == 0)
			lb_report_error(in->report, listen->line,
					"listen '%s' stands in line %d already",
					listen->name, other->line);
	listen->accept = get_accept(in, cfg, config->accept);
	listen->balance = (enum lb_balance)get_choice(in, cfg, "balance",
						      balances);
	listen->connect_timeout = get_seconds(in, cfg, "connect_timeout",
					      WEIR_NS_PER_SEC,
					      WEIR_NS_PER_MSEC,
					      3600 * WEIR_NS_PER_SEC);
	listen->idle_timeout = get_seconds(in, cfg, "idle_timeout", 0, 0,
					   604800 * WEIR_NS_PER_SEC);
	listen->fail_timeout = get_seconds(in, cfg, "fail_timeout",
					   WEIR_NS_PER_SEC, 0,
					   3600 * WEIR_NS_PER_SEC);
	listen->tries = (unsigned)get_count(in, cfg, "tries", 0, 0, TRIES_MAX);
	if (read_check(in, cfg, listen->line, &listen->check) < 0)
		return -ENOMEM;
	return read_targets(in, cfg, listen);
}

static int read_root(struct reader *in, cfg_t *cfg, struct lb_config *config)
{
	unsigned count = cfg_size(cfg, "listen");
	int r = 0;

	config->workers = (unsigned)get_count(in, cfg, "workers", 0, 0,
					      WORKERS_MAX);
	config->accept = get_accept(in, cfg, WEIR_LISTENER_SHARDED);
	config->drain_timeout = get_seconds(in, cfg, "drain_timeout",
					    30 * WEIR_NS_PER_SEC, 0,
					    86400 * WEIR_NS_PER_SEC);
	config->stall_limit = get_limit(in, cfg, "stall_limit", WEIR_NS_PER_SEC,
					WEIR_NS_PER_MSEC,
					3600 * WEIR_NS_PER_SEC);
	config->backlog = (int)get_count(in, cfg, "backlog", 4096, 1, 65535);
	config->buffer_bytes = (size_t)get_count(in, cfg, "buffer", 16384,
						 4096, 65536);
	if (count == 0) {
		lb_report_error(in->report, 0, "there is no listen section");
		return -EINVAL;
	}
	config->listens = calloc(count, sizeof(*config->listens));
	if (!config->listens)
		return -ENOMEM;
	config->listen_count = count;
	for (unsigned i = 0; i < count && r == 0; i++)
		r = read_listen(in, cfg_getnsec(cfg, "listen", i), config,
				&config->listens[i]);
	return r;
}

static int read_text(char *text, struct lb_report *report,
		     struct lb_config *config)
{
	struct reader in = { .report = report };
	int r = lb_scan_text(text, report, &in.scan);
	cfg_t *cfg;

	if (r < 0)
		return r;
	cfg = parse(text, report);
	if (cfg) {
		r = read_root(&in, cfg, config);
		cfg_free(cfg);
	} else {
		r = report->errors > 0 ? -EINVAL : -ENOMEM;
	}
	lb_scan_done(&in.scan);
	return r == 0 && report->errors > 0 ? -EINVAL : r;
}

/* Reports what is wrong with the file as a whole. */
static int check_file(const struct stat *file, struct lb_report *report)
{
	if (!S_ISREG(file->st_mode))
		lb_report_error(report, 0, "not a regular file");
	else if (file->st_size == 0)
		lb_report_error(report, 0, "the file is empty");
	else if (file->st_size > LB_CONFIG_FILE_MAX)
		lb_report_error(report, 0,
				"%jd bytes; a configuration has at most %d",
				(intmax_t)file->st_size, LB_CONFIG_FILE_MAX);
	else
		return 0;
	return -EINVAL;
}

/* Reads all of @fd into @text, which has room for one byte more than @size. */
static ssize_t read_all(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0 && length < size) {
		n = weir_fd_read(fd, text + length, size - length);
		if (n > 0)
			length += (size_t)n;
	}
	text[length] = '\0';
	return n < 0 ? n : (ssize_t)length;
}

static int line_of(const char *text, size_t offset)
{
	int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += text[i] == '\n';
	return line;
}

static int load(int fd, struct lb_report *report, struct lb_config *config)
{
	size_t size = (size_t)config->file.st_size;
	char *text = malloc(size + 1);
	ssize_t n;
	int r;

	if (!text)
		return -ENOMEM;
	n = read_all(fd, text, size);
	if (n < 0) {
		lb_report_error(report, 0, "cannot be read: %s",
				strerror((int)-n));
		r = -EINVAL;
	} else if (strlen(text) < (size_t)n) {
		lb_report_error(report, line_of(text, strlen(text)),
				"a byte of value 0: this is no text");
		r = -EINVAL;
	} else {
		r = read_text(text, report, config);
	}
	free(text);
	return r;
}

int lb_config_read(const char *path, struct lb_report *report,
		   struct lb_config **ret_config)
{
	struct lb_config *config;
	/* Not blocking, should it be a pipe. */
	int r = -EINVAL, fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		lb_report_error(report, 0, "cannot be read: %s",
				strerror(errno));
		return -EINVAL;
	}
	config = calloc(1, sizeof(*config));
	if (!config)
		r = -ENOMEM;
	else if (fstat(fd, &config->file) == 0 &&
		 check_file(&config->file, report) == 0)
		r = load(fd, report, config);
	close(fd);
	if (r < 0) {
		lb_config_free(config);
		return r;
	}
	*ret_config = config;
	return 0;
}

int lb_config_is_current(const struct lb_config *config, const char *path)
{
	struct stat now;

	return stat(path, &now) == 0 && now.st_dev == config->file.st_dev &&
	       now.st_ino == config->file.st_ino &&
	       now.st_size == config->file.st_size &&
	       now.st_mtim.tv_sec == config->file.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == config->file.st_mtim.tv_nsec;
}

const struct lb_listen_config *lb_config_find(const struct lb_config *config,
					      const char *name)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (strcmp(config->listens[i].name, name) == 0)
			return &config->listens[i];
	return NULL;
}

int lb_check_config_equal(const struct lb_check_config *a,
			  const struct lb_check_config *b)
{
	if (a->kind != b->kind || a->interval != b->interval ||
	    a->timeout != b->timeout || a->fall != b->fall ||
	    a->rise != b->rise || !a->command != !b->command)
		return 0;
	return !a->command || strcmp(a->command, b->command) == 0;
}

struct lb_config *lb_config_free(struct lb_config *config)
{
	if (!config)
		return NULL;
	for (size_t i = 0; i < config->listen_count; i++) {
		free(config->listens[i].targets);
		free(config->listens[i].check.command);
	}
	free(config->listens);
	free(config);
	return NULL;
}
