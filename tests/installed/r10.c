/* SPDX-License-Identifier: MIT */
/*
 * R10: a thread that does not block a signal is found, and named
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <weir.h>

#include "say.h"

static sem_t is_there, may_go;

static void *open_thread(void *arg)
{
	pthread_setname_np(pthread_self(), "open");
	sem_post(&is_there);
	while (sem_wait(&may_go) < 0)
		;
	return arg;
}

int main(void)
{
	struct weir_sigfd *s = NULL;
	struct weir_reactor *r;
	pthread_t thread;
	char name[16];
	sigset_t set;
	int signo;
	pid_t tid;

	sem_init(&is_there, 0, 0);
	sem_init(&may_go, 0, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	MUST(weir_reactor_new(NULL, &r) == 0);
	MUST(pthread_create(&thread, NULL, open_thread, NULL) == 0);
	while (sem_wait(&is_there) < 0)
		;
	MUST(weir_sigfd_open(r, &set, WEIR_SIGFD_EVERY_THREAD, NULL, NULL,
			     &s) == -EPERM);
	MUST(!s);
	MUST(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	MUST(weir_sigfd_find_open_thread(&set, &tid, &signo, name) == 1);
	MUST(signo == SIGCHLD && strcmp(name, "open") == 0);
	sem_post(&may_go);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(weir_sigfd_open(r, &set, WEIR_SIGFD_EVERY_THREAD, NULL, NULL,
			     &s) == 0);
	weir_reactor_free(r);
	return say_ok();
}
