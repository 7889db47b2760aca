/* SPDX-License-Identifier: MIT */
/*
 * proxy.c - TCP proxies as processes
 *
 * Each has one thread, as the client and the server have theirs, and is set up
 * as its manual advises for plain forwarding; nothing is logged.
 */
#include "proxy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static FILE *begin_conf(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		tool_die(path, errno);
	return file;
}

static void configure_weir_lb(const char *path, int listen_port,
			      int server_port)
{
	FILE *file = begin_conf(path);

	fprintf(file, "workers = 1\nlisten \"127.0.0.1:%d\" {\n"
		"server \"127.0.0.1:%d\" { }\n}\n", listen_port, server_port);
	fclose(file);
}

/* HAProxy's own choice of when to splice, as its users leave it. */
static void configure_haproxy(const char *path, int listen_port,
			      int server_port)
{
	FILE *file = begin_conf(path);

	fprintf(file, "global\n nbthread 1\n maxconn 8000\n"
		"defaults\n mode tcp\n timeout connect 5s\n"
		" timeout client 60s\n timeout server 60s\n"
		"listen l\n bind 127.0.0.1:%d\n server s 127.0.0.1:%d\n",
		listen_port, server_port);
	fclose(file);
}

static void configure_nginx(const char *path, int listen_port, int server_port)
{
	static const char module[] =
		"/usr/lib/nginx/modules/ngx_stream_module.so";
	FILE *file = begin_conf(path);

	/* Debian has it as a module, others have it built in. */
	if (access(module, R_OK) == 0)
		fprintf(file, "load_module %s;\n", module);
	fprintf(file, "daemon off; master_process off; pid %s.pid;\n"
		"error_log stderr crit; worker_rlimit_nofile 20000;\n"
		"events { worker_connections 16000; }\n"
		"stream { server { listen 127.0.0.1:%d; tcp_nodelay on;\n"
		"proxy_pass 127.0.0.1:%d; } }\n", path, listen_port,
		server_port);
	fclose(file);
}

const struct proxy_kind proxy_weir_lb = {
	"./weir-lb", configure_weir_lb, { "-c", "%s", NULL },
};
const struct proxy_kind proxy_haproxy = {
	"haproxy", configure_haproxy, { "-q", "-db", "-f", "%s", NULL },
};
const struct proxy_kind proxy_nginx = {
	"nginx", configure_nginx, { "-e", "stderr", "-c", "%s", NULL },
};

int proxy_find(const struct proxy_kind *kind, char *path)
{
	static const char *const folders[] = {
		"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
	};

	if (strchr(kind->program, '/')) {
		snprintf(path, PATH_MAX, "%s", kind->program);
		return access(path, X_OK) < 0 ? -ENOENT : 0;
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, PATH_MAX, "%s/%s", folders[i], kind->program);
		if (access(path, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static _Noreturn void exec_proxy(const struct proxy_kind *kind,
				 const char *path, const char *conf)
{
	const char *argv[8] = { path };
	int null = open("/dev/null", O_RDWR);

	for (size_t i = 0; kind->args[i]; i++)
		argv[i + 1] = strcmp(kind->args[i], "%s") == 0 ? conf :
			      kind->args[i];
	/* It ends with us, however we end. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tool_pin(0);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execv(path, (char *const *)argv);
	_exit(127);
}

int proxy_connect(int port)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	tool_set_up_socket(fd);
	return fd;
}

/* One that nobody has now. */
static int free_port(void)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int fd, err = tool_listen(&fd);

	if (err < 0)
		return err;
	getsockname(fd, (struct sockaddr *)&addr, &len);
	close(fd);
	return ntohs(addr.sin_port);
}

static int wait_until_it_listens(struct proxy *proxy)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; i < 1000; i++) {
		int fd = proxy_connect(proxy->port);

		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (waitpid(proxy->pid, NULL, WNOHANG) != 0) {
			proxy->pid = 0;
			return -ECHILD;
		}
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

int proxy_start(const struct proxy_kind *kind, int server_port,
		struct proxy *proxy)
{
	char path[PATH_MAX];
	int fd, err = proxy_find(kind, path);

	if (err < 0)
		return err;
	proxy->port = free_port();
	if (proxy->port < 0)
		return proxy->port;
	strcpy(proxy->conf, "/tmp/weir-bench.XXXXXX");
	fd = mkstemp(proxy->conf);
	if (fd < 0)
		return -errno;
	close(fd);
	kind->configure(proxy->conf, proxy->port, server_port);
	proxy->pid = fork();
	if (proxy->pid == 0)
		exec_proxy(kind, path, proxy->conf);
	err = proxy->pid < 0 ? -errno : wait_until_it_listens(proxy);
	if (err < 0)
		proxy_stop(proxy);
	return err;
}

void proxy_stop(struct proxy *proxy)
{
	char pid_path[80];

	if (proxy->pid > 0) {
		kill(proxy->pid, SIGKILL);
		waitpid(proxy->pid, NULL, 0);
	}
	snprintf(pid_path, sizeof(pid_path), "%s.pid", proxy->conf);
	unlink(pid_path);
	unlink(proxy->conf);
	proxy->pid = 0;
}

uint64_t proxy_cpu_ns(const struct proxy *proxy)
{
	char path[320];
	struct dirent *entry;
	uint64_t sum = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", proxy->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		unsigned long long ns = 0;
		FILE *file;

		/* ".." has a schedstat, too: the first thread's. */
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat",
			 proxy->pid, entry->d_name);
		file = fopen(path, "re");
		if (file && fscanf(file, "%llu", &ns) == 1)
			sum += ns;
		if (file)
			fclose(file);
	}
	if (dir)
		closedir(dir);
	return sum;
}
