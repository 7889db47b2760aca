# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# tests/named.sh - for documents that say which test shows what
#
# Such a document has tables whose first cell is the row's number, and names
# tests in backquotes: `test_x:name` is TEST(name) of tests/unit/test_x.c, and
# `tests/x/y.test` is a script.  To be sourced after tap.sh.

# named_tests FILE: prints each name once.
named_tests()
{
	grep -o '`test_[a-z0-9_]*:[a-z0-9_]*`\|`tests/[a-z/_0-9]*\.test`' "$1" |
		tr -d '`' | sort -u
}

# in_suite PATH: whether "make check" runs it.
in_suite()
{
	awk -v path="$1" '
	/^[a-z_]*tests = *\\$/ { in_list = 1; next }
	in_list { found = found || $1 == path; in_list = /\\$/ }
	END { exit !found }' "$srcdir/Makefile.am"
}

# Whether the program has the test; from its source if it is not built here.
has_test()
{
	if test -x "tests/unit/$1"; then
		"tests/unit/$1" --list | grep -qx "$2"
	else
		grep -qx "TEST($2)" "$srcdir/tests/unit/$1.c"
	fi
}

# all_named_run FILE: fails with the names that do not run.
all_named_run()
{
	named_tests "$1" >"$tmp/named"
	test -s "$tmp/named" || { echo "$1 names no test"; return 1; }
	bad=0
	while read -r name; do
		case $name in
		tests/*)
			test -e "$srcdir/$name" && in_suite "$name" ;;
		*)
			in_suite "tests/unit/${name%:*}" &&
				has_test "${name%:*}" "${name#*:}" ;;
		esac || { echo "$name does not run"; bad=1; }
	done <"$tmp/named"
	return $bad
}

# rows_of FILE: "ROW TESTS", how many tests each row names.
rows_of()
{
	awk -F'|' '$2 ~ /^ [A-Z]?[0-9]+ $/ {
		gsub(/ /, "", $2)
		print $2, gsub(/`tests?[_\/][a-z0-9_\/]*(:|\.test`)/, "")
	}' "$1"
}

# each_row FILE ROW...: each is there once, and names a test.
each_row()
{
	rows_of "$1" >"$tmp/rows"
	shift
	bad=0
	for row; do
		case $(awk -v row="$row" '$1 == row { n++; t += $2 }
			END { print n + 0, t + 0 }' "$tmp/rows") in
		"1 0") echo "row $row names no test"; bad=1 ;;
		"1 "*) ;;
		*) echo "row $row is not there once"; bad=1 ;;
		esac
	done
	return $bad
}
