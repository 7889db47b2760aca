# SPDX-License-Identifier: MIT
#
# man.awk - manual pages out of the public headers
#
#     awk -v out=DIR -v version=0.1.0 -f doc/man.awk weir.h weir/*.h
#
# Each function becomes a page of section 3, from the comment over it and its
# declaration; each header a page of section 7, from the comment at its head,
# with its types; weir(7) lists them all.  The headers stay the one place where
# a contract is written.

function expand(text,	column)
{
	while ((column = index(text, "\t")) > 0)
		text = substr(text, 1, column - 1) \
		       substr("        ", 1, 8 - (column - 1) % 8) \
		       substr(text, column + 1)
	return text
}

function quote(text)
{
	text = expand(text)
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	if (text ~ /^[.']/)
		text = "\\&" text
	return text
}

# In prose a parameter is in italics; in code it is left as it is.
function prose(text,	done)
{
	text = quote(text)
	done = ""
	while (match(text, /@[a-z_]+/)) {
		done = done substr(text, 1, RSTART - 1) "\\fI" \
		       substr(text, RSTART + 1, RLENGTH - 1) "\\fP"
		text = substr(text, RSTART + RLENGTH)
	}
	return done text
}

function strip(text)
{
	sub(/^ \*\/?/, "", text)
	sub(/^ /, "", text)
	return text
}

# A file of the header, without its folder: weir/timer.h is weir_timer.h(7).
function page_of(header,	name)
{
	name = header
	gsub(/\//, "_", name)
	return name
}

function head(file, name, section, brief)
{
	printf ".\\\" Made by doc/man.awk; the source is <%s>.\n", header >file
	printf ".TH %s %s \"\" \"weir %s\" \"weir\"\n", name, section,
	       version >file
	printf ".SH NAME\n%s \\- %s\n", name, quote(brief) >file
}

function begin_header(path)
{
	end_header()
	header = path
	if (!sub(/^.*include\//, "", header))
		sub(/^.*\//, "", header)
	state = "before"
	overview = types = functions = ""
	brief_of_header = ""
}

function end_header(	file, name)
{
	if (header == "" || header == "weir.h")
		return
	name = page_of(header)
	file = out "/" name ".7"
	head(file, name, 7, brief_of_header)
	print ".SH SYNOPSIS\n.B #include <" header ">" >file
	print ".SH DESCRIPTION\n.nf\n" overview ".fi" >file
	if (types != "")
		print ".SH TYPES\n.nf\n" types ".fi" >file
	if (functions != "")
		print ".SH FUNCTIONS\n" functions >file
	print ".SH SEE ALSO\n.BR weir (7)" >file
	close(file)
	listed = listed ".TP\n.BR " quote(name) " (7)\n" \
		 quote(brief_of_header) "\n"
}

# Sections of a function's comment, each with its lines.
function begin_function(	text)
{
	split("", parts)
	split("", described)
	names = 0
	part = "text"
	text = strip(line)
	fn = brief = text
	sub(/\(\).*$/, "", fn)
	sub(/^[^(]*\(\) - /, "", brief)
}

function add_line(text,	name)
{
	if (match(text, /^@[a-z_]+:/)) {
		name = substr(text, 2, RLENGTH - 2)
		described[++names] = name
		part = "@" name
		text = substr(text, RLENGTH + 1)
		sub(/^ +/, "", text)
	} else if (match(text, /^(Threads|Owns|Return):/)) {
		part = substr(text, 1, RLENGTH - 1)
		text = substr(text, RLENGTH + 1)
		sub(/^ +/, "", text)
	} else if (text == "" && part != "text") {
		part = "text"
		return
	} else if (part != "text") {
		sub(/^ +/, "", text)
	}
	parts[part] = parts[part] text "\n"
}

# Prose is filled, but not what was laid out by hand: lines set in.
function write_text(file, text,	lines, n, i, laid)
{
	n = split(text, lines, "\n")
	laid = 0
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^  / && !laid) {
			print ".PP\n.nf" >file
			laid = 1
		} else if (lines[i] !~ /^  / && lines[i] != "" && laid) {
			print ".fi" >file
			laid = 0
		}
		if (laid)
			print quote(lines[i]) >file
		else if (lines[i] == "")
			blank = 1
		else {
			if (blank)
				print ".PP" >file
			print prose(lines[i]) >file
			blank = 0
		}
	}
	if (laid)
		print ".fi" >file
	blank = 0
}

function write_part(file, title, name)
{
	if (parts[name] == "")
		return
	print ".SH " title >file
	write_text(file, parts[name])
}

function write_function(	file, i)
{
	file = out "/" fn ".3"
	head(file, fn, 3, brief)
	print ".SH SYNOPSIS\n.nf\n.B #include <" header ">\n.PP" >file
	printf "%s", declaration >file
	print ".fi" >file
	print ".SH DESCRIPTION" >file
	for (i = 1; i <= names; i++) {
		print ".TP\n.I " described[i] >file
		write_text(file, parts["@" described[i]])
	}
	if (names > 0 && parts["text"] ~ /[^\n]/)
		print ".PP" >file
	sub(/^\n+/, "", parts["text"])
	write_text(file, parts["text"])
	write_part(file, "THREADS", "Threads")
	write_part(file, "OWNERSHIP", "Owns")
	write_part(file, "RETURN VALUE", "Return")
	printf ".SH SEE ALSO\n.BR %s (7)\n", quote(page_of(header)) >file
	close(file)
	functions = functions ".TP\n.BR " quote(fn) " (3)\n" quote(brief) "\n"
}

FNR == 1 { begin_header(FILENAME) }
{ line = $0 }

state == "before" {
	if (line == "/*")
		state = "overview"
	next
}
state == "overview" {
	if (line == " */") {
		state = "between"
	} else if (brief_of_header == "") {
		brief_of_header = strip(line)
		sub(/^[^ ]* - /, "", brief_of_header)
	} else {
		overview = overview quote(strip(line)) "\n"
	}
	next
}
line ~ /^#(include|endif|ifndef WEIR_[A-Z]+_H)/ || /^WEIR_(BEGIN|END)_DECLS/ {
	next
}
state == "between" && line == "/**" { state = "first"; next }
state == "first" { begin_function(); state = "comment"; next }
state == "comment" {
	if (line == " */") {
		state = "declaration"
		declaration = ""
	} else {
		add_line(strip(line))
	}
	next
}
state == "declaration" {
	if (line == "{") {
		sub(/\n$/, ";\n", declaration)
		write_function()
		state = "body"
		next
	}
	sub(/^static inline /, "", line)
	declaration = declaration "\\fB" quote(line) "\\fP\n"
	if (line ~ /;$/) {
		write_function()
		state = "between"
	}
	next
}
state == "body" { if (line == "}") state = "between"; next }
state == "between" {
	# One empty line between two things, and none at the head.
	if (line != "" || types !~ /(^|\n)\n?$/ || types ~ /[^\n]\n$/)
		types = types quote(line) "\n"
}

END {
	end_header()
	header = "weir.h"
	file = out "/weir.7"
	head(file, "weir", 7, "reactors for servers of many connections")
	print ".SH DESCRIPTION" >file
	print "weir is a library of edge\\-triggered epoll reactors, one for" \
	      >file
	print "each worker thread of a pool. These pages are made from its" \
	      >file
	print "headers, of which each has one:" >file
	printf "%s", listed >file
}
