/* SPDX-License-Identifier: MIT */
/*
 * sys/thread.h - start, name and place a thread
 */
#ifndef WEIR_SYS_THREAD_H
#define WEIR_SYS_THREAD_H

#include <pthread.h>
#include <sys/types.h>

/**
 * weir__thread_start() - start a joinable thread
 * @ret:  receives the thread, after it may have begun to run: within @fn use
 *        pthread_self()
 * @name: cut after 15 bytes; the thread has it when @fn begins
 *
 * The thread inherits the caller's signal mask and CPU affinity.
 *
 * Owns:   the caller joins it.
 * Return: 0, -EAGAIN (limit on threads, or no memory for a stack) or -ENOMEM.
 */
int weir__thread_start(pthread_t *ret, const char *name, void *(*fn)(void *),
		       void *arg);

/**
 * weir__thread_name() - rename a thread that has not ended
 * @name: cut after 15 bytes
 *
 * A name is for the reader of `top`: if it cannot be set, the old one stays.
 */
void weir__thread_name(pthread_t thread, const char *name);

/* The calling thread's id, as in /proc/self/task/. */
pid_t weir__gettid(void);

/**
 * weir__thread_pin() - let a thread run on one CPU only
 * @cpu: its number, 0 ..
 *
 * Return: 0, -EINVAL (no such CPU, offline, or outside the cpuset), -ESRCH or
 *         -ENOMEM.
 */
int weir__thread_pin(pthread_t thread, int cpu);

/**
 * weir__timerslack() - how late the calling thread's timeouts may be
 * @ns: 1 ..; 0 restores the default, mostly 50,000
 *
 * Return: 0, or -errno of prctl(2).
 */
int weir__timerslack(unsigned long ns);

#endif /* WEIR_SYS_THREAD_H */
