# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# tests/integration/lb.sh - what the tests of weir-lb share; read after tap.sh
#
# $conf is the configuration, $log what weir-lb says, $out its statistics.

weir_lb=./weir-lb
peer=./tests/integration/lb_peer
conf=$tmp/lb.conf
log=$tmp/lb.log
out=$tmp/lb.out

test -x "$weir_lb" || skip_all "weir-lb is not built: no libconfuse"

# start_server NAME PORT: an echo server; sets $pid.
start_server()
{
	start "$tmp/server.$1" "$peer" serve "127.0.0.1:$2" "$1"
	wait_port "$2" "$pid" || fail "server $1 listens on $2"
}

# write_conf LISTEN-PORT OPTIONS [SERVER-PORT[/WEIGHT]]...: prints a
# configuration with one listener.
write_conf()
{
	echo "workers = 2"
	echo "listen \"127.0.0.1:$1\" {"
	echo "	$2"
	shift 2
	for server; do
		weight=1
		case $server in
		*/*) weight=${server#*/} ;;
		esac
		echo "	server \"127.0.0.1:${server%/*}\" { weight = $weight }"
	done
	echo "}"
}

# start_lb [ARGUMENT]...: starts weir-lb on $conf; sets $lb, its pid.  Without
# it there is no test.
start_lb()
{
	: >"$log"
	# The log apart from the statistics; $pid is weir-lb's, by exec.
	start "$out" /bin/sh -c 'log=$1; shift; exec "$@" 2>>"$log"' sh \
		"$log" $weir_lb -c "$conf" "$@"
	lb=$pid
	if ! wait_log "is ready"; then
		fail "weir-lb starts"
		diag_file "$log"
		echo "Bail out! no weir-lb"
		exit 1
	fi
}

# count_log WORDS: how many lines of the log contain them.
count_log()
{
	grep -cF -- "$1" "$log"
}

has_log()
{
	test "$(count_log "$1")" -ge "$2"
}

# wait_log WORDS [N]: until N lines of the log contain WORDS; fails if weir-lb
# ends before.
wait_log()
{
	until has_log "$1" "${2:-1}"; do
		if ! is_running "$lb"; then
			has_log "$1" "${2:-1}"
			return
		fi
		sleep 0.02
	done
}

# names PORT N: the names of the servers that N connections are given.
names()
{
	"$peer" who "127.0.0.1:$1" "$2"
}

# spread PORT N: the same, as "A=3 B=3".
spread()
{
	names "$1" "$2" | sort | uniq -c |
		awk '{ printf "%s%s=%d", sep, $2, $1; sep = " " }'
}

# spread_is NAME PORT N WANTED
spread_is()
{
	is "$1" "$(spread "$2" "$3")" "$4"
}

# becomes NAME PORT N WANTED: the same, once it is so.
becomes()
{
	until test "$(spread "$2" "$3")" = "$4"; do
		sleep 0.05
	done
	pass "$1"
}

# replace_conf: renames standard input over the configuration, and returns when
# it is in force or refused.
replace_conf()
{
	answered=$(count_log "$conf is in force")
	refused=$(count_log "the configuration in force stays")
	cat >"$conf.new"
	mv "$conf.new" "$conf"
	until has_log "$conf is in force" $((answered + 1)) ||
		has_log "the configuration in force stays" $((refused + 1)); do
		is_running "$lb" || return 1
		sleep 0.02
	done
}

# is_closed PORT: whether nobody listens on it.
is_closed()
{
	! is_listening "$1"
}

# start_flood PORT CONNS: sets $flood; returns when all are open.
start_flood()
{
	: >"$tmp/flood"
	start "$tmp/flood" "$peer" flood "127.0.0.1:$1" "$2"
	flood=$pid
	until grep -qs '^open' "$tmp/flood"; do
		is_running "$flood" || break
		sleep 0.02
	done
}

# end_flood NAME: ok if each byte on each connection was right until the end.
end_flood()
{
	kill -USR1 "$flood"
	if wait_pid "$flood"; then
		pass "$1"
	else
		fail "$1"
	fi
	diag_file "$tmp/flood"
}

# stop_lb NAME: ok if weir-lb exits with 0 on SIGTERM.
stop_lb()
{
	if stop "$lb"; then
		pass "$1"
	else
		fail "$1" "exit status not 0"
		diag_file "$log"
	fi
}

# fds_are COUNT: whether weir-lb has so many descriptors.
fds_are()
{
	test "$(fd_count "$lb")" -eq "$1"
}
