/* SPDX-License-Identifier: MIT */
#ifndef WEIR_RECORDER_H
#define WEIR_RECORDER_H

/*
 * weir/recorder.h - what a thread of a pool did last
 *
 * Each thread keeps its last 4,096 events in a ring: always, for it costs
 * about a dozen instructions an event.  Any thread reads it without stopping
 * anybody; weir-top does so from another process, and weir.py (for gdb) from
 * a core file.
 */
#include <stddef.h>
#include <stdint.h>
#include <weir/base.h>
#include <weir/shm.h>

WEIR_BEGIN_DECLS

struct weir_pool;

struct weir_record {
	enum weir_shm_kind kind;
	uint32_t value;		/* as weir/shm.h says */
	weir_token token;	/* of a CALL, or of a MESSAGE that had one */
	uintptr_t handler;	/* address of the function; 0: a WAKE */
	weir_ns begun;		/* when; of a WAKE: when the kernel answered */
	weir_ns duration;	/* until the next, or so far; of a WAKE: how
				   long the thread had waited */
	weir_ns lag;		/* of a TIMER: how late it was */
};

/**
 * weir_pool_records() - copy a thread's last events
 * @pool:     the pool
 * @worker:   0 .. workers - 1, or WEIR_CONTROL
 * @records:  receives them, the newest last
 * @capacity: how many fit; WEIR_RECORDS_MAX is enough for all
 *
 * Times between two WAKEs are computed from the processor's counter: they are
 * as good as that is even.
 *
 * Threads: any.
 * Return:  how many were copied (a busy thread may have written over some
 *          meanwhile), -EINVAL (no such worker, or @records is NULL), -ENOMEM
 *          or -ECHILD.
 */
int weir_pool_records(const struct weir_pool *pool, int worker,
		      struct weir_record *records, size_t capacity);

#define WEIR_RECORDS_MAX 4096

/**
 * weir_shm_records() - the same, of a pool of another process
 * @shm:      its memory file, mapped
 * @thread:   0 .. shm->threads - 1; the control thread is the last
 * @records:  receives them, the newest last
 * @capacity: how many fit
 *
 * Threads: any.
 * Return:  how many were copied, -EINVAL (no such thread, or @records is
 *          NULL), -ENOTSUP (@shm is no such file, or of a version of weir that
 *          records in another way) or -ENOMEM.
 */
int weir_shm_records(const struct weir_shm *shm, unsigned thread,
		     struct weir_record *records, size_t capacity);

/**
 * weir_shm_kind_name() - the name of a kind of event
 * @kind: such as WEIR_SHM_CALL
 *
 * Threads: any.
 * Return:  such as "call"; "?" for one that is not known.
 */
const char *weir_shm_kind_name(enum weir_shm_kind kind);

WEIR_END_DECLS

#endif /* WEIR_RECORDER_H */
