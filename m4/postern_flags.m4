dnl POSTERN_WARNINGS: everything builds with -Wall -Wextra -Werror on gcc and clang (--disable-werror for packagers).
AC_DEFUN([POSTERN_WARNINGS], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--disable-werror], [warnings do not stop the build])], [], [enable_werror=yes])
  WARN_CFLAGS="-Wall -Wextra -Wformat=2 -Wformat-nonliteral -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter -Wno-missing-field-initializers"
  AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
  AC_SUBST([HARDEN_CFLAGS], ["-std=gnu11 -fno-strict-aliasing -fstack-protector-strong -fno-common"])
])

dnl POSTERN_SANITIZER: --with-sanitizer=address,undefined
AC_DEFUN([POSTERN_SANITIZER], [
  AC_ARG_WITH([sanitizer], [AS_HELP_STRING([--with-sanitizer=LIST], [build with -fsanitize=LIST])], [], [with_sanitizer=no])
  AS_IF([test "$with_sanitizer" != no], [
    AS_IF([test "$with_sanitizer" = yes], [with_sanitizer=address,undefined])
    SANITIZER_CFLAGS="-fsanitize=$with_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=undefined -g"
    AC_DEFINE([WITH_SANITIZER], [1], [Built with a sanitizer: memory limits of openers are off.])
  ])
  AC_SUBST([SANITIZER_CFLAGS])
])

dnl POSTERN_FUZZING: --enable-fuzzing links fuzz targets with libFuzzer (clang) instead of the corpus replayer
AC_DEFUN([POSTERN_FUZZING], [
  AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [link fuzz targets with libFuzzer (needs clang)])], [], [enable_fuzzing=no])
  AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
])

AC_DEFUN([POSTERN_WANT_MAGIC], [
  PKG_CHECK_MODULES([MAGIC], [libmagic], [], [
    AC_CHECK_HEADER([magic.h], [], [AC_MSG_ERROR([libmagic is missing: apt-get install libmagic-dev])])
    MAGIC_LIBS=-lmagic
    AC_SUBST([MAGIC_LIBS])])
])

AC_DEFUN([POSTERN_WANT_LTDL], [
  AC_CHECK_HEADER([ltdl.h], [], [AC_MSG_ERROR([libltdl is missing: apt-get install libltdl-dev])])
  AC_CHECK_LIB([ltdl], [lt_dlinit], [LTDL_LIBS=-lltdl], [AC_MSG_ERROR([libltdl is missing: apt-get install libltdl-dev])])
  AC_SUBST([LTDL_LIBS])
])
