#!/bin/sh
# SPDX-License-Identifier: MIT
#
# count.sh - user instructions of weir-bench's items, as JSON on stdout
#
#     bench/count.sh PATH/TO/weir-bench
#
# Callgrind begins anew whenever count_begin() is entered, and writes its sum
# whenever count_end() is: the sum of the thread that did so, for one over all
# threads comes out wrong when another one had run before.
set -eu
bench=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-count.XXXXXX")
trap 'rm -rf "$dir"' EXIT

valgrind --tool=callgrind --callgrind-out-file="$dir/out" --combine-dumps=yes \
	--separate-threads=yes \
	--zero-before=count_begin --dump-before=count_end \
	"$bench" count >"$dir/list" 2>"$dir/log" || {
	tail -n 20 "$dir/log" >&2
	exit 1
}
"$bench" counts "$dir/list" "$dir/out"
