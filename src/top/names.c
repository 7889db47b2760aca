/* SPDX-License-Identifier: MIT */
/*
 * top/names.c - names of functions of another process
 *
 * By libdw of elfutils, which knows static functions too and finds separate
 * debug files; without it, "0x1234".
 */
#include "top/top.h"

#include <inttypes.h>

#ifdef WEIR_HAVE_LIBDW
#include <elfutils/libdwfl.h>

const char top_names_kind[] = "libdw";

static Dwfl *dwfl;

void top_names_init(pid_t pid)
{
	static char *no_path;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_path,
	};

	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return;
	if (dwfl_linux_proc_report(dwfl, pid) != 0 ||
	    dwfl_report_end(dwfl, NULL, NULL) != 0) {
		dwfl_end(dwfl);
		dwfl = NULL;
	}
}

static const char *find(uintptr_t address)
{
	Dwfl_Module *module = dwfl ? dwfl_addrmodule(dwfl, address) : NULL;

	return module ? dwfl_module_addrname(module, address) : NULL;
}
#else
const char top_names_kind[] = "none";

void top_names_init(pid_t pid)
{
	(void)pid;
}

static const char *find(uintptr_t address)
{
	(void)address;
	return NULL;
}
#endif

const char *top_name(uintptr_t address, char name[TOP_NAME])
{
	const char *found = address ? find(address) : "-";

	if (found)
		snprintf(name, TOP_NAME, "%s", found);
	else
		snprintf(name, TOP_NAME, "0x%" PRIxPTR, address);
	return name;
}
