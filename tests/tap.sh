# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# tests/tap.sh - for tests that are shell scripts
#
#     #!/bin/sh
#     # SPDX-License-Identifier: MIT
#     limit=30                        # seconds; 60 if not set
#     . "${srcdir:=.}/tests/tap.sh"
#
#     port=$(free_port)
#     start "$tmp/log" ./weir-lb -c "$tmp/lb.conf"
#     ok "weir-lb listens" wait_port "$port"
#     ok "it answers" curl -fsS "http://127.0.0.1:$port/"
#     kill -TERM "$pid"
#     ok "it drains and exits with 0" wait_pid "$pid"
#     done_testing
#
# The current directory is the build's, $srcdir the source's, $tmp a directory
# of the test's own.  A script is killed, with all that it started, when it
# runs longer than its limit times WEIR_TEST_TIMEOUT_FACTOR; and $tmp and the
# processes of start() are gone when it ends, however it ends.

: "${srcdir:=.}" "${limit:=60}" "${WEIR_TEST_TIMEOUT_FACTOR:=1}"

# timeout(1) makes a process group of its own and ends the whole of it.
if test -z "${tap_seconds-}"; then
	tap_seconds=$(awk -v s="$limit" -v f="$WEIR_TEST_TIMEOUT_FACTOR" \
		'BEGIN { print s * f }')
	export tap_seconds
	exec timeout -k 5 "$tap_seconds" /bin/sh "$0" "$@" </dev/null
fi
tap_limit=$tap_seconds
# Not for the scripts that this one may run.
unset tap_seconds

tap_count=0
tap_failed=0
tap_plan=
tap_pids=
tap_ports=
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX") || exit 1
# One directory for each port taken, shared by all tests that run at a time.
tap_port_dir=${TMPDIR:-/tmp}/weir-test-ports

tap_clean_up()
{
	for tap_pid in $tap_pids; do
		kill -KILL "$tap_pid" 2>/dev/null
		wait "$tap_pid" 2>/dev/null
	done
	for tap_port in $tap_ports $(cat "$tmp/.ports" 2>/dev/null); do
		rmdir "$tap_port_dir/$tap_port" 2>/dev/null
	done
	rm -rf "$tmp"
}

# The script's standard output, for the trap: ok() redirects that of a command.
exec 3>&1
trap tap_clean_up EXIT
trap 'echo "Bail out! timed out after $tap_limit s" >&3; exit 1' TERM
trap 'exit 1' HUP INT PIPE

# plan N: how many results will come.  Else end with done_testing.
plan()
{
	tap_plan=$1
	echo "1..$1"
}

# Ends the script, with status 1 if a result was "not ok" or one is missing.
done_testing()
{
	test -n "$tap_plan" || echo "1..$tap_count"
	test "$tap_failed" -eq 0 && test "$tap_count" -gt 0 &&
		test "${tap_plan:-$tap_count}" -eq "$tap_count"
	exit
}

# Ends the script before any result.
skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# Shows a file's last lines as diagnostics.
diag_file()
{
	tail -n "${2:-40}" "$1" | sed 's/^/#   /'
}

pass()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# fail NAME [WHY]
fail()
{
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	test $# -lt 2 || diag "$2"
	return 1
}

# skip NAME REASON
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# ok NAME COMMAND...: ok if COMMAND exits with 0; else its output is shown.
ok()
{
	tap_name=$1
	shift
	if "$@" >"$tmp/.output" 2>&1; then
		pass "$tap_name"
		return
	else
		tap_status=$?
	fi
	fail "$tap_name" "status $tap_status: $*"
	diag_file "$tmp/.output"
	return 1
}

# not_ok NAME COMMAND...: ok if COMMAND exits with another status than 0.
not_ok()
{
	tap_name=$1
	shift
	if "$@" >"$tmp/.output" 2>&1; then
		fail "$tap_name" "status 0: $*"
		diag_file "$tmp/.output"
		return 1
	fi
	pass "$tap_name"
}

# is NAME GOT WANTED
is()
{
	if test "$2" = "$3"; then
		pass "$1"
	else
		fail "$1" "got \"$2\", not \"$3\""
	fi
}

# contains NAME FILE WORDS: ok if a line of FILE contains WORDS.
contains()
{
	if grep -qF -- "$3" "$2"; then
		pass "$1"
	else
		fail "$1" "no line of $2 contains \"$3\":"
		diag_file "$2"
		return 1
	fi
}

# Ports that some socket here has as its own, in decimal.
tap_used_ports()
{
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		awk '$2 ~ /:/ { sub(/.*:/, "", $2); print $2 }' |
		sort -u | while read -r tap_hex; do
			echo $((0x$tap_hex))
		done
}

# Prints a loopback port that nobody listens on and that no other test of ours
# is given.  Below the ephemeral range, so that no client socket takes it.
free_port()
{
	mkdir -p "$tap_port_dir"
	tap_used=" $(tap_used_ports | tr '\n' ' ') "
	for tap_try in $(od -An -v -N 200 -t u2 /dev/urandom); do
		tap_port=$((20000 + tap_try % 12000))
		case $tap_used in
		*" $tap_port "*) continue ;;
		esac
		mkdir "$tap_port_dir/$tap_port" 2>/dev/null || continue
		# This may run in $(...): what it sets there would be lost.
		echo "$tap_port" >>"$tmp/.ports"
		echo "$tap_port"
		return
	done
	return 1
}

# start LOG COMMAND...: runs COMMAND in the background and sets $pid.  The
# kernel kills it should this shell die first.
start()
{
	tap_log=$1
	shift
	setpriv --pdeathsig KILL -- "$@" >"$tap_log" 2>&1 </dev/null 3>&- &
	pid=$!
	tap_pids="$tap_pids $pid"
}

tap_forget()
{
	tap_left=
	for tap_pid in $tap_pids; do
		test "$tap_pid" = "$1" || tap_left="$tap_left $tap_pid"
	done
	tap_pids=$tap_left
}

# wait_pid PID: waits for a process of start() and returns its exit status.
wait_pid()
{
	wait "$1"
	set -- "$1" $?
	tap_forget "$1"
	return "$2"
}

# stop PID [SIGNAL]: sends TERM or SIGNAL, waits, returns the exit status.
stop()
{
	kill "-${2:-TERM}" "$1" || return 1
	wait_pid "$1"
}

# One that has ended and is not waited for yet is not running.
is_running()
{
	grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}

# wait_for COMMAND...: runs it until it succeeds.  There is no limit but the
# script's: a busy machine must not decide a test.
wait_for()
{
	until "$@"; do
		sleep 0.02
	done
}

# Whether some socket listens on a port; no connection is made.
is_listening()
{
	cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
		awk -v port="$(printf ':%04X' "$1")" '
		substr($2, length($2) - 4) == port && $4 == "0A" { found = 1 }
		END { exit !found }'
}

# wait_port PORT [PID]: until somebody listens; fails if PID ends before.
wait_port()
{
	until is_listening "$1"; do
		if test -n "${2-}" && ! is_running "$2"; then
			echo "process $2 ended, port $1 is closed"
			return 1
		fi
		sleep 0.02
	done
}

# fd_count PID, rss_kib PID: what a process holds.
fd_count()
{
	ls "/proc/$1/fd" | wc -l
}

rss_kib()
{
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"
}
