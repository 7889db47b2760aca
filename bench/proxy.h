/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - TCP proxies as processes, and the server behind them
 */
#ifndef BENCH_PROXY_H
#define BENCH_PROXY_H

#include <stdint.h>
#include <sys/types.h>

/* One program that forwards connections. */
struct proxy_kind {
	const char *program;	/* with a slash: a path; else looked for */
	/* Write its configuration; ports of our own machine. */
	void (*configure)(const char *path, int listen_port, int server_port);
	/* The arguments after the program, %s being the configuration. */
	const char *args[6];
};

extern const struct proxy_kind proxy_weir_lb;
extern const struct proxy_kind proxy_haproxy;
extern const struct proxy_kind proxy_nginx;

struct proxy {
	pid_t pid;		/* 0: not started */
	int port;
	char conf[64];
};

/* Where the program is, in @path of PATH_MAX bytes.  Return: 0 or -ENOENT. */
int proxy_find(const struct proxy_kind *kind, char *path);

/* Start it, and wait until it listens.  Return: 0 or -errno. */
int proxy_start(const struct proxy_kind *kind, int server_port,
		struct proxy *proxy);
void proxy_stop(struct proxy *proxy);

/* A connection to a port of our own machine.  Return: it or -errno. */
int proxy_connect(int port);

/* The CPU time of all of its threads so far, ns. */
uint64_t proxy_cpu_ns(const struct proxy *proxy);

/* A server that sends back what it gets, on a thread of its own. */
struct responder;
int responder_start(struct responder **ret_responder, int *ret_port);
void responder_stop(struct responder *responder);

#endif /* BENCH_PROXY_H */
