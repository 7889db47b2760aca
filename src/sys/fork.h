/* SPDX-License-Identifier: MIT */
/*
 * sys/fork.h - has the process forked since?
 *
 * No pthread_atfork handler: those run in every fork of a host that may not
 * know this library, in an order nobody chooses, with the allocator locked.
 * Instead one page that the kernel clears in the child (MADV_WIPEONFORK).
 */
#ifndef WEIR_SYS_FORK_H
#define WEIR_SYS_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


extern const uint32_t *weir__fork_current
	__attribute__((visibility("hidden")));

/**
 * weir__fork_generation() - this process's number among its ancestors
 *
 * Keep it in each object that must not be used in a forked child.
 *
 * Threads: any.
 * Return:  not 0, and no ancestor's.
 */
uint32_t weir__fork_generation(void);

/**
 * weir__fork_lock(), weir__fork_unlock() - a mutex of the process
 *
 * In a child it is free, whoever held it at the fork.  For what pools share.
 */
void weir__fork_lock(void);
void weir__fork_unlock(void);

/* weir__fork_happened() where the kernel does not clear pages: a syscall. */
bool weir__fork_happened_by_pid(uint32_t generation);

/**
 * weir__fork_happened() - is this a child of the process of @generation?
 * @generation: from weir__fork_generation(), kept in an object that reached
 *              the calling thread in the ordinary, ordered way
 *
 * Two loads, no syscall.
 *
 * Threads: any.
 * Return:  true in a child, a grandchild and so on, also after it has made a
 *          generation of its own.
 */
static inline bool weir__fork_happened(uint32_t generation)
{
	if (__builtin_expect(weir__fork_current == NULL, 0))
		return weir__fork_happened_by_pid(generation);
	return *weir__fork_current != generation;
}

/**
 * weir__fork_suspected() - weir__fork_happened() without its system call
 *
 * Threads: any.
 * Return:  false only where weir__fork_happened() says so too.
 */
static inline bool weir__fork_suspected(uint32_t generation)
{
	return weir__fork_current == NULL || *weir__fork_current != generation;
}

#endif /* WEIR_SYS_FORK_H */
