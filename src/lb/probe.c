/* SPDX-License-Identifier: MIT */
/*
 * probe.c - one question to one server: is it well?
 *
 * By a connect that is closed at once, or by a command, run by /bin/sh with the
 * server's address in its environment, that ends with status 0 in time.
 */
#include "lb/probe.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lb/config.h"
#include "lb/server.h"

/* Of what a command has printed, for the log. */
#define OUTPUT_SHOWN 120
#define OUTPUT_MAX 4096

struct lb_probe {
	struct weir_reactor *control;
	lb_probe_fn *fn;	/* NULL: cancelled */
	void *data;
	weir_token token;	/* the attempt or the child */
	int is_command;
	weir_ns timeout;
	int error;		/* of an attempt that failed at once */
	struct weir_timer *timer;	/* to say so */
};

static void answer(struct lb_probe *probe, const char *why)
{
	lb_probe_fn *fn = probe->fn;
	void *data = probe->data;

	weir_timer_free(probe->timer);
	free(probe);
	if (fn)
		fn(why, data);
}

static void answer_error(struct lb_probe *probe, int error)
{
	char why[128];

	snprintf(why, sizeof(why), "connect: %s", strerror(-error));
	answer(probe, why);
}

static void on_connect(struct weir_reactor *control, weir_token token,
		       int error, void *data)
{
	if (error == 0)
		weir_source_close(control, token);
	/* Whether the server is well nobody asks any more as we stop. */
	if (error == 0 || error == -ECANCELED)
		answer(data, NULL);
	else
		answer_error(data, error);
}

static void on_refused(struct weir_reactor *control, struct weir_timer *timer,
		       void *data)
{
	struct lb_probe *probe = data;

	(void)control, (void)timer;
	answer_error(probe, probe->error);
}

/* The first line of what a command has printed. */
static void describe_output(const struct weir_child_result *result, char *text,
			    size_t size)
{
	size_t length = result->out ? strcspn(result->out, "\r\n") : 0;

	text[0] = '\0';
	if (length > 0)
		snprintf(text, size, ": %.*s", (int)(length < OUTPUT_SHOWN ?
						     length : OUTPUT_SHOWN),
			 result->out);
}

static void on_end(struct weir_reactor *control,
		   const struct weir_child_result *result, void *data)
{
	struct lb_probe *probe = data;
	char output[OUTPUT_SHOWN + 4], why[OUTPUT_SHOWN + 64];

	(void)control;
	describe_output(result, output, sizeof(output));
	if (result->flags & WEIR_CHILD_STOPPED) {
		answer(probe, NULL);
	} else if (result->flags & WEIR_CHILD_TIMED_OUT) {
		snprintf(why, sizeof(why), "command: not done in %g s%s",
			 (double)probe->timeout / WEIR_NS_PER_SEC, output);
		answer(probe, why);
	} else if (result->status.code != CLD_EXITED) {
		snprintf(why, sizeof(why), "command: ended by signal %d%s",
			 result->status.status, output);
		answer(probe, why);
	} else if (result->status.status != 0) {
		snprintf(why, sizeof(why), "command: status %d%s",
			 result->status.status, output);
		answer(probe, why);
	} else {
		answer(probe, NULL);
	}
}

/* What a command is told of its server. */
struct variables {
	char server[sizeof("WEIR_LB_SERVER=") + WEIR_ADDR_TEXT];
	char host[sizeof("WEIR_LB_HOST=") + NI_MAXHOST];
	char port[sizeof("WEIR_LB_PORT=") + NI_MAXSERV];
};

static void set_variables(struct variables *v, const struct lb_server *server)
{
	const struct weir_addr *addr = &server->addr;
	char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";

	/* A unix socket has neither. */
	if (addr->ss.ss_family != AF_UNIX)
		getnameinfo((const struct sockaddr *)&addr->ss, addr->len,
			    host, sizeof(host), port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(v->server, sizeof(v->server), "WEIR_LB_SERVER=%s",
		 server->name);
	snprintf(v->host, sizeof(v->host), "WEIR_LB_HOST=%s", host);
	snprintf(v->port, sizeof(v->port), "WEIR_LB_PORT=%s", port);
}

static int is_ours(const char *variable)
{
	static const char prefix[] = "WEIR_LB_";

	return strncmp(variable, prefix, sizeof(prefix) - 1) == 0;
}

/* Our environment with @v in it: an array for free(3). */
static char **make_env(struct variables *v)
{
	size_t room = 4, count = 0;
	char **env;

	for (char **at = environ; *at; at++)
		room++;
	env = calloc(room, sizeof(*env));
	if (!env)
		return NULL;
	for (char **at = environ; *at; at++)
		if (!is_ours(*at))
			env[count++] = *at;
	env[count++] = v->server;
	env[count++] = v->host;
	env[count++] = v->port;
	return env;
}

static int start_command(struct lb_probe *probe,
			 const struct lb_check_config *config,
			 const struct lb_server *server)
{
	struct variables variables;
	char *argv[] = { "/bin/sh", "-c", config->command, NULL };
	struct weir_child_options options = {
		.size = sizeof(options),
		.argv = argv,
		.env = make_env(&variables),
		.stdio[1] = { WEIR_CHILD_PIPE, 0, OUTPUT_MAX },
		.stdio[2] = { .how = WEIR_CHILD_JOIN },
		.limit = config->timeout,
		.on_end = on_end,
		.data = probe,
	};
	int r;

	if (!options.env)
		return -ENOMEM;
	set_variables(&variables, server);
	r = weir_child_spawn(probe->control, &options, &probe->token);
	free((void *)options.env);
	return r;
}

/* A refusal at once is an answer, too; but not during the call. */
static int start_connect(struct lb_probe *probe,
			 const struct lb_check_config *config,
			 const struct lb_server *server)
{
	int r = weir_connect(probe->control, &server->addr, config->timeout,
			     on_connect, probe, &probe->token);

	if (r != -ECONNREFUSED && r != -ENETUNREACH && r != -ENOENT &&
	    r != -EAGAIN && r != -EACCES)
		return r;
	probe->error = r;
	r = weir_timer_new(probe->control, on_refused, probe, &probe->timer);
	return r < 0 ? r : weir_timer_start(probe->timer, 0);
}

int lb_probe_start(struct weir_reactor *control,
		   const struct lb_check_config *config,
		   const struct lb_server *server, lb_probe_fn *fn, void *data,
		   struct lb_probe **ret_probe)
{
	struct lb_probe *probe = calloc(1, sizeof(*probe));
	int r;

	if (!probe)
		return -ENOMEM;
	*probe = (struct lb_probe){
		.control = control,
		.fn = fn,
		.data = data,
		.is_command = config->kind == LB_CHECK_COMMAND,
		.timeout = config->timeout,
	};
	r = probe->is_command ? start_command(probe, config, server) :
				start_connect(probe, config, server);
	if (r < 0) {
		free(probe);
		return r;
	}
	*ret_probe = probe;
	return 0;
}

void lb_probe_cancel(struct lb_probe *probe)
{
	if (!probe)
		return;
	probe->fn = NULL;
	if (probe->is_command) {
		/* on_end() frees it. */
		weir_child_kill(probe->control, probe->token, SIGKILL);
		return;
	}
	if (!probe->timer)
		weir_connect_cancel(probe->control, probe->token);
	weir_timer_free(probe->timer);
	free(probe);
}

void lb_probe_free(struct lb_probe *probe)
{
	free(probe);
}
