dnl SPDX-License-Identifier: MIT
dnl
dnl weir.m4 - the options of configure, one macro for each
dnl
dnl Order: debug, sanitizers, werror, jemalloc, and the flags last of all, so
dnl that no test of configure itself is built with -Werror or a sanitizer.

dnl WEIR_ARG_DEBUG
dnl   --enable-debug: checks of ownership and state, and code as written.
AC_DEFUN([WEIR_ARG_DEBUG], [
AC_ARG_ENABLE([debug],
	[AS_HELP_STRING([--enable-debug],
		[check owner threads and states, build with -O0 -g3])],
	[], [enable_debug=no])
AS_IF([test "$enable_debug" = no], [weir_debug=0], [weir_debug=1])
AC_DEFINE_UNQUOTED([WEIR_DEBUG], [$weir_debug], [Whether to check owners])
])

dnl WEIR_ARG_SANITIZERS
dnl   --enable-asan, --enable-tsan: sets $weir_sanitizers, and in
dnl   $weir_sanitizer_cflags what they need.
AC_DEFUN([WEIR_ARG_SANITIZERS], [
AC_ARG_ENABLE([asan],
	[AS_HELP_STRING([--enable-asan],
		[build with AddressSanitizer and UBSan, without jemalloc])],
	[], [enable_asan=no])
AC_ARG_ENABLE([tsan],
	[AS_HELP_STRING([--enable-tsan],
		[build with ThreadSanitizer, without jemalloc])],
	[], [enable_tsan=no])
weir_sanitizers=none
weir_sanitizer_cflags=
AS_IF([test "$enable_asan" != no && test "$enable_tsan" != no],
	[AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
AS_IF([test "$enable_asan" != no], [
	weir_sanitizers="address undefined"
	weir_sanitizer_cflags="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
])
AS_IF([test "$enable_tsan" != no], [
	weir_sanitizers="thread"
	weir_sanitizer_cflags="-fsanitize=thread -fno-omit-frame-pointer"
	# gcc warns of each fence, as TSan does not see what a fence orders.
	# Our two only decide whether to wake a sleeper; what a message holds
	# is ordered by the rings.  clang has no such warning.
	AC_MSG_CHECKING([whether $CC has -Wtsan])
	weir_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror -Wtsan"
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [
		AC_MSG_RESULT([yes])
		weir_sanitizer_cflags="$weir_sanitizer_cflags -Wno-tsan"
	], [AC_MSG_RESULT([no])])
	CFLAGS=$weir_saved_cflags
])
AS_IF([test -n "$weir_sanitizer_cflags"], [
	AC_MSG_CHECKING([whether $CC links with $weir_sanitizer_cflags])
	weir_saved_cflags=$CFLAGS
	CFLAGS="$CFLAGS $weir_sanitizer_cflags"
	AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])], [
		AC_MSG_RESULT([no])
		AC_MSG_ERROR([$CC has no runtime for this sanitizer])
	])
	CFLAGS=$weir_saved_cflags
])
])

dnl WEIR_ARG_WERROR
AC_DEFUN([WEIR_ARG_WERROR], [
AC_ARG_ENABLE([werror],
	[AS_HELP_STRING([--enable-werror], [make warnings errors])],
	[], [enable_werror=no])
])

dnl WEIR_ARG_JEMALLOC
dnl   --with-jemalloc, the default: sets $with_jemalloc to yes or no, and
dnl   $with_jemalloc_why if the user did not choose it.
AC_DEFUN([WEIR_ARG_JEMALLOC], [
AC_ARG_WITH([jemalloc],
	[AS_HELP_STRING([--without-jemalloc],
		[use malloc, not one jemalloc arena for each worker])],
	[], [with_jemalloc=default])
with_jemalloc_why=
AS_CASE(["$with_jemalloc:$weir_sanitizers"],
	[no:*], [],
	[*:none], [with_jemalloc=yes],
	[default:*], [
		with_jemalloc=no
		with_jemalloc_why=" (the sanitizers bring their own malloc)"
	],
	[AC_MSG_ERROR([--with-jemalloc and a sanitizer exclude each other:
both replace malloc])])
])

dnl WEIR_BENCH_PEERS
dnl   What weir-bench compares with.  None of them is needed: a peer that is
dnl   not found is skipped by name.  Sets $weir_peers for the report.
AC_DEFUN([WEIR_BENCH_PEERS], [
weir_peers=
PKG_CHECK_MODULES([LIBEVENT], [libevent_core >= 2.1 libevent_pthreads], [
	AC_DEFINE([WEIR_HAVE_LIBEVENT], [1], [Compare with libevent])
	weir_peers="$weir_peers libevent"
], [:])
PKG_CHECK_MODULES([LIBUV], [libuv >= 1.40], [
	AC_DEFINE([WEIR_HAVE_LIBUV], [1], [Compare with libuv])
	weir_peers="$weir_peers libuv"
], [:])
PKG_CHECK_MODULES([LIBURING], [liburing >= 2.2], [
	AC_DEFINE([WEIR_HAVE_LIBURING], [1], [Compare with io_uring])
	AC_DEFINE_UNQUOTED([WEIR_LIBURING_VERSION],
		["$($PKG_CONFIG --modversion liburing)"], [Its version])
	weir_peers="$weir_peers liburing"
], [:])
dnl libev has no file for pkg-config.
LIBEV_LIBS=
AC_CHECK_HEADER([ev.h], [AC_CHECK_LIB([ev], [ev_loop_new], [
	AC_DEFINE([WEIR_HAVE_LIBEV], [1], [Compare with libev])
	LIBEV_LIBS=-lev
	weir_peers="$weir_peers libev"
])])
AC_SUBST([LIBEV_LIBS])
])

dnl WEIR_COMPILER_FLAGS
dnl   Sets WEIR_CFLAGS, which every file is compiled with.  CFLAGS stays the
dnl   user's, and comes after it.
AC_DEFUN([WEIR_COMPILER_FLAGS], [
WEIR_CFLAGS="-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion"
WEIR_CFLAGS="$WEIR_CFLAGS -Wstrict-prototypes -Wmissing-prototypes"
AS_IF([test "$enable_werror" != no], [WEIR_CFLAGS="$WEIR_CFLAGS -Werror"])
WEIR_CFLAGS="$WEIR_CFLAGS${weir_sanitizer_cflags:+ }$weir_sanitizer_cflags"
AC_SUBST([WEIR_CFLAGS])
AC_SUBST([WEIR_SANITIZER_CFLAGS], [$weir_sanitizer_cflags])
AS_IF([test "$user_cflags" = no && test "$enable_debug" != no],
	[CFLAGS="-O0 -g3"])
])
