/* SPDX-License-Identifier: MIT */
/*
 * top/top.h - weir-top: what the pools of a process are doing
 *
 *     main.c      options, and when to look
 *     attach.c    finds and maps the memory files of a process
 *     sample.c    one look at a pool: numbers, rates, what each thread is in
 *     names.c     names of functions of another process
 *     json.c      a look, for scripts
 *     text.c      a look, for people
 *     screen.c    the terminal
 */
#ifndef TOP_TOP_H
#define TOP_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <weir/recorder.h>
#include <weir/shm.h>

enum {
	TOP_POOLS = 16,		/* of one process */
	TOP_TALKERS = 10,
	TOP_NAME = 96,
};

/* A pool's memory file. */
struct top_pool {
	const struct weir_shm *shm;
	size_t size;
};

/**
 * top_attach() - map the memory files of a process
 * @pools: receives up to TOP_POOLS of them, read-only
 *
 * Return: how many; 0 if it has none; -errno if it cannot be looked at.
 */
int top_attach(pid_t pid, struct top_pool *pools);

/* A quantile's value of a histogram, over a span of time. */
struct top_quantiles {
	uint64_t total, p50, p99, max;
};

struct top_thread {
	char name[16];
	bool is_asleep;
	uint64_t state_ns;	/* for how long it has slept, or its turn lasts */
	bool is_stalled;	/* the turn is longer than the limit */
	struct weir_record newest;
	uint64_t *numbers;	/* since the start */
	double *rates;		/* a second, over the span */
	struct top_quantiles since[WEIR_SHM_QUEUE_NS + 1];	/* the start */
	struct top_quantiles span[WEIR_SHM_QUEUE_NS + 1];
	uint64_t turn_max_ns;
};

/* Who used the time that the recorders know of. */
struct top_talker {
	uintptr_t handler;
	weir_token token;
	uint64_t calls;
	uint64_t ns;
	double share;
};

struct top_sample {
	const struct weir_shm *shm;
	uint64_t at;		/* CLOCK_MONOTONIC; 0: none yet */
	uint64_t span_ns;	/* since the sample before */
	unsigned threads;
	struct top_thread *thread;
	struct top_talker talkers[TOP_TALKERS];
	size_t talker_count;
	/* for the next sample */
	uint64_t *before;	/* numbers and histograms of all threads */
	uint64_t *now;
	struct weir_record *records;
};

/* False: no memory.  A sample lives until the program ends. */
bool top_sample_init(struct top_sample *sample, const struct top_pool *pool);

/* Look, and compare with the look before. */
void top_sample_take(struct top_sample *sample);

/* Where a number stands, by its name; -1: this pool does not have it. */
int top_number(const struct weir_shm *shm, const char *name);
const char *top_number_name(const struct weir_shm *shm, unsigned number);

const char *top_state(const struct top_thread *thread);

extern const char top_names_kind[];	/* what it was built with */
extern const char top_screen_kind[];

/* Names are looked up in @pid from here on. */
void top_names_init(pid_t pid);

/* Return: @name. */
const char *top_name(uintptr_t address, char name[TOP_NAME]);

void top_json(FILE *out, pid_t pid, const struct top_sample *samples, int n);

/* For people, without a screen. */
void top_text(FILE *out, pid_t pid, const struct top_sample *samples, int n);

/* Lines of the same text, for a screen. */
bool top_screen_begin(void);
/* Wait @seconds for a key.  False: q was pressed. */
bool top_screen_show(const char *text, double seconds);
void top_screen_end(void);

#endif /* TOP_TOP_H */
