#!/bin/sh
# SPDX-License-Identifier: MIT
#
# demo.sh - real traffic through weir-lb, for about ten seconds
#
#     make demo           or make demo KEEP=1, which leaves it running
#
# Three servers (httpd.c), weir-lb before two of them, and wrk, whose every
# fiftieth request is the last of its connection.  After a third of the time
# the configuration is replaced: another balance, and the third server joins.
# Later one server is killed.  Exit status 0 only if all went well: see judge().
#
# Environment: WEIR_LB and WEIR_HTTPD, the programs; DEMO_SECONDS, at least 3;
# KEEP, as above.
set -u
: "${WEIR_LB:=./weir-lb}" "${WEIR_HTTPD:=doc/examples/httpd}"
: "${DEMO_SECONDS:=10}" "${KEEP:=}"
connections=64

pids=
failed=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weir-demo.XXXXXX") || exit 1

clean_up()
{
	for one in $pids; do
		kill -KILL "$one" 2>/dev/null
		wait "$one" 2>/dev/null
	done
	rm -rf "$tmp"
}

# Ended by a signal, it is seen to have ended by that signal: the status of an
# exit within a trap depends on the shell and on what it was doing.
ended_by()
{
	clean_up
	trap - EXIT "$1"
	kill "-$1" $$
}
trap clean_up EXIT
trap 'ended_by HUP' HUP
trap 'ended_by INT' INT
trap 'ended_by TERM' TERM

bold=
green=
red=
plain=
if test -t 1; then
	bold=$(printf '\033[1m')
	green=$(printf '\033[32m')
	red=$(printf '\033[31m')
	plain=$(printf '\033[m')
fi

event()
{
	printf '%s       %s%s\n' "$bold" "$*" "$plain"
}

# die WHY [FILE]: and what the file says.
die()
{
	echo "demo: $1" >&2
	test $# -lt 2 || tail -n 20 "$tmp/$2" | sed 's/^/  /' >&2
	exit 1
}

# start NAME COMMAND...: in the background; sets $pid.  The kernel kills it
# should this shell die without a word.
start()
{
	name=$1
	shift
	: >"$tmp/$name.out"
	: >"$tmp/$name.log"
	setpriv --pdeathsig KILL -- "$@" >"$tmp/$name.out" 2>"$tmp/$name.log" \
		</dev/null &
	pid=$!
	pids="$pids $pid"
}

# stop PID: asks it to drain; returns its exit status.
stop()
{
	kill -TERM "$1" 2>/dev/null
	wait "$1"
	set -- "$1" $?
	forget "$1"
	return "$2"
}

forget()
{
	left=
	for one in $pids; do
		test "$one" = "$1" || left="$left $one"
	done
	pids=$left
}

# A process that has ended stays as a zombie until somebody waits for it.
is_running()
{
	grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$1/status"
}

# address FILE WORDS: prints what follows WORDS, once $pid has written it.
address()
{
	until found=$(sed -n "s/.*$2 //p" "$tmp/$1") && test -n "$found"; do
		is_running "$pid" || return 1
		sleep 0.02
	done
	echo "$found"
}

start_server()
{
	start "$1" "$WEIR_HTTPD" "${2-127.0.0.1:0}" "$1"
	at=$(address "$1.out" "listens on") ||
		die "$1 did not start" "$1.log"
}

# configure BALANCE ADDRESS...: renamed over the old one, as it should be.
configure()
{
	{
		echo "workers = 2"
		echo "accept = handoff"
		echo "drain_timeout = 10"
		echo "listen \"127.0.0.1:0\" {"
		echo "	balance = $1"
		shift
		printf '	server "%s" {}\n' "$@"
		echo "}"
	} >"$tmp/weir-lb.conf.new"
	mv "$tmp/weir-lb.conf.new" "$tmp/weir-lb.conf"
}

# count NAME ADDRESS: how many requests a server has answered; what it last
# said if it does not say anything.
count()
{
	curl -fsS -m 5 "http://$2/count" 2>/dev/null >"$tmp/$1.new" &&
		mv "$tmp/$1.new" "$tmp/$1.count"
	cat "$tmp/$1.count" 2>/dev/null || echo 0
}

count_all()
{
	alpha_count=$(count alpha "$alpha_at")
	test -z "$beta" || beta_count=$(count beta "$beta_at")
	gamma_count=$(count gamma "$gamma_at")
	all_count=$((alpha_count + beta_count + gamma_count))
}

# field NAME: a number of weir-lb's last line of statistics.
field()
{
	tail -n 1 "$tmp/lb.out" | tr ' ' '\n' | awk -F = -v name="$1" '
	$1 == name { print $2; found = 1; exit }
	END { if (!found) print 0 }'
}

# In hundredths of a second.
now()
{
	awk '{ printf "%.0f\n", $1 * 100 }' /proc/uptime
}

headline()
{
	printf '\n%s%46s%18s%14s\n%s%s%s\n' "$bold" \
		"worker 0" "worker 1" "99 in 100" \
		"  s  connections  requests/s" \
		"   turns/s messages  turns/s messages" "  turns take$plain"
}

# Requests come from the servers' own counts, all else from weir-lb.
show_second()
{
	last_count=$all_count
	last_time=$time
	count_all
	time=$(now)
	tail -n 1 "$tmp/lb.out" | tr ' ' '\n' | awk -F = -v second="$1" \
		-v count=$((all_count - last_count)) \
		-v hundredths=$((time - last_time)) '
	{ is[$1] = $2 }
	END {
		printf "%3d %12d %11d %9d %8d %9d %8d %9.1f us\n", second,
			is["conns"], count * 100 / (hundredths + 0.001),
			is["w0.turns"], is["w0.messages"],
			is["w1.turns"], is["w1.messages"], is["turn_p99_us"]
	}'
}

# sleep_until HUNDREDTHS
sleep_until()
{
	sleep "$(awk -v then="$1" '{
		left = then / 100 - $1
		print (left > 0 ? left : 0)
	}' /proc/uptime)"
}

# Waits for weir-lb's next line, which has it all.
settle()
{
	lines=$(wc -l <"$tmp/lb.out")
	while test "$(wc -l <"$tmp/lb.out")" -eq "$lines" &&
		is_running "$lb"; do
		sleep 0.05
	done
	count_all
}

# Rewrites the configuration, and waits until it is in force; not for ever, for
# it may never be: judge() will say so.
replace_configuration()
{
	event "the configuration is replaced: leastconn, and gamma on" \
		"$gamma_at joins"
	configure leastconn "$alpha_at" "$beta_at" "$gamma_at"
	tries=100
	until grep -q "is in force" "$tmp/lb.log" || test "$tries" -eq 0; do
		tries=$((tries - 1))
		sleep 0.05
	done
}

# Prints how many connections the kernel holds open to an address's port.
open_to()
{
	LC_ALL=C grep -c "$(printf ': 0100007F:%04X [^ ]* 01 ' "${1##*:}")" \
		/proc/net/tcp
}

# Kills beta.  Its connections are cut then, and each may cost a request.  How
# many there are must be known exactly, so beta and the load are held until it
# is dead: requests wait at beta, and nobody comes or leaves.
take_away()
{
	kill -STOP "$beta" "$wrk"
	cut=-1
	until test "$cut" = "$(open_to "$beta_at")"; do
		cut=$(open_to "$beta_at")
		sleep 0.05
	done
	kill -KILL "$beta"
	wait "$beta" 2>/dev/null
	forget "$beta"
	beta=
	count_all
	count_at_kill=$all_count
	kill -CONT "$wrk"
	event "beta is killed, with $cut connections open to it" \
		"(the load was held to count them)"
}

run_wrk()
{
	cat >"$tmp/load.lua" <<-'LUA'
	local n, keep, last = 0
	function init()
		keep = wrk.format("GET", "/")
		last = wrk.format("GET", "/", { Connection = "close" })
	end
	function request()
		n = n + 1
		return n % 50 == 0 and last or keep
	end
	function done(summary)
		local e = summary.errors
		print(string.format("result %d %d %d %d",
			summary.requests, summary.bytes, e.read + e.write,
			e.connect + e.status + e.timeout))
	end
	LUA
	# It ends when it is told to.
	start wrk wrk -t 1 -c "$connections" -d 1h --timeout 10 \
		-s "$tmp/load.lua" "http://$lb_at/"
	wrk=$pid
}

# check IS_TRUE WHAT
check()
{
	if test "$1" -ne 0; then
		echo "  ${green}ok${plain}      $2"
	else
		echo "  ${red}FAILED${plain}  $2"
		failed=1
	fi
}

# What has to be true of a demo that went well.
judge()
{
	# shellcheck disable=SC2046 # words
	set -- $(sed -n 's/^result //p' "$tmp/wrk.out") 0 0 0 0
	later=$((all_count - count_at_kill))

	printf '\n%sSummary%s\n' "$bold" "$plain"
	check $(($1 > 0 && $(field bytes) >= $2)) \
		"$1 requests through weir-lb, on $(field total) connections"
	check $((alpha_count > 0 && beta_count > 0 && gamma_count > 0)) \
		"alpha answered $alpha_count, beta $beta_count, gamma $gamma_count"
	check $(($(field reloads) == 1 && $(field reload_errors) == 0)) \
		"$(field reloads) reload, $(field reload_errors) refused"
	check $((cut >= 0 && $3 <= cut)) \
		"$3 requests lost when beta was killed, with $cut connections"
	check $(($4 == 0 && $(field failed) == 0)) \
		"$4 errors else"
	check $((later > 0)) \
		"$later requests answered after that"
}

# Everybody is asked to end, weir-lb first.
drain()
{
	stop "$lb"
	check $(($? == 0)) "weir-lb drained and ended with status 0"
	for one in $alpha $beta $gamma; do
		stop "$one" || check 0 "a server ended with status $?"
	done
}

# Leaves it running until Ctrl-C, which all of us get.
keep()
{
	start_server beta "$beta_at"
	beta=$pid
	cat <<-TEXT

	${bold}http://$lb_at/${plain} is weir-lb; behind it

	  http://$alpha_at/  alpha
	  http://$beta_at/  beta, started again
	  http://$gamma_at/  gamma

	Change $tmp/weir-lb.conf and it is read again;
	its log is $tmp/lb.log.
	Ctrl-C, or kill $$, ends it all and removes $tmp.

	TEXT
	trap : HUP INT TERM
	wait "$lb"
	echo
}

for program in wrk curl "$WEIR_LB" "$WEIR_HTTPD"; do
	command -v "$program" >/dev/null || die "there is no $program"
done
test "$DEMO_SECONDS" -ge 3 || die "DEMO_SECONDS is less than 3"

start_server alpha
alpha=$pid alpha_at=$at
start_server beta
beta=$pid beta_at=$at
start_server gamma
gamma=$pid gamma_at=$at
configure roundrobin "$alpha_at" "$beta_at"
start lb "$WEIR_LB" -c "$tmp/weir-lb.conf" --stats-every 1
lb=$pid
lb_at=$(address lb.log "listening on") || die "weir-lb did not start" lb.log

echo "weir-lb on $lb_at; before alpha on $alpha_at and beta on $beta_at"
echo "$connections connections ask for $DEMO_SECONDS s," \
	"each fiftieth request on a new one"
run_wrk
alpha_count=0 beta_count=0 gamma_count=0 all_count=0 count_at_kill=0 cut=-1
headline
second=0
time=$(now)
while test "$second" -lt "$DEMO_SECONDS"; do
	second=$((second + 1))
	sleep_until $((time + 100))
	show_second "$second"
	if test "$second" -eq $(((DEMO_SECONDS * 3 + 5) / 10)); then
		replace_configuration
	elif test "$second" -eq $(((DEMO_SECONDS * 6 + 5) / 10)); then
		take_away
	fi
done
kill -INT "$wrk"
wait "$wrk" || die "wrk failed" wrk.out
forget "$wrk"
settle
judge
test -z "$KEEP" || keep
drain
test "$failed" -eq 0 || die "not all went well; the log of weir-lb:" lb.log
