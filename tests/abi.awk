# SPDX-License-Identifier: MIT
#
# tests/abi.awk - a C program that prints the ABI of the headers it is given
#
#     awk -f abi.awk include/weir/*.h
#
# One line each: a struct with its size, a member with offset and size, a
# constant of an enum or a macro with its value, a function or a type of
# functions with its declaration.  The headers are as regular as style.md has
# them: what begins in the first column is a declaration of its own.

# --- Comments and line ends go: what is left is one text ---

/^#define WEIR_[A-Z0-9_]+ / && !/\\$/ {
	split($0, part, /[ \t]+/)
	# Not the strings, nor the version, which changes with each release.
	if ($0 !~ /^[^"]*"[^*]*$/ && part[2] !~ /_VERSION_|_DECLS/)
		constants[++constant_count] = part[2]
}

/^#/ || goes_on { goes_on = /\\$/; next }

{ text = text $0 "\n" }

function without_comments(text,    from, to, plain)
{
	while ((from = index(text, "/*")) > 0) {
		plain = plain substr(text, 1, from - 1) " "
		text = substr(text, from + 2)
		to = index(text, "*/")
		text = substr(text, to + 2)
	}
	return plain text
}

function trim(text)
{
	gsub(/[ \t\n]+/, " ", text)
	gsub(/^ | $/, "", text)
	return text
}

# --- What a declaration prints ---

function say(format, arguments)
{
	printf("\tprintf(\"%s\\n\"%s);\n", format, arguments)
}

function member(of, declarator)
{
	sub(/\[.*/, "", declarator)
	sub(/.*[ *]/, "", declarator)
	say(of "." declarator " at %zu, %zu bytes",
	    ", offsetof(" of ", " declarator "), sizeof(((" of " *)0)->" \
	    declarator ")")
}

function struct(name, body,    count, parts, n, names, i, k)
{
	say(name ": %zu bytes", ", sizeof(" name ")")
	count = split(body, parts, ";")
	for (i = 1; i <= count; i++) {
		n = split(trim(parts[i]), names, ",")
		for (k = 1; k <= n; k++)
			member(name, trim(names[k]))
	}
}

function enumeration(body,    n, names, i)
{
	n = split(body, names, ",")
	for (i = 1; i <= n; i++) {
		sub(/=.*/, "", names[i])
		if (trim(names[i]) != "")
			constant(trim(names[i]))
	}
}

function constant(name)
{
	say(name " = %lld", ", (long long)" name)
}

# A declaration that is complete, from the first column to its end.
function declared(text,    name)
{
	text = trim(text)
	if (text ~ /^(struct|enum) [a-z_0-9]+ \{/) {
		name = text
		sub(/ \{.*/, "", name)
		sub(/^[^{]*\{/, "", text)
		sub(/\} *;$/, "", text)
		if (name ~ /^struct/)
			struct(name, text)
		else
			enumeration(text)
	} else if (text ~ /^typedef struct/) {
		name = "struct weir_token"
		sub(/^[^{]*\{/, "", text)
		sub(/\}.*/, "", text)
		struct(name, text)
	} else if (text ~ /\(/ || text ~ /^typedef/) {
		say(text, "")
	}
}

END {
	print "#include <stddef.h>\n#include <stdio.h>\n#include <weir.h>"
	print "int main(void)\n{"
	count = split(without_comments(text), line, "\n")
	for (i = 1; i <= count; i++) {
		if (line[i] ~ /^(WEIR_BEGIN|WEIR_END|extern)/)
			continue
		if (line[i] ~ /^static inline/) {
			is_inline = 1
			continue
		}
		if (is_inline) {
			is_inline = line[i] !~ /^}/
			continue
		}
		whole = whole " " line[i]
		if (line[i] ~ /^}.*;$/ ||
		    (line[i] ~ /;[ \t]*$/ && whole !~ /{/)) {
			declared(whole)
			whole = ""
		}
	}
	for (i = 1; i <= constant_count; i++)
		constant(constants[i])
	print "\treturn 0;\n}"
}
