# SPDX-License-Identifier: MIT
#
# tests/errnos.awk - pairs "FUNCTION ERRNO", from headers or from tests
#
#     awk -f errnos.awk -v what=listed HEADER...
#         the errnos that each contract lists after "Return:", those of
#         another function included where it says "as weir_x()" or "error of
#         weir_x()" (in parentheses, that is a cause and includes nothing);
#         "FUNCTION *" where it says "what ... returned": any of the caller's
#     awk -f errnos.awk -v what=provoked TEST.c...
#         the errnos that tests check for:
#             CHECK_EQ(weir_x(...), -ERRNO)    or another CHECK...()
#             CHECK_ERRNO(weir_x, ERRNO, value)

# --- The headers ---

function contract_ends(    text, plain, words, n, i)
{
	if (fn == "" || returns == "")
		return
	text = returns
	while (match(text, /-E[A-Z0-9]+/)) {
		has[fn, substr(text, RSTART + 1, RLENGTH - 1)] = 1
		text = substr(text, RSTART + RLENGTH)
	}
	if (returns ~ /what [@a-z_]+ +returned/)
		has[fn, "*"] = 1
	plain = returns
	gsub(/\(\)/, "", plain)
	while (gsub(/\([^()]*\)/, "", plain))
		;
	while (match(plain, /(as|error +of) +weir_[a-z0-9_]+/)) {
		n = split(substr(plain, RSTART, RLENGTH), words, / +/)
		uses[fn, words[n]] = 1
		plain = substr(plain, RSTART + RLENGTH)
	}
	functions[fn] = 1
}

function read_header()
{
	if ($0 ~ /^\/\*\*/) {
		fn = returns = ""
		in_return = 0
		return
	}
	if ($0 ~ /^ \* weir_[a-z0-9_]+\(\) - /) {
		fn = $2
		sub(/\(.*/, "", fn)
	} else if ($0 ~ /^ \*\//) {
		contract_ends()
		fn = ""
	} else if ($0 ~ /^ \* [A-Z][a-z]+: /) {
		in_return = $2 == "Return:"
	}
	if (in_return)
		returns = returns " " substr($0, 3)
}

# A list that includes one which includes another: until nothing is new.
function include_lists(    is_new, pair, other, a, b)
{
	do {
		is_new = 0
		for (pair in uses) {
			split(pair, a, SUBSEP)
			if (!(a[2] in functions)) {
				print a[1] ": no " a[2] "()" >"/dev/stderr"
				exit 1
			}
			for (other in has) {
				split(other, b, SUBSEP)
				if (b[1] == a[2] && !((a[1], b[2]) in has)) {
					add[a[1], b[2]] = 1
					is_new = 1
				}
			}
		}
		for (pair in add)
			has[pair] = 1
	} while (is_new)
}

# --- The tests ---

# The position of the parenthesis that closes the one at @from; 0: none.
function closing(text, from,    depth, at)
{
	for (at = from; at <= length(text); at++) {
		if (substr(text, at, 1) == "(")
			depth++
		else if (substr(text, at, 1) == ")" && --depth == 0)
			return at
	}
	return 0
}

# The function of a call that ends a text; "": it ends in no call.
function last_call(text,    depth, at)
{
	if (text !~ /\)$/)
		return ""
	for (at = length(text); at > 0; at--) {
		if (substr(text, at, 1) == ")")
			depth++
		else if (substr(text, at, 1) == "(" && --depth == 0)
			break
	}
	text = substr(text, 1, at - 1)
	return match(text, /weir_[a-z][a-z0-9_]*$/) ? substr(text, RSTART) : ""
}

function read_check(args, is_errno,    part)
{
	gsub(/[ \t\n]+/, " ", args)
	if (is_errno) {
		split(args, part, / *, */)
		has[part[1], part[2]] = 1
	} else if (match(args, / *, *-E[A-Z0-9]+ *$/)) {
		part[1] = last_call(substr(args, 1, RSTART - 1))
		sub(/.*-/, "", args)
		sub(/ *$/, "", args)
		if (part[1] != "")
			has[part[1], args] = 1
	}
}

function read_test(text,    from, to, name)
{
	gsub(/"([^"\\]|\\.)*"/, "0", text)
	gsub(/'([^'\\]|\\.)*'/, "0", text)
	while (match(text, /CHECK[A-Z_]*\(/)) {
		name = substr(text, RSTART, RLENGTH - 1)
		from = RSTART + RLENGTH
		to = closing(text, from - 1)
		if (!to)
			return
		read_check(substr(text, from, to - from),
			   name == "CHECK_ERRNO")
		text = substr(text, from)
	}
}

# A line that begins a function at the latest begins a new text, for speed.
what == "listed" { read_header() }
what == "provoked" {
	if (/^[{}]/ || FNR == 1) {
		read_test(body)
		body = ""
	}
	if (!/^[ \t]*(\/\*|\* |\*\/)/ && !/^#/)
		body = body "\n" $0
}

END {
	if (what == "provoked")
		read_test(body)
	else
		include_lists()
	for (pair in has) {
		split(pair, part, SUBSEP)
		print part[1], part[2]
	}
}
