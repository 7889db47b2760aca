#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/abi.sh - print the ABI of the library that is built here
#
# From the headers (abi.awk), and each symbol's version from the shared library
# if there is one.  "make abi" writes it to tests/build/abi.lp64.
: "${srcdir:=.}"

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-abi.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

awk -f "$srcdir/tests/abi.awk" "$srcdir"/include/weir/*.h >"$work/abi.c" &&
	${CC:-cc} -std=c11 -D_GNU_SOURCE -I"$srcdir/include" \
		-o "$work/abi" "$work/abi.c" &&
	"$work/abi" >"$work/lines" || exit 1
if test -e .libs/libweir.so; then
	${NM:-nm} -D --with-symbol-versions --defined-only .libs/libweir.so |
		awk '$2 == "T" { print "symbol " $3 }' >>"$work/lines"
fi
LC_ALL=C sort "$work/lines"
