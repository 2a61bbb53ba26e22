dnl POSTERN_PLUGIN(NAME, ROLE, HELP, CHECK): --enable-NAME=yes|no|auto.
dnl CHECK sets plugin_ok=yes|no. Defines the conditional PLUGIN_<NAME>, a line of the summary, and adds the plugin's manual page, where
dnl there is one, to PLUGIN_PAGES.
AC_DEFUN([POSTERN_PLUGIN], [
  m4_pushdef([UPNAME], m4_translit([$1], [a-z-], [A-Z_]))
  AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1=yes|no|auto], [$2 plugin: $3 [auto]])], [plugin_want="$enableval"], [plugin_want=auto])
  plugin_ok=no
  AS_IF([test "$plugin_want" != no], [$4])
  AS_IF([test "$plugin_want" = yes && test "$plugin_ok" != yes],
    [AC_MSG_ERROR([--enable-$1=yes, but what the plugin needs is missing ($3)])])
  AM_CONDITIONAL([PLUGIN_]UPNAME, [test "$plugin_ok" = yes])
  postern_plugins="${postern_plugins}$2/$1:$plugin_ok "
  AS_IF([test "$plugin_ok" = yes && test -e "$srcdir/man/postern-$1.5.in"], [PLUGIN_PAGES="$PLUGIN_PAGES man/postern-$1.5"])
  AC_SUBST([PLUGIN_PAGES])
  m4_popdef([UPNAME])
])

AC_DEFUN([POSTERN_SUMMARY], [
  AS_ECHO([""])
  AS_ECHO(["Postern $PACKAGE_VERSION"])
  AS_ECHO(["  compiler      $CC $CFLAGS"])
  AS_ECHO(["  sanitizer     $with_sanitizer"])
  AS_ECHO(["  runs as       $POSTERN_USER (when started as root)"])
  AS_ECHO(["  systemd unit  $systemdsystemunitdir"])
  AS_ECHO(["  unit tests    $have_cmocka (cmocka)"])
  AS_ECHO(["  plugins"])
  for postern_p in $postern_plugins; do
    AS_ECHO(["    $(echo $postern_p | sed 's/:/  /')"])
  done
])
