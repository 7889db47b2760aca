/* SPDX-License-Identifier: MIT */
#ifndef WEIR_SHM_H
#define WEIR_SHM_H

/*
 * weir/shm.h - what another process can see of a pool, without stopping it
 *
 * A pool keeps its numbers, its histograms and its flight recorder in a memory
 * file.  Whoever may debug the process (ptrace access, normally the same user)
 * finds it among /proc/PID/fd as "/memfd:weir-stats (deleted)", opens that and
 * maps it PROT_READ, MAP_SHARED.  Nothing is left behind when the process
 * dies, and its size never changes.  weir-top is such a reader.
 *
 *     struct weir_shm              at 0
 *     names of the numbers         at .names_offset
 *     a block for each thread      at .threads_offset, .thread_stride apart;
 *                                  workers in order, the control thread last
 *       struct weir_shm_line         at .line_offset in the block
 *       uint64_t numbers             at .numbers_offset
 *       uint64_t histograms          at .histograms_offset
 *       struct weir_shm_record       at .records_offset
 *
 * All is of the machine's own byte order and changes at any moment; every
 * uint64_t is written whole.  Versions: fields are added at the end of a
 * struct, and numbers and histograms at the end of their arrays, without a new
 * .version; the sizes and counts below say what there is.  A reader refuses a
 * .version it does not know.
 *
 * A forked child of the process has the same file: compare .pid.
 */
#include <stdint.h>
#include <weir/base.h>

WEIR_BEGIN_DECLS

#define WEIR_SHM_NAME "weir-stats"
#define WEIR_SHM_MAGIC UINT64_C(0x006d687372696577)	/* "weirshm" */
#define WEIR_SHM_VERSION 1u

struct weir_shm {
	uint64_t magic;		/* written last: the rest is there */
	uint32_t version;
	uint32_t header_size;	/* of this struct */
	uint64_t size;		/* of the file */
	uint32_t pid;
	uint32_t threads;	/* the workers and the control thread */
	uint64_t start_ns;	/* CLOCK_MONOTONIC when the pool was made */
	char pool_name[16];
	uint64_t threads_offset;
	uint64_t thread_stride;
	uint32_t line_offset;	/* this and those below: within a block */
	uint32_t line_size;
	uint32_t numbers_offset;
	uint32_t numbers;	/* how many */
	uint32_t names_offset;	/* in the file: their names, as in weir_stats */
	uint32_t name_size;	/* of each, with its ending 0 */
	uint32_t histograms_offset;
	uint32_t histograms;	/* how many: enum weir_shm_histogram */
	uint32_t histogram_buckets;
	uint32_t histogram_sub_bits;
	uint32_t records_offset;
	uint32_t records;	/* how many; a power of two */
	uint32_t record_size;
	uint32_t unused;
};

/* What a thread is doing. */
struct weir_shm_line {
	uint64_t records;	/* begun since the start; the newest one is at
				   (records - 1) % weir_shm.records */
	uint64_t woke_ns;	/* CLOCK_MONOTONIC when its turn began; 0 while
				   it waits in the kernel */
	uint64_t stall_limit_ns;/* longer turns are stalls; UINT64_MAX: off */
	uint64_t stall_woke_ns;	/* the last stall: when it began ... */
	uint64_t stall_ns;	/* ... and how long it was */
	uint64_t turn_max_ns;	/* the longest turn */
	uint64_t waits_ns;	/* CLOCK_MONOTONIC when its last turn ended */
};

/*
 * Histograms are log-linear: with b = histogram_sub_bits, values below 2^b
 * have a bucket each, and each power of two above is cut into 2^b buckets of
 * equal width, so that a bucket's edge errs by less than 1/2^b:
 *
 *     shift  = (position of the highest bit of (value | 2^b)) - b
 *     bucket = (shift << b) + (value >> shift)
 *
 * The last bucket counts larger values too.
 */
enum weir_shm_histogram {
	WEIR_SHM_TURN_NS,	/* from the kernel's answer to the next wait */
	WEIR_SHM_TIMER_LAG_NS,	/* from a timer's deadline to its call */
	WEIR_SHM_TURN_EVENTS,	/* how many events one wait brought */
	WEIR_SHM_QUEUE_NS	/* how long the oldest message waited, sampled */
};

/*
 * The flight recorder: what the thread did last.  A record lasts until the
 * next one begins; before a WAKE the thread waited in the kernel.
 *
 * Read .records (acquire) as n, copy some of the records below n - 1, then
 * read .records again: copies of records below that minus weir_shm.records are
 * no good.  Record n - 1 may be half written: look whether its tick is later
 * than that of n - 2.
 *
 *     kind     subject          handler          value
 *     CALL     token            its function     facts (WEIR_READABLE ...)
 *     MESSAGE  token or 0       run()            0
 *     TIMER    lag, ns          its function     0
 *     WAKE     CLOCK_MONOTONIC  ns of the wait   events the kernel had; all
 *                                                ones: none, but an error
 *
 * .tick is the processor's counter (TSC, CNTVCT; else CLOCK_MONOTONIC); two
 * WAKEs tell its pace.  .word is kind << 32 | value.
 */
struct weir_shm_record {
	uint64_t subject;
	uint64_t handler;
	uint64_t word;
	uint64_t tick;
};

enum weir_shm_kind {
	WEIR_SHM_CALL,
	WEIR_SHM_MESSAGE,
	WEIR_SHM_TIMER,
	WEIR_SHM_WAKE
};

WEIR_END_DECLS

#endif /* WEIR_SHM_H */
