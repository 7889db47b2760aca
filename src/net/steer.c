/* SPDX-License-Identifier: MIT */
/*
 * net/steer.c - STEERED: a connection goes to the worker of its CPU
 *
 * A program in classic BPF, which the kernel runs for each new connection to
 * an address that several sockets share; it answers with the number of a
 * socket, in the order in which they began to listen.  Ours is asked on the
 * CPU that received the connection's first packet, and says:
 *
 *     j  the place of that CPU among those that the pool may use; for another
 *        CPU its own number
 *     n  the number of workers, c the number of the pool's CPUs
 *
 *     n <= c  worker j % n
 *     n > c   one of the workers j % c, j % c + c, j % c + 2 c, ..., by chance
 *
 * Worker i is pinned to CPU i % c of them (WEIR_POOL_PIN), so with pinned
 * workers a connection stays on its CPU.  CPUs come in runs, and a run takes
 * four instructions.
 */
#include <linux/bpf_common.h>
#include <linux/filter.h>

#include "net/listener.h"
#include "sys/cpus.h"
#include "sys/socket.h"

/* A jump by a condition goes to the next instruction, or over so many. */
#define LOAD(k) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(k))
#define MATH(op, k) BPF_STMT(BPF_ALU | (op) | BPF_K, (uint32_t)(k))
#define MATH_X(op) BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define UNLESS(op, k, over) \
	BPF_JUMP(BPF_JMP | (op) | BPF_K, (uint32_t)(k), 0, over)
#define IF(op, k, over) \
	BPF_JUMP(BPF_JMP | (op) | BPF_K, (uint32_t)(k), over, 0)
#define GO(over) BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)(over))
#define COPY_A_TO_X BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define KEEP BPF_STMT(BPF_ST, 0)
#define KEPT_TO_X BPF_STMT(BPF_LDX | BPF_MEM, 0)
#define ANSWER BPF_STMT(BPF_RET | BPF_A, 0)

/* A = CPU -> A = j.  @base is what j is for the first CPU of the run. */
static size_t add_run(struct sock_filter *code,
		      const struct weir__cpu_run *run, int base, size_t over)
{
	const struct sock_filter some[] = {
		IF(BPF_JGT, run->last, 3),
		UNLESS(BPF_JGE, run->first, 2),
		MATH(BPF_SUB, run->first - base),
		GO(over),
	};

	for (size_t i = 0; i < WEIR__STEER_RUN; i++)
		code[i] = some[i];
	return WEIR__STEER_RUN;
}

/* A = j -> the answer. */
static size_t add_answer(struct sock_filter *code, int workers, int cpus)
{
	const struct sock_filter few[] = {
		MATH(BPF_MOD, workers),
		ANSWER,
	};
	/* How many they are: (n - 1 - j) / c + 1. */
	const struct sock_filter many[] = {
		MATH(BPF_MOD, cpus),
		KEEP,
		COPY_A_TO_X,
		BPF_STMT(BPF_LD | BPF_IMM, (uint32_t)(workers - 1)),
		MATH_X(BPF_SUB),
		MATH(BPF_DIV, cpus),
		MATH(BPF_ADD, 1),
		COPY_A_TO_X,
		LOAD(SKF_AD_OFF + SKF_AD_RANDOM),
		MATH_X(BPF_MOD),
		MATH(BPF_MUL, cpus),
		KEPT_TO_X,
		MATH_X(BPF_ADD),
		ANSWER,
	};
	const struct sock_filter *some = workers <= cpus ? few : many;
	const size_t n = workers <= cpus ? sizeof(few) / sizeof(few[0]) :
					   sizeof(many) / sizeof(many[0]);

	_Static_assert(sizeof(many) / sizeof(many[0]) == WEIR__STEER_ANSWER,
		       "there is room for it");
	for (size_t i = 0; i < n; i++)
		code[i] = some[i];
	return n;
}

size_t weir__steer_program(const struct weir__cpu_run *runs, int count,
			   int workers, struct sock_filter *code)
{
	const struct sock_filter cpu = LOAD(SKF_AD_OFF + SKF_AD_CPU);
	size_t n = 0;
	int cpus = 0;

	code[n++] = cpu;
	for (int i = 0; i < count; i++) {
		const size_t left = (size_t)(count - 1 - i);

		n += add_run(&code[n], &runs[i], cpus, left * WEIR__STEER_RUN);
		cpus += runs[i].last - runs[i].first + 1;
	}
	return n + add_answer(&code[n], workers, cpus);
}

int weir__steer(int fd, int workers)
{
	struct weir__cpu_run runs[WEIR__STEER_RUNS];
	struct sock_filter code[WEIR__STEER_MOST];
	const int count = weir__cpus_runs(runs, WEIR__STEER_RUNS);

	if (count < 0)
		return count;
	return weir__reuseport_program(fd, code,
				       weir__steer_program(runs, count, workers,
							   code));
}
