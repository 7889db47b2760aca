/* SPDX-License-Identifier: MIT */
/*
 * io.h - what the rows about descriptors ask of each peer
 *
 * A peer watches an array of slots and calls the step of the row's work (see
 * work.h) for each that is readable.  The step is an inline function and the
 * peer's own kind of handler calls it, so nothing stands between a loop and
 * its user but what every user of that loop has.
 */
#ifndef BENCH_IO_H
#define BENCH_IO_H

#include <stdbool.h>
#include <stddef.h>

enum io_work {
	IO_CHAIN,
	IO_ECHO,
	IO_HTTP,
};

/* How raw epoll and weir watch; the other peers have one way. */
enum io_mode {
	IO_EDGE,
	IO_LEVEL,
	IO_ONESHOT,
	IO_WAIT,	/* weir only: events in an array, no handlers */
};

struct io_loop;		/* each peer has its own */
struct io_job;

struct io_slot {
	int fd;			/* watched */
	int next_out;		/* IO_CHAIN: where the step writes */
	unsigned matched;	/* IO_HTTP: bytes of the blank line seen */
	unsigned number;
	struct io_job *job;
};

/* What all slots of one run share. */
struct io_job {
	enum io_work work;
	struct io_slot *slots;
	size_t count;
	long seen;		/* steps, bytes or requests */
	long total;		/* of those: then the loop is stopped */
	long left;		/* IO_CHAIN: writes still to be made */
	bool has_failed;
	char *buf;		/* shared by all slots, IO_BUF_BYTES */
	size_t message_bytes;	/* the longest, if it is not 1 */
	struct io_loop *loop;
	void (*stop)(struct io_loop *loop);
};

enum { IO_BUF_BYTES = 65536 };

struct io_ops {
	/* Room for all slots; none is watched yet. */
	int (*open)(struct io_job *job, enum io_mode mode,
		    struct io_loop **ret_loop);
	/* Watch every slot, until the kernel knows of it; and none. */
	int (*add_all)(struct io_loop *loop);
	void (*remove_all)(struct io_loop *loop);
	/* Until stop(), which a step calls. */
	void (*run)(struct io_loop *loop);
	void (*stop)(struct io_loop *loop);
	void (*close)(struct io_loop *loop);
};

extern const struct io_ops io_raw;
extern const struct io_ops io_weir;
extern const struct io_ops io_libevent;
extern const struct io_ops io_libev;
extern const struct io_ops io_libuv;
extern const struct io_ops io_liburing;

/* Open a loop for a job and connect the two.  Return: 0 or -errno. */
int io_open(const struct io_ops *ops, enum io_mode mode, struct io_job *job);

#endif /* BENCH_IO_H */
