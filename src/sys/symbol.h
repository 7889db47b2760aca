/* SPDX-License-Identifier: MIT */
/*
 * sys/symbol.h - the name of a function, from its address
 */
#ifndef WEIR_SYS_SYMBOL_H
#define WEIR_SYS_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

/**
 * weir__symbol_name() - what a function is called
 * @name: receives at most @size bytes with the ending 0
 *
 * A function that its module exports has its name; of another (static, or of a
 * program that was not linked with -rdynamic) one learns "module+0x1234", which
 * addr2line -e module 0x1234 understands.  Takes the dynamic linker's lock.
 */
void weir__symbol_name(uintptr_t address, char *name, size_t size);

#endif /* WEIR_SYS_SYMBOL_H */
