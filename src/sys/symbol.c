/* SPDX-License-Identifier: MIT */
/* sys/symbol.c - see sys/symbol.h */
#include "sys/symbol.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void weir__symbol_name(uintptr_t address, char *name, size_t size)
{
	const char *module;
	Dl_info info;

	if (address == 0) {
		snprintf(name, size, "-");
	} else if (!dladdr((void *)address, &info) || !info.dli_fname) {
		snprintf(name, size, "0x%" PRIxPTR, address);
	} else if (info.dli_sname && (uintptr_t)info.dli_saddr == address) {
		snprintf(name, size, "%s", info.dli_sname);
	} else {
		module = strrchr(info.dli_fname, '/');
		module = module ? module + 1 : info.dli_fname;
		snprintf(name, size, "%s+0x%" PRIxPTR, module,
			 address - (uintptr_t)info.dli_fbase);
	}
}
