/* SPDX-License-Identifier: MIT */
/*
 * test_lb_config.c - a configuration is read exactly, or refused with its line
 */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lb/config.h"
#include "lb/value.h"

#define SERVER "server \"192.0.2.1:80\" {}"
#define LISTEN "listen \"127.0.0.1:1\" { " SERVER " }\n"

static char messages[4096];

static void keep_message(const char *text, void *data)
{
	size_t used = strlen(messages);

	(void)data;
	snprintf(messages + used, sizeof(messages) - used, "%s\n", text);
}

/* Reads @size bytes as a file named "f". */
static int read_bytes(const char *text, size_t size,
		      struct lb_config **ret_config)
{
	struct lb_report report = { .file = "f", .fn = keep_message };
	char path[] = "/tmp/weir-test-lb.XXXXXX";
	int r, fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, size), size);
	messages[0] = '\0';
	r = lb_config_read(path, &report, ret_config);
	CHECK_EQ(report.errors > 0, r < 0);
	close(fd);
	unlink(path);
	return r;
}

static struct lb_config *read_good(const char *text)
{
	struct lb_config *config = NULL;
	int r = read_bytes(text, strlen(text), &config);

	if (r < 0)
		NOTE("%s", messages);
	CHECK_EQ(r, 0);
	return config;
}

/* Checks that @text is refused, with just these messages. */
static void check_bad(const char *text, const char *wanted)
{
	struct lb_config *untouched = (struct lb_config *)messages;
	struct lb_config *config = untouched;

	CHECK_EQ(read_bytes(text, strlen(text), &config), -EINVAL);
	CHECK(config == untouched);
	CHECK_STR(messages, wanted);
}

TEST(defaults)
{
	struct lb_config *config = read_good(LISTEN);
	struct lb_listen_config *listen = &config->listens[0];

	CHECK_EQ(config->workers, 0);
	CHECK_EQ(config->accept, WEIR_LISTENER_SHARDED);
	CHECK_EQ(config->drain_timeout, 30 * WEIR_NS_PER_SEC);
	CHECK_EQ(config->stall_limit, WEIR_NS_PER_SEC);
	CHECK_EQ(config->backlog, 4096);
	CHECK_EQ(config->buffer_bytes, 16384);
	CHECK_EQ(config->listen_count, 1);
	CHECK_STR(listen->name, "127.0.0.1:1");
	CHECK_EQ(listen->balance, LB_ROUNDROBIN);
	CHECK_EQ(listen->connect_timeout, WEIR_NS_PER_SEC);
	CHECK_EQ(listen->idle_timeout, 0);
	CHECK_EQ(listen->fail_timeout, WEIR_NS_PER_SEC);
	CHECK_EQ(listen->tries, 0);
	CHECK_EQ(listen->target_count, 1);
	CHECK_STR(listen->targets[0].name, "192.0.2.1:80");
	CHECK_EQ(listen->targets[0].weight, 1);
	lb_config_free(config);
}

TEST(every_option)
{
	struct lb_config *config = read_good(
		"workers = 3\n accept = handoff\n drain_timeout = 0.5\n"
		"stall_limit = 0.001\n"
		"backlog = 65535\n buffer = '4096'\n"
		"listen unix:/a//b {\n balance = leastconn\n"
		"  connect_timeout = 0.001\n idle_timeout = 604800\n"
		"  fail_timeout = 2.000000001\n tries = 2\n"
		"  server [::1]:80 { weight = 256 }\n"
		"  server \"192.0.2.1:80\" { weight = 1 }\n}\n");
	struct lb_listen_config *listen = &config->listens[0];

	CHECK_EQ(config->workers, 3);
	CHECK_EQ(config->accept, WEIR_LISTENER_HANDOFF);
	CHECK_EQ(config->drain_timeout, WEIR_NS_PER_SEC / 2);
	CHECK_EQ(config->stall_limit, WEIR_NS_PER_MSEC);
	CHECK_EQ(config->backlog, 65535);
	CHECK_EQ(config->buffer_bytes, 4096);
	CHECK_STR(listen->name, "unix:/a//b");
	CHECK_EQ(listen->balance, LB_LEASTCONN);
	CHECK_EQ(listen->connect_timeout, WEIR_NS_PER_MSEC);
	CHECK_EQ(listen->idle_timeout, 604800 * WEIR_NS_PER_SEC);
	CHECK_EQ(listen->fail_timeout, 2 * WEIR_NS_PER_SEC + 1);
	CHECK_EQ(listen->tries, 2);
	CHECK_STR(listen->targets[0].name, "[::1]:80");
	CHECK_EQ(listen->targets[0].weight, 256);
	CHECK_EQ(listen->targets[1].weight, 1);
	lb_config_free(config);
}

TEST(an_address_may_be_accepted_from_in_its_own_way)
{
	struct lb_config *config = read_good(
		"listen \"127.0.0.1:1\" { accept = steered\n " SERVER " }"
		"listen \"127.0.0.1:2\" { " SERVER " }"
		"listen \"127.0.0.1:3\" { accept = sharded\n " SERVER " }"
		"accept = handoff\n");

	CHECK_EQ(config->listens[0].accept, WEIR_LISTENER_STEERED);
	CHECK_EQ(config->listens[1].accept, WEIR_LISTENER_HANDOFF);
	CHECK_EQ(config->listens[2].accept, WEIR_LISTENER_SHARDED);
	lb_config_free(config);
	check_bad("listen \"127.0.0.1:1\" {\n accept = steer\n" SERVER " }",
		  "f:2: accept must be sharded, handoff or steered, not "
		  "'steer'\n");
}

TEST(lines_are_exact_after_comments)
{
	struct lb_config *config = read_good(
		"/* one */ # { \" not a string\n/* two\n three */ // {'\n\n"
		"listen \"127.0.0.1:1\" # here\n{ /* } */\n  " SERVER "\n"
		"server \"192.0.2.2:80\"\r\n { } }\n"
		"listen \"127.0.0.1:2\" { " SERVER " }");

	CHECK_EQ(config->listens[0].line, 6);
	CHECK_EQ(config->listens[0].targets[0].line, 7);
	CHECK_EQ(config->listens[0].targets[1].line, 9);
	CHECK_EQ(config->listens[1].line, 10);
	CHECK_EQ(config->listens[1].targets[0].line, 10);
	lb_config_free(config);
}

TEST(the_environment_is_known)
{
	struct lb_config *config;

	setenv("LB_TEST_PORT", "77", 1);
	config = read_good("listen \"127.0.0.1:${LB_TEST_PORT}\" {"
			   "server \"192.0.2.1:${LB_TEST_NONE:-8}\" {} }");
	CHECK_STR(config->listens[0].name, "127.0.0.1:77");
	CHECK_STR(config->listens[0].targets[0].name, "192.0.2.1:8");
	lb_config_free(config);
}

TEST(zero_is_no_stall_limit)
{
	struct lb_config *config = read_good(LISTEN "stall_limit = 0\n");

	CHECK_EQ(config->stall_limit, 0);
	lb_config_free(config);
}

TEST(numbers_are_strict)
{
	check_bad(LISTEN "workers = abc\n", "f:2: workers must be a whole "
		  "number, 0 to 1024, not 'abc'\n");
	check_bad(LISTEN "workers = 1025", "f:2: workers must be a whole "
		  "number, 0 to 1024, not '1025'\n");
	check_bad(LISTEN "\n\nworkers = -1", "f:4: workers must be a whole "
		  "number, 0 to 1024, not '-1'\n");
	check_bad(LISTEN "backlog = 0", "f:2: backlog must be a whole "
		  "number, 1 to 65535, not '0'\n");
	check_bad(LISTEN "buffer = 0x2000", "f:2: buffer must be a whole "
		  "number, 4096 to 65536, not '0x2000'\n");
	check_bad(LISTEN "drain_timeout = nan", "f:2: drain_timeout must be "
		  "in seconds, 0 to 86400, not 'nan'\n");
	check_bad(LISTEN "drain_timeout = ''", "f:2: drain_timeout must be "
		  "in seconds, 0 to 86400, not ''\n");
	check_bad(LISTEN "stall_limit = 0.0005", "f:2: stall_limit must be in "
		  "seconds, 0.001 to 3600, not '0.0005'\n");
	check_bad("listen \"127.0.0.1:1\" { " SERVER "\n"
		  "tries = 99999999999999999999 }",
		  "f:2: tries must be a whole number, 0 to 1024, "
		  "not '99999999999999999999'\n");
	check_bad("listen \"127.0.0.1:1\" {\n server \"192.0.2.1:80\" {\n"
		  "weight = 257 } }",
		  "f:3: weight must be a whole number, 1 to 256, not '257'\n");
}

TEST(seconds_are_strict)
{
	static const char *const bad[] = { "", ".", ".5", "5.", "1e3", "5s",
		"+1", " 1", "1.0000000000", "1..2", "inf", "0x1" };
	weir_ns value = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(lb_value_seconds(bad[i], 0, WEIR_FOREVER, &value),
			 -EINVAL);
	CHECK_EQ(lb_value_seconds("99999999999999999999", 0, WEIR_FOREVER,
				  &value), -ERANGE);
	CHECK_EQ(value, 7);
	CHECK_EQ(lb_value_seconds("0.000000001", 0, WEIR_FOREVER, &value), 0);
	CHECK_EQ(value, 1);
	CHECK_EQ(lb_value_seconds("3600.0", 0, 3600 * WEIR_NS_PER_SEC, &value),
		 0);
	CHECK_EQ(lb_value_seconds("3600.000000001", 0, 3600 * WEIR_NS_PER_SEC,
				  &value), -ERANGE);
}

TEST(words_and_addresses_are_strict)
{
	check_bad("foo = 3\n" LISTEN, "f:1: no such option 'foo'\n");
	check_bad("listen \"127.0.0.1:1\" {\n balance = rr\n" SERVER " }",
		  "f:2: balance must be roundrobin or leastconn, not 'rr'\n");
	check_bad(LISTEN "accept = any", "f:2: accept must be sharded, "
		  "handoff or steered, not 'any'\n");
	check_bad("\nlisten nowhere { " SERVER " }",
		  "f:2: listen needs an address such as \"192.0.2.1:80\", "
		  "\"[2001:db8::1]:80\" or \"unix:/path\", not 'nowhere'\n");
	check_bad("listen \"127.0.0.1:1\" {\nserver \"192.0.2.1:0\" {} }",
		  "f:2: server needs a port, not '192.0.2.1:0'\n");
	check_bad("listen *:80 { " SERVER " }",
		  "f:1: '*' must stand in double quotes\n");
	check_bad("workers = ${HOME}\n" LISTEN,
		  "f:1: '$' must stand in double quotes\n");
}

TEST(checks_are_read_whole_or_refused)
{
	struct lb_config *config = read_good(
		"listen \"127.0.0.1:1\" { " SERVER " }\n"
		"listen \"127.0.0.1:2\" {\n check = command\n"
		" check_command = 'a b' check_interval = 0.01\n"
		" check_timeout = 3 check_fall = 1 check_rise = 100\n"
		SERVER " }\n");
	const struct lb_check_config *none = &config->listens[0].check;
	const struct lb_check_config *all = &config->listens[1].check;

	CHECK_EQ(none->kind, LB_CHECK_NONE);
	CHECK(none->command == NULL);
	CHECK_EQ(none->interval, 2 * WEIR_NS_PER_SEC);
	CHECK_EQ(none->timeout, WEIR_NS_PER_SEC);
	CHECK_EQ(none->fall, 3);
	CHECK_EQ(none->rise, 2);
	CHECK_EQ(all->kind, LB_CHECK_COMMAND);
	CHECK_STR(all->command, "a b");
	CHECK_EQ(all->interval, 10 * WEIR_NS_PER_MSEC);
	CHECK_EQ(all->timeout, 3 * WEIR_NS_PER_SEC);
	CHECK_EQ(all->fall, 1);
	CHECK_EQ(all->rise, 100);
	CHECK(!lb_check_config_equal(none, all));
	CHECK(lb_check_config_equal(all, all));
	lb_config_free(config);
	check_bad("\nlisten \"127.0.0.1:1\" {\n check = ping\n" SERVER " }",
		  "f:3: check must be none, connect or command, not 'ping'\n");
	check_bad("\nlisten \"127.0.0.1:1\" {\n check = command\n" SERVER
		  " }", "f:2: check = command needs a check_command\n");
	check_bad("listen \"127.0.0.1:1\" {\n check_command = 'a'\n" SERVER
		  " }", "f:2: check_command = 'a' needs check = command\n");
	check_bad("listen \"127.0.0.1:1\" {\n check_fall = 0\n" SERVER " }",
		  "f:2: check_fall must be a whole number, 1 to 100, "
		  "not '0'\n");
}

TEST(nothing_stands_twice)
{
	check_bad(LISTEN "\n" LISTEN,
		  "f:3: found duplicate title '127.0.0.1:1'\n");
	check_bad(LISTEN "listen '127.0.0.1:01' { " SERVER " }",
		  "f:2: listen '127.0.0.1:1' stands in line 1 already\n");
	check_bad("listen \"127.0.0.1:1\" { " SERVER "\n"
		  "server '192.0.2.1:080' {} }",
		  "f:2: server '192.0.2.1:80' stands in line 1 already\n");
	check_bad("workers = 1\nworkers = 2\n" LISTEN,
		  "f:2: workers = '2', but line 1 has it already\n");
	check_bad("listen \"127.0.0.1:1\" {\n}",
		  "f:1: listen '127.0.0.1:1' has no server\n");
}

TEST(a_half_written_file_is_refused)
{
	const char *whole = "listen \"127.0.0.1:1\" {\n" SERVER "\n}";
	struct lb_config *config = NULL;

	check_bad("", "f: the file is empty\n");
	check_bad("\n", "f: there is no listen section\n");
	check_bad("listen \"127.0.0.1:1\" {\n" SERVER "\n",
		  "f:1: section without its closing '}'\n");
	check_bad(LISTEN "workers = \"2\n", "f:2: string without its closing "
		  "\"\n");
	check_bad(LISTEN "\n/* workers = 2\n", "f:3: comment without an end\n");
	check_bad(LISTEN "}", "f:2: '}' without a '{'\n");
	/* No beginning of a file passes for the whole of it. */
	for (size_t n = 0; n < strlen(whole); n++)
		CHECK_EQ(read_bytes(whole, n, &config), -EINVAL);
}

TEST(a_message_is_one_line)
{
	check_bad(LISTEN "accept = \"a\nb\033[m\"", "f:3: accept must be "
		  "sharded, handoff or steered, not 'a?b?[m'\n");
}

TEST(every_mistake_is_named)
{
	check_bad("workers = x\n" "listen \"127.0.0.1:1\" {\n tries = y\n"
		  SERVER " }", "f:1: workers must be a whole number, 0 to "
		  "1024, not 'x'\nf:3: tries must be a whole number, 0 to "
		  "1024, not 'y'\n");
}

TEST(what_is_no_text_is_refused)
{
	struct lb_report report = { .file = "f", .fn = keep_message };
	struct lb_config *config = NULL;
	char *large = calloc(1, LB_CONFIG_FILE_MAX + 1);

	CHECK_EQ(read_bytes("\na\0b", 4, &config), -EINVAL);
	CHECK_STR(messages, "f:2: a byte of value 0: this is no text\n");
	CHECK_EQ(read_bytes(large, LB_CONFIG_FILE_MAX + 1, &config), -EINVAL);
	CHECK_STR(messages, "f: 1048577 bytes; a configuration has at most "
		  "1048576\n");
	free(large);
	messages[0] = '\0';
	CHECK_EQ(lb_config_read("/", &report, &config), -EINVAL);
	CHECK_STR(messages, "f: not a regular file\n");
	messages[0] = '\0';
	CHECK_EQ(lb_config_read("/none", &report, &config), -EINVAL);
	CHECK_STR(messages, "f: cannot be read: No such file or directory\n");
}

/* libconfuse keeps global state: a mistake must not reach the next file. */
TEST(a_mistake_leaves_nothing_behind)
{
	check_bad(LISTEN "workers = \"\\777\"", "f:2: invalid octal number "
		  "'\\777'\n");
	lb_config_free(read_good(LISTEN));
	check_bad(LISTEN "workers = 1\nworkers = 2\n",
		  "f:3: workers = '2', but line 2 has it already\n");
	lb_config_free(read_good(LISTEN "workers = 1\n"));
}
