#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/installcheck.sh - for make installcheck: weir as its user has it
#
# Builds the program of the README with nothing but pkg-config and what is
# installed, with the shared library and with the static one, and runs it.
. "${srcdir:=.}/tests/tap.sh"

awk '
	/^```c$/ && !seen { inside = seen = 1; next }
	/^```/ { inside = 0 }
	inside' "$srcdir/README.md" >"$tmp/program.c"

libdir=$($PKG_CONFIG --variable=libdir weir)

# build LINK-ARGUMENT...
build()
{
	# shellcheck disable=SC2046,SC2086 # words
	(cd "$tmp" && ${CC:-cc} $CFLAGS $($PKG_CONFIG --cflags weir) \
		-o program program.c "$@")
}

ok "pkg-config knows weir" $PKG_CONFIG --exists --print-errors weir
if test -e "$libdir/libweir.so"; then
	ok "a program is built with the shared library" \
		build $($PKG_CONFIG --libs weir)
	ok "it runs" env LD_LIBRARY_PATH="$libdir" "$tmp/program"
fi
if test -e "$libdir/libweir.a"; then
	ok "a program is built with the static library" \
		build "$libdir/libweir.a" \
		$($PKG_CONFIG --static --libs weir | sed 's/-lweir//')
	ok "it runs" "$tmp/program"
fi
test ! -e ./weir-lb || ok "weir-lb runs" \
	env LD_LIBRARY_PATH="$libdir" "$bindir/weir-lb" --version
ok "weir-top runs" env LD_LIBRARY_PATH="$libdir" "$bindir/weir-top" --version
done_testing
